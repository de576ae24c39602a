// Package lease lets one process at a time own a name, by a claim that it renews. Nobody compares clocks: who wants the
// name watches whether the claim stands still, by the monotonic clock of his own.
package lease

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"warble"
)

// A claim here is never given up to the zero Claim, because its epoch must go on rising: nobody's has no holder.

// Lease is the wish to own a name.
type Lease struct {
	Claims warble.Claims
	Name   string
	Holder warble.ID     // see Someone
	Dead   time.Duration // how long a claim must stand unchanged before its owner counts as dead
	// Eager says whether to take a claim that is nobody's at once, or like a dead owner's. Default: at once.
	Eager func() bool
}

// deadline is for one call to the claims.
const deadline = 5 * time.Second

// Holding is a name that was won. It is lost by itself when it cannot be renewed in time.
type Holding struct {
	Lease
	ctx    context.Context // ends when the claim is lost, or its owner leaves
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu      sync.Mutex
	claim   warble.Claim
	renewed time.Time // when the last renewal that succeeded began
	note    string    // kept with the claim, and left to the next owner
}

// Someone makes up a holder.
func Someone() warble.ID { return warble.ID(rand.Uint64()>>1 | 1) }

// Win waits until the claim is ours; it fails only with ctx's error. told hears of failures of the store. A claim that
// is nobody's is taken at once if we are eager, else like a dead owner's.
func (l Lease) Win(ctx context.Context, told func(error)) (*Holding, error) {
	var seen warble.Claim
	var since time.Time
	for wait := time.Duration(0); ; wait = l.Dead/8 + rand.N(l.Dead/8) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
		begun := time.Now()
		now, err := l.Get(ctx)
		if err != nil {
			if ctx.Err() == nil {
				told(err)
			}
			continue
		}
		if now != seen || since.IsZero() {
			seen, since = now, begun
		}
		free := now.Holder == l.Holder || now.Holder == 0 && (l.Eager == nil || l.Eager())
		if !free && begun.Sub(since) < l.Dead {
			continue
		}
		if h, err := l.take(ctx, now); h != nil || err != nil && ctx.Err() == nil {
			if h != nil {
				return h, nil
			}
			told(err)
		}
	}
}

// Try takes the name where it is nobody's; nil where it is somebody's.
func (l Lease) Try(ctx context.Context) (*Holding, error) {
	now, err := l.Get(ctx)
	if err != nil || now.Holder != 0 {
		return nil, err
	}
	return l.take(ctx, now)
}

// Get reads the claim.
func (l Lease) Get(ctx context.Context) (warble.Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return l.Claims.Get(ctx, l.Name)
}

// Swap swaps the claim, for ever.
func (l Lease) Swap(ctx context.Context, old, next warble.Claim) (warble.Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return l.Claims.Swap(ctx, l.Name, old, next, 0)
}

// take swaps the claim seen for ours under the next epoch; nil where somebody else was first.
func (l Lease) take(ctx context.Context, old warble.Claim) (*Holding, error) {
	begun := time.Now()
	next := warble.Claim{Holder: l.Holder, Epoch: old.Epoch + 1, Data: old.Data}
	now, err := l.Swap(ctx, old, next)
	if err != nil || now != next {
		return nil, err
	}
	h := &Holding{Lease: l, claim: next, renewed: begun, note: noteIn(next)}
	h.ctx, h.cancel = context.WithCancel(ctx)
	h.ended.Go(h.keep)
	return h, nil
}

// keep renews until the holding ends; it ends it where the claim is another's, or could not be renewed in time.
func (h *Holding) keep() {
	defer h.cancel()
	tick := time.NewTicker(h.Dead / 8)
	defer tick.Stop()
	for n := 1; h.Valid(); n++ {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		if n%2 == 0 && h.Valid() && !h.renew(n) {
			return
		}
	}
}

// A claim's data is the owner's note, a bar, and what makes each renewal another claim.
func noteIn(c warble.Claim) string {
	note, _, _ := strings.Cut(c.Data, "|")
	return note
}

// Leaves sets the note that the next renewal writes.
func (h *Holding) Leaves(note string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note = note
}

// renew writes the claim with another beat; false where it is lost. Where it is not known whether it was written, the
// next renewal finds out.
func (h *Holding) renew(beat int) bool {
	h.mu.Lock()
	old, next := h.claim, h.claim
	next.Data = h.note + "|" + strconv.Itoa(beat)
	h.mu.Unlock()
	begun := time.Now()
	ctx, cancel := context.WithTimeout(h.ctx, h.Dead/3)
	defer cancel()
	now, err := h.Swap(ctx, old, next)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil:
		return true
	case now == next:
		h.claim, h.renewed = next, begun
		return true
	case now.Holder == h.Holder && now.Epoch == old.Epoch: // an earlier one was written after all
		h.claim = now
		return true
	}
	return false
}

// Valid says that nobody else can think the claim his.
func (h *Holding) Valid() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ctx.Err() == nil && time.Since(h.renewed) < h.Dead*8/10
}

// Context ends when the name is lost or left.
func (h *Holding) Context() context.Context { return h.ctx }

// Cancel ends the context, before the name is left.
func (h *Holding) Cancel() { h.cancel() }

// Note is what the owner before left, or what this one leaves.
func (h *Holding) Note() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.note
}

// Epoch is that of the claim: it rises from one owner to the next.
func (h *Holding) Epoch() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.claim.Epoch
}

// Leave ends the holding and gives the claim up, so that nobody need wait.
func (h *Holding) Leave() {
	h.cancel()
	h.ended.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), h.Dead/3)
	defer cancel()
	// Where this fails, others wait for the claim to stand still.
	_, _ = h.Swap(ctx, h.claim, warble.Claim{Epoch: h.claim.Epoch, Data: h.note + "|"})
}
