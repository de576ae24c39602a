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
	inTime       = 0.99 // share of the rate that must really be posted
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
	for up, was := 1.15, false; ; {
		ok, times, err := s.try(ctx, rate, triedFor)
		if err != nil {
			return err
		}
		in.say("post.sustained: %.0f posts/s for %s: %s, p99 %.0f ms", rate, triedFor, verdict(ok), quantile(times, 0.99))
		if !ok && !was && rate > 50 { // begun too high
			rate, up = 0.7*rate, 1.1
			continue
		}
		if !ok {
			break
		}
		rate, was = up*rate, true
	}
	res := Result{Key: "post.sustained", Unit: "posts/s", Detail: &Detail{Note: fmt.Sprintf("%d followers each, delivery p99 ≤ %s for %s", fiftyFans, deliveredIn, sustainedFor)}}
	long := sustainedFor / (fullRound / conf.Plan.Round)
	for range 3 {
		rate *= 0.85
		var ok bool
		var times []time.Duration
		err := profiled(conf.Profile, "post.sustained", func() (err error) {
			ok, times, err = s.try(ctx, rate, long)
			return err
		})
		if err != nil {
			return err
		}
		in.say("post.sustained: %.0f posts/s for %s: %s, p99 %.0f ms", rate, long, verdict(ok), quantile(times, 0.99))
		if ok {
			res.Value, res.P50, res.P99 = rate, quantile(times, 0.5), quantile(times, 0.99)
			break
		}
	}
	in.results([]Result{res})
	return nil
}

func verdict(ok bool) string {
	if ok {
		return "delivered in time"
	}
	return "too much"
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

// try posts at a rate and says whether posting and delivery kept up. What is
// left over counts: it is waited for.
func (s *sustained) try(ctx context.Context, rate float64, d time.Duration) (bool, []time.Duration, error) {
	s.late.take()
	done, err := openLoop(ctx, d, rate, func(rng *rand.Rand) error { return s.post(ctx, rng) })
	if err != nil {
		return false, nil, err
	}
	if err := s.settle(ctx); err != nil {
		return false, nil, err
	}
	times := s.late.take()
	ok := float64(done) >= inTime*rate*d.Seconds() && quantile(times, 0.99) <= deliveredIn.Seconds()*1000
	return ok, times, nil
}
