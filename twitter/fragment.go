package twitter

import (
	"sync"

	"warble"
)

// fragmentKey names a rendering: of which row version, naming people by which
// versions of theirs, with which fields.
type fragmentKey struct {
	id      warble.ID
	version uint64
	people  uint64
	fields  mask
}

// hash leaves the versions out: a new version takes the old one's place.
func (k fragmentKey) hash() uint64 {
	return warble.ID(uint64(k.id) ^ uint64(k.fields)*0xd6e8feb86659fd93).Hash()
}

const fragmentShards = 64

// fragments keeps renderings that cannot change: a new version has a new key.
// Each shard has two generations, of which the older goes when the younger is full.
type fragments struct {
	most   int // bytes of one generation of a shard
	shards [fragmentShards]fragmentShard
}

type fragmentShard struct {
	mu         sync.RWMutex
	young, old map[uint64]*fragment
	bytes      int // of young
}

type fragment struct {
	fragmentKey
	b []byte
}

const (
	fragmentCost = 120 // what an entry takes besides its bytes
	fragmentSize = 512 // of most tweets
)

func newFragments(bytes int) *fragments {
	f := &fragments{most: bytes / fragmentShards / 2}
	for i := range f.shards {
		f.shards[i].young = map[uint64]*fragment{}
	}
	return f
}

// get returns bytes that must not be changed.
func (f *fragments) get(k fragmentKey) ([]byte, bool) {
	h := k.hash()
	s := &f.shards[h%fragmentShards]
	s.mu.RLock()
	kept, old := s.young[h], false
	if kept == nil {
		kept = s.old[h]
		old = kept != nil
	}
	s.mu.RUnlock()
	if kept == nil || kept.fragmentKey != k {
		return nil, false
	}
	if old {
		f.keep(s, h, kept)
	}
	return kept.b, true
}

// put keeps v, which must not be changed from here on.
func (f *fragments) put(k fragmentKey, v []byte) {
	h := k.hash()
	f.keep(&f.shards[h%fragmentShards], h, &fragment{k, v})
}

func (f *fragments) keep(s *fragmentShard, h uint64, kept *fragment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes >= f.most {
		s.old, s.young, s.bytes = s.young, make(map[uint64]*fragment, len(s.young)), 0
	}
	if was := s.young[h]; was != nil {
		s.bytes -= len(was.b) + fragmentCost
	}
	s.young[h] = kept
	s.bytes += len(kept.b) + fragmentCost
}
