package warble

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"
)

// ClaimPatience is how long a claim behind which nothing came (no user row, no
// next version) is respected.
const ClaimPatience = time.Minute

// TakeVersion claims the right to store version next of a document or profile.
// row is the version stored now. ErrConflict: another editor has it.
func TakeVersion(ctx context.Context, claims Claims, now time.Time, id ID, row, next uint64) error {
	name := "version/" + id.String()
	old, err := claims.Get(ctx, name)
	if err != nil {
		return err
	}
	if old.Epoch >= next && (old.Epoch <= row || now.Sub(ClaimTime(old)) < ClaimPatience) {
		return ErrOvertaken
	}
	mine := Claim{Holder: id, Epoch: next, Data: ClaimData(now)}
	won, err := claims.Swap(ctx, name, old, mine, 0)
	if err != nil {
		return err
	}
	if won != mine {
		return ErrOvertaken
	}
	return nil
}

// ErrOvertaken is the answer to an editor whom another was faster than.
var ErrOvertaken = Fail(ErrConflict, "somebody else is changing this; read it again and retry")

// ClaimData makes a claim's bytes: when it was made, and 8 random bytes that
// tell it from any other.
func ClaimData(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli()))
	rand.Read(b[8:])
	return string(b[:])
}

// ClaimTime is when a claim's bytes were made by ClaimData; the zero time for others.
func ClaimTime(c Claim) time.Time {
	if len(c.Data) < 8 {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(c.Data[:8]))))
}

// SaveVersion stores a document whose Version is one above the stored one's,
// and reads it back: ErrConflict where another edit won.
func SaveVersion(ctx context.Context, s *Stores, clock func() time.Time, d *Doc) error {
	if err := TakeVersion(ctx, s.Claims, clock(), d.ID, d.Version-1, d.Version); err != nil {
		return err
	}
	event := Event{Kind: EventDoc, Key: d.Owner, ID: d.ID}
	if _, err := s.Commit.Apply(ctx, &Change{Docs: []*Doc{d}, Events: []Event{event}}); err != nil {
		return err
	}
	got, err := s.Docs.Get(ctx, d.ID)
	if err != nil {
		return err
	}
	if d.Gone && got[0] == nil || got[0] != nil && got[0].Version == d.Version && string(got[0].Data) == string(d.Data) {
		return nil
	}
	return ErrOvertaken
}
