package pebble

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"warble"
)

const timelineShards = 64

// timelines are the stored homes: rings of ids in memory, rebuilt by pull on
// the first read after a start. Writing them to the disk would cost more than
// building those few that are asked for again. Where they take more memory than
// they may, those not read lately are dropped, to be built at their next read.
type timelines struct {
	shards  [timelineShards]timelineShard
	now     func() time.Time
	sorting sync.Pool // of *byShard
	swept   int       // for the one who sweeps
	dropped atomic.Int64
}

// ringBytes is what a timeline takes besides its blocks: its ring, and its place in the map.
const ringBytes = int(unsafe.Sizeof(ring{})) + 32

// timelineShard holds the timelines of some owners. mu guards all of it; nothing under it blocks.
type timelineShard struct {
	mu     sync.Mutex
	at     map[warble.UserID]uint32 // into rings
	rings  []ring
	free   []uint32
	blocks arena
	builds map[warble.UserID]*build
	closed bool
	max    int // bytes
	hand   int // where the look for one to drop goes on, in rings
	reads  uint64
}

// build is one Build going on. A new one, not the same again, is what tells it
// from one that was dropped meanwhile.
type build struct{ done chan struct{} }

func newTimelines(now func() time.Time, bytes int64) *timelines {
	t := &timelines{now: now}
	for i := range t.shards {
		t.shards[i].max = int(bytes / timelineShards)
		t.shards[i].at = map[warble.UserID]uint32{}
		t.shards[i].builds = map[warble.UserID]*build{}
	}
	return t
}

func timelineOf(owner warble.UserID) int { return int(owner.Hash() >> 48 % timelineShards) }

func (t *timelines) shard(owner warble.UserID) *timelineShard { return &t.shards[timelineOf(owner)] }

// byShard is the scratch space of a Push: the pairs' places, shard by shard.
type byShard struct {
	order []uint32
	start [timelineShards + 1]uint32
}

func (t *timelines) Push(_ context.Context, _ warble.Turn, pairs []warble.Pair) error {
	if len(pairs) == 1 {
		s := t.shard(pairs[0].Owner)
		s.mu.Lock()
		s.push(pairs[0])
		t.evict(s)
		s.mu.Unlock()
		return nil
	}
	by, ok := t.sorting.Get().(*byShard)
	if !ok {
		by = &byShard{}
	}
	defer t.sorting.Put(by)
	by.sort(pairs)
	for i := range timelineShards {
		from, to := by.start[i], by.start[i+1]
		if from == to {
			continue
		}
		s := &t.shards[i]
		s.mu.Lock()
		for _, at := range by.order[from:to] {
			s.push(pairs[at])
		}
		t.evict(s)
		s.mu.Unlock()
	}
	return nil
}

// sort counts, then places: each shard's lock is taken once for all its pairs.
func (by *byShard) sort(pairs []warble.Pair) {
	clear(by.start[:])
	for i := range pairs {
		by.start[timelineOf(pairs[i].Owner)+1]++
	}
	for i := range timelineShards {
		by.start[i+1] += by.start[i]
	}
	next := by.start
	by.order = slices.Grow(by.order[:0], len(pairs))[:len(pairs)]
	for i := range pairs {
		n := &next[timelineOf(pairs[i].Owner)]
		by.order[*n] = uint32(i)
		*n++
	}
}

// push adds one entry, or forgets the timeline. The caller holds mu.
func (s *timelineShard) push(p warble.Pair) {
	i, ok := s.at[p.Owner]
	if !ok {
		return
	}
	if p.Entry == 0 {
		s.forget(p.Owner)
		return
	}
	r := &s.rings[i]
	if p.Entry >= r.floor {
		r.add(&s.blocks, p.Entry)
		r.trim(&s.blocks)
	}
}

func (t *timelines) Read(_ context.Context, owner warble.UserID, p warble.Page) (entries []warble.TweetID, floor warble.TweetID, ok bool, err error) {
	now := t.now().UnixMilli()
	s := t.shard(owner)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, there := s.at[owner]
	if !there || s.builds[owner] != nil {
		return nil, 0, false, nil
	}
	r := &s.rings[i]
	if r.old(now) {
		s.drop(owner)
		return nil, 0, false, nil
	}
	r.read = s.tick()
	return r.page(&s.blocks, p), r.floor, true, nil
}

func (t *timelines) Build(ctx context.Context, owner warble.UserID, pull func(context.Context) ([]warble.TweetID, warble.TweetID, error)) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, mine, err := t.begin(owner)
		if err != nil {
			return err
		}
		if mine {
			merged, err := t.run(ctx, owner, b, pull)
			if merged || err != nil {
				return err
			}
			continue // dropped meanwhile: what was pulled may miss what the drop was for
		}
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if t.stands(owner) {
			return nil
		}
	}
}

// begin marks the owner's timeline as building, or finds the build that is
// already going on. What is pushed from now on is kept: the floor is zero.
func (t *timelines) begin(owner warble.UserID) (b *build, mine bool, err error) {
	s := t.shard(owner)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, warble.Fail(warble.ErrUnavailable, "the store is closed")
	}
	if b := s.builds[owner]; b != nil {
		return b, false, nil
	}
	s.drop(owner)
	s.make(owner)
	b = &build{done: make(chan struct{})}
	s.builds[owner] = b
	return b, true, nil
}

