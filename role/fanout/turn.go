package fanout

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"
	"warble"
)

// A tweet of an author with more than one part of followers becomes a turn: a
// document with the next part to push. Its event is done at once, so the log
// never waits for it. Round after round every waiting turn, newest tweet
// first, is pushed a bounded number of parts further.
type turn struct {
	Tweet  warble.TweetID
	Author warble.UserID
	Next   int // parts at and below Next are to be pushed; -1: all are
	Parts  int
	Queued int64 // unix milliseconds; an imported tweet's own time lies far back
	Quiet  bool  // made by an import: its delay says nothing

	version uint64
	saved   time.Time
}

const (
	turnOwner    warble.ID = 1
	turnParts              = 4                      // parts of one turn a round
	turnSaves              = 500 * time.Millisecond // how much pushing a crash may repeat
	turnsWaiting           = 1 << 14                // turns held in memory; more wait in the log
)

type turns struct {
	f    *Fanout
	mu   sync.Mutex
	list []*turn
	room sync.Cond
	wake chan struct{}
	big  map[warble.UserID]int // followers of authors that had turns lately, for the push line
}

func newTurns(f *Fanout) *turns {
	t := &turns{f: f, wake: make(chan struct{}, 1), big: map[warble.UserID]int{}}
	t.room.L = &t.mu
	return t
}

// add stores a turn and queues it. newest is the newest part of the followers.
func (ts *turns) add(ctx context.Context, t *warble.Tweet, quiet bool, newest uint32) error {
	known, err := ts.f.s.Docs.Get(ctx, t.ID)
	if err != nil || known[0] != nil {
		return err // an event that came again
	}
	turn := &turn{
		Tweet: t.ID, Author: t.Author, Next: int(newest), Parts: int(newest) + 1,
		Queued: ts.f.opt.Clock().UnixMilli(), Quiet: quiet,
	}
	if err := ts.save(ctx, turn); err != nil {
		return err
	}
	ts.mu.Lock()
	if err := waitUntil(ctx, &ts.room, func() bool { return len(ts.list) < turnsWaiting }); err != nil {
		ts.mu.Unlock()
		return err // it is stored: the next load finds it
	}
	ts.list = append(ts.list, turn)
	if len(ts.big) >= turnsWaiting {
		clear(ts.big)
	}
	ts.big[t.Author] = turn.Parts * warble.PartSize
	ts.mu.Unlock()
	select {
	case ts.wake <- struct{}{}:
	default:
	}
	return nil
}

// save stores where a turn is; a finished one is gone.
func (ts *turns) save(ctx context.Context, t *turn) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	t.version++
	d := &warble.Doc{ID: t.Tweet, Owner: turnOwner, Kind: warble.DocTurn, Version: t.version, Data: data, Gone: t.Next < 0}
	_, err = ts.f.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{d}})
	t.saved = ts.f.opt.Clock()
	return err
}

// load finds the turns that an earlier process left.
func (ts *turns) load(ctx context.Context) error {
	p := warble.Page{Limit: 500}
	for {
		docs, err := ts.f.s.Docs.List(ctx, turnOwner, warble.DocTurn, p)
		if err != nil {
			return err
		}
		ts.mu.Lock()
		for _, d := range docs {
			t := &turn{version: d.Version, Queued: ts.f.opt.Clock().UnixMilli()}
			if json.Unmarshal(d.Data, t) == nil && t.Tweet != 0 && !slices.ContainsFunc(ts.list, func(o *turn) bool { return o.Tweet == t.Tweet }) {
				ts.list = append(ts.list, t)
			}
		}
		ts.mu.Unlock()
		if len(docs) < p.Limit {
			return nil
		}
		p.Before = docs[len(docs)-1].ID
	}
}

