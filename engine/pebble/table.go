package pebble

import (
	"sync"
	"sync/atomic"
)

const tableShards = 256

// table is a bounded map in shards, from which what was not asked for lately
// falls out (the clock algorithm: a second chance for what was used).
//
// It stays exact because this process sees every write. A write puts what it
// wrote after the store has it, and raises its shard's generation; a load notes
// the generation before it reads the store and keeps what it read only if no
// write came between (see [shard.gen]).
type table[K comparable, V any] struct {
	shards [tableShards]shard[K, V]
	hash   func(K) uint64
}

func newTable[K comparable, V any](bytes int64, hash func(K) uint64) *table[K, V] {
	t := &table[K, V]{hash: hash}
	for i := range t.shards {
		t.shards[i].hash = hash
		t.shards[i].at = make([]int32, 8)
		t.shards[i].max = int(bytes / tableShards)
	}
	return t
}

func (t *table[K, V]) shard(k K) *shard[K, V] { return &t.shards[t.hash(k)>>32%tableShards] }

// find returns a copy of the value; without one, the generation at which a
// load begins.
func (t *table[K, V]) find(k K) (v V, gen uint64, ok bool) {
	s := t.shard(k)
	s.mu.RLock()
	if p := s.get(k); p != nil {
		v, ok = *p, true
	}
	gen = s.gen
	s.mu.RUnlock()
	return v, gen, ok
}

// loaded keeps what a load that began at gen read.
func (t *table[K, V]) loaded(k K, v V, weight int, gen uint64) {
	s := t.shard(k)
	s.mu.Lock()
	if s.gen == gen && s.flying == 0 {
		s.put(k, v, weight)
	}
	s.mu.Unlock()
}

// wrote keeps what was stored.
func (t *table[K, V]) wrote(k K, v V, weight int) {
	s := t.shard(k)
	s.mu.Lock()
	s.gen++
	s.put(k, v, weight)
	s.mu.Unlock()
}

// shard is one part of a table. mu guards all of it. Its keys are found by open
// addressing, with the hash the table already has: the maps of Go would hash
// and compare keys of several fields by call.
type shard[K comparable, V any] struct {
	mu         sync.RWMutex
	gen        uint64 // rises with every write of the store that could concern a key of this shard
	flying     int    // writes announced and not told yet, of values that a write changes instead of replacing
	hash       func(K) uint64
	at         []int32 // 1 + the slot of a key, 0 for none; a power of two, at most half full
	n          int     // of keys
	slots      []slot[K, V]
	free       []int32
	hand       int
	bytes, max int
}

type slot[K comparable, V any] struct {
	val    V
	key    K
	mark   uint32 // of the hash
	weight int32
	live   bool
	hot    uint32 // atomic: readers set it under the read lock
}

// slotBytes is about what an entry costs besides its weight.
const slotBytes = 64

// find returns where in at the key is, or would be put.
func (s *shard[K, V]) find(k K) (i int, mark uint32) {
	mark = uint32(s.hash(k))
	mask := len(s.at) - 1
	for i = int(mark) & mask; s.at[i] != 0; i = (i + 1) & mask {
		if sl := &s.slots[s.at[i]-1]; sl.mark == mark && sl.key == k {
			break
		}
	}
	return i, mark
}

// get returns the value in place, nil when there is none. The caller holds mu,
// and for changing the value holds it for writing.
func (s *shard[K, V]) get(k K) *V {
	i, _ := s.find(k)
	if s.at[i] == 0 {
		return nil
	}
	sl := &s.slots[s.at[i]-1]
	if atomic.LoadUint32(&sl.hot) == 0 {
		atomic.StoreUint32(&sl.hot, 1)
	}
	return &sl.val
}

// put keeps a value and lets others go. The caller holds mu for writing.
func (s *shard[K, V]) put(k K, v V, weight int) {
	weight += slotBytes
	i, mark := s.find(k)
	if s.at[i] != 0 {
		sl := &s.slots[s.at[i]-1]
		s.bytes += weight - int(sl.weight)
		sl.val, sl.weight = v, int32(weight)
	} else {
		at := s.slot()
		s.slots[at] = slot[K, V]{val: v, key: k, mark: mark, weight: int32(weight), live: true, hot: 1}
		s.at[i] = at + 1
		s.bytes += weight
		if s.n++; 2*s.n > len(s.at) {
			s.grow()
		}
	}
	s.evict()
}

// weigh adds to the weight of an entry that is there.
func (s *shard[K, V]) weigh(k K, more int) {
	if i, _ := s.find(k); s.at[i] != 0 {
		s.slots[s.at[i]-1].weight += int32(more)
		s.bytes += more
		s.evict()
	}
}

func (s *shard[K, V]) slot() int32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	s.slots = append(s.slots, slot[K, V]{})
	return int32(len(s.slots) - 1)
}

func (s *shard[K, V]) grow() {
	s.at = make([]int32, 2*len(s.at))
	mask := len(s.at) - 1
	for at := range s.slots {
		if !s.slots[at].live {
			continue
		}
		i := int(s.slots[at].mark) & mask
		for s.at[i] != 0 {
			i = (i + 1) & mask
		}
		s.at[i] = int32(at) + 1
	}
}

// clear empties a slot. What was put behind its key for want of room moves up.
func (s *shard[K, V]) clear(at int32) {
	sl := &s.slots[at]
	s.bytes -= int(sl.weight)
	s.n--
	mask := len(s.at) - 1
	gap, _ := s.find(sl.key)
	for i := (gap + 1) & mask; s.at[i] != 0; i = (i + 1) & mask {
		home := int(s.slots[s.at[i]-1].mark) & mask
		if (i-home)&mask >= (i-gap)&mask {
			s.at[gap] = s.at[i]
			gap = i
		}
	}
	s.at[gap] = 0
	*sl = slot[K, V]{}
	s.free = append(s.free, at)
}

func (s *shard[K, V]) evict() {
	for s.bytes > s.max && s.n > 1 {
		if s.hand >= len(s.slots) {
			s.hand = 0
		}
		sl := &s.slots[s.hand]
		switch {
		case !sl.live:
		case atomic.LoadUint32(&sl.hot) != 0:
			atomic.StoreUint32(&sl.hot, 0)
		default:
			s.clear(int32(s.hand))
		}
		s.hand++
	}
}
