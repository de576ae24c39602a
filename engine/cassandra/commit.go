package cassandra

import (
	"context"
	"errors"
	"time"

	"warble"
)

type commitStore struct{ *Engine }

// Apply reads what is stored, decides what differs, and hands that to the
// writer. Two changes of this process to one row go one after the other.
func (s commitStore) Apply(ctx context.Context, c *warble.Change) (bool, error) {
	if err := c.Check(); err != nil {
		return false, err
	}
	if err := s.timely(); err != nil {
		return false, err
	}
	w, err := s.writer(ctx)
	if err != nil {
		return false, err
	}
	unlock := s.stripes.lock(c)
	defer unlock()
	p, err := w.stage(ctx, c)
	if err != nil || len(p.rows) == 0 {
		return false, err
	}
	return true, w.commit(ctx, p)
}

// stage finds out what a change comes to. The caller holds the locks of its rows.
func (w *writer) stage(ctx context.Context, c *warble.Change) (*pending, error) {
	p := &pending{at: w.now().UnixMicro()}
	var edges *stagedEdges
	err := together(ctx, 2, func(ctx context.Context, i int) (err error) {
		if i == 0 {
			p.rows, err = w.stageRows(ctx, c)
		} else {
			edges, err = w.stageEdges(ctx, c)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	p.rows, p.bounds = append(p.rows, edges.stored()...), edges.bounds
	for _, ev := range c.Events {
		if ev.Kind != warble.EventEdgeGone || len(ev.Edges) > 0 {
			p.events = append(p.events, ev)
		}
	}
	return p, nil
}

// pending is a change on its way: from here on it takes effect whole, or its
// number is given up.
type pending struct {
	seq    uint64
	at     int64 // unix microseconds
	rows   []row
	bounds []stagedBounds
	events []warble.Event
	logged bool // the outbox has it for sure
}

// Bounds of a change on its way.
const (
	maxPending    = 1024            // numbers given out and not finished; the sweeper looks no further
	commitTimeout = 4 * time.Second // of one that somebody waits for
	finishPause   = 5 * time.Second // the longest between two tries of one that nobody waits for
	pendingWait   = 2 * time.Second // for a number, when all are given out
)

// commit stores a change: its outbox row, then its rows. Where it is not known
// what was stored it goes on behind the answer, which is ErrUnknown.
func (w *writer) commit(ctx context.Context, p *pending) error {
	if err := w.take(ctx, p); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer stop()
	err := w.carry(ctx, p)
	switch {
	case err == nil:
		w.finish(p)
		return nil
	case !p.logged && errors.Is(err, warble.ErrUnavailable) && !errors.Is(err, warble.ErrUnknown):
		p.rows, p.events = nil, nil // what stands under its number from now on: nothing
		w.behind(p)
		return err
	}
	w.behind(p)
	return &warble.Error{Kind: warble.ErrUnknown, Detail: "the database did not confirm in time; it may be stored", Err: err}
}

// carry brings a change as far as it comes.
func (w *writer) carry(ctx context.Context, p *pending) error {
	if !p.logged {
		if !w.hold.Valid() {
			return warble.Fail(warble.ErrUnavailable, "this process may not write now; try again")
		}
		if err := w.record(ctx, p); err != nil {
			return err
		}
		p.logged = true
	}
	if !w.hold.Valid() {
		return warble.Fail(warble.ErrUnknown, "this process may not write any more")
	}
	if err := w.store(ctx, p.rows); err != nil {
		return err
	}
	if !w.hold.Valid() {
		return warble.Fail(warble.ErrUnknown, "this process may not write any more")
	}
	for _, b := range p.bounds {
		b.stands()
	}
	return nil
}

// behind carries a change on after its answer, until it is whole or this writer is none any more: then the sweeper does.
func (w *writer) behind(p *pending) {
	w.running.Go(func() {
		for wait := 100 * time.Millisecond; w.hold.Valid(); wait = min(2*wait, finishPause) {
			select {
			case <-w.hold.Context().Done():
				return
			case <-time.After(wait):
			}
			ctx, stop := context.WithTimeout(w.hold.Context(), commitTimeout)
			err := w.carry(ctx, p)
			if err == nil {
				err = w.settle(ctx, p.rows)
			}
			stop()
			if err == nil {
				w.finish(p)
				return
			}
		}
	})
}
