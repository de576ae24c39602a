package warble

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// IdempotencyTime is how long an idempotency key is remembered.
const IdempotencyTime = 24 * time.Hour

// maxBodyHash is how long the hash of a body may be: what a claim holds.
const maxBodyHash = 256

// Claim ties an idempotency key of a person to the id of what is to be made
// with it, for 24 hours. first is true for who came first: newID is the id.
// Every later call with the same bodyHash (at most 256 bytes) gets the first
// one's id; another bodyHash is ErrConflict. Whoever gets an id, first or not,
// makes the thing under it: it may not have been made yet.
func (w *Writer) Claim(ctx context.Context, user UserID, key, bodyHash string, newID ID) (id ID, first bool, err error) {
	defer wrap(&err, "Writer.Claim")
	if key == "" || len(bodyHash) > maxBodyHash || newID == 0 {
		return 0, false, Invalid("idempotency_key", key, "an idempotency key is not empty and comes with a body")
	}
	sum := sha256.Sum256([]byte(key))
	name := "idem/" + user.String() + "/" + hex.EncodeToString(sum[:])
	mine := Claim{Holder: newID, Data: bodyHash}
	stands, err := w.s.Claims.Swap(ctx, name, Claim{}, mine, IdempotencyTime)
	switch {
	case err != nil:
		return 0, false, err
	case stands.Data != bodyHash:
		return 0, false, Fail(ErrConflict, "this idempotency key was used for another request; use a new key")
	}
	return stands.Holder, stands == mine, nil
}
