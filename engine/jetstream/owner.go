package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	"warble/internal/lease"

	"github.com/nats-io/nats.go/jetstream"

	"warble"
)

// owner hands out one partition to one group, while the claim on it is his.
type owner struct {
	*Engine
	crowd  *crowd
	group  string
	part   int
	handle func(context.Context, warble.Batch) error
	back   *warble.Mark // from where to hand out again, once
}

// errAgain ends a turn that another, with a new consumer, must follow.
var errAgain = errors.New("the consumer must begin anew")

// run wins the claim, serves, and wins it again, until ctx ends or a batch fails.
func (o *owner) run(ctx context.Context) error {
	l := lease.Lease{
		Claims: o.opt.Claims, Name: fmt.Sprintf("log/%s/%s/%d", o.conf.Stream, o.group, o.part), Holder: o.crowd.me, Dead: o.opt.Dead, Eager: o.crowd.eager,
	}
	told := func(err error) {
		o.opt.Log.Warn("a partition waits", "group", o.group, "partition", o.part, "error", err)
	}
	for ctx.Err() == nil {
		h, err := l.Win(ctx, told)
		if err != nil {
			return nil //nolint:nilerr // ctx ended
		}
		o.crowd.owns(1)
		err = o.serve(h)
		o.crowd.owns(-1)
		o.opt.Log.Info("a partition is given up", "group", o.group, "partition", o.part, "epoch", h.Epoch(), "because", err)
		h.Leave()
		back, lost := errors.AsType[*warble.Rewind](err)
		switch {
		case ctx.Err() != nil:
			return nil
		case lost:
			o.back = &back.To
		case err == nil || errors.Is(err, errAgain):
		case errors.Is(err, warble.ErrUnavailable):
			told(err)
			select {
			case <-ctx.Done():
			case <-time.After(o.opt.Dead / 10):
			}
		default:
			return err
		}
	}
	return nil
}

// serve makes a consumer of this epoch and hands out what it brings. It returns nil when the claim is lost,
// or when others should own the partition.
func (o *owner) serve(h *lease.Holding) error {
	s, born, changed := o.current()
	cons, from, err := o.begin(h, s, born)
	if err != nil {
		if h.Context().Err() != nil {
			return nil
		}
		return unavailable(err, "the consumer was not made")
	}
	o.opt.Log.Info("a partition is ours", "group", o.group, "partition", o.part, "epoch", h.Epoch())
	t := &turn{
		owner: o, h: h, stream: s, cons: cons, taken: from, received: from, lost: make(chan jetstream.SequenceInfo, 1), now: warble.Turn{Part: o.part, Epoch: h.Epoch(), To: warble.Mark{Stream: uint64(born), Number: from}}, msgs: make(chan jetstream.Msg, logBatch),
		broken: make(chan struct{}), changed: changed, dirty: make(chan struct{}, 1), doubt: make(chan struct{}, 1), next: 1,
	}
	var attending sync.WaitGroup
	attending.Go(t.attend)
	defer attending.Wait()
	defer h.Cancel()
	pull, err := cons.Consume(t.receive, jetstream.PullMaxMessages(2*logBatch), jetstream.PullExpiry(10*time.Second),
		jetstream.PullHeartbeat(time.Second), jetstream.ConsumeErrHandler(t.trouble))
	if err != nil {
		return unavailable(err, "the consumer does not answer")
	}
	defer pull.Stop()
	return t.hand()
}

// begin makes the consumer of this epoch, from where the former ones' acknowledged messages end, or further back where
// that is wished for, and removes those.
func (o *owner) begin(h *lease.Holding, s jetstream.Stream, born int64) (cons jetstream.Consumer, from uint64, err error) {
	ctx, cancel := context.WithTimeout(h.Context(), deadline)
	defer cancel()
	names, err := o.consumers(ctx, s)
	if err != nil {
		return nil, 0, err
	}
	of := ofGroup{o.group, o.part}
	former := names[of]
	p, _, err := o.reached(ctx, s, of, former)
	if err != nil {
		return nil, 0, err
	}
	if o.back != nil && o.back.Stream == uint64(born) {
		p.floor = min(p.floor, o.back.Number)
	}
	conf := jetstream.ConsumerConfig{
		Durable:       consumerName(o.group, o.part, h.Epoch()),
		FilterSubject: o.subject(o.part),
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckAllPolicy,
		AckWait:       time.Minute, // what comes again meanwhile is known to be out, see turn.take
		MaxAckPending: logOut,

		InactiveThreshold: 2 * retention, // a group that is no more holds nothing up
	}
	if p.floor > 0 {
		conf.DeliverPolicy, conf.OptStartSeq = jetstream.DeliverByStartSequencePolicy, p.floor+1
	}
	cons, err = insist(ctx, func(ctx context.Context) (jetstream.Consumer, error) { return s.CreateOrUpdateConsumer(ctx, conf) })
	if err != nil {
		return nil, 0, err
	}
	o.back = nil
	for _, name := range former {
		if name != conf.Durable {
			// One that stays is removed by the next owner.
			_ = s.DeleteConsumer(ctx, name)
		}
	}
	return cons, p.floor, nil
}
