package pebble

import (
	"slices"
	"sync"
)

const stripeCount = 4096

// stripes are locks over keys: a key's lock is the one its hash names. Several
// are taken in rising order, so that no two holders wait for each other.
type stripes [stripeCount]struct {
	sync.Mutex
	_ [56]byte // a cache line each
}

func stripeOf(hash uint64) uint16 { return uint16(hash >> 52) }

// lock takes the locks named, and returns them sorted and without repeats, for unlock.
func (s *stripes) lock(at []uint16) []uint16 {
	slices.Sort(at)
	at = slices.Compact(at)
	for _, i := range at {
		s[i].Lock()
	}
	return at
}

func (s *stripes) unlock(at []uint16) {
	for _, i := range at {
		s[i].Unlock()
	}
}
