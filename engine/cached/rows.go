package cached

import (
	"context"
	"sync"
	"time"

	"warble"
)

const shards = 64

// rows keeps rows by id in two generations of maps, of which the older goes when the younger is full.
type rows[R interface {
	*warble.Tweet | *warble.User
}] struct {
	shards [shards]shard[R]
}

type shard[R any] struct {
	mu         sync.Mutex
	generation uint64 // rises when a row of this shard was written
	young, old map[warble.ID]row[R]
	most       int
}

type row[R any] struct {
	row    R
	loaded time.Duration // when its load began
}

func newRows[R interface {
	*warble.Tweet | *warble.User
}](most int) *rows[R] {
	r := &rows[R]{}
	for i := range r.shards {
		r.shards[i].young = map[warble.ID]row[R]{}
		r.shards[i].most = max(1, most/2/shards)
	}
	return r
}

func (r *rows[R]) shard(id warble.ID) *shard[R] { return &r.shards[id.Hash()%shards] }

// get hands out what is kept and good, and loads the rest in one call. What is missing is not kept.
func (r *rows[R]) get(ctx context.Context, ids []warble.ID, now func() time.Duration, good func(R, time.Duration) bool,
	load func(context.Context, ...warble.ID) ([]R, error)) ([]R, error) {
	out := make([]R, len(ids))
	var missing []warble.ID
	var at []int
	var generations []uint64
	began := now()
	for i, id := range ids {
		kept, ok, generation := r.shard(id).find(id)
		if ok && good(kept.row, kept.loaded) {
			out[i] = kept.row
			continue
		}
		missing, at, generations = append(missing, id), append(at, i), append(generations, generation)
	}
	if len(missing) == 0 {
		return out, nil
	}
	loaded, err := load(ctx, missing...)
	if err != nil {
		return nil, err
	}
	for i, l := range loaded {
		out[at[i]] = l
		if l != nil {
			r.shard(missing[i]).keep(missing[i], row[R]{l, began}, generations[i])
		}
	}
	return out, nil
}

func (s *shard[R]) find(id warble.ID) (kept row[R], ok bool, generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok = s.young[id]; !ok {
		if kept, ok = s.old[id]; ok {
			s.put(id, kept)
		}
	}
	return kept, ok, s.generation
}

// keep keeps a row, unless one of the shard was written since its load began.
func (s *shard[R]) keep(id warble.ID, r row[R], generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation == generation {
		s.put(id, r)
	}
}

func (s *shard[R]) put(id warble.ID, r row[R]) {
	if len(s.young) >= s.most {
		s.old, s.young = s.young, make(map[warble.ID]row[R], s.most/4)
	}
	s.young[id] = r
}

func (r *rows[R]) forget(id warble.ID) {
	s := r.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	delete(s.young, id)
	delete(s.old, id)
}

func (r *rows[R]) flush() {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		s.generation++
		s.young, s.old = map[warble.ID]row[R]{}, nil
		s.mu.Unlock()
	}
}
