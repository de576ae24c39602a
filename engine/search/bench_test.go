package search

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"warble"
)

// The figures wanted: 1M tweets of 12 words of a Zipf vocabulary of 50k, two
// writers at 500 a second each meanwhile, ids only; with -short a twentieth.
const (
	benchDocs  = 1_000_000
	benchWords = 50_000
)

// corpus makes tweets of words as often used as in real texts.
type corpus struct {
	rnd  *rand.Rand
	zipf *rand.Zipf
	next warble.ID
}

func newCorpus(seed uint64) *corpus {
	rnd := rand.New(rand.NewPCG(seed, 9))
	return &corpus{rnd: rnd, zipf: rand.NewZipf(rnd, 1.07, 4, benchWords-1), next: warble.MakeID(1_700_000_000_000, 0, 0)}
}

// benchWord is the n-th word by use: pronounceable, and short for frequent ones.
func benchWord(n int) string {
	var b []byte
	for n += 20; n > 0; n /= 100 {
		b = append(b, "bcdfghjklmnprstvwxyz"[n%20], "aeiou"[n/20%5])
	}
	return string(b)
}

func (c *corpus) tweet() warble.IndexDoc {
	c.next += warble.ID(1+c.rnd.IntN(200)) << 16
	var b strings.Builder
	for i := range 12 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(benchWord(int(c.zipf.Uint64())))
	}
	return warble.IndexDoc{Tweet: &warble.Tweet{
		ID: c.next, Author: warble.ID(1 + c.rnd.IntN(80_000)), Conversation: c.next, Text: b.String(), Lang: "en",
	}}
}

func benchStore(b testing.TB) *pebble.DB {
	opt := &pebble.Options{
		DisableWAL: true, Logger: quiet{}, MemTableSize: 32 << 20, MemTableStopWritesThreshold: 4,
		L0CompactionThreshold: 4, L0StopWritesThreshold: 24, FormatMajorVersion: pebble.FormatNewest,
		Cache: pebble.NewCache(64 << 20),
	}
	for i := range opt.Levels {
		opt.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(b.TempDir(), opt)
	if err != nil {
		b.Fatal(err)
	}
	return db
}

func BenchmarkAdd(b *testing.B) {
	c := newCorpus(1)
	docs := make([]warble.IndexDoc, 300_000)
	for i := range docs {
		docs[i] = c.tweet()
	}
	db := benchStore(b)
	defer db.Close()
	x, err := Open(db, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	for i := range b.N {
		if i%1000 == 0 {
			if err := x.Sync(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		d := docs[i%len(docs)]
		if i >= len(docs) {
			t := *d.Tweet
			t.ID += warble.ID(i/len(docs)) << 50
			t.Conversation = t.ID
			d.Tweet = &t
		}
		if err := x.Add(context.Background(), []warble.IndexDoc{d}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "docs/s")
}

func BenchmarkSearch(b *testing.B) {
	n := benchDocs
	if testing.Short() {
		n = benchDocs / 20
	}
	db := benchStore(b)
	defer db.Close()
	x, err := Open(db, Options{})
	if err != nil {
		b.Fatal(err)
	}
	c := newCorpus(1)
	start := time.Now()
	for i := range n {
		if err := x.Add(context.Background(), []warble.IndexDoc{c.tweet()}); err != nil {
			b.Fatal(err)
		}
		if i%10_000 == 0 {
			if err := x.Sync(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Logf("%d tweets made and added in %v; %d segments, store %s", n, time.Since(start).Round(time.Millisecond),
		len(x.spaces[0].sealed), strconv.FormatUint(db.Metrics().DiskSpaceUsage()>>20, 10)+" MB")
	stop := writers(b, x, c)
	defer stop()
	word := func(n int) *warble.Query { return &warble.Query{Op: warble.QueryWord, Text: benchWord(n)} }
	rnd := rand.New(rand.NewPCG(4, 4))
	for _, bench := range []struct {
		name   string
		wanted time.Duration
		query  func() *warble.Query
	}{
		{"common", 50 * time.Microsecond, func() *warble.Query { return word(rnd.IntN(20)) }},
		{"rare", 50 * time.Microsecond, func() *warble.Query { return word(20_000 + rnd.IntN(20_000)) }},
		{"middle", 50 * time.Microsecond, func() *warble.Query { return word(500 + rnd.IntN(2000)) }},
		{"and", 200 * time.Microsecond, func() *warble.Query {
			return &warble.Query{Op: warble.QueryAnd, Kids: []*warble.Query{word(rnd.IntN(300)), word(rnd.IntN(300))}}
		}},
		{"and-rare", 200 * time.Microsecond, func() *warble.Query {
			return &warble.Query{Op: warble.QueryAnd, Kids: []*warble.Query{word(rnd.IntN(50)), word(1000 + rnd.IntN(9000))}}
		}},
		{"phrase", time.Millisecond, func() *warble.Query {
			return &warble.Query{Op: warble.QueryPhrase, Text: benchWord(rnd.IntN(100)) + " " + benchWord(rnd.IntN(100))}
		}},
		{"prefix", 3 * time.Millisecond, func() *warble.Query {
			return &warble.Query{Op: warble.QueryPrefix, Text: benchWord(rnd.IntN(30_000) + 2000)[:3]}
		}},
		{"from", 50 * time.Microsecond, func() *warble.Query {
			return &warble.Query{Op: warble.QueryFrom, ID: warble.ID(1 + rnd.IntN(80_000))}
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var took []time.Duration
			hits := 0
			for range b.N {
				q := bench.query()
				start := time.Now()
				ids, err := x.Search(context.Background(), q, warble.Page{Limit: 20})
				took = append(took, time.Since(start))
				hits += len(ids)
				if err != nil {
					b.Fatal(err)
				}
			}
			slices.Sort(took)
			p50, p99 := took[len(took)/2], took[len(took)*99/100]
			b.ReportMetric(float64(p50.Nanoseconds())/1e3, "p50-µs")
			b.ReportMetric(float64(p99.Nanoseconds())/1e3, "p99-µs")
			b.ReportMetric(float64(p50)/float64(bench.wanted), "p50-of-wanted")
			b.ReportMetric(float64(p99)/float64(10*bench.wanted), "p99-of-wanted")
			b.ReportMetric(float64(hits)/float64(b.N), "hits")
		})
	}
}

// writers adds 500 tweets a second twice until stopped.
func writers(b *testing.B, x *Index, c *corpus) (stop func()) {
	var group sync.WaitGroup
	var mu sync.Mutex
	var done atomic.Bool
	for range 2 {
		group.Go(func() {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for !done.Load() {
				<-tick.C
				mu.Lock()
				docs := []warble.IndexDoc{c.tweet(), c.tweet(), c.tweet(), c.tweet(), c.tweet()}
				mu.Unlock()
				if err := x.Add(context.Background(), docs); err != nil {
					b.Error(err)
				}
			}
		})
	}
	return func() { done.Store(true); group.Wait() }
}
