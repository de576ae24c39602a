package mem

import (
	"context"
	"slices"
	"sync"
	"time"

	"warble"
)

// The log's shape: partitions by the hash of an event's key; batches and what is out at once in each of them.
const (
	logParts = 4
	logBatch = 256
	logOut   = 4096
)

// entry is one stored event.
type entry struct {
	event   warble.Event
	part    int
	stored  time.Time
	trimmed bool
}

// group is a consumer group's place in each partition.
type group struct {
	done  map[*entry]bool
	out   map[*entry]*consumer
	owner [logParts]*consumer
	outs  [logParts]int // how many entries are out
	next  [logParts]int // everything before it in the partition's log is out or done
}

// consumer is one call of Consume.
type consumer struct{ _ byte } // of some size, so that two are never one

// record stores events. One about edges of which none is left says nothing.
func (e *engine) record(events []warble.Event) {
	now := e.now()
	for _, ev := range events {
		if len(ev.Edges) == 0 && (ev.Kind == warble.EventEdge || ev.Kind == warble.EventEdgeGone) {
			continue
		}
		ev.Edges = slices.Clone(ev.Edges)
		part := int(ev.Key.Hash() % logParts)
		e.log[part] = append(e.log[part], &entry{event: ev, part: part, stored: now})
	}
	e.more.Broadcast()
}

// group returns a group's state, made at the first mention: it begins with every event some group has not done.
func (e *engine) group(name string) *group {
	g := e.groups[name]
	if g == nil {
		g = &group{done: map[*entry]bool{}, out: map[*entry]*consumer{}}
		e.groups[name] = g
	}
	return g
}

type logStore struct{ *engine }

// Consume runs one goroutine for each partition. A second consumer of the group waits for partitions that have an
// owner; what an owner had out and not done when it left is handed out again.
func (s logStore) Consume(ctx context.Context, name string, handle func(context.Context, warble.Batch) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.more.Broadcast()
	})
	defer stop()
	me := &consumer{}
	var wg sync.WaitGroup
	for part := range logParts {
		wg.Go(func() {
			for {
				batch, ok := s.take(ctx, name, part, me)
				if !ok {
					return
				}
				if err := handle(ctx, batch); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	s.leave(name, me)
	return context.Cause(ctx)
}

// take waits for events of a partition and hands them out; ok is false when ctx ended.
func (s logStore) take(ctx context.Context, name string, part int, me *consumer) (b warble.Batch, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(name)
	for {
		if ctx.Err() != nil {
			return warble.Batch{}, false
		}
		if g.owner[part] == nil {
			g.owner[part] = me
		}
		if g.owner[part] == me && g.outs[part] < logOut {
			if taken := s.ready(g, part); len(taken) > 0 {
				return s.batch(g, part, taken, me), true
			}
		}
		s.more.Wait()
	}
}

// ready goes on to the next events of a partition that are neither done nor out.
func (s logStore) ready(g *group, part int) (taken []*entry) {
	log := s.log[part]
	for ; g.next[part] < len(log) && len(taken) < logBatch; g.next[part]++ {
		if en := log[g.next[part]]; !g.done[en] && g.out[en] == nil {
			taken = append(taken, en)
		}
	}
	return taken
}

func (s logStore) batch(g *group, part int, taken []*entry, me *consumer) warble.Batch {
	b := warble.Batch{Turn: warble.Turn{Part: part}, Events: make([]warble.Event, len(taken))}
	for i, en := range taken {
		b.Events[i] = en.event
		g.out[en] = me
	}
	g.outs[part] += len(taken)
	b.Done = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, en := range taken {
			if g.out[en] == me {
				s.back(g, en)
			}
			if !en.trimmed {
				g.done[en] = true
			}
		}
		s.trim(part)
		s.more.Broadcast()
	}
	return b
}

// back takes an entry from those that are out.
func (s logStore) back(g *group, en *entry) {
	delete(g.out, en)
	g.outs[en.part]--
}

// leave gives up the partitions of a consumer and takes back what it had out.
func (s logStore) leave(name string, me *consumer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(name)
	for en, who := range g.out {
		if who == me {
			s.back(g, en)
		}
	}
	for part, who := range g.owner {
		if who == me {
			g.owner[part], g.next[part] = nil, 0
		}
	}
	s.more.Broadcast()
}

// trim forgets a partition's oldest events, as long as every group has done them.
func (s logStore) trim(part int) {
	n, log := 0, s.log[part]
	for n < len(log) && s.doneByAll(log[n]) {
		log[n].trimmed = true
		for _, g := range s.groups {
			delete(g.done, log[n])
		}
		n++
	}
	s.log[part] = log[n:]
	for _, g := range s.groups {
		g.next[part] = max(0, g.next[part]-n)
	}
}

func (s logStore) doneByAll(en *entry) bool {
	for _, g := range s.groups {
		if !g.done[en] {
			return false
		}
	}
	return true
}

func (s logStore) Position(_ context.Context, name string) (warble.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(name)
	var p warble.Position
	for _, log := range s.log {
		for _, en := range log {
			if g.done[en] {
				continue
			}
			if p.Behind == 0 || en.stored.Before(p.Oldest) {
				p.Oldest = en.stored
			}
			p.Behind++
		}
	}
	return p, nil
}
