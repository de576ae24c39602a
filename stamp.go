package warble

import (
	"context"
	"sync/atomic"
	"time"
)

// stampSlots is how many slots stamps are spread over: so many that a thing
// written seldom shares one with a thing written just now. 8 MB.
const stampSlots = 1 << 20

// Stamps tells whether anything an answer was made of has been written since.
// A write raises a stamp after it took effect and before it is acknowledged;
// who notes [Stamps.Now], reads, and later finds all stamps of what he read
// unchanged since, would read the same again. Two things may share a stamp: a
// stamp may rise for nothing, and is never left out.
//
// A nil *Stamps knows nothing: everything has changed.
type Stamps struct {
	clock atomic.Uint64
	slots [stampSlots]atomic.Uint64
}

// Stamp is where the writes of some things are noted.
type Stamp uint32

// What stamps are of; edges have those from stampEdges on, one for each kind.
const (
	stampRow = iota
	stampCount
	stampEdges
)

func stampOf(of uint64, id ID) Stamp {
	h := ID(uint64(id)*0x9fb21c651e98df25 + of*0xd6e8feb86659fd93).Hash()
	return Stamp(h >> 32 % stampSlots)
}

// RowStamp is that of a user's or tweet's row.
func RowStamp(id ID) Stamp { return stampOf(stampRow, id) }

// CountStamp is that of the numbers beside a thing.
func CountStamp(id ID) Stamp { return stampOf(stampCount, id) }

// EdgesStamp is that of all edges of a kind at one end; with Inverse at their To end.
func EdgesStamp(kind EdgeKind, id ID) Stamp { return stampOf(stampEdges+uint64(kind), id) }

// Now is the moment to note before reading.
func (s *Stamps) Now() uint64 {
	if s == nil {
		return 0
	}
	return s.clock.Load()
}

// Unchanged says whether nothing that was stamped has been written since a moment.
func (s *Stamps) Unchanged(since uint64, stamps []Stamp) bool {
	if s == nil {
		return false
	}
	for _, at := range stamps {
		if s.slots[at].Load() > since {
			return false
		}
	}
	return true
}

func (s *Stamps) raise(at Stamp) {
	now := s.clock.Add(1)
	for {
		was := s.slots[at].Load()
		if was >= now || s.slots[at].CompareAndSwap(was, now) {
			return
		}
	}
}

// raiseAll is for a write that may have changed anything.
func (s *Stamps) raiseAll() {
	for at := range Stamp(stampSlots) {
		s.raise(at)
	}
}

// edge raises what an edge that came or went may have changed.
func (s *Stamps) edge(k EdgeKey) {
	s.raise(EdgesStamp(k.Kind, k.From))
	s.raise(EdgesStamp(k.Kind|Inverse, k.To))
}

// Of lets the writes of these stores raise the stamps. For an engine of one
// process, which sees every write; there is one Stamps to what is stored.
func (s *Stamps) Of(stores *Stores) *Stores {
	stores.Stamps = s
	stores.Commit = stampedCommit{stores.Commit, s}
	stores.Counts = stampedCounts{stores.Counts, s}
	return stores
}

type stampedCommit struct {
	Commit
	stamps *Stamps
}

// Apply raises also where it failed or changed nothing: what stands may be
// another's write that raises nothing yet, or have been stored all the same.
func (c stampedCommit) Apply(ctx context.Context, ch *Change) (bool, error) {
	changed, err := c.Commit.Apply(ctx, ch)
	for _, u := range ch.Users {
		c.stamps.raise(RowStamp(u.ID))
	}
	for _, t := range ch.Tweets {
		c.stamps.raise(RowStamp(t.ID))
	}
	for i := range ch.Put {
		c.stamps.edge(ch.Put[i].Key())
	}
	for _, k := range ch.Gone {
		c.stamps.edge(k)
	}
	return changed, err
}

type stampedCounts struct {
	Counts
	stamps *Stamps
}

func (c stampedCounts) Put(ctx context.Context, counts []Count) error {
	err := c.Counts.Put(ctx, counts)
	for i := range counts {
		c.stamps.raise(CountStamp(counts[i].ID))
	}
	return err
}

func (c stampedCounts) Sweep(ctx context.Context, before time.Time) error {
	err := c.Counts.Sweep(ctx, before)
	c.stamps.raiseAll()
	return err
}