// run pulls, and merges where the build is still the owner's.
func (t *timelines) run(ctx context.Context, owner warble.UserID, b *build, pull func(context.Context) ([]warble.TweetID, warble.TweetID, error)) (merged bool, err error) {
	var entries []warble.TweetID
	var floor warble.TweetID
	pulled := false
	s := t.shard(owner)
	defer func() { // also when pull panics
		s.mu.Lock()
		defer s.mu.Unlock()
		defer close(b.done)
		if s.builds[owner] != b {
			return
		}
		delete(s.builds, owner)
		if !pulled || s.closed {
			s.drop(owner)
			return
		}
		s.merge(owner, entries, floor, t.now())
		t.evict(s)
		merged = true
	}()
	entries, floor, err = pull(ctx)
	pulled = err == nil
	return false, err
}

// merge puts what was pulled and what was pushed meanwhile together.
func (s *timelineShard) merge(owner warble.UserID, entries []warble.TweetID, floor warble.TweetID, now time.Time) {
	r := &s.rings[s.at[owner]]
	all := slices.Concat(entries, r.all(&s.blocks))
	slices.Sort(all)
	all = slices.Compact(all)
	floor = max(floor, r.floor)
	first, _ := slices.BinarySearch(all, floor)
	all = all[first:]
	if n := len(all); n > warble.TimelineTrim {
		all = all[n-warble.TimelineKeep:]
		floor = all[0]
	}
	r.clear(&s.blocks)
	for _, id := range all {
		r.add(&s.blocks, id)
	}
	r.floor, r.built, r.read = floor, now.UnixMilli(), s.tick()
}

func (t *timelines) stands(owner warble.UserID) bool {
	s := t.shard(owner)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there := s.at[owner]
	return there && s.builds[owner] == nil
}

func (t *timelines) Drop(_ context.Context, owners ...warble.UserID) error {
	for _, owner := range owners {
		s := t.shard(owner)
		s.mu.Lock()
		s.forget(owner)
		s.mu.Unlock()
	}
	return nil
}

// forget forgets a timeline, also one being built. The caller holds mu.
func (s *timelineShard) forget(owner warble.UserID) {
	delete(s.builds, owner)
	s.drop(owner)
}

// make makes an empty timeline. The caller holds mu.
func (s *timelineShard) make(owner warble.UserID) {
	var i uint32
	if n := len(s.free); n > 0 {
		i = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		i = uint32(len(s.rings))
		s.rings = append(s.rings, ring{})
	}
	s.rings[i] = ring{owner: owner}
	s.at[owner] = i
}

// drop forgets a timeline, if there is one. The caller holds mu.
func (s *timelineShard) drop(owner warble.UserID) {
	i, ok := s.at[owner]
	if !ok {
		return
	}
	s.rings[i].clear(&s.blocks)
	s.rings[i] = ring{}
	delete(s.at, owner)
	s.free = append(s.free, i)
}

func (s *timelineShard) bytes() int { return s.blocks.bytes() + len(s.at)*ringBytes }

func (s *timelineShard) tick() uint64 {
	s.reads++
	return s.reads
}

// evictLook is how many timelines are compared for one to drop.
const evictLook = 32

// evict drops timelines until the rest fits: each time, of the next few, the one
// not read for longest. One being built stays, and so does the last. The caller
// holds mu.
func (t *timelines) evict(s *timelineShard) {
	for idle := 0; s.bytes() > s.max && len(s.at) > 1 && idle <= len(s.rings); {
		var oldest *ring
		for range min(evictLook, len(s.rings)) {
			if s.hand++; s.hand >= len(s.rings) {
				s.hand = 0
			}
			r := &s.rings[s.hand]
			if r.owner != 0 && s.builds[r.owner] == nil && (oldest == nil || r.read < oldest.read) {
				oldest = r
			}
		}
		if idle += evictLook; oldest != nil {
			s.drop(oldest.owner)
			t.dropped.Add(1)
			idle = 0
		}
	}
}

// usage is how many timelines there are, and the memory they take.
func (t *timelines) usage() (n, bytes int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += len(s.at)
		bytes += s.bytes()
		s.mu.Unlock()
	}
	return n, bytes
}

func (t *timelines) gauges(gauge func(name, help string, value func() float64)) {
	gauge("warble_homes_stored", "Homes in memory.", func() float64 { n, _ := t.usage(); return float64(n) })
	gauge("warble_homes_bytes", "Memory they take.", func() float64 { _, b := t.usage(); return float64(b) })
	gauge("warble_homes_dropped", "Homes dropped since the start because there was no room.", func() float64 { return float64(t.dropped.Load()) })
}

// sweep drops the timelines of one shard that a read would build anew:
// inactive people cost nothing.
func (t *timelines) sweep() {
	now := t.now().UnixMilli()
	s := &t.shards[t.swept%timelineShards]
	t.swept++
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.rings {
		if r := &s.rings[i]; r.owner != 0 && s.builds[r.owner] == nil && r.old(now) {
			s.drop(r.owner)
		}
	}
}

func (t *timelines) close() {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		s.closed = true
		clear(s.at)
		clear(s.builds)
		s.rings, s.free = nil, nil
		s.blocks.close()
		s.mu.Unlock()
	}
}
