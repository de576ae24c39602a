package search

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"warble"
)

// slack is how much older than the newest sealed tweet a tweet may be and
// still not be late: a minute. Events of a moment arrive in any order.
const slack = 60_000 << 16

// mostFull is how many segments may wait to be sealed: with a store that
// refuses writes, memory does not grow.
const mostFull = 4

// space is one kind of document: tweets or people.
type space struct {
	x    *Index
	name byte

	// writing is held while the store is written; taken before mu.
	writing sync.Mutex

	// reading is held by each search, and for a moment by a compaction that
	// waits for the searches before it.
	reading sync.RWMutex

	compacting sync.Mutex      // held by a compaction; taken before writing
	garbage    map[uint32]bool // segments whose rows are to be swept; of the compaction

	mu     sync.RWMutex
	sealed table
	fresh  *gathering   // what is not late
	late   *gathering   // ids below floor
	full   []*gathering // to be sealed, oldest first
	floor  warble.ID
	seq    uint32              // of the next segment
	epoch  uint64              // rises with every death
	dirty  map[uint32]struct{} // sealed segments whose dead are not in the store

	docs docsCache
}

func openSpace(x *Index, name byte) (*space, error) {
	s := &space{x: x, name: name, dirty: map[uint32]struct{}{}, garbage: map[uint32]bool{}, docs: docsCache{most: x.opt.CacheDocs}, epoch: 1}
	if err := s.readSealed(); err != nil {
		return nil, err
	}
	if err := s.readUsed(); err != nil {
		return nil, err
	}
	if err := s.readOpen(); err != nil {
		return nil, err
	}
	for _, g := range []**gathering{&s.fresh, &s.late} {
		if *g == nil {
			*g = s.newGathering(nil)
		}
	}
	return s, nil
}

func (s *space) newGathering(like *gathering) *gathering {
	s.seq++
	return newGathering(s.seq, like)
}

