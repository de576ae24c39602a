package pebble

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
)

func TestClaimsThatAreOverAreTakenAway(t *testing.T) {
	now := time.Now()
	e := openTest(t, vfs.NewMem(), Options{Clock: func() time.Time { return now }})
	claims := e.Stores().Claims
	mine := warble.Claim{Holder: 7, Data: "x"}
	for name, ttl := range map[string]time.Duration{"photo/1": 2 * time.Minute, "key/1": 24 * time.Hour, "handle/ann": 0} {
		if won, err := claims.Swap(t.Context(), name, warble.Claim{}, mine, ttl); err != nil || won != mine {
			t.Fatal(won, err)
		}
	}
	stored := func() (names []string) {
		r, err := ranging(e.truth, []byte{rowClaim}, []byte{rowClaim + 1}, false)
		if err != nil {
			t.Fatal(err)
		}
		for ok := r.first(); ok; ok = r.next() {
			names = append(names, string(r.it.Key()[1:]))
		}
		if err := r.close(nil); err != nil {
			t.Fatal(err)
		}
		return names
	}
	for _, step := range []struct {
		by   time.Duration
		left int
	}{{3 * time.Minute, 3}, {2 * time.Hour, 2}, {24 * time.Hour, 1}} {
		now = now.Add(step.by)
		if err := e.sweepClaims(); err != nil {
			t.Fatal(err)
		}
		if got := stored(); len(got) != step.left {
			t.Errorf("after %v more %q are stored, want %d", step.by, got, step.left)
		}
	}
	if c, err := claims.Get(t.Context(), "handle/ann"); err != nil || c != mine {
		t.Errorf("a claim for ever is %v, %v", c, err)
	}
}
