package pebble

import (
	"context"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
)

// TestCachesStayExactUnderWritesAndEvictions reads and writes a few rows from
// many goroutines through caches so small that they always let something go,
// and then asks the same of a store just opened, which has cached nothing.
func TestCachesStayExactUnderWritesAndEvictions(t *testing.T) {
	for name, bytes := range map[string]int64{"small": 1 << 20, "large": 64 << 20} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMem()
			e := openTest(t, fs, Options{CacheBytes: bytes})
			var work sync.WaitGroup
			for g := range 4 {
				rng := rand.New(rand.NewPCG(uint64(g), rand.Uint64()))
				work.Go(func() {
					for range 1500 {
						scribble(t, e.Stores(), rng)
					}
				})
				work.Go(func() {
					for range 60 {
						look(t, e.Stores())
					}
				})
			}
			work.Wait()
			if t.Failed() {
				return
			}
			cached := look(t, e.Stores())
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			stored := look(t, openTest(t, fs, Options{}).Stores())
			for what := range stored {
				if !reflect.DeepEqual(cached[what], stored[what]) {
					t.Errorf("%s: from the caches\n%v\nfrom the store\n%v", what, cached[what], stored[what])
				}
			}
		})
	}
}

const (
	cachePeople = 12
	cacheTweets = 120
)

// scribble changes something by chance.
func scribble(t *testing.T, s *warble.Stores, rng *rand.Rand) {
	ctx := context.Background()
	person := func() warble.ID { return warble.ID(rng.IntN(cachePeople) + 1) }
	tweet := warble.ID(rng.IntN(cacheTweets)+1) << 8
	edge := warble.Edge{Kind: warble.EdgeKind(rng.IntN(3) + 1), From: person(), To: person(), Since: warble.ID(rng.IntN(1000) + 1), Value: string(rune('a' + rng.IntN(3)))}
	c := &warble.Change{}
	switch rng.IntN(6) {
	case 0:
		c.Tweets = []*warble.Tweet{{ID: tweet, Author: tweet>>8%cachePeople + 1, Version: uint32(rng.IntN(4) + 1), Text: "version"}}
	case 1:
		if rng.IntN(4) == 0 {
			c.Tweets = []*warble.Tweet{{ID: tweet, Author: tweet>>8%cachePeople + 1, Version: 9, Gone: true}}
		}
	case 2:
		c.Users = []*warble.User{{ID: person(), Version: rng.Uint64N(50) + 1, Name: "somebody"}}
		c.Docs = []*warble.Doc{{ID: person(), Owner: person(), Kind: warble.DocList, Version: rng.Uint64N(50) + 1, Gone: rng.IntN(5) == 0}}
	case 3, 4:
		c.Put = []warble.Edge{edge}
	case 5:
		c.Gone = []warble.EdgeKey{edge.Key()}
	}
	if _, err := s.Commit.Apply(ctx, c); err != nil {
		t.Error(err)
	}
	if err := s.Counts.Put(ctx, []warble.Count{{
		Kind: warble.CountKind(rng.IntN(int(warble.MaxCountKind)) + 1), ID: person(), Part: rng.Uint32N(3), N: rng.Int64N(100),
	}}); err != nil {
		t.Error(err)
	}
}

// look reads everything there is, by the calls that have a cache.
func look(t *testing.T, s *warble.Stores) map[string]any {
	ctx := context.Background()
	out := map[string]any{}
	keep := func(what string, v any, err error) {
		if err != nil {
			t.Error(err)
		}
		out[what] = v
	}
	people := make([]warble.ID, cachePeople)
	for i := range people {
		people[i] = warble.ID(i + 1)
	}
	tweets := make([]warble.ID, cacheTweets)
	for i := range tweets {
		tweets[i] = warble.ID(i+1) << 8
	}
	var kinds []warble.CountKind
	for k := warble.CountKind(1); k <= warble.MaxCountKind; k++ {
		kinds = append(kinds, k)
	}
	rows, err := s.Tweets.Get(ctx, tweets...)
	keep("tweets", values(rows), err)
	users, err := s.Users.Get(ctx, people...)
	keep("users", values(users), err)
	docs, err := s.Docs.Get(ctx, people...)
	keep("docs", values(docs), err)
	counts, err := s.Counts.Get(ctx, kinds, people)
	keep("counts", counts, err)
	for _, p := range people {
		by, err := s.Tweets.By(ctx, p, warble.Page{Limit: 5})
		keep("by "+p.String(), append([]warble.ID{}, by...), err)
		for kind := warble.EdgeKind(1); kind <= 3; kind++ {
			among, err := s.Edges.Among(ctx, p, []warble.EdgeKind{kind, kind | warble.Inverse}, people)
			keep("among "+p.String()+" "+string('0'+rune(kind)), among, err)
			edges, err := s.Edges.Get(ctx, kind, p, people...)
			keep("edges "+p.String()+" "+string('0'+rune(kind)), edges, err)
		}
	}
	return out
}

func values[V any](rows []*V) []V {
	out := make([]V, len(rows))
	for i, r := range rows {
		if r != nil {
			out[i] = *r
		}
	}
	return out
}
