package warble

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestAFullQueueLetsGoWhenItsConsumerEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	c := newCounter(nil, Options{})
	c.waiting = make([]func(), countWaiting)
	got := make(chan error, 1)
	go func() { got <- c.add(ctx, Batch{}, nil) }()
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
	ts := newTurns(&Fanout{s: &Stores{Log: noLog{}}, opt: Options{}.withDefaults()})
	ts.list = []*turn{{Tweet: IDAt(now.AddDate(-9, 0, 0)), Queued: now.UnixMilli()}}
	if ts.late(t.Context(), now) {
		t.Error("a tweet of nine years ago, queued now, is late")
	}
	if !ts.late(t.Context(), now.Add(time.Minute)) {
		t.Error("a turn queued a minute ago is not late")
	}
}

// noLog is a log without events.
type noLog struct{}

func (noLog) Consume(context.Context, string, func(context.Context, Batch) error) error { return nil }
func (noLog) Position(context.Context, string) (Position, error)                        { return Position{}, nil }

func TestIntervalsOfOneAuthorGrowTogether(t *testing.T) {
	have := []Interval{{1, 100, 200}, {2, 100, 200}}
	got := lengthened(slices.Clone(have), []Interval{{1, 203, 300}, {2, 500, 600}, {3, 1, MaxID}}, 199)
	want := []Interval{{1, 100, 300}, {2, 100, 600}, {3, 1, MaxID}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	got = lengthened(slices.Clone(have), []Interval{{1, 300, 400}}, 250)
	if want := append(have, Interval{1, 300, 400}); !slices.Equal(got, want) {
		t.Errorf("what ended before was lengthened: %v", got)
	}
}
