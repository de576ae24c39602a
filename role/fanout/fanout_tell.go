package fanout

import (
	"context"
	"warble"
)

// tell publishes the new tweets of a batch to the hub and returns its notices.
func (f *Fanout) tell(ctx context.Context, events []warble.Event, rows []*warble.Tweet) ([]warble.NoticeRow, error) {
	var list []warble.NoticeRow
	n := 0
	for _, ev := range events {
		var t *warble.Tweet
		if ev.Kind == warble.EventTweet || ev.Kind == warble.EventTweetEdit {
			t = rows[n]
			n++
		}
		if ev.Quiet {
			continue
		}
		var err error
		switch ev.Kind {
		case warble.EventTweet:
			if t == nil || t.Gone || t.Imported {
				continue
			}
			list = append(list, tweetNotices(t)...)
			err = f.publish(ctx, t)
		case warble.EventEdge:
			list = append(list, edgeNotices(ev)...)
			err = f.followRequests(ctx, ev)
		case warble.EventUser:
			err = f.followUser(ctx, ev.ID)
		case warble.EventTweetGone:
			err = f.followGone(ctx, ev.ID)
		case warble.EventDoc:
			err = f.followDoc(ctx, ev)
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// publish tells live listeners of a public account's tweet, and sees to the end
// of its poll.
func (f *Fanout) publish(ctx context.Context, t *warble.Tweet) error {
	if t.Poll != nil {
		if err := f.later(ctx, warble.Due{Kind: warble.DuePoll, ID: t.ID}, t.Poll.Ends); err != nil {
			return err
		}
	}
	if author, err := f.s.Users.Get(ctx, t.Author); err != nil || author[0] == nil || author[0].Protected {
		return err
	}
	f.shout(ctx, warble.TopicPublic, t.ID)
	return nil
}

// shout tells live listeners of an id. Live push is best effort: everything
// else goes on without it.
func (f *Fanout) shout(ctx context.Context, topic string, id warble.ID) {
	if err := f.s.Hub.Publish(ctx, topic, []byte(id.String())); err != nil {
		f.opt.Log.Warn("live listeners were not told", "topic", topic, "error", err)
	}
}

// tweetNotices are the notices of the people a tweet concerns, one each.
func tweetNotices(t *warble.Tweet) []warble.NoticeRow {
	var list []warble.NoticeRow
	add := func(to warble.UserID, kind warble.NoticeKind, tweet warble.TweetID) {
		for _, n := range list {
			if n.To == to {
				return
			}
		}
		if to != 0 && to != t.Author {
			list = append(list, warble.NoticeRow{To: to, Kind: kind, Actor: t.Author, Tweet: tweet, Cause: t.ID})
		}
	}
	if t.RetweetOf != 0 {
		add(t.RetweetAuthor, warble.NoticeRetweet, t.RetweetOf)
	}
	add(t.ReplyAuthor, warble.NoticeReply, t.ID)
	add(t.QuoteAuthor, warble.NoticeQuote, t.ID)
	for _, id := range t.Mentions {
		add(id, warble.NoticeMention, t.ID)
	}
	return list
}

// edgeNotices are the notices of the person that a like, follow or follow
// request concerns.
func edgeNotices(ev warble.Event) []warble.NoticeRow {
	var list []warble.NoticeRow
	for _, e := range ev.Edges {
		switch e.Kind {
		case warble.Like:
			if ev.Key != e.From {
				list = append(list, warble.NoticeRow{To: ev.Key, Kind: warble.NoticeLike, Actor: e.From, Tweet: e.To, Cause: e.Since})
			}
		case warble.Follow:
			list = append(list, warble.NoticeRow{To: e.To, Kind: warble.NoticeFollow, Actor: e.From, Cause: e.Since})
		case warble.FollowRequest:
			list = append(list, warble.NoticeRow{To: e.To, Kind: warble.NoticeFollowRequest, Actor: e.From, Cause: e.Since})
		}
	}
	return list
}

// followRequests looks at an account that was asked: it may have gone public,
// and its waiting requests been accepted, just before this one was stored.
func (f *Fanout) followRequests(ctx context.Context, ev warble.Event) error {
	for _, e := range ev.Edges {
		if e.Kind == warble.FollowRequest {
			if err := f.followUser(ctx, e.To); err != nil {
				return err
			}
		}
	}
	return nil
}

// How many follow requests of an account that went public are accepted at once:
// with its event, which holds up the log, and at a tick of scheduled work.
const (
	acceptAtOnce  = warble.MaxChangeRows
	acceptAtATick = 500
)

// followUser does what a changed account asks for: one that went public accepts
// its follow requests, one that was deleted is taken apart. What is more than a
// few goes on in the background.
func (f *Fanout) followUser(ctx context.Context, id warble.UserID) error {
	users, err := f.s.Users.Get(ctx, id)
	switch u := users; {
	case err != nil || u[0] == nil:
		return err
	case u[0].Deleted:
		return f.later(ctx, warble.Due{Kind: warble.DueEnd, ID: id}, 0)
	case u[0].Protected:
		return nil
	}
	done, err := f.acceptRequests(ctx, id, acceptAtOnce)
	if err != nil || done {
		return err
	}
	return f.later(ctx, warble.Due{Kind: warble.DueAccept, ID: id}, 0)
}

// acceptRequests accepts some of the requests to follow an account while it is
// public; done says that none is left. The requests left are the job's cursor.
func (f *Fanout) acceptRequests(ctx context.Context, id warble.UserID, limit int) (done bool, err error) {
	waiting, err := f.s.Edges.To(ctx, warble.FollowRequest, id, warble.Page{Limit: limit})
	if err != nil || len(waiting) == 0 {
		return true, err
	}
	// The account after its requests: one that was made to a private account is
	// not taken for one that waited when the account went public.
	users, err := f.s.Users.Get(ctx, id)
	if err != nil || users[0] == nil || users[0].Deleted || users[0].Protected {
		return true, err
	}
	for _, e := range waiting {
		if err := warble.AcceptRequest(ctx, f.s, f.ids, e); err != nil {
			return false, err
		}
	}
	return len(waiting) < limit, nil
}

// followGone leaves a note to remove what people put on a deleted tweet, where
// there is something: after a minute, when what was on its way has come too.
func (f *Fanout) followGone(ctx context.Context, id warble.TweetID) error {
	for _, kind := range edgesOnTweets {
		edges, err := f.s.Edges.To(ctx, kind, id, warble.Page{Limit: 1})
		if err != nil {
			return err
		}
		if len(edges) > 0 {
			return f.later(ctx, warble.Due{Kind: warble.DueTweet, ID: id}, f.opt.Clock().Add(warble.ClaimPatience).UnixMilli())
		}
	}
	return nil
}
