package jetstream

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"warble/internal/lease"

	"github.com/nats-io/nats.go/jetstream"

	"warble"
)

// turn is an owner's time with one consumer.
type turn struct {
	*owner
	h      *lease.Holding
	stream jetstream.Stream
	cons   jetstream.Consumer
	msgs   chan jetstream.Msg

	once    sync.Once
	broken  chan struct{}               // closed when the consumer is of no more use
	changed <-chan struct{}             // closed when the stream is another
	dirty   chan struct{}               // something was done
	doubt   chan struct{}               // the consumer may be gone
	lost    chan jetstream.SequenceInfo // the consumer sent all up to here, and it did not come

	now   warble.Turn // of the batch handed out last
	next  uint64      // the consumer's number of the next message, from 1
	taken uint64      // the place in the stream of the last message that was handed out

	sample string // the acknowledging subject of some message

	mu       sync.Mutex
	out      []*handed // oldest first
	floor    string    // acknowledges all that is done
	received uint64    // the highest place in the stream of what came
}

// handed is a batch that was handed out.
type handed struct {
	ack    string
	isDone bool
}

func (t *turn) receive(m jetstream.Msg) {
	if meta, err := m.Metadata(); err == nil {
		t.saw(meta.Sequence.Stream)
	}
	select {
	case t.msgs <- m:
	case <-t.h.Context().Done():
	}
}

// saw notes that all up to a place in the stream came.
func (t *turn) saw(place uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.received = max(t.received, place)
}

func (t *turn) here() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.received
}

func (t *turn) fail() { t.once.Do(func() { close(t.broken) }) }

// trouble hears what the client says of the consumer. Most of it passes; whether the consumer is still there is asked.
func (t *turn) trouble(_ jetstream.ConsumeContext, err error) {
	if gone(err) {
		t.fail()
	}
	signal(t.doubt)
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// hand gathers what has come into batches and hands them out. An error that comes of the end of our time is none.
func (t *turn) hand() error {
	err := t.untilOver()
	if t.h.Context().Err() != nil {
		return nil
	}
	return err
}

func (t *turn) untilOver() error {
	quiet := time.NewTicker(logQuiet)
	defer quiet.Stop()
	for {
		var first jetstream.Msg
		select {
		case first = <-t.msgs:
			quiet.Reset(logQuiet)
		case <-quiet.C:
			if err := t.give(nil, func() {}); err != nil {
				return err
			}
			continue
		case sent := <-t.lost:
			if err := t.mend(sent); err != nil {
				return err
			}
			continue
		case <-t.h.Context().Done():
			return nil
		case <-t.broken:
			return errAgain
		case <-t.changed:
			return errAgain
		case <-t.crowd.excess:
			return nil
		}
		events, ack, err := t.gather(first)
		if err != nil {
			return err
		}
		if ack == "" {
			continue
		}
		if err := t.handOut(events, ack); err != nil {
			return err
		}
	}
}

// mend hands out what was lost on its way with none after it that came.
func (t *turn) mend(sent jetstream.SequenceInfo) error {
	before := t.taken
	events, err := t.fill(sent.Stream)
	if err != nil {
		return err
	}
	t.saw(sent.Stream) // which may be one of another partition
	if t.taken == before {
		return nil
	}
	sent.Stream = t.taken
	ack, ok := ackOf(t.sample, sent)
	if !ok {
		return errAgain
	}
	return t.handOut(events, ack)
}

// handOut hands out events which the subject ack acknowledges, with all before.
func (t *turn) handOut(events []warble.Event, ack string) error {
	if !t.h.Valid() {
		return nil
	}
	b := &handed{ack: ack, isDone: len(events) == 0}
	t.mu.Lock()
	t.out = append(t.out, b)
	t.mu.Unlock()
	if b.isDone {
		t.settle()
		return nil
	}
	return t.give(events, func() { t.done(b) })
}

// give hands a batch out, or only its turn.
func (t *turn) give(events []warble.Event, done func()) error {
	t.now.From, t.now.To.Number = t.now.To, t.taken
	return t.handle(t.h.Context(), warble.Batch{Turn: t.now, Events: events, Done: done})
}

// gather reads what is there without waiting, up to a batch.
func (t *turn) gather(m jetstream.Msg) (events []warble.Event, ack string, err error) {
	for n := 0; ; {
		fresh, err := t.take(m)
		if err != nil {
			return nil, "", err
		}
		if fresh != nil {
			events, ack = append(events, fresh...), m.Reply()
			n++
		}
		if n == logBatch {
			return events, ack, nil
		}
		select {
		case m = <-t.msgs:
		default:
			return events, ack, nil
		}
	}
}

// take returns the events of a message that was not handed out before, and of those before it that were lost on their
// way: an acknowledgement of this one covers them. The consumer numbers what it sends without a hole, until another
// server leads it, which sends some once more.
func (t *turn) take(m jetstream.Msg) ([]warble.Event, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, err
	}
	follows := meta.Sequence.Consumer == t.next
	t.next = meta.Sequence.Consumer + 1
	if meta.Sequence.Stream <= t.taken { // it is out, or was done and the acknowledgement lost
		signal(t.dirty)
		return nil, nil
	}
	events := []warble.Event{}
	if !follows {
		if events, err = t.fill(meta.Sequence.Stream - 1); err != nil {
			return nil, err
		}
	}
	t.taken, t.sample = meta.Sequence.Stream, m.Reply()
	read, err := decode(m.Data())
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, m.Headers().Get(jetstream.MsgIDHeader))
	}
	return append(events, read.Events...), nil
}

