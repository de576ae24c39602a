// Package enginetest is the contract of the stores as tests. Every engine, and every wrapper of one, calls it:
//
//	func TestContract(t *testing.T) {
//		clock := enginetest.NewClock()
//		enginetest.Run(t, func(t *testing.T) *warble.Stores {
//			return mem.New(mem.Options{Clock: clock.Now})
//		}, enginetest.Options{Clock: clock})
//	}
//
// A store need not be empty: each test takes fresh ids and names, and looks at nothing else. One file holds the tests
// of one contract, each named after the sentence of store.go it holds the engine to. What compares two engines, or
// breaks one, is in random.go and faults.go.
package enginetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"warble"
)

// Options say how an engine is to be tested.
type Options struct {
	// Clock is the one the engine was opened with. Without it the tests wait for a claim to run out in real time, and
	// a timeline's age is not tested.
	Clock *Clock
	// Group is the consumer group of the log. Default: "fanout".
	Group string
	// Settle is how long a derived store may take to show what it was given. Default: 10 s.
	Settle time.Duration
	// Seed makes the random choices again. Default: a new one for each run; it is logged.
	Seed uint64
	// Only names the contracts to test, as "claims": for a package that brings one store. Default: all.
	Only []string
	// Except names contracts the engine is excused from, each with the reason.
	Except map[string]string
}

// contract is the tests of one field of Stores.
type contract struct {
	name  string
	tests []test
}

type test struct {
	name string
	run  func(*testing.T, *suite)
}

func contracts() []contract {
	return []contract{
		{"claims", claimTests()}, {"commit", commitTests()}, {"users", userTests()}, {"tweets", tweetTests()},
		{"edges", edgeTests()}, {"docs", docTests()}, {"blobs", blobTests()}, {"log", logTests()},
		{"timelines", timelineTests()}, {"counts", countTests()}, {"index", indexTests()}, {"hub", hubTests()},
	}
}

// Run holds the stores that open returns to the contract. open is called once for each contract; it may return the
// same stores again, and it closes them itself, by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) *warble.Stores, opt Options) {
	if opt.Group == "" {
		opt.Group = "fanout"
	}
	if opt.Settle == 0 {
		opt.Settle = 10 * time.Second
	}
	for opt.Seed == 0 {
		opt.Seed = rand.Uint64()
	}
	t.Logf("seed %d", opt.Seed)
	ids := newIDs(opt.Seed)
	for _, c := range contracts() {
		if len(opt.Only) > 0 && !slices.Contains(opt.Only, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if why := opt.Except[c.name]; why != "" {
				t.Skipf("excused: %s", why)
			}
			s := &suite{Stores: open(t), opt: opt, ids: ids}
			for _, test := range c.tests {
				t.Run(test.name, func(t *testing.T) { test.run(t, s) })
			}
		})
	}
}

// suite is an engine under test and the source of what is fresh.
type suite struct {
	*warble.Stores
	opt Options
	*ids
}

// ids makes rising ids that no other run has: it starts at a random moment of the last years.
type ids struct {
	mu   sync.Mutex
	rng  *rand.Rand
	last warble.ID
}

func newIDs(seed uint64) *ids {
	rng := rand.New(rand.NewPCG(seed, 1))
	ago := time.Duration(rng.Int64N(int64(5 * 365 * 24 * time.Hour)))
	return &ids{rng: rng, last: warble.IDAt(time.Now().Add(-ago))}
}

func (g *ids) id() warble.ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last += 1 + warble.ID(g.rng.Uint32N(1<<16))
	return g.last
}

// idsUp returns n fresh ids, rising.
func (g *ids) idsUp(n int) []warble.ID {
	out := make([]warble.ID, n)
	for i := range out {
		out[i] = g.id()
	}
	return out
}

// idIn returns a fresh id of the moment t.
func (g *ids) idIn(t time.Time) warble.ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	return warble.IDAt(t) + warble.ID(g.rng.Uint32N(1<<30))
}

func (g *ids) intN(n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rng.IntN(n)
}

// word returns a fresh lower-case word of letters.
func (g *ids) word() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := make([]byte, 12)
	for i := range b {
		b[i] = byte('a' + g.rng.IntN(26))
	}
	return string(b)
}

// Clock is a clock that stands still until it is told otherwise.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at the present.
func NewClock() *Clock { return &Clock{now: time.Now().Truncate(time.Millisecond)} }

// Now is what an engine is given as its clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance lets time pass.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// check ends a test at an error it did not expect.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused ends a test unless the error is of the kind.
func refused(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want %v", err, kind)
	}
}

// eventually waits for a condition.
func (s *suite) eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	within(t, s.opt.Settle, what, is)
}

func within(t *testing.T, d time.Duration, what string, is func() bool) {
	t.Helper()
	end := time.Now().Add(d)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", d, what)
		}
		<-tick.C
	}
}

// together runs f n times at once and waits for all; f must not end the test.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// apply stores a change that must succeed and says whether it changed anything.
func (s *suite) apply(t *testing.T, c *warble.Change) bool {
	t.Helper()
	changed, err := s.Commit.Apply(t.Context(), c)
	check(t, err)
	return changed
}

// applies stores a change that must change something.
func (s *suite) applies(t *testing.T, c *warble.Change) {
	t.Helper()
	if !s.apply(t, c) {
		t.Fatal("the change changed nothing")
	}
}

// idle stores a change that must change nothing.
func (s *suite) idle(t *testing.T, c *warble.Change) {
	t.Helper()
	if s.apply(t, c) {
		t.Fatal("the change changed something")
	}
}

// stop is a context that ends with the test, or when its cancel is called.
func stop(t *testing.T) (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }
