package jetstream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"warble"
)

// The log's shape: messages in a batch, those of a partition that may be out at once, and after how long a partition
// where nothing comes carries its turn on.
const (
	logBatch = 256
	logOut   = 4096
	logQuiet = 5 * time.Second
)

// eventLog is the log as consumers see it.
type eventLog struct{ *Engine }

// Log hands out the events that were published, and those that were missed.
func (e *Engine) Log() warble.Log { return eventLog{e} }

// Consume hands out its share of the partitions, and waits for those that have another owner. It fails where a message
// cannot be read; servers that do not answer it waits for. A partition where nothing comes gets a batch without events
// every few seconds.
func (l eventLog) Consume(ctx context.Context, group string, handle func(context.Context, warble.Batch) error) error {
	if !plain(group) || l.opt.Claims == nil {
		return warble.Invalid("group", group, "a consumer group has letters, digits, - and _ only, and needs claims")
	}
	if !l.enter() {
		return warble.Fail(warble.ErrUnavailable, "the log is closed")
	}
	defer l.running.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(l.ctx, func() { cancel(context.Canceled) })()
	var wg sync.WaitGroup
	wg.Go(func() { l.watch(ctx) })
	if l.opt.Missing != nil {
		wg.Go(func() { newKeeper(l.Engine).run(ctx) })
	}
	crowd := newCrowd(l.Engine, group)
	wg.Go(func() { crowd.run(ctx) })
	for part := range l.conf.Partitions {
		o := &owner{Engine: l.Engine, crowd: crowd, group: group, part: part, handle: handle}
		wg.Go(func() {
			if err := o.run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// Position counts messages, each with the events one change has for a partition: what the relay of this process holds,
// and what the servers know not to be done. It gives the relay a second to deliver what it holds.
func (l eventLog) Position(ctx context.Context, group string) (warble.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	wait, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	_ = l.relay.settle(wait) // what is left is counted
	var pos warble.Position
	held, oldest := l.Pending()
	pos.Behind, pos.Oldest = int64(held), oldest
	s, _, err := l.find(ctx)
	if err != nil {
		return warble.Position{}, err
	}
	names, err := l.consumers(ctx, s)
	if err != nil {
		return warble.Position{}, unavailable(err, "the log's consumers cannot be listed")
	}
	var wg sync.WaitGroup
	found := make([]warble.Position, l.conf.Partitions)
	failed := make([]error, l.conf.Partitions)
	for part := range found {
		wg.Go(func() { found[part], failed[part] = l.positionOf(ctx, s, group, part, names[ofGroup{group, part}]) })
	}
	wg.Wait()
	for _, p := range found {
		pos.Behind += p.Behind
		if pos.Oldest.IsZero() || !p.Oldest.IsZero() && p.Oldest.Before(pos.Oldest) {
			pos.Oldest = p.Oldest
		}
	}
	if err := errors.Join(failed...); err != nil {
		return warble.Position{}, unavailable(err, "the log's position is not known")
	}
	return pos, nil
}

// positionOf is the part of one partition. A group that never had it has all before it.
func (e *Engine) positionOf(ctx context.Context, s jetstream.Stream, group string, part int, names []string) (pos warble.Position, err error) {
	p, err := e.placeOf(ctx, s, group, part, names)
	if err != nil || p.behind == 0 {
		return pos, err
	}
	pos.Behind = int64(p.behind)
	raw, err := s.GetMsg(ctx, p.floor+1, jetstream.WithGetMsgSubject(e.subject(part)))
	if errors.Is(err, jetstream.ErrMsgNotFound) { // it was done just now, or ran out
		return pos, nil
	}
	if err != nil {
		return pos, err
	}
	m, err := decode(raw.Data)
	pos.Oldest = time.UnixMicro(m.At)
	if err != nil {
		pos.Oldest = raw.Time
	}
	return pos, nil
}

// placeOf asks the stream's leader for the last message, and the consumer for the rest. The consumer lives with another
// replica, which may hear of a message a moment later: so it is asked until it says the same twice.
func (e *Engine) placeOf(ctx context.Context, s jetstream.Stream, group string, part int, names []string) (place, error) {
	last, err := s.GetLastMsgForSubject(ctx, e.subject(part))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return place{}, nil
	}
	if err != nil {
		return place{}, err
	}
	before := ^uint64(0)
	for {
		p, known, err := e.reached(ctx, s, ofGroup{group, part}, names)
		if err != nil {
			return p, err
		}
		if !known {
			info, err := s.Info(ctx, jetstream.WithSubjectFilter(e.subject(part)))
			if err != nil {
				return p, err
			}
			p.behind = info.State.Subjects[e.subject(part)]
			return p, nil
		}
		if p.floor >= last.Sequence {
			p.behind = 0
			return p, nil
		}
		if p.behind > 0 && p.behind == before {
			return p, nil
		}
		before = p.behind
		select {
		case <-ctx.Done():
			return p, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}
