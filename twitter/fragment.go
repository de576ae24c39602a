package twitter

import (
	"slices"

	"github.com/maypok86/otter/v2"

	"warble"
)

// fragmentKey names a rendering: of which row version, with which fields.
type fragmentKey struct {
	id      warble.ID
	version uint64
	fields  mask
}

// fragments keeps renderings that cannot change: a new version has a new key.
type fragments struct {
	c *otter.Cache[fragmentKey, []byte]
}

// fragmentCost is what an entry takes besides its bytes.
const fragmentCost = 160

func newFragments(bytes int) *fragments {
	return &fragments{c: otter.Must(&otter.Options[fragmentKey, []byte]{
		MaximumWeight: uint64(bytes),
		Weigher:       func(_ fragmentKey, v []byte) uint32 { return uint32(len(v)) + fragmentCost },
	})}
}

// get returns bytes that must not be changed.
func (f *fragments) get(k fragmentKey) ([]byte, bool) { return f.c.GetIfPresent(k) }

func (f *fragments) put(k fragmentKey, v []byte) { f.c.Set(k, slices.Clone(v)) }
