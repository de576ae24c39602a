// Package load brings data into a store and traffic onto a server: imports of
// tweets, follow graphs and photos, a small living network for a first look,
// generated data for benchmarks, and the load generator.
//
// Imports write through the same Writer as everybody else and keep no state of
// their own but a cursor in the store: import.go says how they are resumed.
// The load generator knows nothing but the wire.
package load

import (
	"context"
	"hash/fnv"
	"io"

	"warble"
	"warble/internal/photo"
	"warble/role/write"
)

// Store is an open store, as imports and the demo need it. Whoever opened it
// fills it in; none of the fields may be nil.
type Store struct {
	Stores *warble.Stores
	Writer *write.Writer
	Photos *photo.Processor
	// HashPassword and Token make what an account needs to sign in.
	HashPassword func(ctx context.Context, password string) (string, error)
	Token        func(ctx context.Context, user warble.UserID) (string, error)
	// Settle returns when counts, search and homes hold all there is. progress
	// is told how many events are left; it may be nil.
	Settle func(ctx context.Context, progress func(behind int64)) error
}

// Meter shows how far long work is. A total of zero is not known; a negative
// done is how many are left.
type Meter interface {
	Set(done, total int64)
	Done()
}

type noMeter struct{}

func (noMeter) Set(int64, int64) {}
func (noMeter) Done()            {}

// hashOf is a stable 64-bit number for some strings in their order: FNV-1a over
// each string and a zero byte. It names rows in stores, so it never changes.
func hashOf(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = io.WriteString(h, p) // a hash takes everything
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}

// derivedID is an id for a document that is named by what it is about. Bit 62
// keeps it apart from every id made from a clock.
func derivedID(parts ...string) warble.DocID {
	return warble.ID(hashOf(parts...)>>2 | 1<<62)
}
