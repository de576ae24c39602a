package bench

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"warble"
	"warble/auth"
	"warble/internal/httpx"
)

// dataSet is what a line needs.
type dataSet int

const (
	noSet dataSet = iota
	mainSet
	slopeSets
)

const (
	mainName      = "main"
	prepareBudget = 240 * time.Second
)

// set is a prepared store, closed.
type set struct {
	name   string
	scale  scale
	dir    string
	tokens []string // by person; empty for those who need none
}

// scale says how large a set is in this run.
func (b *bench) scale(name string) scale {
	s := fullScale
	switch name {
	case "10k":
		s = scale{Graph: 1000, Tweets: 10_000, Readers: 1000, Fifty: slopeAuthors}
	case "100k":
		s = scale{Graph: 10_000, Tweets: 100_000, Readers: 1000, Fifty: slopeAuthors}
	}
	if b.opt.Quick {
		s = s.over(20)
		s.Readers, s.Deep, s.Fifty = 0, 0, 0
	}
	s.Start = b.began.Add(-tweetSpan - time.Hour).UnixMilli()
	return s.over(b.opt.Shrink)
}

// prepare builds what is not there yet.
func (b *bench) prepare(ctx context.Context, needs dataSet) error {
	var names []string
	switch needs {
	case mainSet:
		names = []string{mainName}
	case slopeSets:
		names = []string{"10k", "100k", mainName}
	}
	for _, name := range names {
		if b.sets[name] != nil {
			continue
		}
		s := &set{name: name, scale: b.scale(name), dir: b.path(name)}
		start := time.Now()
		_, err := b.results(ctx, "prepare", prepareConfig{Dir: s.dir, Scale: s.scale, Shared: b.opt.Shared, Every: !b.opt.Quick && name == mainName})
		if err != nil {
			return err
		}
		if s.tokens, err = readTokens(s.dir + ".tokens"); err != nil {
			return err
		}
		b.sets[name] = s
		b.say("data %s: %s in %.0f s", name, s.scale, time.Since(start).Seconds())
	}
	return nil
}

// clone gives a line a store of its own, and the way to get rid of it.
func (b *bench) clone(name string) (dir string, drop func(), err error) {
	if dir, err = os.MkdirTemp(b.dir, "clone-"); err != nil {
		return "", nil, err
	}
	return dir, func() { _ = os.RemoveAll(dir) }, clone(b.sets[name].dir, dir)
}

type prepareConfig struct {
	Dir    string
	Scale  scale
	Shared string
	Every  bool // everybody in the graph gets a token, not only the hot users
}

// loader fills a store. It writes truth through Commit.Apply, twenty rows at a
// time from 64 goroutines, without events: what fan-out would do about them
// (counts, search) is put directly, in bulk.
type loader struct {
	*node
	in   *inside
	conf *prepareConfig

	mu     sync.Mutex
	counts map[warble.CountKey]int64
}

const loadWriters = 64

func prepareRole(ctx context.Context, in *inside, conf *prepareConfig) (err error) {
	n, err := open(ctx, conf.Dir, unlimited(), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	l := &loader{node: n, in: in, conf: conf, counts: map[warble.CountKey]int64{}}
	for _, step := range []func(context.Context) error{l.people, l.follows, l.tweets, l.putCounts, l.tokens} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	n.carry(ctx)
	if err := n.settle(ctx); err != nil {
		return err
	}
	in.results(nil)
	return nil
}

// batches does the work for 0 … total, so many at a time.
func (l *loader) batches(ctx context.Context, what string, total, size int, do func(from, to int) error) error {
	n := (total + size - 1) / size
	var mu sync.Mutex
	done := 0
	return spread(ctx, n, loadWriters, func(i int) error {
		if err := do(i*size, min((i+1)*size, total)); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if done++; done%200 == 0 || done == n {
			l.in.progress(what, int64(min(done*size, total)), int64(total))
		}
		return nil
	})
}

func (l *loader) people(ctx context.Context) error {
	return l.batches(ctx, "people", l.conf.Scale.people(), warble.MaxChangeRows, func(from, to int) error {
		c := &warble.Change{}
		var docs []warble.IndexDoc
		for i := from; i < to; i++ {
			c.Users = append(c.Users, row(i))
			docs = append(docs, warble.IndexDoc{User: row(i)})
		}
		if _, err := l.stores.Commit.Apply(ctx, c); err != nil {
			return err
		}
		return l.stores.Index.Add(ctx, docs)
	})
}

func (l *loader) follows(ctx context.Context) error {
	var pairs []pair
	if l.conf.Scale.Follows {
		var err error
		if pairs, err = graph(l.conf.Shared, l.conf.Scale.Graph); err != nil {
			return err
		}
	}
	pairs = groups(l.conf.Scale, pairs)
	// A change is one follower's: changes then seldom wait for each other's locks.
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.From, b.From) })
	return l.batches(ctx, "follows", len(pairs), warble.MaxChangeRows, func(from, to int) error {
		put := make([]warble.Edge, 0, to-from)
		for i := from; i < to; i++ {
			put = append(put, warble.Edge{Kind: warble.Follow, From: user(int(pairs[i].From)), To: user(int(pairs[i].To)), Since: sinceOf(i)})
		}
		return l.putFollows(ctx, put)
	})
}

