package cassandra

import (
	"context"
	"errors"
	"hash/maphash"
	"math/rand/v2"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"warble"
	"warble/internal/codec"
)

type claimStore struct{ *Engine }

// packClaim is a claim as stored: nil for nobody's.
func packClaim(c warble.Claim) []byte {
	if c == (warble.Claim{}) {
		return nil
	}
	var w codec.Writer
	w.ID(c.Holder)
	w.Uint(c.Epoch)
	w.Text(c.Data)
	return w
}

func unpackClaim(b []byte) (c warble.Claim, err error) {
	if len(b) == 0 {
		return c, nil
	}
	r := codec.Take(b)
	c = warble.Claim{Holder: r.ID(), Epoch: r.Uint(), Data: r.Text()}
	return c, damaged(r.Err())
}

// Swap never repeats what it does not know the end of: it asks which claim
// stands. Where that is the old one the swap was lost for good only if the node
// that had it said that it gave up: one that says nothing may come to it later.
func (s claimStore) Swap(ctx context.Context, name string, old, next warble.Claim, ttl time.Duration) (warble.Claim, error) {
	if len(next.Data) > 256 {
		return warble.Claim{}, warble.Invalid("claim", name, "a claim holds at most 256 bytes")
	}
	if old == next && next == (warble.Claim{}) {
		return s.Get(ctx, name)
	}
	leave, err := s.turn(ctx, name)
	if err != nil {
		return warble.Claim{}, err
	}
	defer leave()
	seconds := int64((ttl + time.Second - 1) / time.Second)
	var stands []byte
	won, err := s.session.Query(`UPDATE claims USING TTL ? SET value = ? WHERE name = ? IF value = ?`, seconds, packClaim(next), []byte(name), packClaim(old)).
		SerialConsistency(gocql.LocalSerial).Idempotent(false).RetryPolicy(nil).ScanCASContext(ctx, &stands)
	switch {
	case err == nil && won:
		return next, nil
	case err == nil:
		return unpackClaim(stands)
	case untouched(err):
		return warble.Claim{}, &warble.Error{Kind: warble.ErrUnavailable, Detail: "the database takes no claims", Err: err}
	}
	after, stop := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer stop()
	c, settled := s.settled(after, name)
	ended := errors.As(err, new(gocql.RequestError))
	if settled != nil || c == old && (!ended || old == next) {
		return warble.Claim{}, &warble.Error{Kind: warble.ErrUnknown, Detail: "the database did not confirm a claim", Err: errors.Join(err, settled)}
	}
	return c, nil
}

// settleTimeout is how long it is tried to find out how a claim ended.
const settleTimeout = 3 * time.Second

func (s claimStore) Get(ctx context.Context, name string) (warble.Claim, error) {
	leave, err := s.turn(ctx, name)
	if err != nil {
		return warble.Claim{}, err
	}
	defer leave()
	ctx, stop := context.WithTimeout(ctx, settleTimeout)
	defer stop()
	return s.settled(ctx, name)
}

// turn waits until nobody else in this process is busy with the name: those who
// compete for one in the database only hold each other up.
func (s claimStore) turn(ctx context.Context, name string) (leave func(), err error) {
	at := s.claims[maphash.String(s.seed, name)%uint64(len(s.claims))]
	select {
	case at <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := s.enter(ctx); err != nil {
		<-at
		return nil, err
	}
	return func() { s.leave(); <-at }, nil
}

// settled reads a claim, again and again until ctx ends: others who compete for it may hold a read up.
func (s claimStore) settled(ctx context.Context, name string) (warble.Claim, error) {
	for {
		c, err := s.stands(ctx, name)
		if err == nil || ctx.Err() != nil || refused(err) {
			return c, err
		}
		select {
		case <-ctx.Done():
			return c, err
		case <-time.After(rand.N(50 * time.Millisecond)):
		}
	}
}

// stands reads a claim so that whatever was under way before has ended.
func (s claimStore) stands(ctx context.Context, name string) (warble.Claim, error) {
	var value []byte
	err := s.session.Query(`SELECT value FROM claims WHERE name = ?`, []byte(name)).Consistency(gocql.LocalSerial).ScanContext(ctx, &value)
	if errors.Is(err, gocql.ErrNotFound) {
		return warble.Claim{}, nil
	}
	if err != nil {
		return warble.Claim{}, readFailed(err)
	}
	return unpackClaim(value)
}
