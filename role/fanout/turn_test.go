package fanout

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
	"warble"
)

func TestAFullQueueLetsGoWhenItsConsumerEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	c := newCounter(nil, warble.Options{})
	c.waiting = make([]func(), countWaiting)
	got := make(chan error, 1)
	go func() { got <- c.add(ctx, warble.Batch{}, nil) }()
	stop()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("a batch was taken by a full counter: %v", err)
	}
	if len(c.waiting) != countWaiting {
		t.Errorf("%d batches wait", len(c.waiting))
	}
}

func TestImportedTurnsAreNotLate(t *testing.T) {
	now := time.Now()
	ts := newTurns(&Fanout{s: &warble.Stores{Log: noLog{}}, opt: warble.Options{}.WithDefaults()})
	ts.list = []*turn{{Tweet: warble.IDAt(now.AddDate(-9, 0, 0)), Queued: now.UnixMilli()}}
	if ts.late(t.Context(), now) {
		t.Error("a tweet of nine years ago, queued now, is late")
	}
	if !ts.late(t.Context(), now.Add(time.Minute)) {
		t.Error("a turn queued a minute ago is not late")
	}
}

// noLog is a log without events.
type noLog struct{}

func (noLog) Consume(context.Context, string, func(context.Context, warble.Batch) error) error {
	return nil
}
func (noLog) Position(context.Context, string) (warble.Position, error) {
	return warble.Position{}, nil
}

func TestIntervalsOfOneAuthorGrowTogether(t *testing.T) {
	have := []warble.Interval{{Author: 1, From: 100, To: 200}, {Author: 2, From: 100, To: 200}}
	got := warble.Lengthened(slices.Clone(have), []warble.Interval{{Author: 1, From: 203, To: 300}, {Author: 2, From: 500, To: 600}, {Author: 3, From: 1, To: warble.MaxID}}, 199)
	want := []warble.Interval{{Author: 1, From: 100, To: 300}, {Author: 2, From: 100, To: 600}, {Author: 3, From: 1, To: warble.MaxID}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	got = warble.Lengthened(slices.Clone(have), []warble.Interval{{Author: 1, From: 300, To: 400}}, 250)
	if want := append(slices.Clone(have), warble.Interval{Author: 1, From: 300, To: 400}); !slices.Equal(got, want) {
		t.Errorf("what ended before was lengthened: %v", got)
	}
}
