package bench

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"warble"
)

// delays stands in front of the timelines and notes how long after its id was
// given out (shortly before its commit) a tweet came into a ring.
type delays struct {
	warble.Timelines
	mu    sync.Mutex
	mine  map[warble.TweetID]bool // tweets that are not noted
	times []time.Duration
}

func (d *delays) Push(ctx context.Context, turn warble.Turn, pairs []warble.Pair) error {
	if err := d.Timelines.Push(ctx, turn, pairs); err != nil {
		return err
	}
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range pairs {
		if id := pairs[i].Entry; (i == 0 || id != pairs[i-1].Entry) && !d.mine[id] {
			d.times = append(d.times, now.Sub(id.Time()))
		}
	}
	return nil
}

// take returns what was noted since the last take, sorted.
func (d *delays) take() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.times
	d.times = nil
	slices.Sort(t)
	return t
}

// openLoop does something at a rate, whether or not what came before is done,
// as far as 512 at once reach. It returns how often it was done in time.
func openLoop(ctx context.Context, d time.Duration, rate float64, do func(rng *rand.Rand) error) (done int, err error) {
	const workers = 512
	type slot struct{}
	work := make(chan slot, int(rate)+workers)
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		bad error
	)
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed+9, uint64(w)^uint64(time.Now().UnixNano())))
			for range work {
				err := do(rng)
				mu.Lock()
				if err != nil {
					bad = err
				}
				done++
				mu.Unlock()
			}
		})
	}
	start := time.Now()
	sent := 0
	for beat := time.NewTicker(time.Millisecond); time.Since(start) < d && ctx.Err() == nil; <-beat.C {
		for due := int(time.Since(start).Seconds() * rate); sent < due; sent++ {
			select {
			case work <- slot{}:
				continue
			default: // a second behind: what does not fit is lost, and shows in done
			}
		}
	}
	mu.Lock()
	intime := done
	mu.Unlock()
	close(work)
	wg.Wait()
	if bad == nil {
		bad = ctx.Err()
	}
	return intime, bad
}
