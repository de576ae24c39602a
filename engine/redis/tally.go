package redis

import (
	"context"
	"crypto/sha256"
	"strconv"
	"time"

	"warble"
)

// Tally is what [warble.Stores] says of it. Names are kept as hashes, so that no name's braces put many counts in one slot. A failover may
// take a count back.
func (e *Engine) Tally(ctx context.Context, name string, n, most int, ttl time.Duration) (before int, err error) {
	sum := sha256.Sum256([]byte(name))
	got, err := e.exec(ctx, e.scripts.tally, warble.ErrUnknown, []string{e.keys.of(keyTally, string(sum[:16]))},
		strconv.Itoa(n), strconv.Itoa(most), strconv.FormatInt(max(ttl.Milliseconds(), 1), 10))
	if err != nil {
		return 0, err
	}
	used, err := got.AsInt64()
	return int(used), err
}