// fill takes from the stream what was not taken up to a place.
func (t *turn) fill(to uint64) ([]warble.Event, error) {
	events := []warble.Event{}
	for {
		more, last, err := t.read(t.h.Context(), t.stream, t.part, t.taken, to)
		if err != nil {
			return nil, err
		}
		if last == t.taken {
			return events, nil
		}
		events, t.taken = append(events, more...), last
	}
}

// ackOf makes the subject that acknowledges another message of the same consumer from one's (NATS' ADR-15): the places
// in stream and consumer are its sixth and seventh word, or the eighth and ninth where it names a domain.
func ackOf(sample string, sent jetstream.SequenceInfo) (string, bool) {
	words, at := strings.Split(sample, "."), 5
	if len(words) > 10 {
		at = 7
	}
	if len(words) < 9 {
		return "", false
	}
	words[at], words[at+1] = strconv.FormatUint(sent.Stream, 10), strconv.FormatUint(sent.Consumer, 10)
	return strings.Join(words, "."), true
}

// done may come in any order, twice, and after the turn ended.
func (t *turn) done(b *handed) {
	t.mu.Lock()
	b.isDone = true
	t.mu.Unlock()
	t.settle()
}

// settle moves the floor over what is done.
func (t *turn) settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for n < len(t.out) && t.out[n].isDone {
		t.floor = t.out[n].ack
		n++
	}
	if n > 0 {
		t.out = slices.Delete(t.out, 0, n)
		signal(t.dirty)
	}
}

// attend acknowledges, at most every few milliseconds, and sees to the consumer every second.
func (t *turn) attend() {
	pause, look := time.NewTicker(20*time.Millisecond), time.NewTicker(time.Second)
	defer pause.Stop()
	defer look.Stop()
	defer t.acknowledge() // what was done until the end
	d := doubts{turn: t, reconnects: t.reconnects.Load()}
	for {
		select {
		case <-t.h.Context().Done():
			return
		case <-t.dirty:
			t.acknowledge()
		case <-look.C:
			d.look()
		}
		select {
		case <-t.h.Context().Done():
			return
		case <-pause.C:
		}
	}
}

// doubts is what one who attends suspects: where a connection or a server broke, the consumer may be gone, or the last
// message of all may have been lost on its way, which no later one tells of.
type doubts struct {
	*turn
	reconnects uint64
	open       bool
	sent       jetstream.SequenceInfo // what the consumer had sent when it was asked, zero before
}

// look settles doubts: a second after the consumer was asked, what it had sent must be here.
func (d *doubts) look() {
	select {
	case <-d.doubt:
		d.open, d.sent.Stream = true, 0
	default:
	}
	if n := d.turn.reconnects.Load(); n != d.reconnects {
		d.open, d.sent.Stream, d.reconnects = true, 0, n
	}
	switch {
	case !d.open:
	case d.sent.Stream == 0:
		ctx, cancel := context.WithTimeout(d.h.Context(), time.Second)
		defer cancel()
		info, err := d.cons.Info(ctx)
		if gone(err) {
			d.fail()
		} else if err == nil {
			d.sent = info.Delivered
			d.open = d.sent.Stream > 0
		}
	case d.here() >= d.sent.Stream:
		d.open = false
	case len(d.msgs) < cap(d.msgs): // else more is here than we take
		select {
		case d.lost <- d.sent:
		default:
		}
		d.sent.Stream = 0 // and ask again
	}
}

// acknowledge sends the floor until the servers say that they have it; the last one, when the turn is over, once.
func (t *turn) acknowledge() {
	t.mu.Lock()
	floor := t.floor
	t.mu.Unlock()
	if floor == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.h.Context()), time.Second)
	defer cancel()
	if _, err := t.conn.RequestWithContext(ctx, floor, []byte("+ACK")); err != nil {
		signal(t.dirty)
		signal(t.doubt)
	}
}
