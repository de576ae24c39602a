package auth

import (
	"context"
	"encoding/binary"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"warble/internal/httpx"
)

const (
	// tallyTimeout is how long a request waits for the common count.
	tallyTimeout = 250 * time.Millisecond
	// tallyRest is for how long it is not asked after it failed, so that not every request waits.
	tallyRest = time.Second
	// tallyTold is how often the log hears of it at most.
	tallyTold = time.Minute
)

// limits counts in common with all processes where the store can, and by
// itself where it cannot or does not answer. It always counts here too, so that
// a failure of the store does not give everybody a fresh count.
type limits struct {
	here  *Limiter
	tally func(ctx context.Context, name string, n, most int, ttl time.Duration) (before int, err error)
	clock func() time.Time
	log   *slog.Logger
	rests atomic.Int64 // until when the common count is not asked, in unix nanoseconds
	told  atomic.Int64 // when the log heard of it last
}

func newLimits(tally func(context.Context, string, int, int, time.Duration) (int, error), clock func() time.Time, log *slog.Logger) *limits {
	return &limits{here: NewLimiter(clock), tally: tally, clock: clock, log: log}
}

// take is [Limiter.Take].
func (l *limits) take(ctx context.Context, s Subject, class httpx.Class, n int) (remaining int, reset int64, ok bool) {
	remaining, reset, ok = l.here.Take(s, class.N, n)
	if used, known := l.ask(ctx, s, class, 1, n); known {
		remaining, ok = max(n-used-1, 0), used < n
	}
	return remaining, reset, ok
}

// used is [Limiter.Used].
func (l *limits) used(ctx context.Context, s Subject, class httpx.Class) int {
	if used, known := l.ask(ctx, s, class, 0, 0); known {
		return used
	}
	return l.here.Used(s, class.N)
}

// forget is [Limiter.Forget].
func (l *limits) forget(ctx context.Context, s Subject, class httpx.Class) {
	l.here.Forget(s, class.N)
	l.ask(ctx, s, class, -1, 0)
}

// ask asks the common count, if there is one that answers.
func (l *limits) ask(ctx context.Context, s Subject, class httpx.Class, n, most int) (before int, known bool) {
	if l.tally == nil {
		return 0, false
	}
	now := l.clock()
	if now.UnixNano() < l.rests.Load() {
		return 0, false
	}
	within, stop := context.WithTimeout(ctx, tallyTimeout)
	defer stop()
	before, err := l.tally(within, tallyName(s, class.Name, now.Unix()/windowSeconds), n, most, httpx.Window)
	switch {
	case err == nil:
		return before, true
	case ctx.Err() != nil: // whoever asked has gone: that says nothing of the store
		return 0, false
	}
	l.rests.Store(now.Add(tallyRest).UnixNano())
	if last := l.told.Load(); now.UnixNano()-last >= int64(tallyTold) && l.told.CompareAndSwap(last, now.UnixNano()) {
		l.log.Warn("limits are counted by each process alone: the common count does not answer", "err", err)
	}
	return 0, false
}

// tallyName is a subject's count of a class in a window.
func tallyName(s Subject, class string, window int64) string {
	b := make([]byte, 0, 64)
	b = append(b, s.kind)
	b = binary.BigEndian.AppendUint64(b, s.hi)
	b = binary.BigEndian.AppendUint64(b, s.lo)
	b = strconv.AppendInt(b, window, 36)
	return string(append(append(b, ' '), class...))
}
