package fanout

import (
	"context"
	"encoding/json"
	"errors"
	"time"
	"warble"
)

const (
	hour    = time.Hour
	dueTick = time.Second
	// dueLate is how long after the moment a note is for it may still be stored:
	// its time was read from the clock before.
	dueLate = time.Minute
)

// later stores a note for a moment, or for now where that is over.
func (f *Fanout) later(ctx context.Context, d warble.Due, ms int64) error {
	d.At = max(ms, f.opt.Clock().UnixMilli())
	_, err := f.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{d.Doc()}})
	return err
}

// runDue does what has become due, from the last hour that was finished: at
// most 31 days back.
func (f *Fanout) runDue(ctx context.Context) error {
	tick := time.NewTicker(dueTick)
	defer tick.Stop()
	from, err := f.dueFrom(ctx)
	for {
		if err == nil {
			from, err = f.doDue(ctx, from)
		}
		if err != nil && ctx.Err() == nil {
			f.opt.Log.Warn("scheduled work waits for a store", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err != nil {
				from, err = f.dueFrom(ctx)
			}
		}
	}
}

const dueCursor warble.DocID = 2

// dueFrom reads which hour is to be looked at first.
func (f *Fanout) dueFrom(ctx context.Context) (time.Time, error) {
	docs, err := f.s.Docs.Get(ctx, dueCursor)
	if err != nil {
		return time.Time{}, err
	}
	first := f.opt.Clock().Add(-31 * 24 * hour).Truncate(hour)
	if docs[0] == nil { // never looked, but notes may have been left
		return first, nil
	}
	at := time.UnixMilli(int64(docs[0].Version)).Truncate(hour)
	if at.Before(first) {
		return first, nil
	}
	return at, nil
}

// doDue works off what was for moments since from and is due, and returns from
// when on there may be more.
func (f *Fanout) doDue(ctx context.Context, from time.Time) (time.Time, error) {
	now := f.opt.Clock()
	if late := now.Add(-dueLate); late.Before(from) { // also where the clock was set back
		from = late
	}
	var failed error
	for at := from; !at.After(now); at = at.Truncate(hour).Add(hour) {
		failed = errors.Join(failed, f.doHour(ctx, at, now))
	}
	if failed != nil {
		return from, failed
	}
	next := now.Add(-dueLate)
	if here := next.Truncate(hour); here.After(from) {
		if err := f.standIn(ctx, here); err != nil {
			return from, err
		}
	}
	return next, nil
}

// doHour works off the notes of one hour that are for moments since from. One
// that fails holds up no other.
func (f *Fanout) doHour(ctx context.Context, from, now time.Time) (failed error) {
	p := warble.Page{After: warble.DueStart(from) - 1, Limit: 500}
	if end := now.Add(time.Millisecond); warble.DueOwner(end) == warble.DueOwner(from) {
		p.Before = warble.DueStart(end)
	}
	for {
		docs, err := f.s.Docs.List(ctx, warble.DueOwner(from), warble.DocDue, p)
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, d := range docs {
			if err := f.doOne(ctx, d, now); err != nil && failed == nil {
				failed = err
			}
		}
		if len(docs) < p.Limit {
			return failed
		}
		p.Before = docs[len(docs)-1].ID
	}
}

// standIn stores the hour that is worked on. The cursor's version is the hour
// itself, so that it only moves forward.
func (f *Fanout) standIn(ctx context.Context, at time.Time) error {
	_, err := f.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{{ID: dueCursor, Kind: warble.DocCursor, Version: uint64(at.UnixMilli())}}})
	return err
}

// doOne does what a note asks for. What is not done then is looked at again a
// little later.
func (f *Fanout) doOne(ctx context.Context, doc *warble.Doc, now time.Time) error {
	gone := *doc
	gone.Version, gone.Gone = doc.Version+1, true
	c := &warble.Change{Docs: []*warble.Doc{&gone}}
	var d warble.Due
	if err := json.Unmarshal(doc.Data, &d); err == nil {
		done := true
		switch d.Kind {
		case warble.DuePoll:
			err = f.pollEnded(ctx, d.ID)
		case warble.DueMedia:
			done, err = f.endUpload(ctx, d)
		case warble.DueEnd:
			done, err = f.endAccount(ctx, d.ID)
		case warble.DueAccept:
			done, err = f.acceptRequests(ctx, d.ID, acceptAtATick)
		case warble.DueTweet:
			done, err = f.endTweet(ctx, d.ID)
		}
		if err != nil {
			return err
		}
		if !done {
			d.At = now.Add(dueTick).UnixMilli()
			c.Docs = append(c.Docs, d.Doc())
		}
	}
	_, err := f.s.Commit.Apply(ctx, c)
	return err
}

// pollEnded notices the author of a poll and everyone who voted.
func (f *Fanout) pollEnded(ctx context.Context, id warble.TweetID) error {
	rows, err := f.s.Tweets.Get(ctx, id)
	if err != nil || rows[0] == nil || rows[0].Poll == nil { // a tombstone has none
		return err
	}
	author := rows[0].Author
	// It tells of the end, whenever the tweet or the vote was made.
	at := warble.IDAt(time.UnixMilli(rows[0].Poll.Ends)) | id&0xffff
	list := []warble.NoticeRow{{To: author, Kind: warble.NoticePollEnded, Actor: author, Tweet: id, Cause: id, At: at}}
	p := warble.Page{Limit: 500}
	for {
		votes, err := f.s.Edges.To(ctx, warble.Vote, id, p)
		if err != nil {
			return err
		}
		for _, v := range votes {
			if v.From != author {
				list = append(list, warble.NoticeRow{To: v.From, Kind: warble.NoticePollEnded, Actor: author, Tweet: id, Cause: v.Since, At: at})
			}
		}
		if err := f.notices.store(ctx, list); err != nil {
			return err
		}
		if len(votes) < p.Limit {
			return nil
		}
		p.Before, list = votes[len(votes)-1].Since, nil
	}
}
