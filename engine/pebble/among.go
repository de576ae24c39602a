package pebble

import (
	"context"
	"slices"

	"warble"
	"warble/internal/key"
)

// manyNeighbors is the number of edges at one end from which they are looked up
// one by one instead of kept.
const manyNeighbors = 64 << 10

// neighbors are the ids at the other ends of the edges of one kind at one end,
// in rising order; or, of many, only the word that they are many.
type neighbors struct {
	ids  []warble.ID
	many bool
}

const neighborsBytes = 32

func (n *neighbors) has(id warble.ID) bool {
	// Hand-written: this runs twenty kinds times forty ids for a page of home.
	lo, hi := 0, len(n.ids)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if n.ids[mid] < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(n.ids) && n.ids[lo] == id
}

func (s edgeStore) Among(_ context.Context, viewer warble.ID, kinds []warble.EdgeKind, ids []warble.ID) ([]uint16, error) {
	if len(kinds) > 16 {
		return nil, warble.Invalid("kinds", "", "at most 16 kinds may be asked for at once")
	}
	out := make([]uint16, len(ids))
	if viewer == 0 || len(ids) == 0 {
		return out, nil
	}
	for bit, kind := range kinds {
		at := end{kind, viewer}
		known, many, gen := s.amongKnown(at, ids, out, 1<<bit)
		var err error
		switch {
		case known:
		case many:
			err = s.amongEach(at, ids, out, 1<<bit)
		default:
			err = s.amongLoad(at, gen, ids, out, 1<<bit)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// amongKnown answers from memory, if the neighbors are there.
func (s edgeStore) amongKnown(at end, ids []warble.ID, out []uint16, bit uint16) (known, many bool, gen uint64) {
	sh := s.neighbors.shard(at)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	n := sh.get(at)
	if n == nil || n.many {
		return false, n != nil, sh.gen
	}
	n.mark(ids, out, bit)
	return true, false, 0
}

func (n *neighbors) mark(ids []warble.ID, out []uint16, bit uint16) {
	if len(n.ids) == 0 {
		return
	}
	for i, id := range ids {
		if n.has(id) {
			out[i] |= bit
		}
	}
}

func (s edgeStore) amongLoad(at end, gen uint64, ids []warble.ID, out []uint16, bit uint16) error {
	n, err := s.readNeighbors(at)
	if err != nil {
		return err
	}
	n.mark(ids, out, bit)
	s.neighbors.loaded(at, n, neighborsBytes+8*cap(n.ids), gen) // theirs to change from here on
	if n.many {
		return s.amongEach(at, ids, out, bit)
	}
	return nil
}

// amongEach looks the edges up one by one.
func (s edgeStore) amongEach(at end, ids []warble.ID, out []uint16, bit uint16) error {
	for i, id := range ids {
		k := warble.EdgeKey{Kind: at.kind, From: at.id, To: id}
		if at.kind&warble.Inverse != 0 {
			k = warble.EdgeKey{Kind: at.kind &^ warble.Inverse, From: id, To: at.id}
		}
		r, err := s.edge(k)
		if err != nil {
			return err
		}
		if r.stands() {
			out[i] |= bit
		}
	}
	return nil
}

func (e *Engine) readNeighbors(at end) (n neighbors, err error) {
	prefix := outPrefix(nil, at.kind, at.id)
	if at.kind&warble.Inverse != 0 {
		prefix = inPrefix(nil, at.kind&^warble.Inverse, at.id)
	}
	r, err := ranging(e.truth, prefix, key.End(prefix), false)
	if err != nil {
		return n, err
	}
	for ok := r.first(); ok; ok = r.next() {
		if len(n.ids) == manyNeighbors {
			return neighbors{many: true}, r.close(nil)
		}
		n.ids = append(n.ids, tail(r.it.Key()))
	}
	slices.Sort(n.ids)
	return n, r.close(nil)
}

// publishNeighbor tells the neighbors at one end of an edge that came or went.
func (e *Engine) publishNeighbor(at end, id warble.ID, came bool) {
	s := e.neighbors.shard(at)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gen++
	n := s.get(at)
	if n == nil || n.many {
		return
	}
	was := cap(n.ids)
	i, there := slices.BinarySearch(n.ids, id)
	switch {
	case came && !there && len(n.ids) >= manyNeighbors:
		s.put(at, neighbors{many: true}, neighborsBytes)
		return
	case came && !there:
		n.ids = slices.Insert(n.ids, i, id)
	case !came && there:
		n.ids = slices.Delete(n.ids, i, i+1)
	}
	s.weigh(at, 8*(cap(n.ids)-was))
}
