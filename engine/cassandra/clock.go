package cassandra

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"warble"
)

const (
	// maxClockOff is how far this machine's clock may be off the nodes' before writes are refused.
	maxClockOff = time.Second
	// clockEvery is how often the nodes are asked; in between their time goes on by the monotonic clock, so that a
	// clock that is set is noticed by the next write.
	clockEvery = 5 * time.Second
	// clockNodes is how many nodes are asked at most.
	clockNodes = 9
	// maxClockTrip is how long an answer may take to be of use.
	maxClockTrip = maxClockOff / 2
)

// nodesTime is what the nodes' clocks said, as their median, at a moment of this process's monotonic clock.
type nodesTime struct {
	at time.Time
	is time.Time // without a monotonic reading
}

// off is how far a clock is ahead of the nodes'.
func (t *nodesTime) off(now time.Time) time.Duration {
	return now.Round(0).Sub(t.is.Add(time.Since(t.at)))
}

// timely refuses a write while this machine's clock is far off: what it stores could not be overwritten, or would be lost.
func (e *Engine) timely() error {
	if off := e.nodesTime.Load().off(e.now()); off.Abs() > maxClockOff {
		return warble.Fail(warble.ErrUnavailable, "this machine's clock is %v off those of the database: writes are refused until it is right", off.Round(time.Millisecond))
	}
	return nil
}

// checkClock learns the time, and refuses to start with a clock that is far off.
func (e *Engine) checkClock(ctx context.Context) error {
	if err := e.learnTime(ctx); err != nil {
		return err
	}
	if off := e.nodesTime.Load().off(e.now()); off.Abs() > maxClockOff {
		return warble.Invalid("clock", off.Round(time.Millisecond).String(), "this machine's clock is far off those of the database: set it right")
	}
	return nil
}

// learnTime asks the nodes what time it is.
func (e *Engine) learnTime(ctx context.Context) error {
	base := time.Now()
	var mu sync.Mutex
	var said []time.Time // what each node's clock showed at base
	var failed error
	hosts := slices.DeleteFunc(e.session.GetHosts(), func(h *gocql.HostInfo) bool { return !h.IsUp() || h.DataCenter() != e.datacenter })
	rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	hosts = hosts[:min(len(hosts), clockNodes)]
	abreast(len(hosts), func(i int) {
		var shown int64
		begun := time.Now()
		err := e.session.Query(`SELECT toUnixTimestamp(now()) FROM system.local`).SetHostID(hosts[i].HostID()).ScanContext(ctx, &shown)
		trip := time.Since(begun)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			failed = err
		case trip <= maxClockTrip:
			said = append(said, time.UnixMilli(shown).Add(-begun.Sub(base)-trip/2))
		}
	})
	if len(said) == 0 {
		return &warble.Error{Kind: warble.ErrUnavailable, Detail: "no node of the database tells the time soon enough", Err: failed}
	}
	e.nodesTime.Store(&nodesTime{at: base, is: median(said, e.now().Add(-time.Since(base)))})
	return nil
}

// median is the middle one; of the two in the middle it is the one nearer to
// now: where two clocks differ nobody can say which is right.
func median(said []time.Time, now time.Time) time.Time {
	slices.SortFunc(said, time.Time.Compare)
	low, high := said[(len(said)-1)/2], said[len(said)/2]
	if now.Sub(low).Abs() <= now.Sub(high).Abs() {
		return low
	}
	return high
}

// keepTime asks again and again until the engine is closed. Where nobody answers, what was known goes on.
func (e *Engine) keepTime() {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	refused := false
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, stop := context.WithTimeout(e.ctx, driverTimeout)
		err := e.learnTime(ctx)
		stop()
		if err != nil && e.ctx.Err() == nil {
			e.log.Warn("the clocks of the database cannot be read", "error", err)
		}
		err = e.timely()
		switch {
		case err != nil && !refused:
			e.log.Error("writes are refused", "error", err)
		case err == nil && refused:
			e.log.Info("the clock is right again: writes are taken")
		}
		refused = err != nil
	}
}
