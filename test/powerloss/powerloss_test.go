//go:build powerloss

package powerloss

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
	"warble/engine/mem"
	"warble/engine/pebble"
	"warble/engine/search"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"
)

var (
	points = flag.Int("points", 1000, "moments at which the power is cut")
	seed   = flag.Uint64("seed", 0, "of the run; 0: by the clock")
)

const (
	writers   = 8
	perLife   = 25 // points of one life of a store
	lifeSteps = 60 // of one writer
)

// shop is an open store with its roles.
type shop struct {
	stores *warble.Stores
	ids    *warble.IDs
	w      *write.Writer
	r      *read.Reader
	f      *fanout.Fanout
	close  func() error
}

func open(t *testing.T, fs vfs.FS) *shop {
	t.Helper()
	e, err := pebble.Open("/data", pebble.Options{FS: fs, MinFree: -1, CacheBytes: 8 << 20})
	if err != nil {
		t.Fatal("the store does not open after a power loss: ", err)
	}
	index, err := search.Open(e.Derived(), search.Options{})
	if err != nil {
		t.Fatal("the index does not open after a power loss: ", err)
	}
	e.BeforeSave(func() error { return index.Sync(context.Background()) })
	s := e.Stores()
	s.Index, s.Blobs = index, mem.New(mem.Options{}).Blobs
	ids, err := warble.NewIDs(t.Context(), s.Claims, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	opt := warble.Options{CountTick: 2 * time.Millisecond, TweetsPerDay: -1}
	return &shop{
		s, ids, write.NewWriter(s, ids, opt), read.NewReader(s, opt), fanout.NewFanout(s, ids, opt),
		func() error { return errors.Join(ids.Close(context.Background()), index.Close(), e.Close()) },
	}
}

// ledger is what one writer was told: it alone writes its keys. A step under way is
// unknown: either outcome is right.
type ledger struct {
	mu      sync.Mutex
	user    warble.UserID
	tweets  map[warble.TweetID]bool // true: there; false: deleted
	likes   map[warble.TweetID]bool
	follows map[warble.UserID]bool
	pending map[warble.ID]bool // keys of the step under way
	touched map[warble.ID]int  // steps so far
}

func (l *ledger) copy() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := newLedger(l.user)
	for k, v := range l.tweets {
		c.tweets[k] = v
	}
	for k, v := range l.likes {
		c.likes[k] = v
	}
	for k, v := range l.follows {
		c.follows[k] = v
	}
	for k, v := range l.pending {
		c.pending[k] = v
	}
	for k, v := range l.touched {
		c.touched[k] = v
	}
	return c
}

func newLedger(user warble.UserID) *ledger {
	return &ledger{user: user, tweets: map[warble.TweetID]bool{}, likes: map[warble.TweetID]bool{}, follows: map[warble.UserID]bool{}, pending: map[warble.ID]bool{}, touched: map[warble.ID]int{}}
}

// step makes one write of writer i and notes its outcome.
func (s *shop) step(ctx context.Context, rnd *rand.Rand, l *ledger, users []warble.UserID) error {
	pick := func(m map[warble.TweetID]bool) warble.TweetID {
		for id, there := range m {
			if there {
				return id
			}
		}
		return 0
	}
	note := func(id warble.ID, do func() error, done func()) error {
		l.mu.Lock()
		l.pending[id] = true
		l.touched[id]++
		l.mu.Unlock()
		err := do()
		l.mu.Lock()
		defer l.mu.Unlock()
		if err == nil {
			done()
			delete(l.pending, id)
		}
		return err
	}
	own := pick(l.tweets)
	switch n := rnd.IntN(10); {
	case n < 5 || own == 0:
		t, err := s.w.PostTweet(ctx, l.user, write.Draft{Text: fmt.Sprintf("tweet %d of @w%d", rnd.Uint32(), rnd.IntN(writers))})
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.tweets[t.ID] = true
		l.mu.Unlock()
		return nil
	case n < 7:
		if l.likes[own] {
			return note(own, func() error { return s.w.RemoveLike(ctx, l.user, own) }, func() { l.likes[own] = false })
		}
		return note(own, func() error { return s.w.RecordUserTweetLike(ctx, l.user, own) }, func() { l.likes[own] = true })
	case n < 9:
		u := users[rnd.IntN(len(users))]
		if u == l.user {
			return nil
		}
		if l.follows[u] {
			return note(u, func() error { return s.w.Unfollow(ctx, l.user, u) }, func() { l.follows[u] = false })
		}
		return note(u, func() error { _, err := s.w.Follow(ctx, l.user, u); return err }, func() { l.follows[u] = true })
	}
	return note(own, func() error { return s.w.DeleteTweet(ctx, l.user, own) }, func() { l.tweets[own] = false })
}

