package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
	"warble/role/write"

	"warble"
)

const (
	ordinaryRate = 200 // tweets a second, by anybody in the graph: 33 followers on the mean
	fairDelay    = 20 * time.Millisecond
)

// fairRole measures what an author of a million followers costs the others.
// His followers are loaded like all follows, in bulk and without events; every
// tenth gets an empty ring.
func fairRole(ctx context.Context, in *inside, conf *engineConfig) (err error) {
	late := &delays{mine: map[warble.TweetID]bool{}}
	opt := unlimited()
	opt.PushLine, opt.FanoutObjective = 1<<40, time.Hour
	n, err := open(ctx, conf.Dir, opt, func(s *warble.Stores) { late.Timelines, s.Timelines = s.Timelines, late })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	followers := 1_000_000 * conf.Scale.Tweets / fullScale.Tweets
	f := &fairness{node: n, conf: conf, late: late, texts: newTexts(9), followers: followers}
	if err := f.load(ctx, in); err != nil {
		return err
	}
	n.carry(ctx)
	if err := n.visit(ctx, conf.Scale.hot()); err != nil {
		return err
	}
	if _, err := f.round(ctx, false); err != nil { // warms up
		return err
	}
	var without, with, p50 []float64
	res := Result{Key: "fanout.fair", Unit: "ms", Limit: 0.5, Detail: &Detail{}}
	for range conf.Plan.Rounds {
		quiet, err := f.round(ctx, false)
		if err != nil {
			return err
		}
		busy, err := f.round(ctx, true)
		if err != nil {
			return err
		}
		without, with, p50 = append(without, quantile(quiet, 0.99)), append(with, quantile(busy, 0.99)), append(p50, quantile(busy, 0.5))
		res.Detail.Behind = max(res.Detail.Behind, f.behind.Seconds())
	}
	res.Value = median(with)
	res.P50, res.P99 = median(p50), res.Value
	res.Ratio = min(1, max(float64(fairDelay.Milliseconds()), 2*median(without))/median(with))
	res.Detail.Note = fmt.Sprintf("p99 %.1f ms without; the large author's %d followers took %s on the mean", median(without), followers, f.mean())
	in.results([]Result{res})
	return nil
}

type fairness struct {
	*node
	conf      *engineConfig
	late      *delays
	texts     texts
	followers int
	behind    time.Duration
	turns     []time.Duration // how long the large author's tweets took to all
}

func (f *fairness) mean() time.Duration {
	var sum time.Duration
	for _, t := range f.turns {
		sum += t
	}
	return (sum / time.Duration(max(len(f.turns), 1))).Round(time.Millisecond)
}

func (f *fairness) load(ctx context.Context, in *inside) error {
	l := &loader{node: f.node, in: in, conf: &prepareConfig{}, counts: map[warble.CountKey]int64{}}
	author := user(f.conf.Scale.big())
	err := l.batches(ctx, "followers", f.followers, warble.MaxChangeRows, func(from, to int) error {
		var put []warble.Edge
		for i := from; i < to; i++ {
			put = append(put, warble.Edge{Kind: warble.Follow, From: stranger(i), To: author, Since: sinceOf(i)})
		}
		return l.putFollows(ctx, put)
	})
	if err != nil {
		return err
	}
	nothing := func(context.Context) ([]warble.TweetID, warble.TweetID, error) { return nil, 0, nil }
	return spread(ctx, f.followers/10, 16, func(i int) error { return f.stores.Timelines.Build(ctx, stranger(10*i), nothing) })
}

// round lets ordinary tweets be delivered for a time, with or without the large
// author at work, and returns how late they were.
func (f *fairness) round(ctx context.Context, busy bool) ([]time.Duration, error) {
	var wg sync.WaitGroup
	busyCtx, stop := context.WithCancel(ctx)
	defer stop()
	var bad error
	if busy {
		if err := f.tweet(ctx); err != nil { // so that he is at work when the round begins
			return nil, err
		}
		wg.Go(func() {
			for busyCtx.Err() == nil && bad == nil {
				bad = f.tweet(ctx)
			}
		})
	}
	f.late.take()
	_, err := openLoop(ctx, f.conf.Plan.Round, ordinaryRate, func(rng *rand.Rand) error {
		_, err := f.writer.PostTweet(ctx, user(rng.IntN(f.conf.Scale.Graph)), write.Draft{Text: f.texts.any(rng)})
		return err
	})
	lag, lagErr := f.node.behind(ctx)
	f.behind = max(f.behind, lag)
	stop()
	wg.Wait()
	return f.late.take(), errors.Join(err, lagErr, bad, f.settle(ctx))
}

// tweet posts for the large author and waits until all his followers have it.
func (f *fairness) tweet(ctx context.Context) error {
	id, err := f.ids.Next(ctx)
	if err != nil {
		return err
	}
	f.late.mu.Lock()
	f.late.mine[id] = true
	f.late.mu.Unlock()
	start := time.Now()
	if _, err := f.writer.PostTweet(ctx, user(f.conf.Scale.big()), write.Draft{ID: id, Text: f.texts[0]}); err != nil {
		return err
	}
	started := false
	err = until(ctx, time.Minute, func() (bool, error) {
		turn, err := f.stores.Docs.Get(ctx, id)
		if err != nil {
			return false, err
		}
		started = started || turn[0] != nil
		// A turn shorter than a look was never seen: the log says that its event is done.
		if !started {
			pos, err := f.fanout.Lag(ctx)
			return pos.Behind == 0, err
		}
		return turn[0] == nil, nil
	})
	f.turns = append(f.turns, time.Since(start))
	return err
}
