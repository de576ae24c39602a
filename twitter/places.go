package twitter

import (
	"context"
	"sync"
	"time"

	"warble"
	"warble/internal/httpx"
)

// Bounds of big bodies held in memory at once. Whoever sends slowly keeps a
// place long, so a person has few; a client that sends the four photos of a
// tweet together has some of them wait for the others, before they are read.
const (
	maxUploads    = 8
	maxOwnUploads = 2
	maxOwnWaiting = 6 // besides those in place
	uploadWait    = 10 * time.Second
)

// places are where big bodies may be read.
type places struct {
	all chan struct{}
	mu  sync.Mutex
	own map[warble.UserID]*ownPlaces
}

// ownPlaces are one person's; there while he has one or waits for one.
type ownPlaces struct {
	taken chan struct{}
	users int // in place or waiting; under places.mu
}

func newPlaces() *places {
	return &places{all: make(chan struct{}, maxUploads), own: map[warble.UserID]*ownPlaces{}}
}

// enter takes a place, or says to come back. leave gives it back, once.
func (p *places) enter(ctx context.Context, user warble.UserID) (leave func(), err error) {
	own := p.join(user)
	if own == nil {
		return nil, warble.Fail(warble.ErrLimit, "You have %d uploads under way: let some of them end first.", maxOwnUploads+maxOwnWaiting)
	}
	select {
	case own.taken <- struct{}{}:
	case <-ctx.Done():
		p.part(user, own)
		return nil, ctx.Err()
	case <-time.After(uploadWait):
		p.part(user, own)
		return nil, warble.Fail(warble.ErrLimit, "You have %d uploads under way: let one of them end first.", maxOwnUploads)
	}
	select {
	case p.all <- struct{}{}:
	default:
		<-own.taken
		p.part(user, own)
		return nil, httpx.Busy("Too many uploads are under way: try again in a moment.")
	}
	return func() {
		<-p.all
		<-own.taken
		p.part(user, own)
	}, nil
}

// join is nil where the person's queue is full.
func (p *places) join(user warble.UserID) *ownPlaces {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.own[user]
	if own == nil {
		own = &ownPlaces{taken: make(chan struct{}, maxOwnUploads)}
		p.own[user] = own
	}
	if own.users == maxOwnUploads+maxOwnWaiting {
		return nil
	}
	own.users++
	return own
}

func (p *places) part(user warble.UserID, own *ownPlaces) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(p.own, user)
	}
}
