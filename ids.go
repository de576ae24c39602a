package warble

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// How an id generator treats its lease and its clock.
const (
	idNodes = 256
	// idsAhead is how far beyond the clock a lease lets ids be used: the
	// longer, the fewer writes of the claim, and the later a clock that was
	// set back is noticed at a start.
	idsAhead = 6 * time.Second
	// idsLow is how much of the lease may be left when it is extended.
	idsLow = 2 * time.Second
	// idsIdle is how long a lease must have run out before its node number is
	// given to somebody else.
	idsIdle = 10 * time.Second
	// idsWait is how long Next waits for a clock that is behind.
	idsWait = 2 * time.Second
	// idsStartWait is how long a start waits for one.
	idsStartWait = 5 * time.Second
	// idsStoreTimeout is how long the claims may take to answer.
	idsStoreTimeout = 10 * time.Second
)

// IDs hands out ids that rise and are never given twice, whatever clocks,
// pauses and restarts do. It holds one of 256 node numbers by a claim. The
// claim's Data is ids_until: the millisecond below which the holder may use
// ids, stored before they are used. So a process that sleeps for an hour wakes
// up unable to give out an id nobody knows of, and whoever has the number then
// started above ids_until.
//
// The zero IDs is not usable: see [NewIDs].
type IDs struct {
	claims Claims
	clock  func() time.Time
	holder ID // of this generator's claims: random

	mu      sync.Mutex
	last    ID    // the newest id given out
	node    uint8 // valid while leased
	leased  bool  // the claim on node was ours when last seen
	closed  bool
	claim   Claim         // as last seen
	until   int64         // ids of this millisecond and later may not be used
	low     int64         // from this millisecond on, the lease is extended in the background
	renewal chan struct{} // closed when the renewal under way ends; nil when none is
	failure error         // of the last renewal
}

// NewIDs leases a node number. Where any node has given out ids that lie in
// this machine's future, it waits a few seconds for the clock, then refuses
// with ErrUnavailable. It also refuses when all 256 numbers are in use.
func NewIDs(ctx context.Context, claims Claims, clock func() time.Time) (*IDs, error) {
	if clock == nil {
		clock = time.Now
	}
	g := &IDs{claims: claims, clock: clock, holder: randomHolder()}
	if err := g.lease(ctx); err != nil {
		return nil, err
	}
	return g, nil
}

// randomHolder tells holders of claims apart.
func randomHolder() ID { return ID(rand.Uint64()>>1 | 1) }

// Next returns an id greater than all ids it gave out before and all in above.
// When the 256 ids of a millisecond are used up, or this machine's clock is
// behind one of above or behind itself, it waits: at most two seconds, then
// ErrUnavailable. It fails with ErrUnavailable while the lease cannot be
// extended.
func (g *IDs) Next(ctx context.Context, above ...ID) (ID, error) {
	var floor ID
	for _, id := range above {
		floor = max(floor, id)
	}
	if id, _, _ := g.take(floor); id != 0 {
		return id, nil
	}
	return g.await(ctx, floor)
}

// take gives out an id above floor, or says in need which millisecond the
// clock must reach first, or returns the renewal to wait for.
func (g *IDs) take(floor ID) (id ID, need int64, renewal <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return 0, 0, nil
	}
	if !g.leased {
		return 0, 0, g.renew()
	}
	now := g.clock().UnixMilli()
	id = MakeID(now, g.node, 0)
	if id <= g.last {
		if g.last.Sequence() == 255 {
			return 0, g.last.Millis() + 1, nil
		}
		id = g.last + 1
	}
	if id <= floor {
		return 0, floor.Millis() + 1, nil
	}
	if id.Millis() >= g.until {
		return 0, 0, g.renew()
	}
	if now >= g.low && g.renewal == nil {
		g.renew()
	}
	g.last = id
	return id, 0, nil
}

// await is Next where the first attempt gave nothing.
func (g *IDs) await(ctx context.Context, floor ID) (ID, error) {
	started := time.Now()
	for {
		id, need, renewal := g.take(floor)
		switch {
		case id != 0:
			return id, nil
		case renewal != nil:
			select {
			case <-renewal:
			case <-ctx.Done():
				return 0, ctx.Err()
			}
			if err := g.failed(); err != nil {
				return 0, err
			}
		case need != 0:
			behind := time.Duration(need*int64(time.Millisecond) - g.clock().UnixNano())
			if time.Since(started)+behind > idsWait {
				return 0, Fail(ErrUnavailable, "this machine's clock is %v behind ids already given out; set it right", behind.Round(time.Millisecond))
			}
			if err := Pause(ctx, behind); err != nil {
				return 0, err
			}
		default:
			return 0, Fail(ErrUnavailable, "the id generator is closed")
		}
	}
}

// Pause waits, and fails with the context's error when it ends first.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *IDs) failed() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failure
}

// renew starts a renewal unless one is under way. mu is held. The renewal
// belongs to nobody's request, so it has its own time limit.
func (g *IDs) renew() <-chan struct{} {
	if g.renewal != nil {
		return g.renewal
	}
	done := make(chan struct{})
	g.renewal = done
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), idsStoreTimeout)
		defer cancel()
		err := g.extend(ctx)
		if err != nil && !errors.Is(err, ErrUnavailable) {
			err = &Error{Kind: ErrUnavailable, Detail: "no ids can be given out now; try again", Err: err}
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.failure, g.renewal = err, nil
		close(done)
	}()
	return done
}

