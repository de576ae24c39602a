package search

import (
	"encoding/binary"
	"strings"
	"sync/atomic"

	"warble"
	"warble/internal/words"
)

// gathering is an open segment: documents in the order they arrived. What it
// holds is only added to, so a search that took its view under the space's
// lock reads on without it.
type gathering struct {
	seq     uint32
	ids     []docID
	highest []warble.ID     // of ids[:i+1]
	died    []atomic.Uint64 // the epoch at which a document died, or 0
	at      map[warble.ID]int

	terms   map[string]uint32
	names   []string
	heads   []uint32 // of each term: its newest entry + 1
	entries []entry

	records []byte // what Sync writes, see record
	synced  int    // of records
	pieces  uint32 // written by Sync

	sealing bool
	killed  []warble.ID // while sealing
}

// entry is one place of a term, linked to the term's entry before it.
type entry struct {
	before uint32 // index + 1; 0: none
	doc    uint16
	pos    uint16
}

// docID is an id with a mark for a tweet that begins its conversation: its
// thread term would be one key for one document.
type docID uint64

const begins = 1 << 63

func (d docID) id() warble.ID { return warble.ID(d &^ begins) }

// newGathering begins a segment that may become as large as another.
func newGathering(seq uint32, like *gathering) *gathering {
	if like == nil {
		like = new(gathering)
	}
	return &gathering{
		seq: seq,
		ids: make([]docID, 0, len(like.ids)), highest: make([]warble.ID, 0, len(like.ids)),
		died: make([]atomic.Uint64, SegmentDocs), at: make(map[warble.ID]int, len(like.ids)),
		terms: make(map[string]uint32, len(like.names)), names: make([]string, 0, len(like.names)),
		heads: make([]uint32, 0, len(like.names)), entries: make([]entry, 0, len(like.entries)),
		records: make([]byte, 0, len(like.records)),
	}
}

// A record is the marked id, the number of terms + 1, then of each its length,
// bytes and position + 1, all numbers uvarints. A number of 0 is a removal.
func appendRecord(b []byte, id docID, c *words.Cutter) []byte {
	b = binary.AppendUvarint(b, uint64(id))
	b = binary.AppendUvarint(b, uint64(c.Len())+1)
	for i := range c.Len() {
		term, pos := c.Term(i)
		b = binary.AppendUvarint(b, uint64(len(term)))
		b = append(b, term...)
		b = binary.AppendUvarint(b, uint64(pos+1))
	}
	return b
}

// add puts the document in whose record stands at the end of records from
// start.
func (g *gathering) add(id docID, terms []byte) {
	doc := uint16(len(g.ids))
	g.at[id.id()] = int(doc)
	g.ids = append(g.ids, id)
	high := id.id()
	if doc > 0 {
		high = max(high, g.highest[doc-1])
	}
	g.highest = append(g.highest, high)
	for len(terms) > 0 {
		var term []byte
		var pos uint64
		term, pos, terms = cutRecord(terms)
		at, ok := g.terms[string(term)]
		if !ok {
			at = uint32(len(g.names))
			name := string(term)
			g.terms[name] = at
			g.names = append(g.names, name)
			g.heads = append(g.heads, 0)
		}
		g.entries = append(g.entries, entry{g.heads[at], doc, uint16(pos - 1)})
		g.heads[at] = uint32(len(g.entries))
	}
}

func cutRecord(b []byte) (term []byte, pos uint64, rest []byte) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, 0, nil
	}
	term, b = b[size:size+int(n)], b[size+int(n):]
	pos, size = binary.Uvarint(b)
	if size <= 0 {
		return nil, 0, nil
	}
	return term, pos, b[size:]
}

// kill lets a document die, if it is here and alive.
func (g *gathering) kill(id warble.ID, epoch uint64) bool {
	doc, ok := g.at[id]
	if !ok {
		return false
	}
	delete(g.at, id)
	g.died[doc].Store(epoch)
	if g.sealing {
		g.killed = append(g.killed, id)
	} else {
		g.records = binary.AppendUvarint(g.records, uint64(id))
		g.records = append(g.records, 0)
	}
	return true
}

func (g *gathering) full() bool { return len(g.ids) == SegmentDocs }

// gathered is a search's view of an open segment. Documents are numbered
// backwards: 0 arrived last.
type gathered struct {
	*gathering
	ids     []docID
	highest []warble.ID
	entries []entry
	epoch   uint64
}

func (g *gathering) view(epoch uint64) *gathered {
	return &gathered{g, g.ids, g.highest, g.entries, epoch}
}

// alive tells whether a document lived when the view was taken.
func (v *gathered) alive(arrival int) bool {
	died := v.died[arrival].Load()
	return died == 0 || died > v.epoch
}

// chain walks the entries of a term.
type chain struct {
	entries []entry
	at      uint32 // index + 1 of the newest entry of the present document
	n       uint32 // documents in view
}

// head returns where the entries of a term begin. The space's lock is held.
func (v *gathered) head(term string) uint32 {
	if at, ok := v.terms[term]; ok {
		return v.heads[at]
	}
	return 0
}

// headsOf returns where the entries of all words with a prefix begin. The
// space's lock is held.
func (v *gathered) headsOf(prefix string) (heads []uint32) {
	for i, name := range v.names {
		if strings.HasPrefix(name, prefix) {
			heads = append(heads, v.heads[i])
		}
	}
	return heads
}

func (c *chain) next(target uint32) uint32 {
	for c.at != 0 {
		e := c.entries[c.at-1]
		if doc := c.n - 1 - uint32(e.doc); doc >= target {
			return doc
		}
		c.at = e.before
	}
	return end
}

// positions appends the present document's positions, last first.
func (c *chain) positions(dst []int32) []int32 {
	doc := c.entries[c.at-1].doc
	for at := c.at; at != 0 && c.entries[at-1].doc == doc; at = c.entries[at-1].before {
		dst = append(dst, int32(c.entries[at-1].pos))
	}
	return dst
}
