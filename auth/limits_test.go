package auth

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"warble/internal/httpx"
)

// tallies is what two processes count in; while down it does not answer.
type tallies struct {
	mu    sync.Mutex
	n     map[string]int
	asked int
	down  bool
}

func (c *tallies) tally(_ context.Context, name string, n, most int, _ time.Duration) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	before := c.n[name]
	switch {
	case c.down:
		return 0, errors.New("nobody answers")
	case n < 0:
		delete(c.n, name)
	case before+n <= most:
		c.n[name] += n
	}
	return before, nil
}

var tweets = httpx.Class{N: 1, Name: "GET /2/tweets/{id}"}

func TestTwoProcessesShareALimit(t *testing.T) {
	c, shared := &clock{now: time.Unix(1_800_000_000, 0)}, &tallies{n: map[string]int{}}
	one, two := newLimits(shared.tally, c.time, slog.Default()), newLimits(shared.tally, c.time, slog.Default())
	s, ctx := AddrSubject(netip.MustParseAddr("192.0.2.1")), t.Context()
	other := httpx.Class{N: 7, Name: tweets.Name} // the same class in a process of other routes
	one.take(ctx, s, tweets, 3)
	if left, reset, ok := two.take(ctx, s, other, 3); !ok || left != 1 || reset != 1_800_000_900 {
		t.Errorf("second use: %d %d %v", left, reset, ok)
	}
	one.take(ctx, s, tweets, 3)
	if left, _, ok := two.take(ctx, s, other, 3); ok || left != 0 {
		t.Errorf("a fourth use passes, %d left", left)
	}
	if n := one.used(ctx, s, tweets); n != 3 {
		t.Errorf("used %d times", n)
	}
	one.forget(ctx, s, tweets)
	if n := two.used(ctx, s, other); n != 0 {
		t.Errorf("used %d times after it was forgotten elsewhere", n)
	}
	if _, _, ok := one.take(ctx, s, tweets, 3); !ok {
		t.Error("what was forgotten still counts")
	}
	c.pass(httpx.Window)
	if left, _, ok := two.take(ctx, s, other, 3); !ok || left != 2 {
		t.Errorf("a new window begins with %d left, %v", left, ok)
	}
}

func TestWithoutTheCommonCountEachProcessLimitsAloneAndSaysSoOnceAMinute(t *testing.T) {
	var log bytes.Buffer
	c, shared := &clock{now: time.Unix(1_800_000_000, 0)}, &tallies{n: map[string]int{}}
	l := newLimits(shared.tally, c.time, slog.New(slog.NewTextHandler(&log, nil)))
	s, ctx := AddrSubject(netip.MustParseAddr("192.0.2.1")), t.Context()
	told := func() int { return strings.Count(log.String(), "level=WARN") }
	for range 2 {
		l.take(ctx, s, tweets, 3)
	}
	shared.down = true
	if left, _, ok := l.take(ctx, s, tweets, 3); !ok || left != 0 {
		t.Errorf("third use, alone: %d left, %v", left, ok)
	}
	asked := shared.asked
	if _, _, ok := l.take(ctx, s, tweets, 3); ok {
		t.Error("a fourth use passes: the count began anew")
	}
	if shared.asked != asked {
		t.Error("every request waits for what does not answer")
	}
	for range 50 {
		c.pass(time.Second)
		l.take(ctx, s, tweets, 3)
	}
	if told() != 1 || shared.asked != asked+50 {
		t.Errorf("in a minute the log heard of it %d times; asked %d times again", told(), shared.asked-asked)
	}
	c.pass(tallyTold)
	if l.take(ctx, s, tweets, 3); told() != 2 {
		t.Errorf("after a minute the log heard of it %d times", told())
	}
	shared.down = false
	c.pass(tallyRest)
	if left, _, ok := l.take(ctx, s, tweets, 3); !ok || left != 0 {
		t.Errorf("back, with two uses counted in common: %d left, %v", left, ok)
	}
}

func TestAClientThatLeavesDoesNotStopTheCommonCount(t *testing.T) {
	shared := &tallies{n: map[string]int{}, down: true}
	l := newLimits(shared.tally, time.Now, slog.Default())
	gone, leave := context.WithCancel(t.Context())
	leave()
	l.take(gone, Subject{kind: 'u', hi: 1}, tweets, 3)
	shared.down = false
	l.take(t.Context(), Subject{kind: 'u', hi: 1}, tweets, 3)
	if shared.asked != 2 || len(shared.n) != 1 {
		t.Errorf("asked %d times, %d counts", shared.asked, len(shared.n))
	}
}
