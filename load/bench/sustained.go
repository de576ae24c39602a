package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
	"warble/role/write"

	"warble"
)

// Delivery must stay below deliveredIn for sustainedFor. Rates are tried for
// a shorter time first.
const (
	deliveredIn  = 5 * time.Second
	sustainedFor = 60 * time.Second
	triedFor     = 6 * time.Second
	inTime       = 0.97 // share of a tried rate that must really be posted
)

// sustainedRole looks for the highest rate of posts that fan-out follows.
func sustainedRole(ctx context.Context, in *inside, conf *engineConfig) (err error) {
	late := &delays{}
	n, err := open(ctx, conf.Dir, unlimited(), func(s *warble.Stores) { late.Timelines, s.Timelines = s.Timelines, late })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	n.carry(ctx)
	if err := n.visit(ctx, conf.Scale.hot()); err != nil {
		return err
	}
	s := &sustained{node: n, conf: conf, late: late, texts: newTexts(10)}
	rngs := randoms(10)
	top, err := closedLoop(ctx, connections, conf.Plan.Warm, 0, func(w, _ int) error { return s.post(ctx, rngs[w]) })
	if err != nil {
		return err
	}
	rate := 0.5 * top.rate()
	if err := n.settle(ctx); err != nil {
		return err
	}
	if rate, err = s.search(ctx, in, rate); err != nil {
		return err
	}
	res := Result{Key: "post.sustained", Unit: "posts/s", Detail: &Detail{Note: fmt.Sprintf("%d followers each, delivery p99 ≤ %s for %s", fiftyFans, deliveredIn, sustainedFor)}}
	long := sustainedFor / (fullRound / conf.Plan.Round)
	for range 3 {
		var t *trial
		err := profiled(conf.Profile, "post.sustained", func() (err error) {
			t, err = s.try(ctx, rate, long)
			return err
		})
		if err != nil {
			return err
		}
		in.say("post.sustained: %s", t)
		if t.delivered() {
			res.Value, res.P50, res.P99 = t.rate, quantile(t.times, 0.5), quantile(t.times, 0.99)
			break
		}
		rate = 0.8 * min(rate, t.rate)
	}
	in.results([]Result{res})
	return nil
}

// search raises the rate by short trials as long as posting and delivery keep
// up, and returns the last one at which they did.
func (s *sustained) search(ctx context.Context, in *inside, rate float64) (float64, error) {
	for last := 0.0; rate > 10; {
		t, err := s.try(ctx, rate, triedFor)
		if err != nil {
			return 0, err
		}
		in.say("post.sustained: %s", t)
		switch ok := t.delivered() && t.rate >= inTime*rate; {
		case ok:
			last, rate = rate, 1.15*rate
		case last > 0:
			return last, nil
		default: // begun too high
			rate *= 0.7
		}
	}
	return rate, nil
}

// trial is what came of a rate.
type trial struct {
	wanted, rate float64 // posts a second: as offered, and as acknowledged in time
	took         time.Duration
	times        []time.Duration // of deliveries
}

func (t *trial) delivered() bool { return quantile(t.times, 0.99) <= deliveredIn.Seconds()*1000 }

func (t *trial) String() string {
	return fmt.Sprintf("%.0f posts/s offered for %s: %.0f acknowledged, delivery p99 %.0f ms", t.wanted, t.took, t.rate, quantile(t.times, 0.99))
}

type sustained struct {
	*node
	conf  *engineConfig
	late  *delays
	texts texts
}

func (s *sustained) post(ctx context.Context, rng *rand.Rand) error {
	_, err := s.writer.PostTweet(ctx, user(s.conf.Scale.fifty(rng.IntN(s.conf.Scale.Fifty))), write.Draft{Text: s.texts.any(rng)})
	return err
}

// try posts at a rate. What is left over counts: its delivery is waited for.
func (s *sustained) try(ctx context.Context, rate float64, d time.Duration) (*trial, error) {
	s.late.take()
	done, err := openLoop(ctx, d, rate, func(rng *rand.Rand) error { return s.post(ctx, rng) })
	if err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	return &trial{wanted: rate, rate: float64(done) / d.Seconds(), took: d, times: s.late.take()}, nil
}
