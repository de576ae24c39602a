// Package fanout is the role behind the log: it carries acknowledged changes to
// stored homes, counts, the search index, notices and live streams; it restores
// all that is derived (Rebuild) and holds it against truth (Checker).
package fanout

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"
	"warble"
)

// Fanout is the role that carries acknowledged changes on: to stored homes,
// counts, the search index, notices and live streams. It reads the log, which
// says what to look at, and then truth: so an event that comes twice or late
// does no harm.
type Fanout struct {
	s         *warble.Stores
	ids       *warble.IDs
	opt       warble.Options
	pull      *warble.PullSet
	followers *followerLists
	counter   *counter
	notices   *notices
	turns     *turns
	Delays    Delays // how late deliveries were; read by the metrics
}

// fanoutGroup is the log's consumer group.
const fanoutGroup = "fanout"

// NewFanout makes a fan-out role over stores.
func NewFanout(s *warble.Stores, ids *warble.IDs, opt warble.Options) *Fanout {
	opt = opt.WithDefaults()
	f := &Fanout{s: s, ids: ids, opt: opt, pull: warble.NewPullSet(s, opt.Clock), followers: newFollowerLists(s)}
	f.counter = newCounter(s, opt)
	f.notices = newNotices(f)
	f.turns = newTurns(f)
	return f
}

// Run works until ctx ends. It returns nil then, or the first failure that it
// cannot get over by trying again.
func (f *Fanout) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	failed := make(chan error, 5)
	tasks := []func(context.Context) error{
		func(ctx context.Context) error { return f.s.Log.Consume(ctx, fanoutGroup, f.handle) },
		f.counter.run,
		f.notices.run,
		f.alone("turns", f.turns.run),
		f.alone("due", func(ctx context.Context, _ uint64) error { return f.runDue(ctx) }),
	}
	for _, task := range tasks {
		go func() { failed <- task(ctx) }()
	}
	err := <-failed
	stop()
	for range len(tasks) - 1 {
		err = cmp.Or(err, <-failed)
	}
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// alone is a task that one process at a time does.
func (f *Fanout) alone(name string, task func(context.Context, uint64) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if f.s.Own == nil {
			return task(ctx, 0)
		}
		return f.s.Own(ctx, name, task)
	}
}

// Lag says how far behind the log fan-out is.
func (f *Fanout) Lag(ctx context.Context) (warble.Position, error) {
	return f.s.Log.Position(ctx, fanoutGroup)
}

// handle carries a batch of events on. Where a store does not serve, it tries
// again until ctx ends: the log is the queue.
func (f *Fanout) handle(ctx context.Context, b warble.Batch) error {
	var rows []*warble.Tweet
	var list []warble.NoticeRow
	err := retry(ctx, func() (err error) {
		if rows, err = f.carry(ctx, b); err == nil {
			list, err = f.tell(ctx, b.Events, rows)
		}
		return err
	}, func(err error) {
		f.opt.Log.Warn("fan-out waits for a store", "partition", b.Part, "events", len(b.Events), "error", err)
	})
	if err != nil {
		return err
	}
	if len(list) > 0 { // done when both are
		var first atomic.Bool
		done := b.Done
		b.Done = func() {
			if !first.CompareAndSwap(false, true) {
				done()
			}
		}
		if err := f.notices.add(ctx, list, b.Done); err != nil {
			return err
		}
	}
	return f.counter.add(ctx, b, rows)
}