// TestPowerLossKeepsEverythingAcknowledged is the whole of `make powerloss`.
func TestPowerLossKeepsEverythingAcknowledged(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d points", *seed, *points)
	rnd := rand.New(rand.NewPCG(*seed, 0))
	var looked, kept atomic.Int64
	for cut := 0; cut < *points && !t.Failed(); cut += perLife {
		life(t, rnd, min(perLife, *points-cut), &looked, &kept)
	}
	t.Logf("%d points, %d acknowledged facts looked at", looked.Load(), kept.Load())
	if looked.Load() < int64(*points) && !t.Failed() {
		t.Errorf("only %d points", looked.Load())
	}
}

// life writes to one store, cuts the power n times meanwhile, and looks at every cut.
func life(t *testing.T, rnd *rand.Rand, n int, looked, kept *atomic.Int64) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	s := open(t, fs)
	users := make([]warble.UserID, writers)
	books := make([]*ledger, writers)
	for i := range users {
		u, err := s.w.Register(t.Context(), write.Registration{Handle: fmt.Sprint("w", i), Email: fmt.Sprintf("w%d@example.org", i)})
		if err != nil {
			t.Fatal(err)
		}
		users[i], books[i] = u.ID, newLedger(u.ID)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.f.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	var steps atomic.Int64
	for i, l := range books {
		mine := rand.New(rand.NewPCG(rnd.Uint64(), uint64(i)))
		wg.Go(func() {
			for range lifeSteps {
				if err := s.step(ctx, mine, l, users); err != nil && ctx.Err() == nil {
					t.Errorf("a write failed: %v", err)
				}
				steps.Add(1)
			}
		})
	}
	for i := range n {
		for steps.Load() < int64(i*writers*lifeSteps/n) && !t.Failed() {
			<-time.After(50 * time.Microsecond)
		}
		told := make([]*ledger, len(books)) // before the cut: what was acknowledged by then must be there
		for j, l := range books {
			told[j] = l.copy()
		}
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(101), RNG: rand.New(rand.NewPCG(rnd.Uint64(), 2))})
		after := make([]*ledger, len(books)) // what began since is unknown
		for j, l := range books {
			after[j] = l.copy()
		}
		look(t, clone, told, after, kept)
		looked.Add(1)
	}
	stop()
	wg.Wait()
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// look opens what a power loss left and holds it against what was told.
func look(t *testing.T, fs vfs.FS, told, after []*ledger, kept *atomic.Int64) {
	t.Helper()
	s := open(t, fs)
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := t.Context()
	for i, l := range told {
		// A key that a step touched before, during or after the cut may stand either way.
		open := func(id warble.ID) bool { return l.pending[id] || l.touched[id] != after[i].touched[id] }
		for id, there := range l.tweets {
			if open(id) {
				continue
			}
			rows, err := s.stores.Tweets.Get(ctx, id)
			if err != nil || rows[0] == nil || rows[0].Gone == there {
				t.Errorf("tweet %v was told to be there: %v; after the power loss: %+v (%v)", id, there, rows[0], err)
			}
			kept.Add(1)
		}
		// Likes of a deleted tweet go after a minute.
		likeable := func(id warble.ID) bool { there, mine := l.tweets[id]; return open(id) || mine && !there }
		s.lookEdges(t, warble.Like, l.user, l.likes, likeable, kept)
		s.lookEdges(t, warble.Follow, l.user, l.follows, open, kept)
	}
	s.whole(t)
}

func (s *shop) lookEdges(t *testing.T, kind warble.EdgeKind, user warble.UserID, told map[warble.ID]bool, open func(warble.ID) bool, kept *atomic.Int64) {
	t.Helper()
	for id, there := range told {
		if open(id) {
			continue
		}
		e, err := s.stores.Edges.Get(t.Context(), kind, user, id)
		if err != nil || (e[0].Since != 0) != there {
			t.Errorf("edge %d %v → %v was told to be there: %v; after the power loss: %+v (%v)", kind, user, id, there, e[0], err)
		}
		kept.Add(1)
	}
}

// whole lets fan-out catch up and checks every invariant.
func (s *shop) whole(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	ran := make(chan error, 1)
	go func() { ran <- s.f.Run(ctx) }()
	for {
		pos, err := s.f.Lag(ctx)
		if err != nil {
			t.Fatalf("fan-out does not finish after a power loss: %v", err)
		}
		if pos.Behind == 0 {
			break
		}
		<-time.After(time.Millisecond)
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	c := fanout.NewChecker(s.stores, func(b fanout.Breach) { t.Errorf("after a power loss: %v", b) })
	if err := c.Run(t.Context()); err != nil {
		t.Error(err)
	}
}
