package enginetest

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"warble"
)

// Faults breaks the stores it wraps by a plan. The two writes of truth break in two ways: refused, they fail with
// ErrUnavailable and nothing is stored; lost, they are stored and fail with ErrUnknown, as when the answer did not
// come back. Derived stores break like a cache that went away: nothing is done, and ErrUnavailable.
type Faults struct {
	mu    sync.Mutex
	rng   *rand.Rand
	plan  Plan
	whole bool
	count Broken
}

// Plan says how often, from 0 to 1, a call breaks. The same seed and the same order of calls break the same calls.
type Plan struct {
	Seed    uint64
	Refused float64 // of Claims.Swap and Commit.Apply
	Lost    float64 // of Claims.Swap and Commit.Apply
	Derived float64 // of every call to Timelines, Counts, Index and Hub
}

// Broken counts the calls that were broken.
type Broken struct{ Refused, Lost, Derived int }

// NewFaults makes a breaker of stores; it begins to break at once.
func NewFaults(plan Plan) *Faults { return &Faults{rng: seeded(plan.Seed), plan: plan} }

// Stores returns s with every call that may break wrapped. It shares everything with s.
func (f *Faults) Stores(s *warble.Stores) *warble.Stores {
	w := *s
	w.Claims, w.Commit = brokenClaims{s.Claims, f}, brokenCommit{s.Commit, f}
	w.Timelines, w.Counts = brokenTimelines{s.Timelines, f}, brokenCounts{s.Counts, f}
	w.Index, w.Hub = brokenIndex{s.Index, f}, brokenHub{s.Hub, f}
	return &w
}

// Mend ends the breaking.
func (f *Faults) Mend() { f.set(true) }

// Break begins it again.
func (f *Faults) Break() { f.set(false) }

func (f *Faults) set(whole bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.whole = whole
}

// Count returns how many calls were broken until now.
func (f *Faults) Count() Broken {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// write does a write of truth, or breaks it.
func (f *Faults) write(do func() error) error {
	f.mu.Lock()
	dice := f.rng.Float64()
	refused := !f.whole && dice < f.plan.Refused
	lost := !f.whole && !refused && dice < f.plan.Refused+f.plan.Lost
	if refused {
		f.count.Refused++
	}
	if lost {
		f.count.Lost++
	}
	f.mu.Unlock()
	if refused {
		return warble.Fail(warble.ErrUnavailable, "broken on purpose: nothing is stored")
	}
	if err := do(); err != nil || !lost {
		return err
	}
	return warble.Fail(warble.ErrUnknown, "broken on purpose: it is stored")
}

// derived says whether a call of a derived store is to fail.
func (f *Faults) derived() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.whole || f.rng.Float64() >= f.plan.Derived {
		return nil
	}
	f.count.Derived++
	return warble.Fail(warble.ErrUnavailable, "broken on purpose: nothing is done")
}

type brokenClaims struct {
	warble.Claims
	f *Faults
}

func (b brokenClaims) Swap(ctx context.Context, name string, old, next warble.Claim, ttl time.Duration) (now warble.Claim, err error) {
	err = b.f.write(func() (err error) {
		now, err = b.Claims.Swap(ctx, name, old, next, ttl)
		return err
	})
	if err != nil {
		now = warble.Claim{}
	}
	return now, err
}

type brokenCommit struct {
	warble.Commit
	f *Faults
}

func (b brokenCommit) Apply(ctx context.Context, c *warble.Change) (changed bool, err error) {
	err = b.f.write(func() (err error) {
		changed, err = b.Commit.Apply(ctx, c)
		return err
	})
	return changed && err == nil, err
}

type brokenTimelines struct {
	warble.Timelines
	f *Faults
}

func (b brokenTimelines) Push(ctx context.Context, turn warble.Turn, pairs []warble.Pair) error {
	if err := b.f.derived(); err != nil {
		return err
	}
	return b.Timelines.Push(ctx, turn, pairs)
}

func (b brokenTimelines) Read(ctx context.Context, owner warble.UserID, p warble.Page) ([]warble.TweetID, warble.TweetID, bool, error) {
	if err := b.f.derived(); err != nil {
		return nil, 0, false, err
	}
	return b.Timelines.Read(ctx, owner, p)
}

func (b brokenTimelines) Build(ctx context.Context, owner warble.UserID, pull func(context.Context) ([]warble.TweetID, warble.TweetID, error)) error {
	if err := b.f.derived(); err != nil {
		return err
	}
	return b.Timelines.Build(ctx, owner, pull)
}

func (b brokenTimelines) Drop(ctx context.Context, owners ...warble.UserID) error {
	if err := b.f.derived(); err != nil {
		return err
	}
	return b.Timelines.Drop(ctx, owners...)
}

type brokenCounts struct {
	warble.Counts
	f *Faults
}

func (b brokenCounts) Put(ctx context.Context, counts []warble.Count) error {
	if err := b.f.derived(); err != nil {
		return err
	}
	return b.Counts.Put(ctx, counts)
}

func (b brokenCounts) Get(ctx context.Context, kinds []warble.CountKind, ids []warble.ID) ([]int64, error) {
	if err := b.f.derived(); err != nil {
		return nil, err
	}
	return b.Counts.Get(ctx, kinds, ids)
}

type brokenIndex struct {
	warble.Index
	f *Faults
}

func (b brokenIndex) Add(ctx context.Context, docs []warble.IndexDoc) error {
	if err := b.f.derived(); err != nil {
		return err
	}
	return b.Index.Add(ctx, docs)
}

func (b brokenIndex) Remove(ctx context.Context, ids ...warble.ID) error {
	if err := b.f.derived(); err != nil {
		return err
	}
	return b.Index.Remove(ctx, ids...)
}

func (b brokenIndex) Search(ctx context.Context, q *warble.Query, p warble.Page) ([]warble.ID, error) {
	if err := b.f.derived(); err != nil {
		return nil, err
	}
	return b.Index.Search(ctx, q, p)
}

type brokenHub struct {
	warble.Hub
	f *Faults
}

func (b brokenHub) Publish(ctx context.Context, topic string, message []byte) error {
	if err := b.f.derived(); err != nil {
		return err
	}
	return b.Hub.Publish(ctx, topic, message)
}

func (b brokenHub) Subscribe(ctx context.Context, topic string) (<-chan []byte, error) {
	if err := b.f.derived(); err != nil {
		return nil, err
	}
	return b.Hub.Subscribe(ctx, topic)
}
