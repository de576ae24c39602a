package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
	"warble/role/write"
)

// engineConfig is what a child needs that measures a store in process.
type engineConfig struct {
	Dir       string
	Scale     scale
	Plan      plan
	Shared    string
	Profile   string // a directory for CPU profiles; empty: none
	BytesOnly bool   // only measure the bytes a post takes in the write-ahead log
}

func (b *bench) engineConfig(dir string, bytesOnly bool) engineConfig {
	profile := b.opt.Profile
	if bytesOnly {
		profile = ""
	}
	return engineConfig{Dir: dir, Scale: b.scale(mainName), Plan: b.plan, Shared: b.opt.Shared, Profile: profile, BytesOnly: bytesOnly}
}

// runEngineLine runs a line's role on a clone of the data.
func runEngineLine(ctx context.Context, b *bench, l *line) ([]Result, error) {
	dir := b.path("none")
	if l.needs == mainSet {
		var drop func()
		var err error
		if dir, drop, err = b.clone(mainName); err != nil {
			return nil, err
		}
		defer drop()
	}
	return b.results(ctx, l.keys[0], b.engineConfig(dir, false))
}

func postEngineRole(ctx context.Context, in *inside, conf *engineConfig) error {
	return writesRole(ctx, in, conf, "post.engine", func(n *node) func(worker, i int) error {
		hot, texts, rngs := conf.Scale.hot(), newTexts(6), randoms(6)
		return func(w, _ int) error {
			_, err := n.writer.PostTweet(ctx, user(hot[rngs[w].IntN(len(hot))]), write.Draft{Text: texts.any(rngs[w])})
			return err
		}
	})
}

func likeEngineRole(ctx context.Context, in *inside, conf *engineConfig) error {
	return writesRole(ctx, in, conf, "like.engine", func(n *node) func(worker, i int) error {
		hot, rngs := conf.Scale.hot(), randoms(7)
		return func(w, _ int) error {
			tweet := conf.Scale.tweetID(rngs[w].IntN(conf.Scale.Tweets))
			return n.writer.RecordUserTweetLike(ctx, user(hot[rngs[w].IntN(len(hot))]), tweet)
		}
	})
}

// randoms are random numbers for each goroutine.
func randoms(stream uint64) []*rand.Rand {
	out := make([]*rand.Rand, connections)
	for w := range out {
		out[w] = rand.New(rand.NewPCG(seed+stream, uint64(w)))
	}
	return out
}

// writesRole measures what 64 goroutines write, with fan-out at work, against
// raw synced commits of as many bytes.
func writesRole(ctx context.Context, in *inside, conf *engineConfig, name string, work func(*node) func(worker, i int) error) (err error) {
	n, err := open(ctx, conf.Dir, unlimited(), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	n.carry(ctx)
	if err := n.visit(ctx, conf.Scale.hot()); err != nil {
		return err
	}
	do := work(n)
	// First so that caches and follower lists are warm.
	if _, err := closedLoop(ctx, connections, 0, 2*conf.Scale.Hot, do); err != nil {
		return err
	}
	bytes, err := n.walBytes(ctx, conf, name, do)
	if err != nil {
		return err
	}
	if conf.BytesOnly {
		in.results([]Result{{Key: name, Value: float64(bytes)}})
		return nil
	}
	raw, err := openRaw(conf.Dir+"-control", bytes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, raw.db.Close()) }()
	var ours, theirs, p50, p99, ourCPU, theirCPU []float64
	res := Result{Key: name, Unit: "/s", Limit: 0.5, Detail: &Detail{}}
	for range conf.Plan.Rounds {
		started := ownCPU()
		t, err := closedLoop(ctx, connections, conf.Plan.Round, 0, do)
		if err != nil {
			return err
		}
		behind, err := n.behind(ctx)
		if err != nil {
			return err
		}
		res.Detail.Behind = max(res.Detail.Behind, behind.Seconds())
		if err := n.settle(ctx); err != nil {
			return err
		}
		between := ownCPU()
		c, err := closedLoop(ctx, connections, conf.Plan.Round, 0, func(int, int) error { return raw.commit() })
		if err != nil {
			return err
		}
		ours, theirs = append(ours, t.rate()), append(theirs, c.rate())
		ourCPU, theirCPU = append(ourCPU, perThing(between-started, t)), append(theirCPU, perThing(ownCPU()-between, c))
		p50, p99 = append(p50, t.quantile(0.5)), append(p99, t.quantile(0.99))
	}
	res.Value, res.Ratio, res.P50, res.P99 = median(ours), median(ours)/median(theirs), median(p50), median(p99)
	res.Detail.Note = fmt.Sprintf("%.0f µs CPU each; the control %s/s, %.0f µs, %s; %d WAL bytes", median(ourCPU), short(median(theirs)), median(theirCPU), spanOf(theirs), bytes)
	in.results([]Result{res})
	return nil
}

// walBytes measures the bytes of the write-ahead log for each thing done, with
// what fan-out writes because of it. This is the time of the profile.
func (n *node) walBytes(ctx context.Context, conf *engineConfig, name string, do func(worker, i int) error) (bytes int, err error) {
	before := n.engine.WALBytes()
	err = profiled(conf.Profile, name, func() error {
		t, err := closedLoop(ctx, connections, conf.Plan.Warm, 0, do)
		if err != nil {
			return err
		}
		err = n.settle(ctx)
		bytes = int(n.engine.WALBytes()-before) / max(t.n, 1)
		return err
	})
	return bytes, err
}

// ownCPU is what this process has used, or 0 where the system does not say.
func ownCPU() time.Duration {
	used, err := cpuTime(os.Getpid())
	if err != nil {
		return 0
	}
	return used
}

func perThing(cpu time.Duration, t *tally) float64 {
	return float64(cpu.Microseconds()) / float64(max(t.n, 1))
}
