package pebble

import (
	"time"

	pdb "github.com/cockroachdb/pebble/v2"

	"warble"
)

// claimsKept is how long a claim stays stored after its time is over, so that
// a clock set right by a little cannot bring one back that was taken away.
const claimsKept = time.Hour

// keepClaims takes away, every hour, the claims whose time is over: each photo
// taken and each retried request leaves one.
func (e *Engine) keepClaims() {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-e.disk.closing:
			return
		case <-tick.C:
		}
		if err := e.sweepClaims(); err != nil {
			e.note.Error("old claims were not taken away", "error", err)
		}
	}
}

func (e *Engine) sweepClaims() error {
	r, err := ranging(e.truth, []byte{rowClaim}, []byte{rowClaim + 1}, false)
	if err != nil {
		return err
	}
	for ok := r.first(); ok; ok = r.next() {
		select {
		case <-e.disk.closing:
			return r.close(nil)
		default:
		}
		row, err := rowOf(r.it)
		if err == nil && e.isOver(row) {
			err = e.dropClaim(string(r.it.Key()[1:]))
		}
		if err != nil {
			return r.close(err)
		}
	}
	return r.close(nil)
}

// isOver says whether a stored claim has been over for a while. One that
// cannot be read is not.
func (e *Engine) isOver(row []byte) bool {
	c, err := readClaim(row, e.now().Add(-claimsKept))
	return err == nil && c == (warble.Claim{})
}

// dropClaim removes a claim, if it still is over: it may have been taken
// meanwhile. Nobody can tell it from one that is not there, so it need not be synced.
func (e *Engine) dropClaim(name string) error {
	s := claimStore{e}
	at := s.claiming.lock([]uint16{s.claimStripe(name)})
	defer s.claiming.unlock(at)
	if e.disk.writable() != nil {
		return nil
	}
	k := claimKey(nil, name)
	over := false
	if err := e.get(k, func(row []byte) error { over = e.isOver(row); return nil }); err != nil || !over {
		return err
	}
	return e.disk.enter(func() error { return e.truth.Delete(k, pdb.NoSync) })
}
