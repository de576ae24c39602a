package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
	"warble/role/write"

	"warble"
)

// pushes stands in front of the timelines and notes what comes by.
type pushes struct {
	warble.Timelines
	mu   sync.Mutex
	keep bool
	seen [][]warble.TweetID // the distinct entries of each Push, in order, while keep
}

func (p *pushes) Push(ctx context.Context, turn warble.Turn, pairs []warble.Pair) error {
	if err := p.Timelines.Push(ctx, turn, pairs); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keep {
		var entries []warble.TweetID
		for i := range pairs {
			if i == 0 || pairs[i].Entry != pairs[i-1].Entry {
				entries = append(entries, pairs[i].Entry)
			}
		}
		p.seen = append(p.seen, entries)
	}
	return nil
}

// pushRole measures fan-out: tweets of authors with 400 hot followers wait in
// the log, and fan-out carries them to the end (homes, search, counts,
// notices). The control then inserts as many ids for the same owners, grouped
// and ordered as fan-out grouped them, by as many goroutines.
func pushRole(ctx context.Context, in *inside, conf *engineConfig) (err error) {
	seen := &pushes{}
	n, err := open(ctx, conf.Dir, unlimited(), func(s *warble.Stores) {
		seen.Timelines = s.Timelines
		s.Timelines = seen
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if err := n.visit(ctx, conf.Scale.hot()); err != nil {
		return err
	}
	p := &pushing{node: n, conf: conf, seen: seen, texts: newTexts(8), rngs: randoms(8), by: map[warble.TweetID]int{}, lists: map[int][]warble.UserID{}}
	tweets := 1000 // to warm the follower lists, and to see how many fit a round
	if _, _, err := p.subject(ctx, tweets); err != nil {
		return err
	}
	_, took, err := p.subject(ctx, tweets)
	if err != nil {
		return err
	}
	err = profiled(conf.Profile, "fanout.push", func() error {
		_, _, err := p.subject(ctx, tweets)
		return err
	})
	if err != nil {
		return err
	}
	tweets = min(max(int(float64(tweets)*conf.Plan.Round.Seconds()/took.Seconds()), 500), 24_000)
	var ours, theirs []float64
	for range conf.Plan.Rounds {
		pairs, took, err := p.subject(ctx, tweets)
		if err != nil {
			return err
		}
		ours = append(ours, float64(pairs)/took.Seconds())
		if pairs, took, err = p.control(ctx); err != nil {
			return err
		}
		theirs = append(theirs, float64(pairs)/took.Seconds())
	}
	in.results([]Result{{
		Key: "fanout.push", Value: median(ours), Unit: "deliveries/s", Limit: 0.5, Ratio: median(ours) / median(theirs),
		Detail: &Detail{Note: fmt.Sprintf("the control %s/s, %s; %d tweets a round", short(median(theirs)), spanOf(theirs), tweets)},
	}})
	return nil
}

type pushing struct {
	*node
	conf  *engineConfig
	seen  *pushes
	texts texts
	rngs  []*rand.Rand

	mu    sync.Mutex
	by    map[warble.TweetID]int // the author of each tweet of the round
	lists map[int][]warble.UserID
}

// subject posts with fan-out at rest, and then lets it work until nothing is left.
func (p *pushing) subject(ctx context.Context, tweets int) (pairs int, took time.Duration, err error) {
	clear(p.by)
	p.seen.mu.Lock()
	p.seen.keep, p.seen.seen = true, nil
	p.seen.mu.Unlock()
	_, err = closedLoop(ctx, connections, 0, tweets, func(w, i int) error {
		a := p.conf.Scale.hundreds(i % p.conf.Scale.Hundreds)
		t, err := p.writer.PostTweet(ctx, user(a), write.Draft{Text: p.texts.any(p.rngs[w])})
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.by[t.ID] = a
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	p.carry(ctx)
	if err := p.settle(ctx); err != nil {
		return 0, 0, err
	}
	took = time.Since(start)
	for _, a := range p.by {
		list, err := p.followers(ctx, a)
		if err != nil {
			return 0, 0, err
		}
		pairs += len(list)
	}
	return pairs, took, p.rest()
}

// followers returns an author's followers in the order in which fan-out takes them.
func (p *pushing) followers(ctx context.Context, a int) ([]warble.UserID, error) {
	if l, ok := p.lists[a]; ok {
		return l, nil
	}
	edges, newest, err := p.stores.Edges.Part(ctx, warble.Follow, user(a), 0)
	if err != nil || newest > 0 {
		return nil, errors.Join(err, errors.New("an author has too many followers for this line"))
	}
	var l []warble.UserID
	for _, e := range edges {
		l = append(l, e.From)
	}
	slices.Sort(l)
	p.lists[a] = l
	return l, nil
}

// fanoutWorkers is by how many goroutines fan-out works: one for each partition of the log.
const fanoutWorkers = 8

// control inserts ids as the last round of the subject did: the same owners,
// calls and order, with ids above all there are.
func (p *pushing) control(ctx context.Context) (pairs int, took time.Duration, err error) {
	p.seen.mu.Lock()
	calls := p.seen.seen
	p.seen.keep, p.seen.seen = false, nil
	p.seen.mu.Unlock()
	fresh := map[warble.TweetID]warble.TweetID{}
	var order []warble.TweetID
	for id := range p.by {
		order = append(order, id)
	}
	slices.Sort(order)
	for _, id := range order {
		if fresh[id], err = p.ids.Next(ctx, order[len(order)-1]); err != nil {
			return 0, 0, err
		}
	}
	work := make([][][]warble.Pair, fanoutWorkers)
	for _, call := range calls {
		var list []warble.Pair
		for _, id := range call {
			owners, err := p.followers(ctx, p.by[id])
			if err != nil {
				return 0, 0, err
			}
			for _, o := range owners {
				list = append(list, warble.Pair{Owner: o, Entry: fresh[id]})
			}
		}
		w := int(user(p.by[call[0]]).Hash() >> 40 % fanoutWorkers)
		work[w] = append(work[w], list)
		pairs += len(list)
	}
	start := time.Now()
	err = spread(ctx, fanoutWorkers, fanoutWorkers, func(w int) error {
		for _, list := range work[w] {
			if err := p.seen.Timelines.Push(ctx, warble.Turn{}, list); err != nil {
				return err
			}
		}
		return nil
	})
	return pairs, time.Since(start), err
}
