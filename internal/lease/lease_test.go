package lease

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"warble"
	"warble/engine/mem"
)

// severed is claims that one process cannot reach while down.
type severed struct {
	warble.Claims
	down atomic.Bool
}

const dead = 10 * time.Second

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

func wish(claims warble.Claims) Lease {
	return Lease{Claims: claims, Name: "job", Holder: Someone(), Dead: dead}
}

func win(t *testing.T, l Lease) *Holding {
	t.Helper()
	h, err := l.Win(t.Context(), func(err error) { t.Log(err) })
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAnOwnerWhoLeavesIsFollowedAtOnceByAHigherEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := mem.New(mem.Options{}).Claims
		first := win(t, wish(claims))
		time.Sleep(time.Hour) // it renews
		if !first.Valid() {
			t.Fatal("who renews lost the claim")
		}
		first.Leaves("page 7")
		first.Leave()
		left := time.Now()
		second := win(t, wish(claims))
		defer second.Leave()
		if wait := time.Since(left); wait > 0 {
			t.Errorf("the next waited %v", wait)
		}
		if second.Epoch() != first.Epoch()+1 || second.Note() != "page 7" {
			t.Errorf("the next has epoch %d after %d, and note %q", second.Epoch(), first.Epoch(), second.Note())
		}
	})
}

// TestAnOwnerStopsBeforeAnotherBegins: cut off from the claims he stops by himself, and only then he is called dead.
func TestAnOwnerStopsBeforeAnotherBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := mem.New(mem.Options{}).Claims
		mine := &severed{Claims: claims}
		first := win(t, wish(mine))
		time.Sleep(time.Minute)
		mine.down.Store(true)
		cut := time.Now()
		var stopped time.Duration
		go func() {
			<-first.ctx.Done()
			stopped = time.Since(cut)
		}()
		second := win(t, wish(claims))
		defer second.Leave()
		took := time.Since(cut)
		if stopped == 0 || stopped >= took {
			t.Errorf("the first stopped after %v, the second began after %v", stopped, took)
		}
		if took < dead-time.Second || took > 2*dead {
			t.Errorf("the second began after %v", took)
		}
		first.Leave()
		if !second.Valid() {
			t.Error("who was called dead took the claim along when he left")
		}
	})
}

func TestWhoLosesTheClaimHearsOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := mem.New(mem.Options{}).Claims
		first := win(t, wish(claims))
		other := warble.Claim{Holder: Someone(), Epoch: 99}
		now, err := claims.Get(t.Context(), "job")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := claims.Swap(t.Context(), "job", now, other, 0); err != nil {
			t.Fatal(err)
		}
		<-first.ctx.Done()
		first.Leave()
		if now, _ := claims.Get(t.Context(), "job"); now != other {
			t.Errorf("the claim is %+v", now)
		}
	})
}
