package jetstream

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"warble"
	"warble/engine/mem"
)

// process is an engine as far as ownership goes.
func process(t *testing.T, claims warble.Claims) *Engine {
	e := &Engine{opt: Options{Claims: claims, Dead: defaultDead, Log: slog.New(slog.DiscardHandler)}}
	e.ctx, e.cancel = context.WithCancel(t.Context())
	return e
}

// severed is claims that one process cannot reach while down.
type severed struct {
	warble.Claims
	down atomic.Bool
}

var errSevered = errors.New("nobody answers")

func (s *severed) Swap(ctx context.Context, name string, old, next warble.Claim, ttl time.Duration) (warble.Claim, error) {
	if s.down.Load() {
		return warble.Claim{}, errSevered
	}
	return s.Claims.Swap(ctx, name, old, next, ttl)
}

func (s *severed) Get(ctx context.Context, name string) (warble.Claim, error) {
	if s.down.Load() {
		return warble.Claim{}, errSevered
	}
	return s.Claims.Get(ctx, name)
}

func TestOneProcessAtATimeOwnsAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := mem.New(mem.Options{}).Claims
		cut := &severed{Claims: claims}
		var mu sync.Mutex
		var epochs []uint64
		at := 0
		work := func(ctx context.Context, epoch uint64) error {
			mu.Lock()
			epochs, at = append(epochs, epoch), at+1
			if at > 1 {
				t.Error("two are at work")
			}
			mu.Unlock()
			<-ctx.Done()
			mu.Lock()
			at--
			mu.Unlock()
			return ctx.Err()
		}
		ctx, stop := context.WithCancel(t.Context())
		var both sync.WaitGroup
		own := func(claims warble.Claims) {
			if err := process(t, claims).Own(ctx, "sweep", work); err != nil {
				t.Error(err)
			}
		}
		both.Go(func() { own(cut) })
		synctest.Wait()
		both.Go(func() { own(claims) })
		time.Sleep(time.Minute)
		cut.down.Store(true)
		time.Sleep(time.Minute)
		cut.down.Store(false)
		time.Sleep(time.Minute)
		stop()
		both.Wait()
		if len(epochs) != 2 || epochs[1] <= epochs[0] {
			t.Errorf("the owners' epochs were %v", epochs)
		}
	})
}

func TestOwnEndsWithTheErrorOfTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		e, turns := process(t, mem.New(mem.Options{}).Claims), 0
		err := e.Own(t.Context(), "job", func(context.Context, uint64) error {
			if turns++; turns < 3 {
				return nil
			}
			return boom
		})
		if !errors.Is(err, boom) || turns != 3 {
			t.Errorf("after %d turns: %v", turns, err)
		}
	})
}
