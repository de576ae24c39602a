package search

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPostingsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		every := []int{1, 3, 15, 17, 100, 5000}[rnd.IntN(6)]
		docs := []uint16{uint16(rnd.IntN(SegmentDocs / 2))}
		for doc := int(docs[0]) + 1; doc < SegmentDocs; doc++ {
			if rnd.IntN(every) == 0 {
				docs = append(docs, uint16(doc))
			}
		}
		places := rapid.SliceOfN(rapid.SliceOfNDistinct(rapid.Uint16(), 1, 4, rapid.ID[uint16]), 1, 5).Draw(t, "places")
		var list []posting
		var positions []uint16
		for i, doc := range docs {
			at := slices.Sorted(slices.Values(places[i%len(places)]))
			list = append(list, posting{doc, uint32(len(positions)), uint32(len(positions) + len(at))})
			positions = append(positions, at...)
		}
		b := appendPostings(nil, list, positions, true)
		p, ok := readPostings(b)
		if !ok {
			t.Fatal("cannot be read")
		}
		for target := uint32(0); target < SegmentDocs; {
			i, _ := slices.BinarySearch(docs, uint16(target))
			got := p.next(target)
			if i == len(docs) {
				if got != end {
					t.Fatalf("%d at %d, want the end", got, target)
				}
				return
			}
			if got != uint32(docs[i]) || got != p.next(target) {
				t.Fatalf("%d at %d, want %d", got, target, docs[i])
			}
			want := positions[list[i].from:list[i].to]
			at := p.positions(nil)
			if len(at) != len(want) || slices.ContainsFunc(want, func(w uint16) bool { return !slices.Contains(at, int32(w)) }) {
				t.Fatalf("document %d at %v, want %v", docs[i], at, want)
			}
			target = got + 1 + uint32(rnd.IntN(40))
		}
	})
}

func TestDamagedPostingsAreRefusedOrEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, ok := readPostings(rapid.SliceOf(rapid.Byte()).Draw(t, "value"))
		for doc := uint32(0); ok && doc != end; {
			if doc = p.next(doc); doc != end {
				p.positions(nil)
				doc++
			}
		}
	})
}
