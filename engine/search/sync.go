package search

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"warble"
)

// sync writes what the store does not have yet.
func (s *space) sync() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.sealFull(); err != nil {
		return err
	}
	b := s.x.db.NewBatch()
	defer b.Close()
	written, dead, err := s.collect(b)
	if err != nil || b.Empty() {
		return err
	}
	err = b.Commit(pebble.NoSync)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		for _, seq := range dead {
			s.dirty[seq] = struct{}{}
		}
		return err
	}
	for _, w := range written {
		w.g.synced, w.g.pieces = w.to, w.g.pieces+1
	}
	return nil
}

// piece is how much of a segment's records a Sync writes.
type piece struct {
	g  *gathering
	to int
}

// collect puts the new records and the dead into the batch. What dies from
// here on is dirty anew.
func (s *space) collect(b *pebble.Batch) (written []piece, dead []uint32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.gatherings() {
		if g.synced == len(g.records) {
			continue
		}
		if err := b.Set(s.pieceKey(g.seq, g.pieces), g.records[g.synced:], nil); err != nil {
			return nil, nil, err
		}
		written = append(written, piece{g, len(g.records)})
	}
	for _, g := range s.sealed {
		if _, ok := s.dirty[g.seq]; !ok {
			continue
		}
		if err := b.Set(s.row(rowDead, g.seq), encodeBits(g.dead), nil); err != nil {
			return nil, nil, err
		}
		dead = append(dead, g.seq)
	}
	clear(s.dirty)
	return written, dead, nil
}

// replay gathers the documents of one piece of records again.
func (g *gathering) replay(b []byte) error {
	g.records = append(g.records, b...)
	for len(b) > 0 {
		id, n := binary.Uvarint(b)
		if n <= 0 {
			return errDamaged
		}
		b = b[n:]
		count, n := binary.Uvarint(b)
		if n <= 0 {
			return errDamaged
		}
		b = b[n:]
		if count == 0 {
			g.forget(docID(id).id())
			continue
		}
		if g.full() {
			return errDamaged
		}
		rest := b
		for range count - 1 {
			if len(rest) == 0 {
				return errDamaged
			}
			_, _, rest = cutRecord(rest)
		}
		g.add(docID(id), b[:len(b)-len(rest)])
		b = rest
	}
	return nil
}

// forget is kill while records are read back.
func (g *gathering) forget(id warble.ID) {
	if doc, ok := g.at[id]; ok {
		delete(g.at, id)
		g.died[doc].Store(1)
	}
}

// top is the highest id gathered.
func (g *gathering) top() warble.ID {
	if len(g.highest) == 0 {
		return 0
	}
	return g.highest[len(g.highest)-1]
}

// docsCache keeps the ids of sealed segments.
type docsCache struct {
	most int
	mu   sync.RWMutex
	ids  map[uint32][]docID
}

func (c *docsCache) put(seq uint32, ids []docID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids == nil {
		c.ids = map[uint32][]docID{}
	}
	for old := range c.ids { // an arbitrary one: all are cheap to read again
		if len(c.ids) < c.most {
			break
		}
		delete(c.ids, old)
	}
	c.ids[seq] = ids
}

func (c *docsCache) get(s *space, seq uint32) ([]docID, error) {
	c.mu.RLock()
	ids := c.ids[seq]
	c.mu.RUnlock()
	if ids != nil {
		return ids, nil
	}
	value, closer, err := s.x.db.Get(s.row(rowDocs, seq))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, errDamaged
	}
	if err != nil {
		return nil, err
	}
	ids = decodeDocs(value)
	if err := closer.Close(); err != nil {
		return nil, err
	}
	c.put(seq, ids)
	return ids, nil
}
