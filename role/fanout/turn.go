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
// first, is pushed a bounded number of parts further. One process does that for
// all: the others store a turn and tell it.
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
	turnsLook              = 10 * time.Second       // how often turns are looked for that nobody told of
	topicTurns             = "turns"                // of the hub; a message is the tweet's id in decimal
)

type turns struct {
	f    *Fanout
	mu   sync.Mutex
	list []*turn
	room sync.Cond
	wake chan struct{}
	big  map[warble.UserID]int // followers of authors that had turns lately, for the push line
	here bool                  // this process pushes them
	now  warble.Turn           // of the pushes; its To is the last one's that was answered
}

func newTurns(f *Fanout) *turns {
	t := &turns{f: f, wake: make(chan struct{}, 1), big: map[warble.UserID]int{}, here: f.s.Own == nil}
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
	here := ts.here
	if here {
		ts.enter(turn)
	}
	ts.mu.Unlock()
	if !here {
		return ts.f.s.Hub.Publish(ctx, topicTurns, []byte(t.ID.String()))
	}
	select {
	case ts.wake <- struct{}{}:
	default:
	}
	return nil
}

// enter queues a turn. mu is held.
func (ts *turns) enter(t *turn) {
	ts.list = append(ts.list, t)
	if len(ts.big) >= turnsWaiting {
		clear(ts.big)
	}
	ts.big[t.Author] = t.Parts * warble.PartSize
}

// meet queues a stored turn unless it is queued or done.
func (ts *turns) meet(d *warble.Doc) {
	t := &turn{version: d.Version, Queued: ts.f.opt.Clock().UnixMilli()}
	if json.Unmarshal(d.Data, t) != nil || t.Tweet == 0 || t.Next < 0 {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if len(ts.list) < turnsWaiting && !slices.ContainsFunc(ts.list, func(o *turn) bool { return o.Tweet == t.Tweet }) {
		ts.enter(t)
	}
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

// load finds the turns that an earlier process left, or that others stored.
func (ts *turns) load(ctx context.Context) error {
	p := warble.Page{Limit: 500}
	for {
		docs, err := ts.f.s.Docs.List(ctx, turnOwner, warble.DocTurn, p)
		if err != nil {
			return err
		}
		for _, d := range docs {
			ts.meet(d)
		}
		if len(docs) < p.Limit {
			return nil
		}
		p.Before = docs[len(docs)-1].ID
	}
}

// begin makes this process the one that pushes turns; epoch is zero where there
// is no other.
func (ts *turns) begin(epoch uint64) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.here = true
	ts.now = warble.Turn{Part: warble.PartTurns, Epoch: epoch, To: warble.Mark{Stream: epoch}}
}

// end leaves turns to another process.
func (ts *turns) end() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.f.s.Own != nil {
		ts.here, ts.list = false, nil
		ts.room.Broadcast()
	}
}

// run goes round after round, and sleeps when no turn waits.
func (ts *turns) run(ctx context.Context, epoch uint64) error {
	ts.begin(epoch)
	defer ts.end()
	for err := ts.load(ctx); err != nil; err = ts.load(ctx) {
		ts.f.opt.Log.Warn("turns wait for a store", "error", err)
		if warble.Pause(ctx, time.Second) != nil {
			return nil
		}
	}
	watch := time.NewTicker(time.Second)
	defer watch.Stop()
	told, look := ts.others(ctx)
	always := make(chan struct{})
	close(always)
	for {
		left, err := ts.round(ctx)
		if err != nil && ctx.Err() == nil {
			ts.f.opt.Log.Warn("turns wait for a store", "error", err)
			left = 0
		}
		var busy <-chan struct{}
		if left > 0 {
			busy = always
		}
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C:
			ts.valve(ctx)
			err = ts.carryOn(ctx)
		case <-look:
			err = ts.load(ctx)
		case message, open := <-told:
			if !open {
				told = nil
			}
			err = ts.fetch(ctx, string(message))
		case <-ts.wake:
		case <-busy:
		}
		if err != nil && ctx.Err() == nil {
			ts.f.opt.Log.Warn("turns wait for a store", "error", err)
		}
	}
}

// others says when to look for turns that other processes stored: never, where there are none.
func (ts *turns) others(ctx context.Context) (told <-chan []byte, look <-chan time.Time) {
	if ts.f.s.Own == nil {
		return nil, nil
	}
	told, err := ts.f.s.Hub.Subscribe(ctx, topicTurns)
	if err != nil {
		ts.f.opt.Log.Warn("turns of other processes are found late", "error", err)
	}
	return told, time.Tick(turnsLook)
}

// fetch queues the turn a message names.
func (ts *turns) fetch(ctx context.Context, message string) error {
	id, err := warble.ParseID(message)
	if err != nil {
		return nil //nolint:nilerr // not a message of ours
	}
	docs, err := ts.f.s.Docs.Get(ctx, id)
	if err == nil && docs[0] != nil {
		ts.meet(docs[0])
	}
	return err
}

// carryOn has the timelines count pushes on while there are none.
func (ts *turns) carryOn(ctx context.Context) error {
	var none []warble.Pair
	return ts.push(ctx, &none)
}

// push pushes under the next number.
func (ts *turns) push(ctx context.Context, pairs *[]warble.Pair) error {
	now := ts.now
	now.From = now.To
	if now.Epoch != 0 {
		now.To.Number++
	}
	if err := ts.f.push(ctx, now, pairs); err != nil {
		return err
	}
	ts.now = now
	return nil
}

// round pushes every waiting turn a little further and returns how many are left.
func (ts *turns) round(ctx context.Context) (int, error) {
	ts.mu.Lock()
	list := slices.Clone(ts.list)
	ts.mu.Unlock()
	slices.SortFunc(list, func(a, b *turn) int { return cmp.Compare(b.Tweet, a.Tweet) })
	var err error
	done := map[*turn]bool{}
	for _, t := range list {
		if err = ts.step(ctx, t); err != nil {
			break
		}
		if t.Next < 0 {
			done[t] = true
		}
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.list = slices.DeleteFunc(ts.list, func(t *turn) bool { return done[t] })
	ts.room.Broadcast()
	return len(ts.list), err
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
		if err := ts.push(ctx, pairs); err != nil {
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
