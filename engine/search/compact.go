package search

import (
	"cmp"
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"sort"

	"github.com/cockroachdb/pebble/v2"

	"warble/internal/words"
)

// Compact writes anew, sorted by id, the segments that make searches slow or
// hold space for nothing: those that reach over many others, are half dead, or
// small. It takes at most compactMost of them at a time, so it is to be called
// now and then; it reads all postings once when there is something to do.
// Searches, Add and Sync go on meanwhile. After a crash it is as if it had not
// begun, but for rows the next Compact takes away.
func (x *Index) Compact(ctx context.Context) error {
	for _, s := range x.spaces {
		if err := s.compact(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return unavailable(err)
		}
	}
	return nil
}

const (
	compactMost = 64
	wide        = 4       // a segment that reaches over so many others is written anew
	batchBytes  = 1 << 20 // of one step of a compaction
)

// compaction is one run of Compact in one space.
type compaction struct {
	*space
	ctx   context.Context
	old   []*segment
	which map[uint32]int // of old, by number
	moved [][]uint32     // of each document of old: new segment << 16 | document + 1, 0 for a dead one
	fresh []*segment
	lists []gatheredList // of the term at hand, for each of fresh
	batch *pebble.Batch
	value []byte
}

// gatheredList is the postings of one term on the way to a new segment.
type gatheredList struct {
	list      []posting
	positions []uint16
}

func (s *space) compact(ctx context.Context) error {
	s.compacting.Lock()
	defer s.compacting.Unlock()
	c := &compaction{space: s, ctx: ctx, which: map[uint32]int{}, batch: s.x.db.NewBatch()}
	defer func() { c.batch.Close() }()
	s.mu.RLock()
	c.old = chooseOld(s.sealed)
	s.mu.RUnlock()
	if len(c.old) > 0 {
		if err := c.begin(); err != nil {
			return err
		}
		if err := c.rewrite(); err != nil {
			return err
		}
		if err := c.replace(); err != nil {
			return err
		}
	}
	if len(s.garbage) == 0 {
		return nil
	}
	return c.sweep()
}

// chooseOld picks the segments to write anew.
func chooseOld(t table) (out []*segment) {
	picked := make([]bool, len(t))
	var small []int
	for i, g := range t {
		over := sort.Search(len(t), func(j int) bool { return t[j].highest < g.last }) - i - 1
		if over >= wide {
			for j := i; j <= i+over; j++ {
				picked[j] = true
			}
		}
		if dead := g.deaths(); 2*dead >= g.n {
			picked[i] = true
		} else if g.n-dead < SegmentDocs/4 {
			small = append(small, i)
		}
	}
	if len(small) > 1 {
		for _, i := range small {
			picked[i] = true
		}
	}
	for i, g := range t {
		if picked[i] && len(out) < compactMost {
			out = append(out, g)
		}
	}
	return out
}

// begin gives every living document its place in the new segments.
func (c *compaction) begin() error {
	type place struct {
		id       docID
		old, doc int
	}
	var all []place
	for i, g := range c.old {
		ids, err := c.docs.get(c.space, g.seq)
		if err != nil {
			return err
		}
		c.which[g.seq] = i
		c.moved = append(c.moved, make([]uint32, len(ids)))
		for doc, id := range ids {
			if !g.isDead(uint32(doc)) {
				all = append(all, place{id, i, doc})
			}
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(b.id.id(), a.id.id()) })
	for part := range slices.Chunk(all, SegmentDocs) {
		ids := make([]docID, len(part))
		for n, p := range part {
			ids[n] = p.id
			c.moved[p.old][p.doc] = uint32(len(c.fresh))<<16 | uint32(n) + 1
		}
		g := c.newSegment(ids)
		if err := c.batch.Set(c.row(rowDocs, g.seq), encodeDocs(ids), nil); err != nil {
			return err
		}
		if err := c.batch.Set(c.row(rowGarbage, g.seq), nil, nil); err != nil {
			return err
		}
	}
	c.lists = make([]gatheredList, len(c.fresh))
	return c.commit(0)
}

func (c *compaction) newSegment(ids []docID) *segment {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	g := &segment{seq: c.seq, highest: ids[0].id(), last: ids[len(ids)-1].id(), n: len(ids)}
	c.fresh = append(c.fresh, g)
	c.garbage[g.seq] = true // until it replaces an old one
	return g
}

// commit writes the batch if it is large enough, and begins another.
func (c *compaction) commit(least int) error {
	if c.batch.Len() < least {
		return nil
	}
	if err := c.batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	err := c.batch.Close()
	c.batch = c.x.db.NewBatch()
	return err
}

// rewrite reads all postings and writes those of old into fresh.
func (c *compaction) rewrite() error {
	var term []byte
	err := c.eachPosting(func(key, value []byte) error {
		i, ok := c.which[^binary.BigEndian.Uint32(key[len(key)-4:])]
		if !ok {
			return nil
		}
		if head := key[:len(key)-tailLen]; string(head) != string(term) {
			if err := c.writeTerm(term); err != nil {
				return err
			}
			term = append(term[:0], head...)
		}
		return c.take(i, value)
	})
	if err == nil {
		err = c.writeTerm(term)
	}
	return err
}

