//go:build cluster

package jetstream

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"warble"
)

// TestAServerFailsWhilePublishing: nothing is lost, and what is published after another was in the stream comes after it.
func TestAServerFailsWhilePublishing(t *testing.T) {
	kill, start := func(_ *testing.T, s *server) { s.kill() }, func(t *testing.T, s *server) { s.start(t) }
	t.Run("TheLeaderIsKilled", func(t *testing.T) { serverFails(t, servers.leader, kill, start) })
	t.Run("TheLeaderIsFrozen", func(t *testing.T) {
		serverFails(t, servers.leader, func(t *testing.T, s *server) { s.freeze(t) }, func(t *testing.T, s *server) { s.unfreeze(t) })
	})
	t.Run("OursIsKilled", func(t *testing.T) { serverFails(t, servers.connected, kill, start) })
}

func serverFails(t *testing.T, whose func(servers, *testing.T, *Engine) *server, fail, mend func(*testing.T, *server)) {
	all := startServers(t, 3, "")
	w := newWorld(t, all.config())
	e := w.engine(t)
	s := w.consume(t, e, nil)
	const writers, burst = 4, 60
	victim := whose(all, t, e)
	var wg sync.WaitGroup
	var over atomic.Bool
	var waited [writers]int // events of those who wait after each
	for k := range writers {
		wg.Go(func() {
			for ; !over.Load(); waited[k]++ {
				id := warble.MakeID(int64(waited[k]), 2, 0)
				m := w.out.note([]warble.Event{{Kind: warble.EventTweet, Key: warble.ID(k + 1), ID: id}})
				if err := errors.Join(e.Publish(t.Context(), m), e.Drain(t.Context())); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var flood atomic.Int64
	wg.Go(func() {
		for ; !over.Load(); flood.Add(burst) {
			w.writes(t, int(flood.Load()), burst)
			check(t, e.Drain(t.Context()))
		}
	})
	eventually(t, "some are through", func() bool { return s.all(0, 5*burst) })
	fail(t, victim)
	failed, before := time.Now(), int(flood.Load())
	eventually(t, "the stream takes more", func() bool { return int(flood.Load()) > before+5*burst })
	t.Logf("after %v the stream takes more", time.Since(failed).Round(time.Millisecond))
	over.Store(true)
	wg.Wait()
	eventually(t, "every event of the flood came", func() bool { return s.all(0, int(flood.Load())) })
	for k, n := range waited {
		key := warble.ID(k + 1)
		eventually(t, "and of those who waited", func() bool { return len(s.ofKey(key)) == n })
		if came := s.ofKey(key); !slices.IsSorted(came) {
			t.Errorf("writer %d's events came in the order %v", k, came)
		}
	}
	t.Logf("after %v all is through: %d events", time.Since(failed).Round(time.Millisecond), flood.Load())
	mend(t, victim)
	w.drained(t, e)
}

func TestAStreamThatIsGoneIsCreatedAgainAndFilled(t *testing.T) {
	w := newWorld(t, shared(t))
	e := w.engine(t)
	w.writes(t, 0, 100)
	s := w.consume(t, e, nil)
	eventually(t, "a hundred came", func() bool { return s.all(0, 100) })
	eventually(t, "their numbers are written down as done", func() bool { return w.floor(t, e) == 100 })
	s.stop()
	w.writes(t, 100, 50)
	check(t, e.Drain(t.Context()))
	was := e.Incarnation()
	check(t, e.js.DeleteStream(t.Context(), w.conf.Stream))
	w.writes(t, 150, 5) // to nowhere: the relay finds that it is gone
	s = w.consume(t, e, nil)
	eventually(t, "what was not done came again", func() bool { return s.all(100, 55) })
	if e.Incarnation() == was {
		t.Error("the stream is still the former")
	}
	if s.any(0, 100) {
		t.Error("what was done came again")
	}
	w.drained(t, e)
}

func TestAMissingNumberIsReadFromTheOutbox(t *testing.T) {
	for name, tc := range map[string]struct {
		before, lost, after int
		told                bool
	}{
		"Between":           {before: 10, lost: 3, after: 10},
		"AtTheBeginning":    {lost: 3, after: 1},
		"AtTheEnd":          {before: 10, lost: 3},
		"OfAWriterNotHeard": {lost: 3, told: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, shared(t))
			w.tells = tc.told
			e := w.engine(t)
			s := w.consume(t, e, nil)
			w.writes(t, 0, tc.before)
			for i := range tc.lost {
				w.out.note(change(tc.before + i).Events)
			}
			w.writes(t, tc.before+tc.lost, tc.after)
			n := tc.before + tc.lost + tc.after
			eventually(t, "all came", func() bool { return s.all(0, n) })
			eventually(t, "and are written down as done", func() bool { return w.floor(t, e) == uint64(n) })
		})
	}
}

func TestANumberThatWasGivenUpHoldsNothingUp(t *testing.T) {
	w := newWorld(t, shared(t))
	e := w.engine(t)
	s := w.consume(t, e, nil)
	w.writes(t, 0, 10)
	w.out.note(nil)
	w.writes(t, 10, 10)
	eventually(t, "all came", func() bool { return s.all(0, 20) })
	eventually(t, "and are written down as done", func() bool { return w.floor(t, e) == 21 })
}

// TestPublishesAreBounded: without servers the relay takes what it has room for and then says no, in time. What it
// refused is in the outbox, so when the servers are back it comes too.
func TestPublishesAreBounded(t *testing.T) {
	all := startServers(t, 3, "")
	w := newWorld(t, all.config())
	w.tells = true
	e := w.engine(t)
	s := w.consume(t, e, nil)
	w.writes(t, 0, 10)
	eventually(t, "ten came", func() bool { return s.all(0, 10) })
	for _, one := range all {
		one.kill()
	}
	refused, n := 0, 10
	for ; refused < 20; n++ {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := e.Publish(ctx, w.out.note(change(n).Events)); errors.Is(err, warble.ErrUnavailable) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
		cancel()
		if held, oldest := e.Pending(); held > relayHeld || oldest.IsZero() {
			t.Fatalf("the relay holds %d messages, the oldest of %v", held, oldest)
		}
	}
	if n < relayHeld {
		t.Fatalf("it refused the %d. already", n)
	}
	for _, one := range all {
		one.start(t)
	}
	eventually(t, "all came", func() bool { return s.all(0, n) })
	w.drained(t, e)
}

func TestLiveMessagesGoOnWhenAServerDies(t *testing.T) {
	all := startServers(t, 3, "")
	w := newWorld(t, all.config())
	a, b := w.engine(t), w.engine(t)
	ch, err := b.Hub().Subscribe(t.Context(), "public")
	check(t, err)
	before := b.Generation()
	dead := all.connected(t, b)
	dead.kill()
	eventually(t, "both are with servers that live", func() bool {
		return !slices.Contains([]*server{dead, nil}, all.connected(t, a)) && !slices.Contains([]*server{dead, nil}, all.connected(t, b))
	})
	eventually(t, "who lost its connection knows that messages may be lost", func() bool { return b.Generation() > before })
	eventually(t, "a message comes", func() bool {
		check(t, a.Hub().Publish(t.Context(), "public", []byte("still here")))
		select {
		case m := <-ch:
			return string(m) == "still here"
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
}
