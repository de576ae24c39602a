package pebble

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
)

// acked is what a writer was told, in the order it was told.
type acked struct {
	mu     sync.Mutex
	tweets []warble.TweetID
	liked  []warble.EdgeKey
	claims []string
}

func (a *acked) snapshot() (tweets []warble.TweetID, liked []warble.EdgeKey, claims []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tweets[:len(a.tweets):len(a.tweets)], a.liked[:len(a.liked):len(a.liked)], a.claims[:len(a.claims):len(a.claims)]
}

func TestWhatWasAcknowledgedOutlivesPowerLoss(t *testing.T) {
	fs := vfs.NewCrashableMem()
	e := openTest(t, fs, Options{CacheBytes: 8 << 20})
	var told acked
	ctx, cancel := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var n atomic.Uint64
	budget := make(chan struct{})
	for range 8 {
		writers.Go(func() {
			for range budget {
				writeOne(t, e.Stores(), &told, warble.ID(n.Add(1)))
			}
		})
	}
	consumed := make(chan struct{})
	var handled sync.Map // ids of tweets whose event was done
	go func() {
		defer close(consumed)
		_ = e.log.Consume(ctx, "fanout", func(_ context.Context, b warble.Batch) error {
			for _, ev := range b.Events {
				handled.Store(ev.ID, true)
			}
			b.Done()
			return nil
		})
	}()
	for i := range 15 {
		for j := range 100 + rand.IntN(200) {
			budget <- struct{}{}
			if i%3 == 0 && j == 50 {
				if err := e.checkpoint(); err != nil {
					t.Fatal(err)
				}
			}
		}
		tweets, liked, claims := told.snapshot()
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rand.IntN(101), RNG: rand.New(rand.NewPCG(rand.Uint64(), 1))})
		checkClone(t, clone, tweets, liked, claims, &handled)
		if t.Failed() {
			break
		}
	}
	close(budget)
	writers.Wait()
	cancel()
	<-consumed
}

func writeOne(t *testing.T, s *warble.Stores, told *acked, n warble.ID) {
	ctx := context.Background()
	author, id := 1+n%7, warble.MakeID(int64(n), 0, 0)
	edges := []warble.Edge{{Kind: warble.Like, From: author, To: id, Since: id}, {Kind: warble.Reply, From: id, To: author, Since: id}}
	if _, err := s.Commit.Apply(ctx, &warble.Change{
		Tweets: []*warble.Tweet{{ID: id, Author: author, Version: 1, Text: "told"}},
		Put:    edges,
		Events: []warble.Event{{Kind: warble.EventTweet, Key: author, ID: id, Edges: edges}},
	}); err != nil {
		t.Error(err)
		return
	}
	name := "name/" + n.String()
	if _, err := s.Claims.Swap(ctx, name, warble.Claim{}, warble.Claim{Holder: n}, 0); err != nil {
		t.Error(err)
		return
	}
	told.mu.Lock()
	defer told.mu.Unlock()
	told.tweets = append(told.tweets, id)
	told.liked = append(told.liked, edges[0].Key(), edges[1].Key())
	told.claims = append(told.claims, name)
}

// checkClone opens what a loss of power left and looks for all that was
// acknowledged before it, and for changes that are there by half.
func checkClone(t *testing.T, fs vfs.FS, tweets []warble.TweetID, liked []warble.EdgeKey, claims []string, handled *sync.Map) {
	t.Helper()
	e, err := Open("/data", Options{FS: fs, CacheBytes: 8 << 20})
	if err != nil {
		t.Fatalf("after the crash: %v", err)
	}
	defer e.Close()
	s, ctx := e.Stores(), t.Context()
	rows, err := s.Tweets.Get(ctx, tweets...)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if row == nil {
			t.Fatalf("tweet %d of %d was acknowledged and is not there", i, len(rows))
		}
	}
	for _, k := range liked {
		if got, err := s.Edges.Get(ctx, k.Kind, k.From, k.To); err != nil || got[0].Since == 0 {
			t.Fatalf("edge %v was acknowledged: %v, %v", k, got, err)
		}
	}
	for _, name := range claims {
		if c, err := s.Claims.Get(ctx, name); err != nil || c.Holder == 0 {
			t.Fatalf("%s was acknowledged: %v, %v", name, c, err)
		}
	}
	again := redelivered(t, s)
	for shard := range warble.Shards {
		all, err := s.Tweets.Scan(ctx, shard, warble.Page{Limit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		for i, tw := range all {
			if i < 4 || rand.IntN(16) == 0 { // a shard's newest, which a crash could cut in half, and some of the others
				whole(t, s, tw)
			}
			if _, done := handled.Load(tw.ID); !done && !again[tw.ID] {
				t.Fatalf("tweet %d is there, and its event neither was handled nor comes again", tw.ID)
			}
		}
	}
}

// redelivered consumes everything there is.
func redelivered(t *testing.T, s *warble.Stores) map[warble.ID]bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	seen := map[warble.ID]bool{}
	pos, err := s.Log.Position(ctx, "fanout")
	if err != nil {
		t.Fatal(err)
	}
	if pos.Behind == 0 {
		return seen
	}
	err = s.Log.Consume(ctx, "fanout", func(_ context.Context, b warble.Batch) error {
		mu.Lock()
		for _, ev := range b.Events {
			seen[ev.ID] = true
		}
		mu.Unlock()
		b.Done()
		if pos, err := s.Log.Position(ctx, "fanout"); err != nil {
			return err
		} else if pos.Behind == 0 {
			cancel()
		}
		return nil
	})
	if ctx.Err() == nil {
		t.Fatal(err)
	}
	return seen
}

// whole says that a tweet of writeOne has both directions of its edges and its
// place among its author's.
func whole(t *testing.T, s *warble.Stores, tw *warble.Tweet) {
	t.Helper()
	ctx := t.Context()
	page := warble.Page{Before: tw.ID + 1, Limit: 1}
	by, err := s.Tweets.By(ctx, tw.Author, page)
	if err != nil || len(by) != 1 || by[0] != tw.ID {
		t.Fatalf("tweet %d is not among its author's: %v, %v", tw.ID, by, err)
	}
	from, err := s.Edges.From(ctx, warble.Like, tw.Author, page)
	if err != nil || len(from) != 1 || from[0].To != tw.ID {
		t.Fatalf("tweet %d has no like out: %v, %v", tw.ID, from, err)
	}
	to, err := s.Edges.To(ctx, warble.Reply, tw.Author, page)
	if err != nil || len(to) != 1 || to[0].From != tw.ID {
		t.Fatalf("tweet %d has no reply in: %v, %v", tw.ID, to, err)
	}
}
