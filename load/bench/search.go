package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	pdb "github.com/cockroachdb/pebble/v2"

	"warble"
	"warble/engine/search"
)

// searchKind is one kind of query, with what we want of its p50, in ms; of its
// p99 we want at most ten times as much.
type searchKind struct {
	name string
	want float64
	make func(*queries) *warble.Query
}

func searchKinds() []searchKind {
	return []searchKind{
		{"common", 0.05, (*queries).common},
		{"rare", 0.05, (*queries).rare},
		{"and", 0.2, (*queries).and},
		{"phrase", 1, (*queries).phrase},
		{"prefix", 3, (*queries).prefix},
	}
}

const (
	searchesEach  = 4000
	indexWriters  = 2
	indexRate     = 500 // docs a second of each writer
	indexAlone    = 300_000
	indexAloneOne = 512 // docs of an Add, as fan-out hands them over
)

// queries makes queries about the generated tweets.
type queries struct {
	rng   *rand.Rand
	words *vocabulary
	scale scale
}

func newQueries(s scale) *queries {
	return &queries{rng: rand.New(rand.NewPCG(seed, 11)), words: newVocabulary(), scale: s}
}

// around is a word that stands in about n of the tweets.
func (q *queries) around(n float64) *warble.Query {
	r := q.words.rankWith(n, q.scale.Tweets)
	return &warble.Query{Op: warble.QueryWord, Text: q.words.words[min(r+q.rng.IntN(max(r/10, 10)), vocabularySize-1)]}
}

func (q *queries) common() *warble.Query { return q.around(float64(q.scale.Tweets) / 12) }
func (q *queries) rare() *warble.Query   { return q.around(20) }

func (q *queries) and() *warble.Query {
	return &warble.Query{Op: warble.QueryAnd, Kids: []*warble.Query{q.around(float64(q.scale.Tweets) / 40), q.around(float64(q.scale.Tweets) / 400)}}
}

// phrase is two words of a tweet that stand there side by side.
func (q *queries) phrase() *warble.Query {
	list := strings.Fields(q.scale.tweet(q.rng.IntN(q.scale.Tweets), q.words).Text)
	i := q.rng.IntN(len(list) - 1)
	return &warble.Query{Op: warble.QueryPhrase, Text: list[i] + " " + list[i+1]}
}

func (q *queries) prefix() *warble.Query {
	for {
		w := q.words.words[q.rng.IntN(vocabularySize)]
		if len(w) > 3 {
			return &warble.Query{Op: warble.QueryPrefix, Text: w[:3]}
		}
	}
}