// retry does again what failed until it succeeds or ctx ends; each failure is told.
func retry(ctx context.Context, do func() error, told func(error)) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := do()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if lost, ok := errors.AsType[*warble.Rewind](err); ok {
			return lost
		}
		told(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// carry brings events to follower lists, homes and the index. It returns the
// rows of the tweets that came or were edited, in the order of their events.
func (f *Fanout) carry(ctx context.Context, b warble.Batch) (rows []*warble.Tweet, err error) {
	var ids []warble.TweetID
	for _, e := range b.Events {
		if e.Kind == warble.EventTweet || e.Kind == warble.EventTweetEdit {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) > 0 {
		if rows, err = f.s.Tweets.Get(ctx, ids...); err != nil {
			return nil, err
		}
	}
	if err := f.deliver(ctx, b, rows); err != nil {
		return nil, err
	}
	return rows, f.index(ctx, b.Events, rows)
}

// followed obeys follows and unfollows: first the author's follower list, then,
// by the pairs it returns, the follower's stored home.
func (f *Fanout) followed(pairs []warble.Pair, events []warble.Event) []warble.Pair {
	for _, ev := range events {
		if ev.Kind != warble.EventEdge && ev.Kind != warble.EventEdgeGone {
			continue
		}
		for _, e := range ev.Edges {
			if e.Kind == warble.Follow {
				f.followers.forget(e.To)
				pairs = append(pairs, warble.Pair{Owner: e.From})
			}
		}
	}
	return pairs
}

// deliver forgets the stored homes of those who followed or unfollowed, and
// pushes the new tweets among rows to those of their authors' followers, or
// leaves them to readers, or to turns.
func (f *Fanout) deliver(ctx context.Context, b warble.Batch, rows []*warble.Tweet) error {
	pairs := f.followers.buffer()
	defer f.followers.giveBack(pairs)
	*pairs = f.followed(*pairs, b.Events)
	var pushed []delivery
	n, turn := 0, b.Turn
	for _, ev := range b.Events {
		if ev.Kind != warble.EventTweet && ev.Kind != warble.EventTweetEdit {
			continue
		}
		t := rows[n]
		n++
		if ev.Kind == warble.EventTweetEdit || t == nil || t.Gone {
			continue
		}
		push, err := f.pull.Pushed(ctx, t.Author, t.ID)
		if err != nil {
			return err
		}
		if !push {
			continue
		}
		list, err := f.followers.of(ctx, t.Author, b.Epoch)
		if err != nil {
			return err
		}
		if list.newest > 0 {
			if err := f.turns.add(ctx, t, ev.Quiet, list.newest); err != nil {
				return err
			}
			continue
		}
		for _, owner := range list.ids {
			*pairs = append(*pairs, warble.Pair{Owner: owner, Entry: t.ID})
		}
		if len(*pairs) >= 4096 {
			turn.To.Step++
			if err := f.push(ctx, turn, pairs); err != nil {
				return err
			}
			turn.From = turn.To
		}
		if !ev.Quiet {
			pushed = append(pushed, delivery{t.ID, len(list.ids)})
		}
	}
	turn.To.Step = 0
	if err := f.push(ctx, turn, pairs); err != nil {
		return err
	}
	f.Delays.observe(f.opt.Clock(), pushed)
	return nil
}

// push delivers the pairs gathered and empties the buffer. Where turns are
// counted, one without pairs counts too.
func (f *Fanout) push(ctx context.Context, turn warble.Turn, pairs *[]warble.Pair) error {
	if len(*pairs) == 0 && turn.Epoch == 0 {
		return nil
	}
	err := f.s.Timelines.Push(ctx, turn, *pairs)
	*pairs = (*pairs)[:0]
	return err
}

// index keeps search in step: tweets, people, and what is gone.
func (f *Fanout) index(ctx context.Context, events []warble.Event, rows []*warble.Tweet) error {
	var gone []warble.ID
	var people []warble.UserID
	docs := make([]warble.IndexDoc, 0, len(rows))
	for _, t := range rows {
		switch {
		case t == nil:
		case t.Gone:
			gone = append(gone, t.ID)
		default:
			docs = append(docs, warble.IndexDoc{Tweet: t})
		}
	}
	for _, ev := range events {
		switch ev.Kind {
		case warble.EventTweetGone:
			gone = append(gone, ev.ID)
		case warble.EventUser:
			people = append(people, ev.ID)
		}
	}
	users, err := f.users(ctx, people)
	if err != nil {
		return err
	}
	for i, u := range users {
		if u.Active() {
			docs = append(docs, warble.IndexDoc{User: u})
		} else {
			gone = append(gone, people[i])
		}
	}
	if len(docs) > 0 {
		if err := f.s.Index.Add(ctx, docs); err != nil {
			return err
		}
	}
	if len(gone) > 0 {
		return f.s.Index.Remove(ctx, gone...)
	}
	return nil
}

func (f *Fanout) users(ctx context.Context, ids []warble.UserID) ([]*warble.User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return f.s.Users.Get(ctx, ids...)
}
