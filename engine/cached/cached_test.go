package cached

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"warble"
	"warble/engine/enginetest"
	"warble/engine/mem"
)

func TestContract(t *testing.T) {
	clock := enginetest.NewClock()
	enginetest.Run(t, func(t *testing.T) *warble.Stores {
		ctx, stop := context.WithCancel(t.Context())
		s, err := Wrap(ctx, mem.New(mem.Options{Clock: clock.Now}), Options{Rows: 64})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		return s
	}, enginetest.Options{Clock: clock})
}

// marks is what processes share about who wrote.
type marks struct {
	mu   sync.Mutex
	n    int
	of   map[warble.UserID]string
	down error
}

func (m *marks) mark(_ context.Context, users []warble.UserID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range users {
		m.n++
		m.of[u] = strconv.Itoa(m.n)
	}
	return m.down
}

func (m *marks) marked(_ context.Context, user warble.UserID) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[user], m.down
}

// process wraps a store as one process would.
func process(t *testing.T, s *warble.Stores, opt Options) *warble.Stores {
	w, err := Wrap(t.Context(), s, opt)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func put(t *testing.T, s *warble.Stores, version uint64) {
	t.Helper()
	u := &warble.User{ID: 7, Version: version, Handle: "ann", Name: "Ann " + strconv.FormatUint(version, 10)}
	tw := &warble.Tweet{ID: 9, Author: 7, Version: uint32(version), Text: "Text " + strconv.FormatUint(version, 10)}
	if _, err := s.Commit.Apply(t.Context(), &warble.Change{Users: []*warble.User{u}, Tweets: []*warble.Tweet{tw}}); err != nil {
		t.Fatal(err)
	}
}

// versions are those a process sees of the person and the tweet.
func versions(t *testing.T, s *warble.Stores) (user, tweet uint64) {
	t.Helper()
	users, err := s.Users.Get(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	tweets, err := s.Tweets.Get(t.Context(), 9)
	if err != nil {
		t.Fatal(err)
	}
	return users[0].Version, uint64(tweets[0].Version)
}

func sees(t *testing.T, s *warble.Stores, version uint64) {
	t.Helper()
	if user, tweet := versions(t, s); user != version || tweet != version {
		t.Fatalf("versions %d and %d are seen, want %d", user, tweet, version)
	}
}

// deaf is a hub whose messages reach nobody.
type deaf struct{ warble.Hub }

func (deaf) Publish(context.Context, string, []byte) error { return nil }

func TestAWriteElsewhereIsSeenWithItsMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := mem.New(mem.Options{})
		a, b := process(t, store, Options{}), process(t, store, Options{})
		put(t, a, 1)
		synctest.Wait()
		sees(t, b, 1)
		put(t, a, 2)
		synctest.Wait()
		sees(t, b, 2)
	})
}

func TestWithoutMessagesARowIsSeenNewWhenItsAgeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := mem.New(mem.Options{})
		quiet := *store
		quiet.Hub = deaf{store.Hub}
		a, b := process(t, &quiet, Options{}), process(t, store, Options{})
		put(t, a, 1)
		sees(t, b, 1)
		put(t, a, 2)
		sees(t, a, 2)
		sees(t, b, 1) // kept: else this shows nothing
		time.Sleep(10 * time.Second)
		sees(t, b, 2)
	})
}

func TestOwnWritesAreSeenAtOnceWhateverIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, shared := mem.New(mem.Options{}), &marks{of: map[warble.UserID]string{}}
		quiet := *store
		quiet.Hub = deaf{store.Hub}
		opt := Options{Mark: shared.mark, Marked: shared.marked}
		a, b := process(t, &quiet, opt), process(t, &quiet, opt)
		put(t, a, 1)
		b.CatchUp(t.Context(), 7)
		time.Sleep(time.Millisecond) // what is loaded in the moment of a look at the mark is not kept
		sees(t, b, 1)
		put(t, a, 2)
		b.CatchUp(t.Context(), 8) // somebody else
		sees(t, b, 1)
		b.CatchUp(t.Context(), 7)
		sees(t, b, 2)
		put(t, a, 3)
		shared.down = errors.New("no marks today")
		b.CatchUp(t.Context(), 7)
		sees(t, b, 3)
	})
}

func TestALostMessageIsNoticedByTheNextPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := mem.New(mem.Options{})
		lossy := *store
		hub := &losing{Hub: store.Hub}
		lossy.Hub = hub
		a, b := process(t, &lossy, Options{}), process(t, store, Options{})
		put(t, a, 1)
		synctest.Wait()
		sees(t, b, 1)
		hub.lose.Lock()
		put(t, a, 2)
		hub.lose.Unlock()
		sees(t, b, 1)
		time.Sleep(pulse)
		synctest.Wait()
		sees(t, b, 2)
	})
}

// losing loses messages while lose is held.
type losing struct {
	warble.Hub
	lose sync.Mutex
}

func (h *losing) Publish(ctx context.Context, topic string, m []byte) error {
	if !h.lose.TryLock() {
		return nil
	}
	defer h.lose.Unlock()
	return h.Hub.Publish(ctx, topic, m)
}

func TestALoadBegunBeforeAWriteIsNotKept(t *testing.T) {
	r := newRows[*warble.User](1000)
	began := time.Duration(0)
	good := func(*warble.User, time.Duration) bool { return true }
	old, fresh := &warble.User{ID: 7, Version: 1}, &warble.User{ID: 7, Version: 2}
	load := func(_ context.Context, ids ...warble.ID) ([]*warble.User, error) {
		r.forget(7) // the write of the next version crosses the load
		return []*warble.User{old}, nil
	}
	now := func() time.Duration { return began }
	if _, err := r.get(t.Context(), []warble.ID{7}, now, good, load); err != nil {
		t.Fatal(err)
	}
	got, err := r.get(t.Context(), []warble.ID{7}, now, good, func(context.Context, ...warble.ID) ([]*warble.User, error) {
		return []*warble.User{fresh}, nil
	})
	if err != nil || got[0] != fresh {
		t.Fatalf("%v, %v: the row of before was kept", got, err)
	}
}
