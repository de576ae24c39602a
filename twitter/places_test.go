package twitter

import (
	"context"
	"testing"
	"testing/synctest"

	"warble"
	"warble/internal/httpx"
)

func TestOnePersonCannotTakeAllPlacesForUploads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ctx := newPlaces(), t.Context()
		var leave []func()
		enter := func(user warble.UserID) int {
			l, err := p.enter(ctx, user)
			if err != nil {
				return httpx.StatusOf(err)
			}
			leave = append(leave, l)
			return 200
		}
		for i, want := range []int{200, 200, 429} { // the third waits, in vain
			if got := enter(1); got != want {
				t.Errorf("upload %d of one person: %d, want %d", i+1, got, want)
			}
		}
		for user := warble.UserID(2); len(leave) < maxUploads; user++ {
			if got := enter(user); got != 200 {
				t.Fatalf("person %d has no place: %d", user, got)
			}
		}
		if got := enter(100); got != 503 {
			t.Errorf("more than there are places: %d", got)
		}
		for _, l := range leave {
			l()
		}
		if len(p.all) != 0 || len(p.own) != 0 {
			t.Errorf("%d places are still taken, by %d people", len(p.all), len(p.own))
		}
	})
}

func TestAFurtherUploadWaitsForOnesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces()
		first, err := p.enter(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.enter(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		ctx, giveUp := context.WithCancel(t.Context())
		got := make(chan error, maxOwnWaiting)
		for range maxOwnWaiting {
			go func() { _, err := p.enter(ctx, 1); got <- err }()
		}
		synctest.Wait() // all of them in the queue
		if _, err := p.enter(ctx, 1); httpx.StatusOf(err) != 429 {
			t.Errorf("a queue without end: %v", err)
		}
		first()
		if err := <-got; err != nil {
			t.Errorf("a place was free: %v", err)
		}
		giveUp()
		for range maxOwnWaiting - 1 {
			if err := <-got; err == nil {
				t.Error("there was no further place")
			}
		}
		if n := p.own[1].users; n != maxOwnUploads {
			t.Errorf("%d are noted, want %d", n, maxOwnUploads)
		}
	})
}