// searchRole measures the index in process, ids only, while two writers add to
// it; and how fast documents are added when nothing else happens.
func searchRole(ctx context.Context, in *inside, conf *engineConfig) (err error) {
	n, err := open(ctx, conf.Dir, unlimited(), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	writing, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	var failed error
	for w := range indexWriters {
		wg.Go(func() { failed = errors.Join(failed, n.addDocs(writing, w)) })
	}
	var list []Result
	q := newQueries(conf.Scale)
	for _, kind := range searchKinds() {
		times, err := n.search(ctx, q, kind)
		if err != nil {
			return err
		}
		list = append(list, Result{
			Key: "search.newest." + kind.name, Value: quantile(times, 0.5), Unit: "ms p50", Limit: kind.want, P50: quantile(times, 0.5), P99: quantile(times, 0.99),
			Detail: &Detail{P99Limit: 10 * kind.want},
		})
	}
	stop()
	wg.Wait()
	if failed != nil {
		return failed
	}
	rate, err := indexing(ctx, conf.Dir+"-alone", conf.Scale)
	if err != nil {
		return err
	}
	in.results(append(list, Result{Key: "search.newest.indexing", Value: rate, Unit: "docs/s", Detail: &Detail{Note: "indexing alone, on all cores"}}))
	return nil
}

// addDocs adds documents one by one at a steady rate.
func (n *node) addDocs(ctx context.Context, writer int) error {
	rng, words := rand.New(rand.NewPCG(seed+12, uint64(writer))), newVocabulary()
	beat := time.NewTicker(time.Second / indexRate)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
		}
		id, err := n.ids.Next(ctx)
		if err == nil {
			err = n.stores.Index.Add(ctx, []warble.IndexDoc{{Tweet: &warble.Tweet{ID: id, Conversation: id, Author: user(0), Version: 1, Lang: "en", Text: words.text(rng)}}})
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func (n *node) search(ctx context.Context, q *queries, kind searchKind) ([]time.Duration, error) {
	var times []time.Duration
	for i := range searchesEach + searchesEach/10 {
		query := kind.make(q)
		start := time.Now()
		ids, err := n.stores.Index.Search(ctx, query, warble.Page{Limit: pageSize})
		took := time.Since(start)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 && kind.name != "and" && kind.name != "rare" {
			return nil, fmt.Errorf("a %s query found nothing: %q", kind.name, query.Text)
		}
		if i >= searchesEach/10 {
			times = append(times, took)
		}
	}
	slices.Sort(times)
	return times, nil
}

// indexing adds generated tweets to an empty index, on all cores.
func indexing(ctx context.Context, dir string, s scale) (rate float64, err error) {
	db, err := pdb.Open(dir, &pdb.Options{DisableWAL: true, FormatMajorVersion: pdb.FormatNewest, MemTableSize: 32 << 20, Logger: quiet{}})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	index, err := search.Open(db, search.Options{})
	if err != nil {
		return 0, err
	}
	words := newVocabulary()
	batches := make([][]warble.IndexDoc, min(indexAlone, s.Tweets)/indexAloneOne)
	for b := range batches {
		for i := range indexAloneOne {
			batches[b] = append(batches[b], warble.IndexDoc{Tweet: s.tweet(b*indexAloneOne+i, words)})
		}
	}
	start := time.Now()
	err = spread(ctx, len(batches), fanoutWorkers, func(i int) error { return index.Add(ctx, batches[i]) })
	if err == nil {
		err = index.Sync(ctx)
	}
	return float64(len(batches)*indexAloneOne) / time.Since(start).Seconds(), errors.Join(err, index.Close())
}

// runSearch puts the figures over HTTP beside those in process.
func runSearch(ctx context.Context, b *bench, l *line) ([]Result, error) {
	list, err := runEngineLine(ctx, b, l)
	if err != nil {
		return nil, err
	}
	worst := list[0]
	for _, r := range list {
		if r.Limit > 0 && r.Value/r.Limit > worst.Value/worst.Limit {
			worst = r
		}
	}
	worst.Detail = &Detail{P99Limit: worst.Detail.P99Limit, Note: "the worst of these: " + strings.TrimPrefix(worst.Key, "search.newest.")}
	worst.Key = "search.newest"
	dir, drop, err := b.clone(mainName)
	if err != nil {
		return nil, err
	}
	defer drop()
	s, err := b.serve(ctx, dir, "--dev")
	if err != nil {
		return nil, err
	}
	defer s.end()
	over, err := b.searchHTTP(ctx, s)
	return append([]Result{worst}, append(list, over...)...), err
}

// searchHTTP asks one query at a time while two connections post as the writers did.
func (b *bench) searchHTTP(ctx context.Context, s *server) (list []Result, err error) {
	main := b.sets[mainName]
	posting, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	ask := main.posts(main.scale.hot())
	for range indexWriters {
		wg.Go(func() { b.postSteadily(posting, s, ask) })
	}
	defer wg.Wait()
	defer stop()
	c, err := dial(ctx, s.addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	q := newQueries(main.scale)
	for _, kind := range searchKinds() {
		var times []time.Duration
		for range searchesEach / 8 {
			text := queryText(kind.make(q))
			request := get("/2/tweets/search/recent?max_results=20&query="+url.QueryEscape(text), main.tokens[main.scale.hot()[0]])
			start := time.Now()
			status, body, err := c.do(request)
			if err != nil || status != 200 {
				return nil, fmt.Errorf("the search %q was answered with %d: %s %w", text, status, body, err)
			}
			times = append(times, time.Since(start))
		}
		slices.Sort(times)
		list = append(list, Result{Key: "search.newest.http." + kind.name, Value: quantile(times, 0.5), Unit: "ms p50", P50: quantile(times, 0.5), P99: quantile(times, 0.99), Detail: &Detail{Note: "whole tweets"}})
	}
	behind, err := s.behind(ctx)
	list[len(list)-1].Detail.Behind = behind.Seconds()
	return list, err
}

// postSteadily posts at indexRate until ctx ends. A failure shows in the lines
// that read beside it.
func (b *bench) postSteadily(ctx context.Context, s *server, ask func(worker, i int) []byte) {
	c, err := dial(ctx, s.addr)
	if err != nil {
		return
	}
	defer c.Close()
	beat := time.NewTicker(time.Second / indexRate)
	defer beat.Stop()
	for ctx.Err() == nil {
		<-beat.C
		if _, _, err := c.do(ask(0, 0)); err != nil {
			b.say("a writer beside the search stopped: %v", err)
			return
		}
	}
}

// queryText is a query as one types it.
func queryText(q *warble.Query) string {
	switch q.Op {
	case warble.QueryPhrase:
		return `"` + q.Text + `"`
	case warble.QueryPrefix:
		return q.Text + "*"
	case warble.QueryAnd:
		return queryText(q.Kids[0]) + " " + queryText(q.Kids[1])
	}
	return q.Text
}
