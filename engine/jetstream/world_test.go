//go:build cluster

package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"warble"
	"warble/engine/enginetest"
	"warble/engine/mem"
)

// shared is the running cluster's section, with a stream of this test's own that is dropped at its end.
func shared(t *testing.T) Config {
	t.Helper()
	var conf Config
	dir := enginetest.Section(t, "nats", &conf)
	conf.Password = conf.Password.In(dir)
	return own(conf)
}

// own gives a configuration a stream that no other test has.
func own(conf Config) Config {
	conf.Stream = fmt.Sprintf("test-%x", rand.Uint64())
	conf.Partitions = 4
	conf.MaxBytes = 64 << 20
	return conf
}

// outbox is a writer: it stores changes in mem, numbers them, keeps what they have to say, and hands it to a relay.
type outbox struct {
	warble.Commit
	node  uint8
	epoch uint64

	mu    sync.Mutex
	relay *Engine
	rows  []Message // row i has sequence i+1
}

func (o *outbox) Apply(ctx context.Context, c *warble.Change) (bool, error) {
	changed, err := o.Commit.Apply(ctx, c)
	if err != nil || !changed {
		return changed, err
	}
	var events []warble.Event
	for _, ev := range c.Events {
		if len(ev.Edges) > 0 || ev.Kind != warble.EventEdge && ev.Kind != warble.EventEdgeGone {
			events = append(events, ev)
		}
	}
	m := o.note(events)
	return true, o.relay.Publish(ctx, m)
}

// note writes a row without publishing it.
func (o *outbox) note(events []warble.Event) Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := Message{Node: o.node, Epoch: o.epoch, Seq: uint64(len(o.rows)) + 1, At: time.Now().UnixMicro(), Events: events}
	o.rows = append(o.rows, m)
	return m
}

func (o *outbox) missing(_ context.Context, node uint8, epoch, from, to uint64) ([]Message, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	end := uint64(len(o.rows)) + 1
	if to != 0 {
		end = min(end, to)
	}
	if node != o.node || epoch != o.epoch || from >= end {
		return nil, nil
	}
	return slices.Clone(o.rows[from-1 : min(end-1, from-1+100)]), nil
}

func (o *outbox) writers(context.Context) ([]Writer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return []Writer{{Node: o.node, Epoch: o.epoch, Seq: uint64(len(o.rows))}}, nil
}

// world is stores in memory whose log and hub are the engine's.
type world struct {
	*warble.Stores
	out   *outbox
	conf  Config
	tells bool // the writer says what it has stored
	drop  sync.Once
}

func newWorld(t *testing.T, conf Config) *world {
	s := mem.New(mem.Options{})
	w := &world{Stores: s, conf: conf, out: &outbox{Commit: s.Commit, node: 7, epoch: rand.Uint64N(1 << 30)}}
	s.Commit = w.out
	return w
}

// engine opens an engine over the world's claims and outbox; the first is its relay.
func (w *world) engine(t *testing.T) *Engine {
	t.Helper()
	opt := Options{
		Claims: w.Claims, Missing: w.out.missing, Dead: 2 * time.Second, HoleAfter: 300 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if w.tells {
		opt.Writers = w.out.writers
	}
	var e *Engine
	var err error
	eventually(t, "the servers let us in", func() bool { // they may be just starting
		e, err = Open(t.Context(), w.conf, opt)
		return !errors.Is(err, warble.ErrUnavailable)
	})
	check(t, err)
	if w.out.relay == nil {
		w.out.relay, w.Log, w.Hub = e, e.Log(), e.Hub()
	}
	t.Cleanup(func() {
		w.drop.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			if err := e.js.DeleteStream(ctx, w.conf.Stream); err != nil {
				t.Log(err)
			}
		})
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// writes stores n changes with an event each, of rising ids from first on, and a key of every sixteenth of them.
func (w *world) writes(t *testing.T, first, n int) {
	t.Helper()
	for i := first; i < first+n; i++ {
		if _, err := w.Commit.Apply(t.Context(), change(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func change(i int) *warble.Change {
	id := warble.MakeID(int64(i), 1, 0)
	return &warble.Change{
		Tweets: []*warble.Tweet{{ID: id, Author: id, Version: 1, Text: "hello"}},
		Events: []warble.Event{{Kind: warble.EventTweet, Key: id, ID: id}},
	}
}

// seen is a consumer that counts how often each event of writes came.
type seen struct {
	mu    sync.Mutex
	times map[int]int
	keys  map[warble.ID][]warble.ID // of each key the events in the order they came first
	stop  func()
	held  func(warble.Batch) // what to do with a batch, default Done
}

func (w *world) consume(t *testing.T, e *Engine, held func(warble.Batch)) *seen {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	s := &seen{times: map[int]int{}, keys: map[warble.ID][]warble.ID{}, held: held, stop: func() { cancel(); <-ended }}
	go func() {
		defer close(ended)
		if err := e.Log().Consume(ctx, "fanout", s.handle); ctx.Err() == nil && e.ctx.Err() == nil {
			t.Error(err)
		}
	}()
	t.Cleanup(s.stop)
	return s
}

func (s *seen) handle(_ context.Context, b warble.Batch) error {
	s.mu.Lock()
	for _, ev := range b.Events {
		if ev.Key == ev.ID {
			s.times[int(ev.ID.Millis())]++
		} else if !slices.Contains(s.keys[ev.Key], ev.ID) {
			s.keys[ev.Key] = append(s.keys[ev.Key], ev.ID)
		}
	}
	s.mu.Unlock()
	if s.held == nil {
		b.Done()
	} else {
		s.held(b)
	}
	return nil
}

// all says that the events first to first+n-1 came.
func (s *seen) all(first, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := first; i < first+n; i++ {
		if s.times[i] == 0 {
			return false
		}
	}
	return true
}

// any says that one of the events first to first+n-1 came.
func (s *seen) any(first, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := first; i < first+n; i++ {
		if s.times[i] > 0 {
			return true
		}
	}
	return false
}

func (s *seen) ofKey(key warble.ID) []warble.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys[key])
}

// drained waits until the group has done everything.
func (w *world) drained(t *testing.T, e *Engine) {
	t.Helper()
	eventually(t, "the group has done everything", func() bool {
		p, err := e.Log().Position(t.Context(), "fanout")
		return err == nil && p.Behind == 0
	})
}

// floor is the number up to which the keeper wrote down that all is done.
func (w *world) floor(t *testing.T, e *Engine) uint64 {
	t.Helper()
	o := origin{w.out.node, w.out.epoch}
	c, err := newKeeper(e).floorClaim(shardOf(o)).Get(t.Context())
	check(t, err)
	known := newWindow()
	known.load(c.Data, time.Now())
	return known.of(o, 0, time.Now()).floor
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	end := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
		<-tick.C
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
