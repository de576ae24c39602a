package jetstream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"warble"
)

// The relay's bounds: messages it holds, of those how many the servers have not answered yet, and how long it waits for
// an answer. A server that has the message drops what is sent again, so waiting long gains nothing.
const (
	relayHeld     = 16 << 10
	relayInFlight = 1024
	relayAnswer   = 2 * time.Second
)

// relay brings messages to the stream. Each is tried again until a quorum of the servers has it on disk; their order
// is not promised. queue never blocks a sender: it has room for all that is held.
type relay struct {
	e        *Engine
	js       jetstream.JetStream
	queue    chan *nats.Msg
	room     chan struct{} // one for each message held
	slots    chan struct{} // one for each message in flight
	failures atomic.Int32  // in a row

	mu      sync.Mutex
	held    map[*nats.Msg]*heldMessage
	last    uint64
	waiters map[*waiter]struct{}
}

type heldMessage struct {
	n      uint64 // in the order they came
	at     int64
	flying bool // the servers were asked, and the client will tell, perhaps more than once
}

// waiter waits until the messages up to mark are acknowledged; left of them are not.
type waiter struct {
	mark uint64
	left int
	done chan struct{}
}

func newRelay(e *Engine) (*relay, error) {
	r := &relay{
		e: e, queue: make(chan *nats.Msg, relayHeld), room: make(chan struct{}, relayHeld),
		slots: make(chan struct{}, relayInFlight), held: map[*nats.Msg]*heldMessage{}, waiters: map[*waiter]struct{}{},
	}
	js, err := jetstream.New(e.conn, jetstream.WithDefaultTimeout(deadline),
		jetstream.WithPublishAsyncMaxPending(2*relayInFlight), jetstream.WithPublishAsyncTimeout(relayAnswer),
		jetstream.WithPublishAsyncAckHandler(func(_ jetstream.JetStream, m *nats.Msg, _ *jetstream.PubAck) { r.acked(m) }),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, m *nats.Msg, err error) { r.failed(m, err) }))
	r.js = js
	return r, unavailable(err, "JetStream")
}

// Publish hands a change to the relay, once its rows of truth have answered. It waits for room until ctx ends; a change
// that found none, ErrUnavailable, is read from the outbox later, as one that got lost.
func (e *Engine) Publish(ctx context.Context, m Message) error {
	return e.relay.publish(ctx, m, "")
}

// publish cuts a change by partition. again, if not empty, makes the ids new.
func (r *relay) publish(ctx context.Context, m Message, again string) error {
	if m.At == 0 {
		m.At = r.e.opt.Clock().UnixMicro()
	}
	var parts []int
	byPart := map[int][]warble.Event{}
	for _, ev := range m.Events {
		part := r.e.partOf(ev.Key)
		if byPart[part] == nil {
			parts = append(parts, part)
		}
		byPart[part] = append(byPart[part], ev)
	}
	if len(parts) == 0 { // it says nothing, but its number must arrive
		parts = append(parts, int(m.Seq%uint64(r.e.conf.Partitions)))
	}
	for i, part := range parts {
		if err := r.enter(ctx); err != nil {
			return err
		}
		piece := m
		piece.Events = byPart[part]
		id := name{origin{m.Node, m.Epoch}, m.Seq, i, len(parts)}
		msg := &nats.Msg{Subject: r.e.subject(part), Data: piece.encode(), Header: nats.Header{}}
		msg.Header.Set(nats.MsgIdHdr, id.String()+again)
		r.mu.Lock()
		r.last++
		r.held[msg] = &heldMessage{n: r.last, at: m.At}
		r.mu.Unlock()
		r.queue <- msg
	}
	return nil
}

// enter takes room for a message; where there is some, also for a ctx that ended.
func (r *relay) enter(ctx context.Context) error {
	select {
	case r.room <- struct{}{}:
		return nil
	default:
	}
	select {
	case r.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return warble.Fail(warble.ErrUnavailable, "the relay to the log is full")
	case <-r.e.ctx.Done():
		return warble.Fail(warble.ErrUnavailable, "the log is closed")
	}
}

// afresh ends an id so that the servers do not drop the message as a repeat.
func afresh() string { return "/" + nuid.Next() }

// run sends until the engine closes.
func (r *relay) run() {
	for {
		select {
		case <-r.e.ctx.Done():
			return
		case m := <-r.queue:
			if r.failures.Load() > 0 {
				r.recover()
			}
			select {
			case r.slots <- struct{}{}:
			case <-r.e.ctx.Done():
				return
			}
			r.mu.Lock()
			r.held[m].flying = true
			r.mu.Unlock()
			if _, err := r.js.PublishMsgAsync(m); err != nil {
				r.failed(m, err)
			}
		}
	}
}

// recover waits longer the more failed in a row, and sees to it that there is a stream.
func (r *relay) recover() {
	wait := 50 * time.Millisecond << min(5, r.failures.Load())
	for {
		select {
		case <-time.After(wait):
		case <-r.e.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(r.e.ctx, time.Second)
		_, _, err := r.e.find(ctx)
		cancel()
		if err == nil || errors.Is(err, context.Canceled) {
			r.failures.Store(0)
			return
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// acked forgets a message the servers have.
func (r *relay) acked(m *nats.Msg) {
	h := r.landed(m)
	if h == nil {
		return
	}
	r.failures.Store(0)
	r.mu.Lock()
	delete(r.held, m)
	for w := range r.waiters {
		if h.n <= w.mark {
			w.left--
			w.finish()
		}
	}
	r.mu.Unlock()
	<-r.room
}

// landed gives the slot of a message back; nil where that was done before.
func (r *relay) landed(m *nats.Msg) *heldMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.held[m]
	if h == nil || !h.flying {
		return nil
	}
	h.flying = false
	<-r.slots
	return h
}

// failed sends a message once more: the servers may have it and drop it as a repeat.
func (r *relay) failed(m *nats.Msg, err error) {
	if r.landed(m) == nil {
		return
	}
	if r.failures.Add(1) == 1 && r.e.ctx.Err() == nil {
		r.e.opt.Log.Warn("the relay tries again", "error", err)
	}
	r.queue <- m
}

func (w *waiter) finish() {
	if w.left == 0 {
		close(w.done)
	}
}

// settle waits until all that is held now is acknowledged, or ctx ends.
func (r *relay) settle(ctx context.Context) error {
	r.mu.Lock()
	if len(r.held) == 0 {
		r.mu.Unlock()
		return nil
	}
	w := &waiter{mark: r.last, left: len(r.held), done: make(chan struct{})}
	r.waiters[w] = struct{}{}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.waiters, w)
		r.mu.Unlock()
	}()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// mark names the message taken last; passed says that it and all before are in the stream.
func (r *relay) mark() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

func (r *relay) passed(mark uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.held {
		if h.n <= mark {
			return false
		}
	}
	return true
}

// Drain waits until the stream has all that was handed in before. It fails with ctx's error; then [Engine.Pending] says
// what is left, and the outbox has it.
func (e *Engine) Drain(ctx context.Context) error { return e.relay.settle(ctx) }

// Pending says how many messages the relay holds, and when the change of the oldest was stored; zero where none.
func (e *Engine) Pending() (n int, oldest time.Time) {
	r := e.relay
	r.mu.Lock()
	defer r.mu.Unlock()
	var at int64
	for _, h := range r.held {
		if at == 0 || h.at < at {
			at = h.at
		}
	}
	if at != 0 {
		oldest = time.UnixMicro(at)
	}
	return len(r.held), oldest
}
