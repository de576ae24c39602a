package pebble

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	pdb "github.com/cockroachdb/pebble/v2"

	"warble"
)

// claimStore is linearizable because a name's lock is held until what was
// swapped is synced: whoever reads the claim, or loses a swap against it, has
// waited for that, so no answer can vanish with the power. Claims are rare, so
// a lock over a sync costs nothing that matters.
type claimStore struct{ *Engine }

func (s claimStore) Swap(ctx context.Context, name string, old, next warble.Claim, ttl time.Duration) (warble.Claim, error) {
	if len(next.Data) > 256 {
		return warble.Claim{}, warble.Invalid("claim", name, "a claim holds at most 256 bytes")
	}
	if err := ctx.Err(); err != nil {
		return warble.Claim{}, err
	}
	at := s.claiming.lock([]uint16{s.claimStripe(name)})
	defer s.claiming.unlock(at)
	now, err := s.claimed(name)
	if err != nil || now != old {
		return now, err
	}
	if next == (warble.Claim{}) && old == next {
		return next, nil
	}
	if err := s.disk.writable(); err != nil {
		return warble.Claim{}, err
	}
	b := s.truth.NewBatch()
	if next == (warble.Claim{}) {
		err = b.Delete(claimKey(nil, name), nil)
	} else {
		var until time.Time
		if ttl > 0 {
			until = s.now().Add(ttl)
		}
		err = b.Set(claimKey(nil, name), appendClaim(nil, next, until), nil)
	}
	if err != nil {
		return warble.Claim{}, unavailable(err)
	}
	if err := s.store(b); err != nil {
		return warble.Claim{}, err
	}
	return next, s.synced(b)
}

func (s claimStore) Get(_ context.Context, name string) (warble.Claim, error) {
	at := s.claiming.lock([]uint16{s.claimStripe(name)})
	defer s.claiming.unlock(at)
	return s.claimed(name)
}

func (s claimStore) claimStripe(name string) uint16 {
	return stripeOf(maphash.String(s.seed, name))
}

// claimed reads the claim that stands, for a holder of its lock. After a
// failure of the log the store may hold what is not on the disk, so it does
// not say.
func (s claimStore) claimed(name string) (warble.Claim, error) {
	if s.disk.failed.Load() != nil {
		return warble.Claim{}, s.disk.writable()
	}
	return s.peekClaim(name)
}

// peekClaim reads a claim without the promise that it is synced: enough for
// finding a person by handle.
func (e *Engine) peekClaim(name string) (c warble.Claim, err error) {
	err = e.get(claimKey(make([]byte, 0, 64), name), func(row []byte) (err error) {
		c, err = readClaim(row, e.now())
		return err
	})
	return c, err
}

// get reads one row of truth; none is no error, and read is not called.
func (e *Engine) get(k []byte, read func(row []byte) error) error {
	row, closer, err := e.truth.Get(k)
	if errors.Is(err, pdb.ErrNotFound) {
		return nil
	}
	if err != nil {
		return unavailable(err)
	}
	defer closer.Close()
	if err := read(row); err != nil {
		return unavailable(err)
	}
	return nil
}

func unavailable(err error) error {
	return &warble.Error{Kind: warble.ErrUnavailable, Detail: "the store cannot be read", Err: err}
}
