package pebble

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	pdb "github.com/cockroachdb/pebble/v2"

	"warble"
)

func openBench(b *testing.B) *Engine {
	b.Helper()
	e, err := Open(filepath.Join(b.TempDir(), "data"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	})
	return e
}

const benchWriters = 32 // to a CPU: 64 on the two the figures are for

// BenchmarkApplyTweet is an acknowledged tweet; BenchmarkRawCommit its limit.
func BenchmarkApplyTweet(b *testing.B) {
	benchApply(b, func(s *warble.Stores, n warble.ID) error {
		_, err := s.Commit.Apply(context.Background(), benchTweet(n))
		return err
	})
}

func benchTweet(n warble.ID) *warble.Change {
	id, author := n<<8, n%10000+1
	return &warble.Change{
		Tweets: []*warble.Tweet{{ID: id, Author: author, Version: 1, Conversation: id, Lang: "en", Text: strings.Repeat("words ", 12)}},
		Events: []warble.Event{{Kind: warble.EventTweet, Key: author, ID: id}},
	}
}

func BenchmarkApplyLike(b *testing.B) {
	benchApply(b, func(s *warble.Stores, n warble.ID) error {
		from, to := warble.ID(rand.IntN(1e6)+1), warble.ID(rand.IntN(1e6)+1)
		e := warble.Edge{Kind: warble.Like, From: from, To: to << 20, Since: n << 8}
		_, err := s.Commit.Apply(context.Background(), &warble.Change{
			Put:    []warble.Edge{e},
			Events: []warble.Event{{Kind: warble.EventEdge, Key: to % 1000, ID: to, Edges: []warble.Edge{e}}},
		})
		return err
	})
}

// BenchmarkApplyLikeOfOne is everybody liking one tweet.
func BenchmarkApplyLikeOfOne(b *testing.B) {
	benchApply(b, func(s *warble.Stores, n warble.ID) error {
		e := warble.Edge{Kind: warble.Like, From: n, To: 7, Since: n << 8}
		_, err := s.Commit.Apply(context.Background(), &warble.Change{
			Put:    []warble.Edge{e},
			Events: []warble.Event{{Kind: warble.EventEdge, Key: 1, ID: 7, Edges: []warble.Edge{e}}},
		})
		return err
	})
}

func benchApply(b *testing.B, apply func(*warble.Stores, warble.ID) error) {
	e := openBench(b)
	s := e.Stores()
	var n atomic.Uint64
	b.SetParallelism(benchWriters)
	b.ReportAllocs()
	before := e.WALBytes()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := apply(s, warble.ID(n.Add(1))); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(e.WALBytes()-before)/float64(b.N), "walB/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

// BenchmarkRawCommit is one synced Pebble row of as many bytes as a tweet's commit.
func BenchmarkRawCommit(b *testing.B) {
	e := openBench(b)
	var n atomic.Uint64
	value := make([]byte, 190)
	b.SetParallelism(benchWriters)
	b.ReportAllocs()
	before := e.WALBytes()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := e.truth.Set(tweetKey(nil, warble.ID(n.Add(1))), value, pdb.Sync); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(e.WALBytes()-before)/float64(b.N), "walB/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

// hot gives a store with 10,000 tweets, each liked by somebody, and user 1 following 300.
func hot(b *testing.B) (*Engine, []warble.ID) {
	e := openBench(b)
	s, ctx := e.Stores(), b.Context()
	ids := make([]warble.ID, 10000)
	var counts []warble.Count
	for i := range ids {
		ids[i] = warble.ID(i+1) << 8
		counts = append(counts, warble.Count{Kind: warble.CountLikes, ID: ids[i], N: 3}, warble.Count{Kind: warble.CountReplies, ID: ids[i], N: 1})
	}
	for at := 0; at < len(ids); at += 20 {
		c := &warble.Change{}
		for _, id := range ids[at : at+20] {
			c.Tweets = append(c.Tweets, benchTweet(id>>8).Tweets...)
		}
		if _, err := s.Commit.Apply(ctx, c); err != nil {
			b.Fatal(err)
		}
		c = &warble.Change{}
		for i := range 20 {
			n := warble.ID(at + i)
			c.Put = append(c.Put, warble.Edge{Kind: warble.Follow, From: n%30 + 1, To: n + 100, Since: n + 1})
		}
		if _, err := s.Commit.Apply(ctx, c); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Counts.Put(ctx, counts); err != nil {
		b.Fatal(err)
	}
	return e, ids
}

// perID runs read with forty random ids and reports the time for one.
func perID(b *testing.B, ids []warble.ID, read func([]warble.ID) error) {
	page := make([]warble.ID, 40)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for i := range page {
			page[i] = ids[rand.IntN(len(ids))]
		}
		if err := read(page); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(page)), "ns/id")
}

func BenchmarkTweetsGetHot(b *testing.B) {
	e, ids := hot(b)
	perID(b, ids, func(page []warble.ID) error {
		_, err := tweetStore{e}.Get(context.Background(), page...)
		return err
	})
}

func BenchmarkCountsGetHot(b *testing.B) {
	e, ids := hot(b)
	kinds := []warble.CountKind{warble.CountReplies, warble.CountRetweets, warble.CountQuotes, warble.CountLikes, warble.CountBookmarks}
	perID(b, ids, func(page []warble.ID) error {
		_, err := countStore{e}.Get(context.Background(), kinds, page)
		return err
	})
}

func BenchmarkAmongHot(b *testing.B) {
	e, _ := hot(b)
	kinds := []warble.EdgeKind{warble.Follow, warble.Block, warble.Block | warble.Inverse, warble.Mute, warble.Like, warble.Retweet, warble.Bookmark}
	people := make([]warble.ID, 10000)
	for i := range people {
		people[i] = warble.ID(100 + i)
	}
	perID(b, people, func(page []warble.ID) error {
		_, err := edgeStore{e}.Among(context.Background(), 1, kinds, page)
		return err
	})
}

func BenchmarkByHot(b *testing.B) {
	e, _ := hot(b)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := (tweetStore{e}).By(context.Background(), warble.ID(rand.IntN(10000)+1), warble.Page{Limit: 20}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPush is deliveries into 81,306 full timelines, a tweet to 33 followers at a time.
func BenchmarkPush(b *testing.B) {
	e := openBench(b)
	ctx := context.Background()
	const owners = 81306
	for owner := range warble.ID(owners) {
		err := e.timelines.Build(ctx, owner+1, func(context.Context) ([]warble.TweetID, warble.TweetID, error) {
			entries := make([]warble.TweetID, 800)
			for i := range entries {
				entries[i] = warble.ID(800-i)<<20 | owner
			}
			return entries, 1, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	pairs := make([]warble.Pair, 33)
	next := warble.ID(1000) << 20
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		next++
		for i := range pairs {
			pairs[i] = warble.Pair{Owner: warble.ID(rand.IntN(owners) + 1), Entry: next}
		}
		if err := e.timelines.Push(ctx, warble.Turn{}, pairs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(pairs))/b.Elapsed().Seconds(), "pairs/s")
}
