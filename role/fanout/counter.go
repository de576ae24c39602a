package fanout

import (
	"context"
	"sync"
	"time"
	"warble"
)

// counter keeps numbers exact by counting anew: an event only marks the parts
// it touched; each tick the marked parts are counted and put as absolute
// numbers. A batch of events is done once its parts are put.
type counter struct {
	s       *warble.Stores
	opt     warble.Options
	mu      sync.Mutex
	dirty   map[warble.CountKey]struct{}
	waiting []func()
	full    sync.Cond // signalled when the tick has taken the waiting batches
	big     map[warble.CountKey]time.Time
	held    time.Time // since when batches are held back for big parts; zero: none are
	last    time.Time // the newest moment a count was given
}

const (
	// countWaiting bounds the batches that wait for a tick.
	countWaiting = 4096
	// countDirty bounds the parts that wait for a tick.
	countDirty = 1 << 18
	// countBig is the number from which a part is counted once a second only.
	countBig = 4 * warble.PartSize
)

func newCounter(s *warble.Stores, opt warble.Options) *counter {
	c := &counter{s: s, opt: opt, dirty: map[warble.CountKey]struct{}{}, big: map[warble.CountKey]time.Time{}}
	c.full.L = &c.mu
	return c
}

// add marks what a carried batch touched; the batch is done after the next
// tick. It waits where too much waits already; when ctx ends first the batch is
// not done and comes again. rows are the tweets its events name: one that came
// without photos leaves its author's number of those with photos alone, which
// would be counted by reading a month of rows.
func (c *counter) add(ctx context.Context, b warble.Batch, rows []*warble.Tweet) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := func() bool { return len(c.waiting) < countWaiting && len(c.dirty) < countDirty }
	if err := waitUntil(ctx, &c.full, room); err != nil {
		return err
	}
	n := 0
	for _, ev := range b.Events {
		media := true
		if ev.Kind == warble.EventTweet || ev.Kind == warble.EventTweetEdit {
			t := rows[n]
			n++
			media = ev.Kind == warble.EventTweetEdit || t == nil || t.Gone || len(t.Photos) > 0
		}
		marksOf(ev, func(k warble.CountKey) {
			if media || k.Kind != warble.CountMedia {
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
func marksOf(ev warble.Event, mark func(warble.CountKey)) {
	switch ev.Kind {
	case warble.EventTweet, warble.EventTweetGone:
		mark(warble.CountKey{Kind: warble.CountTweets, ID: ev.Key, Part: ev.ID.Month()})
		mark(warble.CountKey{Kind: warble.CountMedia, ID: ev.Key, Part: ev.ID.Month()})
	case warble.EventTweetEdit: // may bring or drop photos
		mark(warble.CountKey{Kind: warble.CountMedia, ID: ev.Key, Part: ev.ID.Month()})
	}
	for _, e := range ev.Edges {
		marksOfEdge(e, mark)
	}
}

// marksOfEdge names the parts that an edge counts in.
func marksOfEdge(e warble.Edge, mark func(warble.CountKey)) {
	in := func(kind warble.CountKind) { mark(warble.CountKey{Kind: kind, ID: e.To, Part: e.Part}) }
	out := func(kind warble.CountKind) { mark(warble.CountKey{Kind: kind, ID: e.From, Part: e.Since.Month()}) }
	switch e.Kind {
	case warble.Follow:
		in(warble.CountFollowers)
		out(warble.CountFollowing)
	case warble.Like:
		in(warble.CountLikes)
		out(warble.CountLiked)
	case warble.Retweet:
		in(warble.CountRetweets)
	case warble.Bookmark:
		in(warble.CountBookmarks)
	case warble.ListMember:
		in(warble.CountListed)
		out(warble.CountMembers)
	case warble.ListFollow:
		in(warble.CountListFollowers)
	case warble.Reply:
		in(warble.CountReplies)
	case warble.Quote:
		in(warble.CountQuotes)
	case warble.Vote:
		for i := range warble.MaxPollOptions {
			in(warble.CountVote0 + warble.CountKind(i))
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
	var keys, later []warble.CountKey
	for k := range c.dirty {
		if at, big := c.big[k]; big && !all && now.Sub(at) < time.Second {
			later = append(later, k)
		} else {
			keys = append(keys, k)
		}
	}
	waiting := c.waiting
	c.dirty, c.waiting = make(map[warble.CountKey]struct{}, len(c.dirty)/2), nil
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
func (c *counter) count(ctx context.Context, keys []warble.CountKey) error {
	const batch = 512
	for len(keys) > 0 {
		part := keys[:min(batch, len(keys))]
		keys = keys[len(part):]
		counts := make([]warble.Count, len(part))
		for i, k := range part {
			at := c.moment()
			n, err := recount(ctx, c.s, k)
			if err != nil {
				return err
			}
			counts[i] = warble.Count{Kind: k.Kind, ID: k.ID, Part: k.Part, N: n, At: at}
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
	now := c.opt.Clock().Round(0) // by the wall clock, which is what is stored
	if now.After(c.last) {
		c.last = now
	} else {
		c.last = c.last.Add(1)
	}
	return c.last
}

// noteSize remembers which parts are big.
func (c *counter) noteSize(k warble.CountKey, n int64, at time.Time) {
	if n < countBig {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.big) > 1<<16 {
		c.big = map[warble.CountKey]time.Time{}
	}
	c.big[k] = at
}

// recount counts the rows of one part of a count in truth.
func recount(ctx context.Context, s *warble.Stores, k warble.CountKey) (int64, error) {
	switch k.Kind {
	case warble.CountTweets, warble.CountMedia:
		return countTweets(ctx, s, k)
	case warble.CountFollowing:
		return s.Edges.Tally(ctx, warble.Follow, k.ID, true, k.Part, 0)
	case warble.CountLiked:
		return s.Edges.Tally(ctx, warble.Like, k.ID, true, k.Part, 0)
	case warble.CountMembers:
		return s.Edges.Tally(ctx, warble.ListMember, k.ID, true, k.Part, 0)
	case warble.CountVote0, warble.CountVote1, warble.CountVote2, warble.CountVote3:
		return s.Edges.Tally(ctx, warble.Vote, k.ID, false, k.Part, 1<<(k.Kind-warble.CountVote0))
	}
	return s.Edges.Tally(ctx, edgeCountedBy[k.Kind], k.ID, false, k.Part, 0)
}

// edgeCountedBy is the edge whose incoming rows a count counts.
var edgeCountedBy = map[warble.CountKind]warble.EdgeKind{
	warble.CountReplies: warble.Reply, warble.CountRetweets: warble.Retweet, warble.CountQuotes: warble.Quote, warble.CountLikes: warble.Like,
	warble.CountBookmarks: warble.Bookmark, warble.CountFollowers: warble.Follow, warble.CountListed: warble.ListMember, warble.CountListFollowers: warble.ListFollow,
}

// countTweets counts an author's tweets of one month; for CountMedia those with photos.
func countTweets(ctx context.Context, s *warble.Stores, k warble.CountKey) (int64, error) {
	from, to := warble.MonthSpan(k.Part)
	p := warble.Page{Before: to, After: max(from, 1) - 1, Limit: 1000}
	var n int64
	for {
		ids, err := s.Tweets.By(ctx, k.ID, p)
		if err != nil {
			return 0, err
		}
		if k.Kind == warble.CountTweets {
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
