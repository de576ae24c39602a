package search

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"warble/internal/words"
)

// sealer writes one gathered segment into a batch.
type sealer struct {
	*gathered
	space  *space
	number []uint16 // of each arrival: its number in the sealed segment
	alive  []bool
	sorted bool // documents arrived oldest first, as they nearly always do

	inOrder []docID // of the sealed segment

	list      []posting
	positions []uint16
	value     []byte
}

// write puts the segment into the batch and returns it; nil if all its
// documents are dead.
func (w *sealer) write(b *pebble.Batch) (*segment, error) {
	ids := w.order()
	w.inOrder = ids
	if len(ids) == 0 {
		return nil, nil
	}
	g := &segment{seq: w.seq, highest: ids[0].id(), last: ids[len(ids)-1].id(), n: len(ids)}
	tail := appendTail(nil, g.highest, g.seq)
	var k []byte
	for _, t := range sortedTerms(w.names) {
		w.gather(w.heads[t])
		if len(w.list) == 0 {
			continue
		}
		name := w.names[t]
		w.value = appendPostings(w.value[:0], w.list, w.positions, !words.IsOperator(name))
		k = append(w.space.termKey(k[:0], name), tail...)
		if err := b.Set(k, w.value, nil); err != nil {
			return nil, err
		}
	}
	if err := b.Set(w.space.row(rowDocs, g.seq), encodeDocs(ids), nil); err != nil {
		return nil, err
	}
	return g, b.Set(w.space.row(rowSegment, g.seq), g.encode(), nil)
}

// order numbers the living documents, newest first, and returns their ids.
func (w *sealer) order() []docID {
	arrivals := make([]int, 0, len(w.ids))
	w.alive = make([]bool, len(w.ids))
	for i := len(w.ids) - 1; i >= 0; i-- {
		if w.gathered.alive(i) {
			w.alive[i] = true
			arrivals = append(arrivals, i)
		}
	}
	newer := func(a, b int) int { return cmp.Compare(w.ids[b].id(), w.ids[a].id()) }
	if w.sorted = slices.IsSortedFunc(arrivals, newer); !w.sorted {
		slices.SortFunc(arrivals, newer)
	}
	w.number = make([]uint16, len(w.ids))
	ids := make([]docID, len(arrivals))
	for n, i := range arrivals {
		ids[n], w.number[i] = w.ids[i], uint16(n)
	}
	return ids
}

// gather collects a term's postings by ascending number, and its positions.
func (w *sealer) gather(head uint32) {
	w.list, w.positions = w.list[:0], w.positions[:0]
	for at := head; at != 0; {
		doc := w.entries[at-1].doc
		from := len(w.positions)
		for ; at != 0 && w.entries[at-1].doc == doc; at = w.entries[at-1].before {
			w.positions = append(w.positions, w.entries[at-1].pos)
		}
		if !w.alive[doc] {
			w.positions = w.positions[:from]
			continue
		}
		slices.Reverse(w.positions[from:])
		w.list = append(w.list, posting{w.number[doc], uint32(from), uint32(len(w.positions))})
	}
	if !w.sorted {
		slices.SortFunc(w.list, func(a, b posting) int { return cmp.Compare(a.doc, b.doc) })
	}
}

// sortedTerms returns the terms' numbers in the order of their bytes. Most are
// told apart by their first eight.
func sortedTerms(names []string) []uint32 {
	type term struct {
		first uint64
		at    uint32
	}
	terms := make([]term, len(names))
	for i, name := range names {
		var b [8]byte
		copy(b[:], name)
		terms[i] = term{binary.BigEndian.Uint64(b[:]), uint32(i)}
	}
	slices.SortFunc(terms, func(a, b term) int {
		if a.first != b.first {
			return cmp.Compare(a.first, b.first)
		}
		return cmp.Compare(names[a.at], names[b.at])
	})
	out := make([]uint32, len(terms))
	for i, t := range terms {
		out[i] = t.at
	}
	return out
}
