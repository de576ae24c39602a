package search

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"warble"
)

// The rows of a space; see the package comment.
const (
	rowPostings = 'p'
	rowDocs     = 'd'
	rowSegment  = 'm'
	rowDead     = 'x'
	rowRecords  = 'r'
	rowGarbage  = 'g'
	rowUsed     = 'n'
)

// tailLen is how long what follows a term's NUL is.
const tailLen = 8 + 4

func (s *space) row(kind byte, seq uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{'s', s.name, kind}, seq)
}

func (s *space) pieceKey(seq, n uint32) []byte {
	return binary.BigEndian.AppendUint32(s.row(rowRecords, seq), n)
}

// termKey appends the part of a postings key in front of the segment.
func (s *space) termKey(b []byte, term string) []byte {
	b = append(b, 's', s.name, rowPostings)
	b = append(b, term...)
	return append(b, 0)
}

func appendTail(b []byte, highest warble.ID, seq uint32) []byte {
	b = binary.BigEndian.AppendUint64(b, ^uint64(highest))
	return binary.BigEndian.AppendUint32(b, ^seq)
}

// segment is a sealed segment.
type segment struct {
	seq           uint32
	highest, last warble.ID // the newest and the oldest document
	n             int
	dead          []uint64 // a bit set, never changed; nil: none
}

func (g *segment) isDead(doc uint32) bool {
	return g.dead != nil && g.dead[doc/64]>>(doc%64)&1 != 0
}

func (g *segment) deaths() (n int) {
	for _, w := range g.dead {
		n += bits.OnesCount64(w)
	}
	return n
}

func (g *segment) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(g.highest))
	b = binary.BigEndian.AppendUint64(b, uint64(g.last))
	return binary.BigEndian.AppendUint32(b, uint32(g.n))
}

func decodeSegment(seq uint32, b []byte) (*segment, bool) {
	if len(b) != 20 {
		return nil, false
	}
	return &segment{
		seq:     seq,
		highest: warble.ID(binary.BigEndian.Uint64(b)), last: warble.ID(binary.BigEndian.Uint64(b[8:])),
		n: int(binary.BigEndian.Uint32(b[16:])),
	}, true
}

// table is the sealed segments in the order of their keys: by highest id, then
// by number, downwards. A table is never changed.
type table []*segment

func (t table) order(highest warble.ID, seq uint32) (rank int, found bool) {
	return slices.BinarySearchFunc(t, seq, func(g *segment, seq uint32) int {
		return cmp.Or(cmp.Compare(highest, g.highest), cmp.Compare(seq, g.seq))
	})
}

// find returns the rank of the segment that ends a key; found is false for one
// that this table does not have, then rank is the next one.
func (t table) find(tail []byte) (rank int, found bool) {
	return t.order(warble.ID(^binary.BigEndian.Uint64(tail)), ^binary.BigEndian.Uint32(tail[8:]))
}

// with returns a table that has one segment more, or another version of one.
func (t table) with(g *segment) table {
	rank, found := t.order(g.highest, g.seq)
	out := slices.Clone(t)
	if found {
		out[rank] = g
		return out
	}
	return slices.Insert(out, rank, g)
}

// encodeDocs writes the ids of a segment.
func encodeDocs(ids []docID) []byte {
	b := make([]byte, 0, 8*len(ids))
	for _, id := range ids {
		b = binary.BigEndian.AppendUint64(b, uint64(id))
	}
	return b
}

func decodeDocs(b []byte) []docID {
	ids := make([]docID, len(b)/8)
	for i := range ids {
		ids[i] = docID(binary.BigEndian.Uint64(b[8*i:]))
	}
	return ids
}

func encodeBits(words []uint64) []byte {
	b := make([]byte, 0, 8*len(words))
	for _, w := range words {
		b = binary.BigEndian.AppendUint64(b, w)
	}
	return b
}

func decodeBits(b []byte) []uint64 {
	words := make([]uint64, SegmentDocs/64)
	for i := 0; i < len(words) && 8*i+8 <= len(b); i++ {
		words[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return words
}

// place finds an id among ids that fall.
func place(ids []docID, id warble.ID) (int, bool) {
	return slices.BinarySearchFunc(ids, id, func(d docID, id warble.ID) int { return cmp.Compare(id, d.id()) })
}
