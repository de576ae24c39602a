package observe

import (
	"context"
	"errors"
	"time"

	"warble"
)

// wrapDerived measures the stores it finds.
func (m meters) wrapDerived(s *warble.Stores) {
	if s.Log != nil {
		s.Log = log{s.Log, m.of("log", "Position"), m.of("log", "Consume")}
	}
	if s.Timelines != nil {
		s.Timelines = timelines{s.Timelines, m.of("timelines", "Push"), m.of("timelines", "Read"), m.of("timelines", "Build"), m.of("timelines", "Drop")}
	}
	if s.Counts != nil {
		s.Counts = counts{s.Counts, m.of("counts", "Put"), m.of("counts", "Get")}
	}
	if s.Index != nil {
		s.Index = index{s.Index, m.of("index", "Add"), m.of("index", "Remove"), m.of("index", "Search")}
	}
	if s.Hub != nil {
		s.Hub = hub{s.Hub, m.of("hub", "Publish"), m.of("hub", "Subscribe")}
	}
}

type log struct {
	warble.Log
	position, consume meter
}

func (s log) Position(ctx context.Context, group string) (warble.Position, error) {
	start := time.Now()
	p, err := s.Log.Position(ctx, group)
	s.position.done(start, err)
	return p, err
}

func (s log) Consume(ctx context.Context, group string, handle func(context.Context, warble.Batch) error) error {
	err := s.Log.Consume(ctx, group, handle)
	if err != nil {
		s.consume.failed(err)
	}
	return err
}

type timelines struct {
	warble.Timelines
	push, read, build, drop meter
}

func (s timelines) Push(ctx context.Context, turn warble.Turn, pairs []warble.Pair) error {
	start := time.Now()
	err := s.Timelines.Push(ctx, turn, pairs)
	s.push.done(start, err)
	return err
}

func (s timelines) Read(ctx context.Context, owner warble.UserID, p warble.Page) ([]warble.TweetID, warble.TweetID, bool, error) {
	start := time.Now()
	out, floor, ok, err := s.Timelines.Read(ctx, owner, p)
	s.read.done(start, err)
	return out, floor, ok, err
}

func (s timelines) Build(ctx context.Context, owner warble.UserID, pull func(context.Context) ([]warble.TweetID, warble.TweetID, error)) error {
	start := time.Now()
	err := s.Timelines.Build(ctx, owner, pull)
	s.build.done(start, err)
	return err
}

func (s timelines) Drop(ctx context.Context, owners ...warble.UserID) error {
	start := time.Now()
	err := s.Timelines.Drop(ctx, owners...)
	s.drop.done(start, err)
	return err
}

type counts struct {
	warble.Counts
	put, get meter
}

func (s counts) Put(ctx context.Context, counts []warble.Count) error {
	start := time.Now()
	err := s.Counts.Put(ctx, counts)
	s.put.done(start, err)
	return err
}

func (s counts) Get(ctx context.Context, kinds []warble.CountKind, ids []warble.ID) ([]int64, error) {
	start := time.Now()
	out, err := s.Counts.Get(ctx, kinds, ids)
	s.get.done(start, err)
	return out, err
}

type index struct {
	warble.Index
	add, remove, search meter
}

func (s index) Add(ctx context.Context, docs []warble.IndexDoc) error {
	start := time.Now()
	err := s.Index.Add(ctx, docs)
	s.add.done(start, err)
	return err
}

func (s index) Remove(ctx context.Context, ids ...warble.ID) error {
	start := time.Now()
	err := s.Index.Remove(ctx, ids...)
	s.remove.done(start, err)
	return err
}

func (s index) Search(ctx context.Context, q *warble.Query, p warble.Page) ([]warble.ID, error) {
	start := time.Now()
	out, err := s.Index.Search(ctx, q, p)
	failed := err
	if stop := (*warble.Unfinished)(nil); errors.As(err, &stop) {
		failed = nil // it did what it was asked to
	}
	s.search.done(start, failed)
	return out, err
}

type hub struct {
	warble.Hub
	publish, subscribe meter
}

func (s hub) Publish(ctx context.Context, topic string, message []byte) error {
	start := time.Now()
	err := s.Hub.Publish(ctx, topic, message)
	s.publish.done(start, err)
	return err
}

func (s hub) Subscribe(ctx context.Context, topic string) (<-chan []byte, error) {
	start := time.Now()
	ch, err := s.Hub.Subscribe(ctx, topic)
	s.subscribe.done(start, err)
	return ch, err
}
