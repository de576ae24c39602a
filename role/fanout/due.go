package fanout

import (
	"context"
	"encoding/json"
	"time"
	"warble"
)

const (
	hour    = time.Hour
	dueTick = time.Second
)

// later stores a note for a moment. It is idempotent: the note's id follows
// from what it is about.
func (f *Fanout) later(ctx context.Context, d warble.Due, ms int64) error {
	d.At = max(ms, f.opt.Clock().UnixMilli()) // never in an hour that is done with
	_, err := f.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{d.Doc()}})
	return err
}

// runDue does what has become due, hour by hour, from the last hour that was
// finished: at most 31 days back.
func (f *Fanout) runDue(ctx context.Context) error {
	tick := time.NewTicker(dueTick)
	defer tick.Stop()
	done, err := f.dueFrom(ctx)
	for {
		if err == nil {
			done, err = f.doDue(ctx, done)
		}
		if err != nil && ctx.Err() == nil {
			f.opt.Log.Warn("scheduled work waits for a store", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err != nil {
				done, err = f.dueFrom(ctx)
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

// doDue works off every hour up to now and returns the hour it stands in.
func (f *Fanout) doDue(ctx context.Context, from time.Time) (time.Time, error) {
	now := f.opt.Clock()
	// The hour before is looked at once more: a note for it may have come late.
	for at := from.Add(-hour); !at.After(now); at = at.Add(hour) {
		p := warble.Page{Limit: 500}
		for {
			docs, err := f.s.Docs.List(ctx, warble.DueOwner(at), warble.DocDue, p)
			if err != nil {
				return from, err
			}
			for _, d := range docs {
				if err := f.doOne(ctx, d, now); err != nil {
					return from, err
				}
			}
			if len(docs) < p.Limit {
				break
			}
			p.Before = docs[len(docs)-1].ID
		}
	}
	here := now.Truncate(hour)
	if here.Equal(from) {
		return from, nil
	}
	return here, f.standIn(ctx, here)
}

// standIn stores the hour that is worked on. The cursor's version is the hour
// itself, so that it only moves forward.
func (f *Fanout) standIn(ctx context.Context, at time.Time) error {
	_, err := f.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{{ID: dueCursor, Kind: warble.DocCursor, Version: uint64(at.UnixMilli())}}})
	return err
}

func (f *Fanout) doOne(ctx context.Context, doc *warble.Doc, now time.Time) error {
	var d warble.Due
	if err := json.Unmarshal(doc.Data, &d); err == nil {
		if time.UnixMilli(d.At).After(now) {
			return nil
		}
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
			return f.carryOver(ctx, doc, now)
		}
	}
	gone := *doc
	gone.Version, gone.Gone = doc.Version+1, true
	_, err := f.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{&gone}})
	return err
}

// carryOver moves a note that is not done with to the present hour: hours that
// are over are not looked at for ever.
func (f *Fanout) carryOver(ctx context.Context, doc *warble.Doc, now time.Time) error {
	next := *doc
	next.Version, next.Owner = doc.Version+1, warble.DueOwner(now)
	if next.Owner == doc.Owner {
		return nil
	}
	_, err := f.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{&next}})
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
