package warble

import (
	"context"
	"sync"
	"time"
)

// counter keeps numbers exact by counting anew: an event only marks the parts
// it touched; each tick the marked parts are counted and put as absolute
// numbers. A batch of events is done once its parts are put.
type counter struct {
	s       *Stores
	opt     Options
	mu      sync.Mutex
	dirty   map[CountKey]struct{}
	waiting []func()
	full    sync.Cond // signalled when the tick has taken the waiting batches
	big     map[CountKey]time.Time
	held    time.Time // since when batches are held back for big parts; zero: none are
	last    time.Time // the newest moment a count was given
}

const (
	// countWaiting bounds the batches that wait for a tick.
	countWaiting = 4096
	// countDirty bounds the parts that wait for a tick.
	countDirty = 1 << 18
	// countBig is the number from which a part is counted once a second only.
	countBig = 4 * PartSize
)

func newCounter(s *Stores, opt Options) *counter {
	c := &counter{s: s, opt: opt, dirty: map[CountKey]struct{}{}, big: map[CountKey]time.Time{}}
	c.full.L = &c.mu
	return c
}

// add marks what a carried batch touched; the batch is done after the next
// tick. It waits where too much waits already; when ctx ends first the batch is
// not done and comes again. rows are the tweets its events name: one that came
// without photos leaves its author's number of those with photos alone, which
// would be counted by reading a month of rows.
func (c *counter) add(ctx context.Context, b Batch, rows []*Tweet) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := func() bool { return len(c.waiting) < countWaiting && len(c.dirty) < countDirty }
	if err := waitUntil(ctx, &c.full, room); err != nil {
		return err
	}
	n := 0
	for _, ev := range b.Events {
		media := true
		if ev.Kind == EventTweet || ev.Kind == EventTweetEdit {
			t := rows[n]
			n++
			media = ev.Kind == EventTweetEdit || t == nil || t.Gone || len(t.Photos) > 0
		}
		marksOf(ev, func(k CountKey) {
			if media || k.Kind != CountMedia {
				c.dirty[k] = struct{}{}
			}
		})
	}
	c.waiting = append(c.waiting, b.Done)
	return nil
}

// waitUntil waits on c, whose lock is held, until ready holds or ctx ends.
func waitUntil(ctx context.Context, c *sync.Cond, ready func() bool) error {
	if ready() {
		return nil
	}
	defer context.AfterFunc(ctx, func() {
		c.L.Lock() // else the signal could pass between a look at ctx and the wait
		defer c.L.Unlock()
		c.Broadcast()
	})()
	for !ready() {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.Wait()
	}
	return nil
}

// marksOf names the parts that an event touched.
func marksOf(ev Event, mark func(CountKey)) {
	switch ev.Kind {
	case EventTweet, EventTweetGone:
		mark(CountKey{CountTweets, ev.Key, ev.ID.Month()})
		mark(CountKey{CountMedia, ev.Key, ev.ID.Month()})
	case EventTweetEdit: // may bring or drop photos
		mark(CountKey{CountMedia, ev.Key, ev.ID.Month()})
	}
	for _, e := range ev.Edges {
		marksOfEdge(e, mark)
	}
}

// marksOfEdge names the parts that an edge counts in.
func marksOfEdge(e Edge, mark func(CountKey)) {
	in := func(kind CountKind) { mark(CountKey{kind, e.To, e.Part}) }
	out := func(kind CountKind) { mark(CountKey{kind, e.From, e.Since.Month()}) }
	switch e.Kind {
	case Follow:
		in(CountFollowers)
		out(CountFollowing)
	case Like:
		in(CountLikes)
		out(CountLiked)
	case Retweet:
		in(CountRetweets)
	case Bookmark:
		in(CountBookmarks)
	case ListMember:
		in(CountListed)
		out(CountMembers)
	case ListFollow:
		in(CountListFollowers)
	case Reply:
		in(CountReplies)
	case Quote:
		in(CountQuotes)
	case Vote:
		for i := range MaxPollOptions {
			in(CountVote0 + CountKind(i))
		}
	}
}

// run counts at every tick, and once more when ctx ends.
func (c *counter) run(ctx context.Context) error {
	tick := time.NewTicker(c.opt.CountTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer stop()
			return c.tick(last, true)
		case <-tick.C:
			if err := c.tick(ctx, false); err != nil && ctx.Err() == nil {
				c.opt.Log.Warn("counting waits for a store", "error", err)
			}
		}
	}
}

