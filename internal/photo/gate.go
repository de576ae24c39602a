package photo

import (
	"context"
	"sync/atomic"
)

const waitersPerPlace = 4

// gate lets work of different weight through, first come first served. A
// caller first takes the door, then gathers its places one by one while it
// holds the door: two heavy callers can never each sit on half of what the
// other needs, and light ones cannot starve a heavy one.
type gate struct {
	door   chan struct{}
	places chan struct{}
	inside atomic.Int64 // waiting or working
}

func newGate(n int) *gate {
	return &gate{door: make(chan struct{}, 1), places: make(chan struct{}, n)}
}

// enter waits for weight places (at most all there are) and gives the function
// that gives them back, to be called once. ErrBusy if the queue is full, ctx's
// error if ctx ends first; then nothing is held.
func (g *gate) enter(ctx context.Context, weight int) (leave func(), err error) {
	n := cap(g.places)
	if g.inside.Add(1) > int64(n+n*waitersPerPlace) {
		g.inside.Add(-1)
		return nil, ErrBusy
	}
	held := 0
	leave = func() {
		for range held {
			<-g.places
		}
		g.inside.Add(-1)
	}
	if err := ctx.Err(); err != nil {
		leave()
		return nil, err
	}
	select {
	case g.door <- struct{}{}:
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
	defer func() { <-g.door }()
	for held < min(weight, n) {
		select {
		case g.places <- struct{}{}:
			held++
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	return leave, nil
}
