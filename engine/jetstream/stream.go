package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"warble"
)

// partitionsKey is the name under which the stream itself remembers how many partitions it has.
const partitionsKey = "partitions"

func (e *Engine) subject(part int) string { return e.conf.Stream + "." + strconv.Itoa(part) }

// partOf is stable: an event of the same key is in the same partition for as long as the stream's log has so many.
func (e *Engine) partOf(key warble.ID) int { return int(key.Hash() >> 40 % uint64(e.conf.Partitions)) }

func (e *Engine) streamConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:     e.conf.Stream,
		Subjects: []string{e.conf.Stream + ".*"},
		Storage:  jetstream.FileStorage,
		Replicas: e.conf.Replicas,
		MaxAge:   retention,
		MaxBytes: e.conf.MaxBytes,
		Discard:  jetstream.DiscardOld,
		Metadata: map[string]string{partitionsKey: strconv.Itoa(e.conf.Partitions)},
	}
}

// find returns the stream as it is now and its incarnation; whoever finds it gone creates it again.
func (e *Engine) find(ctx context.Context) (jetstream.Stream, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	s, err := insist(ctx, func(ctx context.Context) (jetstream.Stream, error) { return e.js.Stream(ctx, e.conf.Stream) })
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = insist(ctx, e.create)
	}
	if err != nil {
		return nil, 0, unavailable(err, "the stream "+e.conf.Stream+" cannot be reached")
	}
	born := s.CachedInfo().Created.UnixNano()
	e.mu.Lock()
	defer e.mu.Unlock()
	if born != e.born {
		e.stream, e.born = s, born
		close(e.changed)
		e.changed = make(chan struct{})
	}
	return s, born, nil
}

func (e *Engine) create(ctx context.Context) (jetstream.Stream, error) {
	s, err := e.js.CreateStream(ctx, e.streamConfig())
	switch {
	case err == nil:
		e.opt.Log.Warn("the stream was not there and is created", "stream", e.conf.Stream)
	case errors.Is(err, jetstream.ErrStreamNameAlreadyInUse): // by somebody else just now
		return e.js.Stream(ctx, e.conf.Stream)
	}
	return s, err
}

// insist makes a call again that was not answered: what is sent to a leader that dies is lost.
func insist[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	for wait := time.Second; ; wait *= 2 {
		try, cancel := context.WithTimeout(ctx, wait)
		out, err := call(try)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return out, err
		}
	}
}

// fits refuses a stream that was made for another number of partitions or replicas.
func (e *Engine) fits(info *jetstream.StreamInfo) error {
	if n := info.Config.Metadata[partitionsKey]; n != strconv.Itoa(e.conf.Partitions) {
		return warble.Invalid("nats.partitions", strconv.Itoa(e.conf.Partitions),
			fmt.Sprintf("the stream %s has %s partitions", e.conf.Stream, n))
	}
	if n := info.Config.Replicas; n < e.conf.Replicas {
		return warble.Invalid("nats.replicas", strconv.Itoa(e.conf.Replicas),
			fmt.Sprintf("the stream %s has %d replicas", e.conf.Stream, n))
	}
	return nil
}

// current is the stream last found, its incarnation, and what is closed when there is another.
func (e *Engine) current() (jetstream.Stream, int64, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stream, e.born, e.changed
}

// Incarnation names the stream that is there: the moment it was created, in Unix nanoseconds. Sequences of one
// incarnation say nothing about another.
func (e *Engine) Incarnation() int64 {
	_, born, _ := e.current()
	return born
}

// watch looks every second whether the stream is there and still the same.
func (e *Engine) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if _, _, err := e.find(ctx); err != nil && ctx.Err() == nil {
			e.opt.Log.Warn("the log waits for its stream", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// place is how far a group is in a partition, as the servers know it.
type place struct {
	consumer string
	epoch    uint64
	floor    uint64 // all messages of the partition up to here are done
	behind   uint64 // those that are not
}

// ofGroup names a group's partition.
type ofGroup struct {
	group string
	part  int
}

func consumerName(group string, part int, epoch uint64) string {
	return fmt.Sprintf("%s-%d-%d", group, part, epoch)
}

// parseConsumer reads a consumer's name; ok is false for one of somebody else.
func parseConsumer(s string) (of ofGroup, epoch uint64, ok bool) {
	words := strings.Split(s, "-")
	if len(words) < 3 {
		return of, 0, false
	}
	n := len(words)
	part, err1 := strconv.Atoi(words[n-2])
	epoch, err2 := strconv.ParseUint(words[n-1], 10, 64)
	return ofGroup{strings.Join(words[:n-2], "-"), part}, epoch, err1 == nil && err2 == nil
}

// consumers lists the names of the stream's consumers that are owners', by partition.
func (e *Engine) consumers(ctx context.Context, s jetstream.Stream) (map[ofGroup][]string, error) {
	return insist(ctx, func(ctx context.Context) (map[ofGroup][]string, error) {
		out := map[ofGroup][]string{}
		list := s.ConsumerNames(ctx)
		for name := range list.Name() {
			if of, _, ok := parseConsumer(name); ok {
				out[of] = append(out[of], name)
			}
		}
		return out, list.Err()
	})
}

// reached asks how far a group is in a partition; known is false where it never had it. The consumer asked is the newest:
// it began where the former ones ended. Servers say nothing of one that is just coming or going: then names, which lists the
// partition's consumers, is read again.
func (e *Engine) reached(ctx context.Context, s jetstream.Stream, of ofGroup, names []string) (p place, known bool, err error) {
	for wait := 250 * time.Millisecond; len(names) > 0; wait *= 2 {
		p.consumer, p.epoch = newest(names)
		c, err := askConsumer(ctx, s, p.consumer, wait)
		if err == nil {
			info := c.CachedInfo()
			// One that never heard of anything done tells of zero, wherever it began.
			p.floor = max(info.AckFloor.Stream, max(info.Config.OptStartSeq, 1)-1)
			p.behind = info.NumPending + uint64(info.NumAckPending)
			return p, true, nil
		}
		if ctx.Err() != nil || !gone(err) && !errors.Is(err, context.DeadlineExceeded) {
			return p, false, err
		}
		all, err := e.consumers(ctx, s)
		if err != nil {
			return p, false, err
		}
		names = all[of]
	}
	return place{}, false, nil
}

func askConsumer(ctx context.Context, s jetstream.Stream, name string, wait time.Duration) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return s.Consumer(ctx, name)
}

// gone says that there is no such consumer.
func gone(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrConsumerDoesNotExist) ||
		errors.Is(err, jetstream.ErrConsumerDeleted)
}

func newest(names []string) (name string, epoch uint64) {
	for _, one := range names {
		if _, e, _ := parseConsumer(one); e >= epoch {
			name, epoch = one, e
		}
	}
	return name, epoch
}
