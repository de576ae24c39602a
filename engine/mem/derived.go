package mem

import (
	"context"
	"maps"
	"slices"
	"time"

	"warble"
)

// timeline is a stored home timeline, or one being built, or both marks of the two: while build is set it reads as
// missing and keeps what is pushed.
type timeline struct {
	entries []warble.TweetID // oldest first
	floor   warble.TweetID
	built   time.Time
	build   *build
}

// build is one Build going on. A new one, not the same again, is what tells it from one that was dropped meanwhile.
type build struct {
	pushed []warble.TweetID
	done   chan struct{} // closed when it ended
}

type timelineStore struct{ *engine }

func (s timelineStore) Push(_ context.Context, _ warble.Turn, pairs []warble.Pair) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range pairs {
		t := s.timelines[p.Owner]
		switch {
		case t == nil:
		case p.Entry == 0:
			delete(s.timelines, p.Owner)
		case t.build != nil:
			t.build.pushed = append(t.build.pushed, p.Entry)
		default:
			t.add(p.Entry)
			t.trim()
		}
	}
	return nil
}

// add puts an entry in its place; below the floor, or there already, it does nothing.
func (t *timeline) add(entry warble.TweetID) {
	if entry < t.floor {
		return
	}
	if i, there := slices.BinarySearch(t.entries, entry); !there {
		t.entries = slices.Insert(t.entries, i, entry)
	}
}

func (t *timeline) trim() {
	if n := len(t.entries); n > warble.TimelineTrim {
		t.entries = slices.Clone(t.entries[n-warble.TimelineKeep:])
		t.floor = t.entries[0]
	}
}

func (s timelineStore) Read(_ context.Context, owner warble.UserID, p warble.Page) ([]warble.TweetID, warble.TweetID, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.timelines[owner]
	if t == nil || t.build != nil || s.now().Sub(t.built) > warble.TimelineAge {
		return nil, 0, false, nil
	}
	refs := make([]ref, len(t.entries))
	for i, id := range t.entries {
		refs[i] = ref{id, id}
	}
	return idsOf(page(refs, p)), t.floor, true, nil
}

func (s timelineStore) Build(ctx context.Context, owner warble.UserID, pull func(context.Context) ([]warble.TweetID, warble.TweetID, error)) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, mine := s.begin(owner)
		if mine {
			entries, floor, err := pull(ctx)
			if s.end(owner, b, entries, floor, err) || err != nil {
				return err
			}
			continue // dropped meanwhile: what was pulled may miss what the drop was for
		}
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if s.stands(owner) {
			return nil
		}
	}
}

// begin marks the owner's timeline as building, or finds the build that is already going on.
func (s timelineStore) begin(owner warble.UserID) (b *build, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.timelines[owner]
	if t == nil {
		t = &timeline{}
		s.timelines[owner] = t
	}
	if t.build != nil {
		return t.build, false
	}
	t.build = &build{done: make(chan struct{})}
	return t.build, true
}

// end merges what was pulled and what was pushed meanwhile, where the build is still the owner's.
func (s timelineStore) end(owner warble.UserID, b *build, entries []warble.TweetID, floor warble.TweetID, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(b.done)
	t := s.timelines[owner]
	if t == nil || t.build != b {
		return false
	}
	if err != nil {
		delete(s.timelines, owner)
		return false
	}
	*t = timeline{floor: floor, built: s.now()}
	for _, id := range entries {
		t.add(id)
	}
	for _, id := range b.pushed {
		t.add(id)
	}
	t.trim()
	return true
}

func (s timelineStore) stands(owner warble.UserID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.timelines[owner]
	return t != nil && t.build == nil
}

func (s timelineStore) Drop(_ context.Context, owners ...warble.UserID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, owner := range owners {
		delete(s.timelines, owner)
	}
	return nil
}

// countOf is what the parts of a count are summed up under.
type countOf struct {
	kind warble.CountKind
	id   warble.ID
}

type countStore struct{ *engine }

func (s countStore) Put(_ context.Context, counts []warble.Count) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range counts {
		of := countOf{c.Kind, c.ID}
		if s.counts[of] == nil {
			s.counts[of] = map[uint32]warble.Count{}
		}
		if old, there := s.counts[of][c.Part]; !there || !c.At.Before(old.At) {
			s.counts[of][c.Part] = c
		}
	}
	return nil
}

func (s countStore) Get(_ context.Context, kinds []warble.CountKind, ids []warble.ID) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]int64, 0, len(kinds)*len(ids))
	for _, id := range ids {
		for _, kind := range kinds {
			var sum int64
			for _, c := range s.counts[countOf{kind, id}] {
				sum += c.N
			}
			out = append(out, sum)
		}
	}
	return out, nil
}

func (s countStore) Sweep(_ context.Context, before time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, parts := range s.counts {
		maps.DeleteFunc(parts, func(_ uint32, c warble.Count) bool { return c.At.Before(before) })
	}
	return nil
}

// hubBuffer is how many messages a slow subscriber may be behind.
const hubBuffer = 64

type hubStore struct{ *engine }

func (s hubStore) Publish(_ context.Context, topic string, message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.topics[topic] {
		for sent := false; !sent; {
			select {
			case ch <- slices.Clone(message):
				sent = true
			default:
				select { // full: the oldest goes
				case <-ch:
				default:
				}
			}
		}
	}
	return nil
}

func (s hubStore) Subscribe(ctx context.Context, topic string) (<-chan []byte, error) {
	ch := make(chan []byte, hubBuffer)
	s.mu.Lock()
	if s.topics[topic] == nil {
		s.topics[topic] = map[chan []byte]bool{}
	}
	s.topics[topic][ch] = true
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.topics[topic], ch)
		if len(s.topics[topic]) == 0 {
			delete(s.topics, topic)
		}
		close(ch)
	})
	return ch, nil
}
