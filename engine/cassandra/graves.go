package cassandra

import (
	"context"
	"strconv"
	"sync"
	"time"

	"warble"
)

// graves is what this process knows of epochs of other writers that may have ended.
type graves struct {
	mu      sync.Mutex
	watched map[uint8]watched
	sealed  map[grave]struct{}
}

type grave struct {
	node  uint8
	epoch uint64
}

// watched is a writer's claim, and since when it has stood unchanged.
type watched struct {
	claim warble.Claim
	since time.Time
}

// look says how long a claim has stood unchanged, as this process saw it.
func (g *graves) look(node uint8, c warble.Claim) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.watched == nil {
		g.watched = map[uint8]watched{}
	}
	w, ok := g.watched[node]
	if !ok || w.claim != c {
		w = watched{c, time.Now()}
		g.watched[node] = w
	}
	return time.Since(w.since)
}

// seal says whether an epoch is to be sealed: once by each process.
func (g *graves) seal(node uint8, epoch uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sealed == nil {
		g.sealed = map[grave]struct{}{}
	}
	if _, done := g.sealed[grave{node, epoch}]; done {
		return false
	}
	g.sealed[grave{node, epoch}] = struct{}{}
	return true
}

func (g *graves) unseal(node uint8, epoch uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sealed, grave{node, epoch})
}

// dead says whether nobody writes in an epoch any more. The claim of a writer
// that stood still is given up for it, so that its number is free again.
func (e *Engine) dead(ctx context.Context, node uint8, epoch uint64) (bool, error) {
	name := "writer/" + strconv.Itoa(int(node))
	c, err := claimStore{e}.Get(ctx, name)
	if err != nil || c.Epoch != epoch || c.Holder == 0 {
		return err == nil, err
	}
	if e.graves.look(node, c) < writerDead {
		return false, nil
	}
	free := warble.Claim{Epoch: c.Epoch, Data: c.Data}
	now, err := claimStore{e}.Swap(ctx, name, c, free, 0)
	return err == nil && now == free, err
}