// tick counts what is marked. On failure everything stays marked. The marks of
// big parts may stay for a second; batches are done when nothing of theirs is left behind.
func (c *counter) tick(ctx context.Context, all bool) error {
	now := c.opt.Clock()
	c.mu.Lock()
	// Big parts come due at different moments: with some always left behind,
	// batches would never be done.
	all = all || !c.held.IsZero() && now.Sub(c.held) >= time.Second
	var keys, later []CountKey
	for k := range c.dirty {
		if at, big := c.big[k]; big && !all && now.Sub(at) < time.Second {
			later = append(later, k)
		} else {
			keys = append(keys, k)
		}
	}
	waiting := c.waiting
	c.dirty, c.waiting = make(map[CountKey]struct{}, len(c.dirty)/2), nil
	for _, k := range later {
		c.dirty[k] = struct{}{}
	}
	if len(later) > 0 { // their batches are not done yet: hold all of them back
		c.waiting, waiting = waiting, nil
		if c.held.IsZero() {
			c.held = now
		}
	} else {
		c.held = time.Time{}
	}
	c.full.Broadcast()
	c.mu.Unlock()

	if err := c.count(ctx, keys); err != nil {
		c.mu.Lock()
		for _, k := range keys {
			c.dirty[k] = struct{}{}
		}
		c.waiting = append(waiting, c.waiting...)
		c.mu.Unlock()
		return err
	}
	for _, done := range waiting {
		done()
	}
	return nil
}

// count reads parts and puts their numbers.
func (c *counter) count(ctx context.Context, keys []CountKey) error {
	const batch = 512
	for len(keys) > 0 {
		part := keys[:min(batch, len(keys))]
		keys = keys[len(part):]
		counts := make([]Count, len(part))
		for i, k := range part {
			at := c.moment()
			n, err := recount(ctx, c.s, k)
			if err != nil {
				return err
			}
			counts[i] = Count{k.Kind, k.ID, k.Part, n, at}
			c.noteSize(k, n, at)
		}
		if err := c.s.Counts.Put(ctx, counts); err != nil {
			return err
		}
	}
	return nil
}

// moment is the clock, but never goes back: what is counted after a clock was
// set back must still win over what was counted before.
func (c *counter) moment() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = later(c.opt.Clock().Round(0), c.last.Add(1)) // Round: by the wall clock, which is what is stored
	return c.last
}

// noteSize remembers which parts are big.
func (c *counter) noteSize(k CountKey, n int64, at time.Time) {
	if n < countBig {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.big) > 1<<16 {
		c.big = map[CountKey]time.Time{}
	}
	c.big[k] = at
}

// recount counts the rows of one part of a count in truth.
func recount(ctx context.Context, s *Stores, k CountKey) (int64, error) {
	switch k.Kind {
	case CountTweets, CountMedia:
		return countTweets(ctx, s, k)
	case CountFollowing:
		return s.Edges.Tally(ctx, Follow, k.ID, true, k.Part, 0)
	case CountLiked:
		return s.Edges.Tally(ctx, Like, k.ID, true, k.Part, 0)
	case CountMembers:
		return s.Edges.Tally(ctx, ListMember, k.ID, true, k.Part, 0)
	case CountVote0, CountVote1, CountVote2, CountVote3:
		return s.Edges.Tally(ctx, Vote, k.ID, false, k.Part, 1<<(k.Kind-CountVote0))
	}
	return s.Edges.Tally(ctx, edgeCountedBy[k.Kind], k.ID, false, k.Part, 0)
}

// edgeCountedBy is the edge whose incoming rows a count counts.
var edgeCountedBy = map[CountKind]EdgeKind{
	CountReplies: Reply, CountRetweets: Retweet, CountQuotes: Quote, CountLikes: Like,
	CountBookmarks: Bookmark, CountFollowers: Follow, CountListed: ListMember, CountListFollowers: ListFollow,
}

// countTweets counts an author's tweets of one month; for CountMedia those with photos.
func countTweets(ctx context.Context, s *Stores, k CountKey) (int64, error) {
	from, to := MonthSpan(k.Part)
	p := Page{Before: to, After: max(from, 1) - 1, Limit: 1000}
	var n int64
	for {
		ids, err := s.Tweets.By(ctx, k.ID, p)
		if err != nil {
			return 0, err
		}
		if k.Kind == CountTweets {
			n += int64(len(ids))
		} else if len(ids) > 0 {
			rows, err := s.Tweets.Get(ctx, ids...)
			if err != nil {
				return 0, err
			}
			for _, t := range rows {
				if t != nil && len(t.Photos) > 0 {
					n++
				}
			}
		}
		if len(ids) < p.Limit {
			return n, nil
		}
		p.Before = ids[len(ids)-1]
	}
}
