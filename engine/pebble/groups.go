package pebble

import (
	"slices"
	"sync"
	"time"

	pdb "github.com/cockroachdb/pebble/v2"

	"warble/internal/key"
)

// group is a consumer group.
type group struct {
	name   string
	places [logParts]place
}

// place is how far a group is in a partition.
type place struct {
	owner chan struct{} // held by who consumes
	wake  chan struct{}

	mu     sync.Mutex
	cursor uint64 // all below were handed out
	out    []*handed
	events int // handed out and not done

	saved   uint64 // in derived
	flushed uint64 // in derived, and kept through a crash
}

// handed is a batch handed out: the numbers from first up to end.
type handed struct {
	first, end uint64
	n          int
	oldest     time.Time
	isDone     bool
}

// restart hands out again, to a new consumer, what is not done.
func (pl *place) restart() {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.cursor, pl.out, pl.events = pl.lowest(), nil, 0
}

// lowest is the first number not done. The caller holds mu.
func (pl *place) lowest() uint64 {
	if len(pl.out) > 0 {
		return pl.out[0].first
	}
	return pl.cursor
}

// from says where to read on, and whether more may be out.
func (pl *place) from() (uint64, bool) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.cursor, pl.events+logBatch <= logOut
}

// hand notes what is handed out; nil when it holds no event.
func (pl *place) hand(from, to uint64, n int, oldest time.Time) *handed {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.cursor = to
	if n == 0 {
		return nil
	}
	b := &handed{first: from, end: to, n: n, oldest: oldest}
	pl.out = append(pl.out, b)
	pl.events += n
	return b
}

// done may come in any order, twice, and after the consumer left.
func (pl *place) done(b *handed) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if b.isDone || !slices.Contains(pl.out, b) {
		return
	}
	b.isDone = true
	pl.events -= b.n
	n := 0
	for n < len(pl.out) && pl.out[n].isDone {
		n++
	}
	pl.out = slices.Delete(pl.out, 0, n)
	select {
	case pl.wake <- struct{}{}:
	default:
	}
}

// position counts what is not done up to next.
func (pl *place) position(next uint64) (behind int64, cursor uint64, oldest time.Time) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	for _, b := range pl.out {
		if !b.isDone {
			oldest = b.oldest
			break
		}
	}
	return int64(pl.events) + int64(next-min(next, pl.cursor)), pl.cursor, oldest
}

// save writes the places that moved into derived; moved says whether any is not flushed.
// What was done up to them is in derived before: beforeSave sees to the part of others.
func (l *eventLog) save() (moved bool, err error) {
	groups := l.all()
	lowest := make([][logParts]uint64, len(groups))
	for i, g := range groups {
		for part := range g.places {
			pl := &g.places[part]
			pl.mu.Lock()
			lowest[i][part] = pl.lowest()
			pl.mu.Unlock()
		}
	}
	if f := l.beforeSave.Load(); f != nil {
		if err := (*f)(); err != nil {
			return false, err
		}
	}
	for i, g := range groups {
		for part := range g.places {
			pl := &g.places[part]
			if at := lowest[i][part]; at != pl.saved {
				if err := l.derived.Set(placeKey(nil, g.name, part), key.U64(nil, at), pdb.NoSync); err != nil {
					return false, err
				}
				pl.saved = at
			}
			moved = moved || pl.saved != pl.flushed
		}
	}
	return moved, nil
}

// trim cuts the log below the places that were saved before the last flush.
func (l *eventLog) trim() error {
	groups := l.all()
	for part := range logParts {
		lowest := ^uint64(0)
		for _, g := range groups {
			pl := &g.places[part]
			pl.flushed = pl.saved
			lowest = min(lowest, pl.flushed)
		}
		if len(groups) == 0 || lowest <= l.cut[part] || l.disk.writable() != nil {
			continue
		}
		from, to := logKey(nil, part, l.cut[part]), logKey(nil, part, lowest)
		err := l.disk.enter(func() error { return l.truth.DeleteRange(from, to, pdb.NoSync) })
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.cut[part] = lowest
		l.mu.Unlock()
	}
	return nil
}

func (l *eventLog) all() (out []*group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.groups {
		out = append(out, g)
	}
	return out
}