// sinceOf is the moment of the i-th follow.
func sinceOf(i int) warble.ID { return warble.MakeID(edgesMs+int64(i/256), 1, uint8(i)) }

// putFollows stores follows and adds them to the counts.
func (l *loader) putFollows(ctx context.Context, put []warble.Edge) error {
	asked := slices.Clone(put)
	if _, err := l.stores.Commit.Apply(ctx, &warble.Change{Put: put}); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, e := range put {
		if e.Since != asked[i].Since {
			continue // a pair that is in the file twice
		}
		l.counts[warble.CountKey{Kind: warble.CountFollowers, ID: e.To, Part: e.Part}]++
		l.counts[warble.CountKey{Kind: warble.CountFollowing, ID: e.From, Part: e.Since.Month()}]++
	}
	return nil
}

func (l *loader) tweets(ctx context.Context) error {
	words := newVocabulary()
	return l.batches(ctx, "tweets", l.conf.Scale.Tweets, warble.MaxChangeRows, func(from, to int) error {
		c := &warble.Change{}
		docs := make([]warble.IndexDoc, 0, to-from)
		for i := from; i < to; i++ {
			t := l.conf.Scale.tweet(i, words)
			c.Tweets = append(c.Tweets, t)
			docs = append(docs, warble.IndexDoc{Tweet: t})
		}
		if _, err := l.stores.Commit.Apply(ctx, c); err != nil {
			return err
		}
		l.mu.Lock()
		for _, t := range c.Tweets {
			l.counts[warble.CountKey{Kind: warble.CountTweets, ID: t.Author, Part: t.ID.Month()}]++
		}
		l.mu.Unlock()
		return l.stores.Index.Add(ctx, docs)
	})
}

func (l *loader) putCounts(ctx context.Context) error {
	now := time.Now()
	list := make([]warble.Count, 0, len(l.counts))
	for k, n := range l.counts {
		list = append(list, warble.Count{Kind: k.Kind, ID: k.ID, Part: k.Part, N: n, At: now})
	}
	return l.batches(ctx, "counts", len(list), 512, func(from, to int) error { return l.stores.Counts.Put(ctx, list[from:to]) })
}

// tokens makes an access token for everybody who will read or post over HTTP.
func (l *loader) tokens(ctx context.Context) error {
	s := l.conf.Scale
	var who []int
	if l.conf.Every {
		for i := range s.Graph {
			who = append(who, i)
		}
	} else {
		who = s.hot()
	}
	for i := range s.Readers {
		who = append(who, s.reader(i))
	}
	for i := range s.Fifty {
		who = append(who, s.fifty(i))
	}
	service := auth.NewService(l.stores, l.writer, auth.Options{Dev: true})
	tokens := make([]string, s.people())
	err := l.batches(ctx, "tokens", len(who), 4, func(from, to int) error {
		for _, i := range who[from:to] {
			secret, err := service.IssueToken(ctx, user(i), httpx.AllScopes, "bench")
			if err != nil {
				return err
			}
			tokens[i] = secret
		}
		return nil
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Clean(l.conf.Dir)+".tokens", []byte(strings.Join(tokens, "\n")), 0o600)
}

func readTokens(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the prepared data is not whole: %w", err)
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		out = append(out, lines.Text())
	}
	return out, lines.Err()
}
