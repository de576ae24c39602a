package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"warble"
)

func logTests() []test {
	return []test{
		{"EveryEventOf16WritersArrives", logEveryEvent},
		{"EventsComeAsTheyWereStored", logEvents},
		{"NothingChangedStoresNoEvent", logNoEvent},
		{"EventsOfOneKeyShareAPartition", logPartition},
		{"WhatIsNotDoneComesAgain", logAgain},
		{"DoneOutOfOrderKeepsWhatIsNotDone", logOutOfOrder},
		{"AnErrorOfTheHandlerStopsConsume", logError},
		{"PositionSaysHowFarTheGroupIs", logPosition},
		{"ASecondConsumerTakesOver", logTakesOver},
	}
}

// reader is a consumer that keeps what it got.
type reader struct {
	mu      sync.Mutex
	batches []warble.Batch
	byKey   map[warble.ID][]warble.Event
	stop    func()
	ended   chan struct{}
	err     error
}

// consume starts a consumer; done says which batches are done at once. It ends with the test or at stop, which waits.
func (s *suite) consume(t *testing.T, done func(warble.Batch) bool) *reader {
	ctx, cancel := stop(t)
	r := &reader{byKey: map[warble.ID][]warble.Event{}, ended: make(chan struct{})}
	r.stop = func() { cancel(); <-r.ended }
	go func() {
		defer close(r.ended)
		err := s.Log.Consume(ctx, s.opt.Group, func(_ context.Context, b warble.Batch) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.batches = append(r.batches, b)
			for _, e := range b.Events {
				r.byKey[e.Key] = append(r.byKey[e.Key], e)
			}
			if done(b) {
				b.Done()
			}
			return nil
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			r.err = err
		}
	}()
	t.Cleanup(func() {
		r.stop()
		if r.err != nil {
			t.Error(r.err)
		}
	})
	return r
}

func always(warble.Batch) bool { return true }
func never(warble.Batch) bool  { return false }

func (r *reader) got(key warble.ID) []warble.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.byKey[key])
}

// emit stores one change with an event of that key, and returns the tweet it is about.
func (s *suite) emit(t *testing.T, key warble.ID) warble.TweetID {
	t.Helper()
	tw := s.tweet(key)
	s.applies(t, &warble.Change{Tweets: []*warble.Tweet{tw}, Events: []warble.Event{{Kind: warble.EventTweet, Key: key, ID: tw.ID}}})
	return tw.ID
}

func (s *suite) position(t *testing.T) warble.Position {
	t.Helper()
	p, err := s.Log.Position(t.Context(), s.opt.Group)
	check(t, err)
	return p
}

// drained waits until the group has done everything.
func (s *suite) drained(t *testing.T) {
	t.Helper()
	s.eventually(t, "the group has done everything", func() bool { return s.position(t).Behind == 0 })
}

func has(events []warble.Event, id warble.ID) bool {
	return slices.ContainsFunc(events, func(e warble.Event) bool { return e.ID == id })
}

func logEveryEvent(t *testing.T, s *suite) {
	r := s.consume(t, always)
	const writers, each = 16, 40
	keys, ids := s.idsUp(writers), [writers][]warble.ID{}
	together(writers, func(i int) {
		for range each {
			tw := s.tweet(keys[i])
			c := &warble.Change{Tweets: []*warble.Tweet{tw}, Events: []warble.Event{{Kind: warble.EventTweet, Key: keys[i], ID: tw.ID}}}
			if _, err := s.Commit.Apply(t.Context(), c); err != nil {
				t.Error(err)
			}
			ids[i] = append(ids[i], tw.ID)
		}
	})
	for i, key := range keys {
		for _, id := range ids[i] {
			s.eventually(t, fmt.Sprintf("event %v of writer %d", id, i), func() bool { return has(r.got(key), id) })
		}
	}
	s.drained(t)
}

func logEvents(t *testing.T, s *suite) {
	r := s.consume(t, always)
	key := s.id()
	put, gone := s.edge(warble.Like, s.id(), key), s.edge(warble.Like, s.id(), key)
	s.put(t, gone)
	c := &warble.Change{
		Put: []warble.Edge{put}, Gone: []warble.EdgeKey{gone.Key(), {Kind: warble.Like, From: s.id(), To: key}},
		Events: []warble.Event{
			{Kind: warble.EventTweetEdit, Key: key, ID: s.id(), Quiet: true},
			{Kind: warble.EventEdge, Key: key, ID: s.id(), Edges: []warble.Edge{put}},
			{Kind: warble.EventEdgeGone, Key: key, ID: s.id(), Quiet: true},
		},
	}
	for _, k := range c.Gone {
		c.Events[2].Edges = append(c.Events[2].Edges, warble.Edge{Kind: k.Kind, From: k.From, To: k.To})
	}
	s.applies(t, c)
	for i, want := range []warble.Event{
		c.Events[0],
		{Kind: warble.EventEdge, Key: key, ID: c.Events[1].ID, Edges: []warble.Edge{s.edgeRow(t, put.Key())}},
		{Kind: warble.EventEdgeGone, Key: key, ID: c.Events[2].ID, Quiet: true, Edges: []warble.Edge{gone}},
	} {
		s.eventually(t, fmt.Sprintf("event %d", i), func() bool { return has(r.got(key), want.ID) })
		for _, e := range r.got(key) {
			if e.ID == want.ID {
				same(t, "event", e, want)
			}
		}
	}
}

