package fanout

import (
	"context"
	"errors"
	"sync"
	"time"
	"warble"
)

// notices gathers what people are to be told of and stores it in full changes:
// one by one, each would be a commit of its own. A batch of events is done once
// its notices are stored.
type notices struct {
	f       *Fanout
	mu      sync.Mutex
	waiting []noticed
	rows    int       // in waiting
	room    sync.Cond // signalled when waiting was taken
	came    chan struct{}
}

// noticed are the notices of one batch.
type noticed struct {
	rows []warble.NoticeRow
	done func()
}

const (
	noticesWaiting = 8192                 // rows that may wait
	noticesGather  = 5 * time.Millisecond // for how long they do
	noticesAtOnce  = 4                    // changes on their way
)

func newNotices(f *Fanout) *notices {
	n := &notices{f: f, came: make(chan struct{}, 1)}
	n.room.L = &n.mu
	return n
}

// add takes the notices of a batch over. It waits where too many wait already.
func (n *notices) add(ctx context.Context, rows []warble.NoticeRow, done func()) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := waitUntil(ctx, &n.room, func() bool { return n.rows < noticesWaiting }); err != nil {
		return err
	}
	n.waiting = append(n.waiting, noticed{rows, done})
	n.rows += len(rows)
	select {
	case n.came <- struct{}{}:
	default:
	}
	return nil
}

// run stores what is gathered, until ctx ends; what is left then is not done
// and comes again.
func (n *notices) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.came:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(noticesGather):
		}
		n.mu.Lock()
		waiting := n.waiting
		n.waiting, n.rows = nil, 0
		n.room.Broadcast()
		n.mu.Unlock()
		var rows []warble.NoticeRow
		for _, w := range waiting {
			rows = append(rows, w.rows...)
		}
		if err := retry(ctx, func() error { return n.store(ctx, rows) }, func(err error) {
			n.f.opt.Log.Warn("notices wait for a store", "notices", len(rows), "error", err)
		}); err != nil {
			return nil
		}
		for _, w := range waiting {
			w.done()
		}
	}
}

// store puts notices as edges and tells live listeners. One whose recipient
// mutes or blocks the actor is not put.
func (n *notices) store(ctx context.Context, rows []warble.NoticeRow) error {
	var put []warble.Edge
	for _, row := range rows {
		bits, err := n.f.s.Edges.Among(ctx, row.To, warble.BondKinds[1:4], []warble.ID{row.Actor})
		if err != nil {
			return err
		}
		if bits[0] == 0 {
			put = append(put, row.Edge())
		}
	}
	parts := make(chan []warble.Edge)
	failed := make([]error, noticesAtOnce)
	var work sync.WaitGroup
	for i := range failed {
		work.Go(func() {
			for part := range parts {
				if failed[i] == nil {
					failed[i] = n.commit(ctx, part)
				}
			}
		})
	}
	for len(put) > 0 {
		part := put[:min(len(put), warble.MaxChangeRows)]
		put = put[len(part):]
		parts <- part
	}
	close(parts)
	work.Wait()
	return errors.Join(failed...)
}

func (n *notices) commit(ctx context.Context, put []warble.Edge) error {
	changed, err := n.f.s.Commit.Apply(ctx, &warble.Change{Put: put})
	if err != nil || !changed { // listeners know then
		return err
	}
	for _, e := range put {
		n.f.shout(ctx, warble.TopicNotices+e.From.String(), e.Since)
	}
	return nil
}
