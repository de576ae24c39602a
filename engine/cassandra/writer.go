package cassandra

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"warble"
	"warble/internal/lease"
)

const (
	writerNodes = 256
	// writerDead is how long a writer's claim stands still before others call it
	// dead; it stops writing at eight tenths of that.
	writerDead = 10 * time.Second
	markEvery  = time.Second
	// markAgain is how often the row of a living epoch is written anew: it runs out with the outbox.
	markAgain = time.Hour
)

// writer numbers the changes of this process. It is one of 256 by a claim; a
// process that lost its claim becomes another writer, or the same number in a
// later epoch.
type writer struct {
	*Engine
	hold    *lease.Holding
	node    uint8
	epoch   uint64
	parts   parts
	room    chan struct{} // one for each number that is not finished
	running sync.WaitGroup

	mu   sync.Mutex
	last uint64
	open map[uint64]struct{}
}

// writers is the present writer of a process, made at its first change.
type writers struct {
	now  atomic.Pointer[writer]
	turn chan struct{} // one looks for a number, the others wait
}

// valid is the present writer, nil where there is none.
func (s *writers) valid() *writer {
	if w := s.now.Load(); w != nil && w.hold.Valid() {
		return w
	}
	return nil
}

// writer returns the present writer, and makes one where there is none.
func (e *Engine) writer(ctx context.Context) (*writer, error) {
	if w := e.writers.valid(); w != nil {
		return w, nil
	}
	wait := time.NewTimer(commitTimeout)
	defer wait.Stop()
	select {
	case e.writers.turn <- struct{}{}:
		defer func() { <-e.writers.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-wait.C:
		return nil, warble.Fail(warble.ErrUnavailable, "this process may not write yet; try again")
	}
	if w := e.writers.valid(); w != nil {
		return w, nil
	}
	if e.ctx.Err() != nil {
		return nil, warble.Fail(warble.ErrUnavailable, "the store is closed")
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*settleTimeout)
	defer stop()
	w, err := e.newWriter(ctx)
	if err != nil {
		return nil, err
	}
	e.writers.now.Store(w)
	return w, nil
}

// newWriter takes a number that is nobody's.
func (e *Engine) newWriter(ctx context.Context) (*writer, error) {
	first, me := rand.IntN(writerNodes), lease.Someone()
	for i := range writerNodes {
		node := (first + i) % writerNodes
		l := lease.Lease{Claims: claimStore{e}, Name: "writer/" + strconv.Itoa(node), Holder: me, Dead: writerDead}
		hold, err := l.Try(e.ctx)
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			break
		}
		if hold == nil {
			continue
		}
		w := &writer{
			Engine: e, hold: hold, node: uint8(node), epoch: hold.Epoch(),
			room: make(chan struct{}, maxPending), open: map[uint64]struct{}{},
		}
		if err := w.mark(ctx, 0); err != nil {
			hold.Leave()
			return nil, err
		}
		w.running.Go(w.keepMarking)
		return w, nil
	}
	return nil, warble.Fail(warble.ErrUnavailable, "all %d numbers of writers are in use; those of dead processes are free again soon", writerNodes)
}

// take gives a change its number, once there is room.
func (w *writer) take(ctx context.Context, p *pending) error {
	select {
	case w.room <- struct{}{}:
	default:
		wait := time.NewTimer(pendingWait)
		defer wait.Stop()
		select {
		case w.room <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		case <-wait.C:
			return warble.Fail(warble.ErrUnavailable, "too many changes are on their way to the database")
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	p.seq = w.last
	w.open[p.seq] = struct{}{}
	return nil
}

// finish says that a number's rows stand, and hands its events on.
func (w *writer) finish(p *pending) {
	w.mu.Lock()
	delete(w.open, p.seq)
	w.mu.Unlock()
	<-w.room
	if w.stored != nil {
		w.stored(Stored{Node: w.node, Epoch: w.epoch, Seq: p.seq, At: p.at, Events: p.events})
	}
}

// finished is the number up to which all are.
func (w *writer) finished() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	low := w.last
	for seq := range w.open {
		low = min(low, seq-1)
	}
	return low
}

// keepMarking tells others how far this writer is.
func (w *writer) keepMarking() {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	marked, at := uint64(0), time.Now()
	for {
		select {
		case <-w.hold.Context().Done():
			return
		case <-tick.C:
		}
		n := w.finished()
		if n == marked && time.Since(at) < markAgain {
			continue
		}
		ctx, stop := context.WithTimeout(w.hold.Context(), commitTimeout)
		err := w.mark(ctx, n)
		stop()
		if err == nil {
			marked, at = n, time.Now()
		} else if w.hold.Context().Err() == nil {
			w.log.Warn("others cannot be told how far this writer is", "error", err)
		}
	}
}

// mark stores how far this writer is.
func (w *writer) mark(ctx context.Context, finished uint64) error {
	return w.write(ctx, `UPDATE outbox_epochs SET finished = ? WHERE one = 1 AND node = ? AND epoch = ?`,
		[]any{int64(finished), int64(w.node), int64(w.epoch)}, w.now().UnixMicro())
}

// end waits until what is on its way has ended, or ctx has, and gives the number up.
func (w *writer) end(ctx context.Context) error {
	full := 0
	for ; full < maxPending && ctx.Err() == nil; full++ {
		select {
		case w.room <- struct{}{}:
		case <-ctx.Done():
		}
	}
	err := ctx.Err()
	if err == nil {
		err = w.mark(ctx, w.finished())
	}
	w.hold.Leave()
	w.running.Wait()
	if err != nil {
		return fmt.Errorf("changes are on their way that others must finish: %w", err)
	}
	return nil
}