// eachPosting visits all postings of the space.
func (s *space) eachPosting(visit func(key, value []byte) error) error {
	it, err := s.x.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{'s', s.name, rowPostings}, UpperBound: []byte{'s', s.name, rowPostings + 1},
	})
	if err != nil {
		return err
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if len(it.Key()) <= tailLen {
			return errDamaged
		}
		if err := visit(it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return it.Error()
}

// take adds the postings of the i-th old segment to the term at hand.
func (c *compaction) take(i int, value []byte) error {
	p, ok := readPostings(value)
	if !ok {
		return errDamaged
	}
	var at []int32
	for doc := p.next(0); doc != end; doc = p.next(doc + 1) {
		if int(doc) >= len(c.moved[i]) {
			return errDamaged
		}
		to := c.moved[i][doc]
		if to == 0 {
			continue
		}
		to--
		l := &c.lists[to>>16]
		from := uint32(len(l.positions))
		if p.words != nil {
			at = p.positions(at[:0])
			for _, pos := range at {
				l.positions = append(l.positions, uint16(pos))
			}
		}
		l.list = append(l.list, posting{uint16(to), from, uint32(len(l.positions))})
	}
	return nil
}

// writeTerm writes what was taken; term ends with its NUL.
func (c *compaction) writeTerm(term []byte) error {
	if len(term) == 0 {
		return nil
	}
	isWord := !words.IsOperator(string(term[3:4]))
	for i := range c.lists {
		l := &c.lists[i]
		if len(l.list) == 0 {
			continue
		}
		slices.SortFunc(l.list, func(a, b posting) int { return cmp.Compare(a.doc, b.doc) })
		c.value = appendPostings(c.value[:0], l.list, l.positions, isWord)
		g := c.fresh[i]
		if err := c.batch.Set(appendTail(slices.Clone(term), g.highest, g.seq), c.value, nil); err != nil {
			return err
		}
		l.list, l.positions = l.list[:0], l.positions[:0]
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	return c.commit(batchBytes)
}

// replace puts the new segments in the place of the old, in the store and in
// memory, with what died meanwhile.
func (c *compaction) replace() error {
	if err := c.commit(0); err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(table, 0, len(c.sealed))
	for _, g := range c.sealed {
		if i, ok := c.which[g.seq]; ok {
			c.bringOver(g, c.old[i], c.moved[i])
		} else {
			next = append(next, g)
		}
	}
	for _, g := range c.fresh {
		next = next.with(g)
		if err := c.exchange(rowSegment, g.encode(), g.seq, rowGarbage); err != nil {
			return err
		}
		if g.dead != nil {
			c.dirty[g.seq] = struct{}{}
			if err := c.batch.Set(c.row(rowDead, g.seq), encodeBits(g.dead), nil); err != nil {
				return err
			}
		}
	}
	for _, g := range c.old {
		delete(c.dirty, g.seq)
		if err := c.exchange(rowGarbage, nil, g.seq, rowSegment, rowDead); err != nil {
			return err
		}
	}
	if err := c.commit(0); err != nil {
		return err
	}
	c.sealed = next
	for _, g := range c.fresh {
		delete(c.garbage, g.seq)
	}
	for _, g := range c.old {
		c.garbage[g.seq] = true
	}
	return nil
}

// exchange puts one row of a segment and takes others away.
func (c *compaction) exchange(put byte, value []byte, seq uint32, gone ...byte) error {
	for _, kind := range gone {
		if err := c.batch.Delete(c.row(kind, seq), nil); err != nil {
			return err
		}
	}
	return c.batch.Set(c.row(put, seq), value, nil)
}

// bringOver lets what died in an old segment since the compaction began be
// dead in the new one. Nobody else has seen the new segments yet.
func (c *compaction) bringOver(now, then *segment, moved []uint32) {
	for doc, to := range moved {
		if to == 0 || !now.isDead(uint32(doc)) || then.isDead(uint32(doc)) {
			continue
		}
		g := c.fresh[(to-1)>>16]
		if g.dead == nil {
			g.dead = make([]uint64, SegmentDocs/64)
		}
		at := (to - 1) & 0xffff
		g.dead[at/64] |= 1 << (at % 64)
	}
}

// sweep takes away the rows of segments that are not there any more, once no
// search that began before reads them.
func (c *compaction) sweep() error {
	c.reading.Lock()
	gone := maps.Clone(c.garbage)
	c.reading.Unlock()
	err := c.eachPosting(func(key, _ []byte) error {
		if !gone[^binary.BigEndian.Uint32(key[len(key)-4:])] {
			return nil
		}
		if err := c.batch.Delete(key, nil); err != nil {
			return err
		}
		return cmp.Or(c.ctx.Err(), c.commit(batchBytes))
	})
	if err != nil {
		return err
	}
	for seq := range gone {
		for _, kind := range []byte{rowDocs, rowGarbage} {
			if err := c.batch.Delete(c.row(kind, seq), nil); err != nil {
				return err
			}
		}
	}
	// Numbers of segments are never used again, or a row left over could be
	// taken for one of a new segment.
	c.mu.RLock()
	used := c.seq
	c.mu.RUnlock()
	if err := c.batch.Set(c.row(rowUsed, 0), binary.BigEndian.AppendUint32(nil, used), nil); err != nil {
		return err
	}
	if err := c.commit(0); err != nil {
		return err
	}
	maps.DeleteFunc(c.garbage, func(seq uint32, _ bool) bool { return gone[seq] })
	return nil
}

// readUsed takes up what earlier compactions left.
func (s *space) readUsed() error {
	err := s.each(rowUsed, func(_ uint32, _, value []byte) error {
		if len(value) != 4 {
			return errDamaged
		}
		s.seq = max(s.seq, binary.BigEndian.Uint32(value))
		return nil
	})
	if err != nil {
		return err
	}
	return s.each(rowGarbage, func(seq uint32, _, _ []byte) error {
		s.garbage[seq] = true
		s.seq = max(s.seq, seq)
		return nil
	})
}