// each visits the rows of a kind.
func (s *space) each(kind byte, visit func(seq uint32, key, value []byte) error) error {
	it, err := s.x.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{'s', s.name, kind}, UpperBound: []byte{'s', s.name, kind + 1},
	})
	if err != nil {
		return err
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if len(it.Key()) < 7 {
			return errDamaged
		}
		if err := visit(binary.BigEndian.Uint32(it.Key()[3:]), it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return it.Error()
}

func (s *space) readSealed() error {
	err := s.each(rowSegment, func(seq uint32, _, value []byte) error {
		g, ok := decodeSegment(seq, value)
		if !ok {
			return errDamaged
		}
		s.sealed = s.sealed.with(g)
		s.seq = max(s.seq, seq)
		s.raiseFloor(g)
		return nil
	})
	if err != nil {
		return err
	}
	return s.each(rowDead, func(seq uint32, _, value []byte) error {
		for _, g := range s.sealed {
			if g.seq == seq {
				g.dead = decodeBits(value)
			}
		}
		return nil
	})
}

func (s *space) raiseFloor(g *segment) {
	if g.highest > slack {
		s.floor = max(s.floor, g.highest-slack)
	}
}

// readOpen gathers the records of open segments again. The one with the newer
// documents is fresh, which is but a matter of speed.
func (s *space) readOpen() error {
	open := map[uint32]*gathering{}
	err := s.each(rowRecords, func(seq uint32, _, value []byte) error {
		g := open[seq]
		if g == nil {
			g = newGathering(seq, nil)
			open[seq] = g
			s.seq = max(s.seq, seq)
		}
		g.pieces++
		return g.replay(value)
	})
	if err != nil {
		return err
	}
	byTop := make([]*gathering, 0, len(open))
	for _, g := range open {
		g.synced = len(g.records)
		byTop = append(byTop, g)
	}
	slices.SortFunc(byTop, func(a, b *gathering) int { return cmp.Compare(b.top(), a.top()) })
	for _, g := range byTop {
		switch {
		case !g.full() && s.fresh == nil:
			s.fresh = g
		case !g.full() && s.late == nil:
			s.late = g
		default:
			s.full = append(s.full, g)
		}
	}
	return nil
}

// add puts in a document whose record is given.
func (s *space) add(id docID, record []byte) error {
	for {
		s.mu.Lock()
		g := s.gatheringFor(id)
		if !g.full() {
			break
		}
		if len(s.full) < mostFull {
			s.rotate(g)
		}
		s.mu.Unlock()
		if err := s.seal(); err != nil {
			return err
		}
	}
	defer s.mu.Unlock()
	if err := s.kill(id.id()); err != nil {
		return err
	}
	g := s.gatheringFor(id)
	_, n := binary.Uvarint(record)
	_, m := binary.Uvarint(record[n:])
	g.records = append(g.records, record...)
	g.add(id, record[n+m:])
	return nil
}

// gatheringFor is where a document belongs. mu is held.
func (s *space) gatheringFor(id docID) *gathering {
	if id.id() < s.floor {
		return s.late
	}
	return s.fresh
}

// rotate lets a full segment be sealed and begins another. mu is held.
func (s *space) rotate(g *gathering) {
	s.full = append(s.full, g)
	if g == s.late {
		s.late = s.newGathering(g)
		return
	}
	s.fresh = s.newGathering(g)
	if top := g.top(); top > slack {
		s.floor = max(s.floor, top-slack)
	}
}

func (s *space) remove(id warble.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kill(id)
}

// kill lets a document die wherever it is. mu is held.
func (s *space) kill(id warble.ID) error {
	s.epoch++
	s.fresh.kill(id, s.epoch)
	s.late.kill(id, s.epoch)
	for _, g := range s.full {
		g.kill(id, s.epoch)
	}
	for _, g := range s.sealed {
		if g.highest < id {
			break
		}
		if id < g.last {
			continue
		}
		ids, err := s.docs.get(s, g.seq)
		if err != nil {
			return err
		}
		if doc, ok := place(ids, id); ok && !g.isDead(uint32(doc)) {
			s.bury(g, doc)
		}
	}
	return nil
}

// bury puts another version of a segment, with one dead more, into the table.
func (s *space) bury(g *segment, doc int) {
	next := *g
	if next.dead = slices.Clone(g.dead); next.dead == nil {
		next.dead = make([]uint64, SegmentDocs/64)
	}
	next.dead[doc/64] |= 1 << (doc % 64)
	s.sealed = s.sealed.with(&next)
	s.dirty[g.seq] = struct{}{}
}

// gatherings are the open segments. mu is held.
func (s *space) gatherings() []*gathering {
	return append([]*gathering{s.fresh, s.late}, s.full...)
}

// seal writes the full segments into the store.
func (s *space) seal() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.sealFull()
}

// sealFull is seal with writing held.
func (s *space) sealFull() error {
	for {
		s.mu.Lock()
		if len(s.full) == 0 {
			s.mu.Unlock()
			return nil
		}
		g := s.full[0]
		g.sealing, g.killed = true, nil
		w := sealer{gathered: g.view(s.epoch), space: s}
		s.mu.Unlock()
		if err := s.sealOne(&w); err != nil {
			return err
		}
	}
}

func (s *space) sealOne(w *sealer) error {
	b := s.x.db.NewBatch()
	defer b.Close()
	sealed, err := w.write(b)
	if err != nil {
		return err
	}
	if w.pieces > 0 {
		if err := b.DeleteRange(s.row(rowRecords, w.seq), s.row(rowRecords, w.seq+1), nil); err != nil {
			return err
		}
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return err
	}
	if sealed != nil {
		s.docs.put(sealed.seq, w.inOrder)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = slices.Delete(slices.Clone(s.full), 0, 1)
	if sealed == nil {
		return nil
	}
	s.sealed = s.sealed.with(sealed)
	for _, id := range w.killed {
		if err := s.killSealed(sealed.seq, id); err != nil {
			return err
		}
	}
	return nil
}

// killSealed buries what died in a segment while it was sealed. mu is held.
func (s *space) killSealed(seq uint32, id warble.ID) error {
	ids, err := s.docs.get(s, seq)
	if err != nil {
		return err
	}
	doc, ok := place(ids, id)
	for _, g := range s.sealed {
		if ok && g.seq == seq {
			s.bury(g, doc)
		}
	}
	return nil
}