// run goes round after round, and sleeps when no turn waits.
func (ts *turns) run(ctx context.Context) error {
	for err := ts.load(ctx); err != nil; err = ts.load(ctx) {
		ts.f.opt.Log.Warn("turns wait for a store", "error", err)
		if warble.Pause(ctx, time.Second) != nil {
			return nil
		}
	}
	watch := time.NewTicker(time.Second)
	defer watch.Stop()
	for {
		left, err := ts.round(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			ts.f.opt.Log.Warn("turns wait for a store", "error", err)
			left = 0
		}
		if left > 0 {
			select {
			case <-watch.C:
				ts.valve(ctx)
			default:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C:
			ts.valve(ctx)
		case <-ts.wake:
		}
	}
}

// round pushes every waiting turn a little further and returns how many are left.
func (ts *turns) round(ctx context.Context) (int, error) {
	ts.mu.Lock()
	list := slices.Clone(ts.list)
	ts.mu.Unlock()
	slices.SortFunc(list, func(a, b *turn) int { return cmp.Compare(b.Tweet, a.Tweet) })
	done := map[*turn]bool{}
	for _, t := range list {
		if err := ts.step(ctx, t); err != nil {
			return len(list), err
		}
		if t.Next < 0 {
			done[t] = true
		}
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.list = slices.DeleteFunc(ts.list, func(t *turn) bool { return done[t] })
	ts.room.Broadcast()
	return len(ts.list), nil
}

// step pushes a turn's next parts.
func (ts *turns) step(ctx context.Context, t *turn) error {
	pairs := ts.f.followers.buffer()
	defer ts.f.followers.giveBack(pairs)
	for range turnParts {
		edges, _, err := ts.f.s.Edges.Part(ctx, warble.Follow, t.Author, uint32(t.Next))
		if err != nil {
			return err
		}
		for _, e := range edges {
			*pairs = append(*pairs, warble.Pair{Owner: e.From, Entry: t.Tweet})
		}
		if err := ts.f.push(ctx, warble.Turn{}, pairs); err != nil {
			return err
		}
		if t.Next--; t.Next < 0 {
			if !t.Quiet {
				ts.f.Delays.observe(ts.f.opt.Clock(), []delivery{{t.Tweet, t.Parts * warble.PartSize}})
			}
			return ts.save(ctx, t)
		}
	}
	if ts.f.opt.Clock().Sub(t.saved) < turnSaves {
		return nil
	}
	return ts.save(ctx, t)
}

// valve keeps delivery in time: authors above the push line enter the pull set
// for good, and while fan-out is late those above a lowered line for ten minutes.
func (ts *turns) valve(ctx context.Context) {
	now := ts.f.opt.Clock()
	line, till := ts.f.opt.PushLine, warble.MaxID
	if ts.late(ctx, now) {
		line, till = max(line/64, 2*warble.PartSize), warble.IDAt(now.Add(warble.PullLead+10*time.Minute))
	}
	from := warble.IDAt(now.Add(warble.PullLead))
	var add []warble.Interval
	ts.mu.Lock()
	for author, followers := range ts.big {
		switch {
		case followers >= ts.f.opt.PushLine:
			add = append(add, warble.Interval{Author: author, From: from, To: warble.MaxID})
		case followers >= line:
			add = append(add, warble.Interval{Author: author, From: from, To: till})
		}
	}
	ts.mu.Unlock()
	fresh := add[:0]
	for _, i := range add {
		if in, err := ts.f.pull.Covers(ctx, i.Author, i.From); err == nil && !in {
			fresh = append(fresh, i)
		}
	}
	if len(fresh) == 0 {
		return
	}
	if err := ts.f.pull.Extend(ctx, fresh); err != nil && !errors.Is(err, context.Canceled) {
		ts.f.opt.Log.Warn("the pull set could not be extended", "error", err)
		return
	}
	ts.f.opt.Log.Info("authors are pulled instead of pushed", "authors", len(fresh), "line", line)
}

// late says whether deliveries are behind the objective.
func (ts *turns) late(ctx context.Context, now time.Time) bool {
	pos, err := ts.f.Lag(ctx)
	if err == nil && !pos.Oldest.IsZero() && now.Sub(pos.Oldest) > ts.f.opt.FanoutObjective {
		return true
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, t := range ts.list {
		if now.Sub(time.UnixMilli(t.Queued)) > ts.f.opt.FanoutObjective {
			return true
		}
	}
	return false
}
