package write

import (
	"context"
	"strconv"
	"sync"
	"time"
	"warble"
)

// activity remembers, for people who were active lately, what the limits and
// the order of ids need: their newest tweet, how many tweets they posted in
// the last 24 hours, how many follows they added in the last seconds. It is
// bounded, and filled from truth where it knows nothing. Each process counts
// for itself, so with n writer processes a person may get up to n times a
// quota until the processes read truth again.
type activity struct {
	shards [64]struct {
		sync.Mutex
		people map[warble.UserID]*recent
	}
}

// activityKeep is how many people a shard of activity remembers.
const activityKeep = 4096

// recent is what activity knows of one person.
type recent struct {
	mu      sync.Mutex
	loaded  bool
	newest  warble.TweetID
	tweets  window // in slots of quotaSlot
	follows window // in slots of a second
}

func newActivity() *activity { return new(activity) }

// of returns a person's entry. Where a shard is full some entries are
// forgotten: the next question reads truth.
func (a *activity) of(id warble.UserID) *recent {
	shard := &a.shards[id.Shard()]
	shard.Lock()
	defer shard.Unlock()
	r := shard.people[id]
	if r != nil {
		return r
	}
	if shard.people == nil {
		shard.people = make(map[warble.UserID]*recent)
	}
	if len(shard.people) >= activityKeep {
		n := 0
		for old := range shard.people { // in no order: any quarter will do
			if delete(shard.people, old); n >= activityKeep/4 {
				break
			}
			n++
		}
	}
	r = new(recent)
	shard.people[id] = r
	return r
}

func (r *recent) posted(id warble.TweetID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.newest = max(r.newest, id)
}

// giveBack returns a turn that takeTurn counted and that posted nothing.
func (r *recent) giveBack(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tweets.add(slotOf(now, quotaSlot), -1)
}

// quotaSlot is how finely the daily quota looks at time: what was posted up to
// ten minutes more than 24 hours ago may still count.
const quotaSlot = 10 * time.Minute

func slotOf(t time.Time, slot time.Duration) int64 { return t.UnixMilli() / slot.Milliseconds() }

// takeTurn counts one tweet or retweet against the daily quota and returns the
// author's newest id, which the next one must be above. Only the first tweet
// of an author in this process reads truth.
func (w *Writer) takeTurn(ctx context.Context, user warble.UserID) (newest warble.TweetID, err error) {
	now := w.opt.Clock()
	r := w.people.of(user)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.loaded {
		if err := w.loadTurns(ctx, user, r, now); err != nil {
			return 0, err
		}
	}
	limit := w.opt.TweetsPerDay
	if limit >= 0 && r.tweets.since(slotOf(now.Add(-day), quotaSlot)) >= limit {
		return 0, &warble.Error{Kind: warble.ErrLimit, Param: "user", Value: user.String(),
			Detail: "you have posted " + strconv.Itoa(limit) + " tweets in the last 24 hours, which is the limit; try again later"}
	}
	r.tweets.add(slotOf(now, quotaSlot), 1)
	return r.newest, nil
}

// loadTurns reads what the author posted in the last 24 hours. r.mu is held.
func (w *Writer) loadTurns(ctx context.Context, user warble.UserID, r *recent, now time.Time) error {
	page := warble.Page{After: warble.IDAt(now.Add(-day)), Limit: max(w.opt.TweetsPerDay, 1)}
	ids, err := w.s.Tweets.By(ctx, user, page)
	if err != nil {
		return err
	}
	for i := len(ids) - 1; i >= 0; i-- {
		r.tweets.add(slotOf(ids[i].Time(), quotaSlot), 1)
	}
	if len(ids) > 0 {
		r.newest = max(r.newest, ids[0])
	}
	r.loaded = true
	return nil
}

// window counts what happened in the newest span of time, slot by slot.
type window struct {
	slots []windowSlot // oldest first
	total int
}

type windowSlot struct {
	at int64
	n  int
}

// add counts n in slot at. Slots come in order but for clocks that step back:
// then the newest slot takes it.
func (w *window) add(at int64, n int) {
	w.total += n
	if last := len(w.slots) - 1; last >= 0 && w.slots[last].at >= at {
		w.slots[last].n += n
		return
	}
	w.slots = append(w.slots, windowSlot{at, n})
}

// since returns how many there are in slot at and later, and forgets the rest.
func (w *window) since(at int64) int {
	old := 0
	for old < len(w.slots) && w.slots[old].at < at {
		w.total -= w.slots[old].n
		old++
	}
	if old > 0 {
		w.slots = append(w.slots[:0], w.slots[old:]...)
	}
	return w.total
}

// room refuses one more edge of a kind out of from when limit stand already.
// The stored count is cheap but may lag, so near the limit the edges
// themselves are counted.
func (w *Writer) room(ctx context.Context, kind warble.EdgeKind, count warble.CountKind, from warble.ID, limit int, refusal error) error {
	if limit < 0 {
		return nil
	}
	counts, err := w.s.Counts.Get(ctx, []warble.CountKind{count}, []warble.ID{from})
	if err == nil && int(counts[0])+w.people.of(from).added(w.opt.Clock()) < limit {
		return nil
	}
	n := 0
	page := warble.Page{Limit: 1000}
	for n < limit {
		edges, err := w.s.Edges.From(ctx, kind, from, page)
		if err != nil {
			return err
		}
		if n += len(edges); len(edges) < page.Limit {
			break
		}
		page.Before = edges[len(edges)-1].Since
	}
	if n >= limit {
		return refusal
	}
	return nil
}

// countLag is how far a stored count is taken to be behind at most.
const countLag = time.Minute

// added returns how many edges this process added to a person or list lately.
func (r *recent) added(now time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.follows.since(slotOf(now.Add(-countLag), time.Second))
}

func (r *recent) add(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follows.add(slotOf(now, time.Second), 1)
}
