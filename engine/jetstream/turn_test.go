//go:build cluster

package jetstream

import (
	"context"
	"sync"
	"testing"

	"warble"
)

// TestABatchSaysWhereItLies, and what lies there can be read again.
func TestABatchSaysWhereItLies(t *testing.T) {
	conf := shared(t)
	conf.Partitions = 1
	w := newWorld(t, conf)
	e := w.engine(t)
	mark := func(n uint64) warble.Mark { return warble.Mark{Stream: uint64(e.Incarnation()), Number: n} }
	var mu sync.Mutex
	var turns []warble.Turn
	events := 0
	consume := func(n int) {
		ctx, stop := context.WithCancel(t.Context())
		var ended sync.WaitGroup
		ended.Go(func() {
			_ = e.Log().Consume(ctx, "fanout", func(_ context.Context, b warble.Batch) error {
				mu.Lock()
				defer mu.Unlock()
				turns, events = append(turns, b.Turn), events+len(b.Events)
				b.Done()
				return nil
			})
		})
		w.writes(t, n, 30)
		eventually(t, "thirty more came", func() bool { mu.Lock(); defer mu.Unlock(); return events == n+30 })
		stop()
		ended.Wait()
	}
	consume(0)
	first := len(turns)
	consume(30)
	at := mark(0)
	for i, turn := range turns {
		if turn.From != at || turn.To.Compare(at) <= 0 {
			t.Errorf("the %d. batch is %+v, after %+v", i+1, turn, at)
		}
		at = turn.To
	}
	if at != mark(60) || turns[first].From != mark(30) || turns[first].Epoch <= turns[0].Epoch {
		t.Errorf("one ownership began with %+v, the next with %+v, and all end at %+v", turns[0], turns[first], at)
	}
}

// TestARewindHandsOutAgain what came after its mark, under a later epoch.
func TestARewindHandsOutAgain(t *testing.T) {
	w := newWorld(t, shared(t))
	w.conf.Partitions = 1
	e := w.engine(t)
	w.writes(t, 0, 60)
	mark := func(n uint64) warble.Mark { return warble.Mark{Stream: uint64(e.Incarnation()), Number: n} }
	var mu sync.Mutex
	times := map[warble.ID]int{}
	var epochs []uint64
	lost := false
	go func() {
		_ = e.Log().Consume(t.Context(), "fanout", func(_ context.Context, b warble.Batch) error {
			mu.Lock()
			defer mu.Unlock()
			epochs = append(epochs, b.Epoch)
			if b.To.Number == 60 && !lost {
				lost = true
				return &warble.Rewind{To: mark(20)}
			}
			for _, ev := range b.Events {
				times[ev.ID]++
			}
			b.Done()
			return nil
		})
	}()
	eventually(t, "all came", func() bool { mu.Lock(); defer mu.Unlock(); return len(times) == 60 })
	mu.Lock()
	defer mu.Unlock()
	if epochs[len(epochs)-1] <= epochs[0] {
		t.Errorf("the epochs are %v", epochs)
	}
}

// TestAQuietPartitionCarriesItsTurnOn, so that who numbers pushes can look whether the last are still there.
func TestAQuietPartitionCarriesItsTurnOn(t *testing.T) {
	w := newWorld(t, shared(t))
	e := w.engine(t)
	var mu sync.Mutex
	quiet := map[int]bool{}
	s := w.consume(t, e, func(b warble.Batch) {
		mu.Lock()
		defer mu.Unlock()
		if len(b.Events) == 0 && b.From == b.To && b.Epoch > 0 {
			quiet[b.Part] = true
		}
		b.Done()
	})
	w.writes(t, 0, 10)
	eventually(t, "ten came", func() bool { return s.all(0, 10) })
	eventually(t, "every partition says where it is", func() bool { mu.Lock(); defer mu.Unlock(); return len(quiet) == w.conf.Partitions })
}