// extend moves ids_until on; where another took the node number meanwhile it
// leases a new one.
func (g *IDs) extend(ctx context.Context) error {
	g.mu.Lock()
	leased, old, last := g.leased, g.claim, g.last
	g.mu.Unlock()
	if !leased {
		return g.lease(ctx)
	}
	until := max(g.clock().UnixMilli(), last.Millis()) + idsAhead.Milliseconds()
	// Twice, because an earlier Swap whose answer was lost may have gone through.
	for range 2 {
		next := Claim{Holder: g.holder, Epoch: old.Epoch, Data: strconv.FormatInt(until, 10)}
		stands, err := g.claims.Swap(ctx, nodeClaim(g.node), old, next, 0)
		if err != nil {
			return err
		}
		if stands == next {
			g.holds(g.node, next, until)
			return nil
		}
		if stands.Holder != g.holder || stands.Epoch != old.Epoch {
			break
		}
		old = stands
	}
	g.mu.Lock()
	g.leased = false
	g.mu.Unlock()
	return g.lease(ctx)
}

// holds notes the lease as it stands.
func (g *IDs) holds(node uint8, claim Claim, until int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.leased {
		// Another node number: its ids of the last millisecond may be smaller,
		// and a clock set back right now must not bring back older ones.
		from := until - idsAhead.Milliseconds() - 1
		g.last = MakeID(max(g.last.Millis(), from), 255, 255)
	}
	g.node, g.claim, g.until, g.leased = node, claim, until, true
	g.low = until - idsLow.Milliseconds()
}

func nodeClaim(node uint8) string { return "node/" + strconv.Itoa(int(node)) }

// lease takes a node number that nobody uses: one never used before all
// others, then the one that has been idle longest. It starts above its
// ids_until, which lies in the past.
func (g *IDs) lease(ctx context.Context) error {
	started := time.Now()
	for {
		seen, newest, err := g.survey(ctx)
		if err != nil {
			return err
		}
		behind := time.UnixMilli(newest).Sub(g.clock()) - idsAhead
		if behind > 0 {
			if time.Since(started)+behind > idsStartWait {
				return Fail(ErrUnavailable, "this machine's clock says %s, but ids were given out until %s; set the clock right and start again",
					g.clock().UTC().Format(time.RFC3339), time.UnixMilli(newest).UTC().Format(time.RFC3339))
			}
			if err := Pause(ctx, behind); err != nil {
				return err
			}
			continue
		}
		node, ok := g.pick(seen)
		if !ok {
			return Fail(ErrUnavailable, "all %d node numbers are in use; stop another process, wait ten seconds and start again", idNodes)
		}
		old := seen[node]
		until := g.clock().UnixMilli() + idsAhead.Milliseconds()
		next := Claim{Holder: g.holder, Epoch: old.Epoch + 1, Data: strconv.FormatInt(until, 10)}
		stands, err := g.claims.Swap(ctx, nodeClaim(node), old, next, 0)
		if err != nil {
			return err
		}
		if stands == next {
			g.holds(node, next, until)
			return nil
		}
	}
}

// survey reads all node claims and the newest ids_until among them.
func (g *IDs) survey(ctx context.Context) (seen [idNodes]Claim, newest int64, err error) {
	errs := make([]error, idNodes)
	var wg sync.WaitGroup
	const at = 16 // look-ups at once: a claim may be on the other side of a network
	for first := range at {
		wg.Go(func() {
			for n := first; n < idNodes; n += at {
				seen[n], errs[n] = g.claims.Get(ctx, nodeClaim(uint8(n)))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return seen, 0, err
	}
	for n, c := range seen {
		until, err := idsUntil(c)
		if err != nil {
			return seen, 0, fmt.Errorf("claim %s: %w", nodeClaim(uint8(n)), err)
		}
		newest = max(newest, until)
	}
	return seen, newest, nil
}

// idsUntil reads the ids_until of a node's claim; zero for one never used.
func idsUntil(c Claim) (int64, error) {
	if c == (Claim{}) {
		return 0, nil
	}
	return strconv.ParseInt(c.Data, 10, 64)
}

func (g *IDs) pick(seen [idNodes]Claim) (node uint8, ok bool) {
	now := g.clock().UnixMilli()
	var oldest int64
	for n, c := range seen {
		if c == (Claim{}) {
			return uint8(n), true
		}
		until, _ := idsUntil(c) // survey read it
		idle := idsIdle.Milliseconds()
		if c.Holder == 0 { // given up by its holder
			idle = 1
		}
		if until <= now-idle && (!ok || until < oldest) {
			node, oldest, ok = uint8(n), until, true
		}
	}
	return node, ok
}

// Close gives the node number back. Next fails afterwards.
func (g *IDs) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	renewal := g.renewal
	g.mu.Unlock()
	if renewal != nil {
		<-renewal
	}
	g.mu.Lock()
	leased, old, last := g.leased, g.claim, g.last
	g.leased = false
	g.mu.Unlock()
	if !leased {
		return nil
	}
	used := max(last.Millis()+1, 1)
	_, err := g.claims.Swap(ctx, nodeClaim(g.node), old, Claim{Epoch: old.Epoch, Data: strconv.FormatInt(used, 10)}, 0)
	return err
}
