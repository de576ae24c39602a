package search

import (
	"encoding/binary"
	"math/bits"
)

// SegmentDocs is how many documents a segment holds at most. Four times as
// many as 4,096 halve the time of rare words and of AND, which pay for each
// segment they look into, and cost indexing nothing; above it, reading the
// records of open segments back would make the start slow.
const SegmentDocs = 16384

// Postings of one term in one sealed segment:
//
//	flags (1 byte) | number n (uvarint) | documents | positions
//
// Documents are n ascending numbers of two bytes, or, when that is longer, a
// bit set. Positions are there for words only: for each document in turn its
// positions, each a uvarint of the distance to the one before << 1 | 1 if
// another follows; in front of them, for every samples-th document but the
// first, 4 bytes that say where its positions begin.
const (
	flagBits  = 1 << iota // documents are a bit set
	flagWords             // positions are there
)

const (
	bitBytes = SegmentDocs / 8
	samples  = 64
)

// end is the document after all others.
const end = ^uint32(0)

// posting is one document of a term, with its positions in the builder's list.
type posting struct {
	doc      uint16
	from, to uint32
}

// appendPostings encodes postings with ascending documents.
func appendPostings(b []byte, list []posting, positions []uint16, isWord bool) []byte {
	var flags byte
	if 2*len(list) > bitBytes {
		flags |= flagBits
	}
	if isWord {
		flags |= flagWords
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(len(list)))
	if flags&flagBits != 0 {
		at := len(b)
		b = append(b, make([]byte, bitBytes)...)
		for _, p := range list {
			b[at+int(p.doc>>3)] |= 1 << (p.doc & 7)
		}
	} else {
		for _, p := range list {
			b = binary.LittleEndian.AppendUint16(b, p.doc)
		}
	}
	if isWord {
		b = appendPositions(b, list, positions)
	}
	return b
}

func appendPositions(b []byte, list []posting, positions []uint16) []byte {
	table := len(b)
	b = append(b, make([]byte, (len(list)-1)/samples*4)...)
	start := len(b)
	for i, p := range list {
		if i > 0 && i%samples == 0 {
			binary.LittleEndian.PutUint32(b[table+(i/samples-1)*4:], uint32(len(b)-start))
		}
		last := uint16(0)
		for j := p.from; j < p.to; j++ {
			v := uint64(positions[j]-last) << 1
			if j+1 < p.to {
				v |= 1
			}
			b = binary.AppendUvarint(b, v)
			last = positions[j]
		}
	}
	return b
}

// postings reads one value. It walks documents upwards only.
type postings struct {
	n     int
	docs  []byte
	words []byte // sample table and positions
	bits  bool
	i     int // index of the present document, where docs is a list
	at    uint32
}

// readPostings takes a value apart; ok is false if it is damaged.
func readPostings(v []byte) (p postings, ok bool) {
	if len(v) < 2 {
		return p, false
	}
	flags := v[0]
	n, size := binary.Uvarint(v[1:])
	if size <= 0 || n == 0 || n > SegmentDocs {
		return p, false
	}
	v = v[1+size:]
	p.n, p.bits = int(n), flags&flagBits != 0
	length := 2 * p.n
	if p.bits {
		length = bitBytes
	}
	if len(v) < length {
		return p, false
	}
	p.docs = v[:length]
	if flags&flagWords != 0 {
		p.words = v[length:]
	}
	return p, true
}

// next moves to the first document at or after target, end if there is none.
func (p *postings) next(target uint32) uint32 {
	if p.bits {
		return p.nextBit(target)
	}
	p.at = end
	if p.i < p.n && p.doc(p.i) < target {
		p.skip(target)
	}
	if p.i < p.n {
		p.at = p.doc(p.i)
	}
	return p.at
}

func (p *postings) doc(i int) uint32 { return uint32(binary.LittleEndian.Uint16(p.docs[2*i:])) }

// skip moves i to the first document at or after target: by steps twice as
// long each time, then by halves.
func (p *postings) skip(target uint32) {
	step := 1
	for p.i+step < p.n && p.doc(p.i+step) < target {
		p.i += step
		step *= 2
	}
	low, high := p.i+1, min(p.i+step, p.n) // the document before low is below target, that at high is not
	for low < high {
		if mid := (low + high) / 2; p.doc(mid) < target {
			low = mid + 1
		} else {
			high = mid
		}
	}
	p.i = low
}

func (p *postings) nextBit(target uint32) uint32 {
	p.at = end
	if target >= SegmentDocs {
		return end
	}
	word := target / 64
	w := binary.LittleEndian.Uint64(p.docs[8*word:]) >> (target % 64) << (target % 64)
	for w == 0 {
		if word++; word == SegmentDocs/64 {
			return end
		}
		w = binary.LittleEndian.Uint64(p.docs[8*word:])
	}
	p.at = word*64 + uint32(bits.TrailingZeros64(w))
	return p.at
}

// index is which of the documents the present one is.
func (p *postings) index() int {
	if !p.bits {
		return p.i
	}
	n, word := 0, p.at/64
	for w := range word {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(p.docs[8*w:]))
	}
	return n + bits.OnesCount64(binary.LittleEndian.Uint64(p.docs[8*word:])&(1<<(p.at%64)-1))
}

// positions appends the present document's positions.
func (p *postings) positions(dst []int32) []int32 {
	i := p.index()
	table := (p.n - 1) / samples * 4
	if len(p.words) < table {
		return dst
	}
	b := p.words[table:]
	if s := i / samples; s > 0 {
		from := binary.LittleEndian.Uint32(p.words[(s-1)*4:])
		b = b[min(int(from), len(b)):]
	}
	for skip := i % samples; skip > 0; {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return dst
		}
		if b = b[n:]; v&1 == 0 {
			skip--
		}
	}
	at := int32(0)
	for {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return dst
		}
		at += int32(v >> 1)
		dst = append(dst, at)
		if b = b[n:]; v&1 == 0 {
			return dst
		}
	}
}
