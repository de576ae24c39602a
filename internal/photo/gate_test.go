package photo

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestGateLetsNoMoreThanItsWidthIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const width = 3
		g := newGate(width)
		var now, most atomic.Int64
		var wg sync.WaitGroup
		for i := range width * (1 + waitersPerPlace) {
			weight := 1 + i%5 // more than there is counts as all there is
			wg.Go(func() {
				leave, err := g.enter(t.Context(), weight)
				if err != nil {
					t.Error(err)
					return
				}
				defer leave()
				held := int64(min(weight, width))
				if n := now.Add(held); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(time.Second)
				now.Add(-held)
			})
		}
		wg.Wait()
		if most.Load() != width {
			t.Errorf("%d places in use at once, want %d", most.Load(), width)
		}
		if len(g.places) != 0 || len(g.door) != 0 || g.inside.Load() != 0 {
			t.Error("something is still held")
		}
	})
}

func TestGateRefusesWhenTheQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g := newGate(1)
		leave, err := g.enter(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range waitersPerPlace {
			wg.Go(func() {
				if _, err := g.enter(ctx, 1); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if _, err := g.enter(ctx, 1); !errors.Is(err, ErrBusy) {
			t.Errorf("got %v, want ErrBusy", err)
		}
		cancel()
		wg.Wait()
		leave()
		if leave, err = g.enter(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		leave()
		if g.inside.Load() != 0 {
			t.Error("something is still held")
		}
	})
}

func TestHeavyPicturesDoNotDeadlock(t *testing.T) {
	g := newGate(2)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				leave, err := g.enter(t.Context(), 2)
				if err == nil {
					leave()
					return
				}
			}
		})
	}
	wg.Wait()
}