func logNoEvent(t *testing.T, s *suite) {
	r := s.consume(t, always)
	key := s.id()
	id := s.emit(t, key)
	tw := s.tweetRow(t, id)
	idle := s.id()
	s.idle(t, &warble.Change{Tweets: []*warble.Tweet{tw}, Events: []warble.Event{{Kind: warble.EventTweet, Key: key, ID: idle}}})
	last := s.emit(t, key)
	s.eventually(t, "the event after", func() bool { return has(r.got(key), last) })
	s.drained(t)
	if has(r.got(key), idle) {
		t.Fatal("a change that changed nothing left an event")
	}
}

func logPartition(t *testing.T, s *suite) {
	r := s.consume(t, always)
	keys := s.idsUp(20)
	for range 3 {
		for _, key := range keys {
			s.emit(t, key)
		}
	}
	s.drained(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	part := map[warble.ID]int{}
	for _, b := range r.batches {
		for _, e := range b.Events {
			if was, seen := part[e.Key]; seen && was != b.Part {
				t.Fatalf("events of key %v came from partitions %d and %d", e.Key, was, b.Part)
			}
			part[e.Key] = b.Part
		}
	}
	for _, key := range keys {
		if _, seen := part[key]; !seen {
			t.Fatalf("no event of key %v came", key)
		}
	}
}

func logAgain(t *testing.T, s *suite) {
	key := s.id()
	r := s.consume(t, never)
	id := s.emit(t, key)
	for range 3 {
		s.eventually(t, "the event", func() bool { return has(r.got(key), id) })
		if s.position(t).Behind == 0 {
			t.Fatal("an event that is out counts as done")
		}
		r.stop()
		r = s.consume(t, never)
	}
	r.stop()
	r = s.consume(t, always)
	s.eventually(t, "the event once more", func() bool { return has(r.got(key), id) })
	s.drained(t)
}

// logOutOfOrder has later batches done and the first not: after a restart the first comes again.
func logOutOfOrder(t *testing.T, s *suite) {
	key := s.id()
	r := s.consume(t, never)
	var ids []warble.ID
	for range 5 { // one after the other, so that each comes in a batch of its own
		ids = append(ids, s.emit(t, key))
		s.eventually(t, "the event", func() bool { return has(r.got(key), ids[len(ids)-1]) })
	}
	r.mu.Lock()
	for _, b := range slices.Backward(r.batches) {
		if !has(b.Events, ids[1]) {
			b.Done()
			b.Done() // twice is once
		}
	}
	r.mu.Unlock()
	if s.position(t).Behind == 0 {
		t.Fatal("with one batch not done the group is not behind")
	}
	r.stop()
	r = s.consume(t, always)
	s.eventually(t, "the event that was not done", func() bool { return has(r.got(key), ids[1]) })
	s.drained(t)
}

func logError(t *testing.T, s *suite) {
	boom, key := errors.New("boom"), s.id()
	id := s.emit(t, key)
	ctx, cancel := stop(t)
	defer cancel()
	err := s.Log.Consume(ctx, s.opt.Group, func(context.Context, warble.Batch) error { return boom })
	refused(t, err, boom)
	r := s.consume(t, always)
	s.eventually(t, "the event that was not handled", func() bool { return has(r.got(key), id) })
	s.drained(t)
}

func logPosition(t *testing.T, s *suite) {
	r := s.consume(t, always)
	s.drained(t)
	if p := s.position(t); !p.Oldest.IsZero() {
		t.Fatalf("nothing is behind, yet the oldest is of %v", p.Oldest)
	}
	r.stop()
	key := s.id()
	for range 5 {
		s.emit(t, key)
	}
	p := s.position(t)
	if p.Behind != 5 || p.Oldest.IsZero() {
		t.Fatalf("after five events the position is %+v", p)
	}
	if c := s.opt.Clock; c != nil && p.Oldest.After(c.Now()) {
		t.Fatalf("the oldest was stored at %v, after now, %v", p.Oldest, c.Now())
	}
	s.consume(t, always)
	s.drained(t)
}

// logTakesOver lets a second consumer in while the first still has events out.
func logTakesOver(t *testing.T, s *suite) {
	key := s.id()
	first := s.consume(t, never)
	id := s.emit(t, key)
	s.eventually(t, "the first gets the event", func() bool { return has(first.got(key), id) })
	second := s.consume(t, always)
	first.stop()
	s.eventually(t, "the second gets it too", func() bool { return has(second.got(key), id) })
	next := s.emit(t, key)
	s.eventually(t, "the second gets the next", func() bool { return has(second.got(key), next) })
	s.drained(t)
}
