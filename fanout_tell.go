package warble

import "context"

// TopicPublic is the hub's topic of every new public tweet; a message is the
// tweet's id in decimal. TopicNotices and a user's id make the topic of a person's
// notices; a message is the notice's id in decimal.
const (
	TopicPublic  = "public"
	TopicNotices = "notices/"
)

// tell puts the notices of a batch and publishes its new tweets to the hub.
func (f *Fanout) tell(ctx context.Context, events []Event, rows []*Tweet) error {
	var list []noticeRow
	n := 0
	for _, ev := range events {
		var t *Tweet
		if ev.Kind == EventTweet || ev.Kind == EventTweetEdit {
			t = rows[n]
			n++
		}
		if ev.Quiet {
			continue
		}
		var err error
		switch ev.Kind {
		case EventTweet:
			if t == nil || t.Gone || t.Imported {
				continue
			}
			list = append(list, tweetNotices(t)...)
			err = f.publish(ctx, t)
		case EventEdge:
			list = append(list, edgeNotices(ev)...)
			err = f.followRequests(ctx, ev)
		case EventUser:
			err = f.followUser(ctx, ev.ID)
		case EventDoc:
			err = f.followDoc(ctx, ev)
		}
		if err != nil {
			return err
		}
	}
	return f.putNotices(ctx, list)
}

// publish tells live listeners of a tweet, and sees to the end of its poll.
func (f *Fanout) publish(ctx context.Context, t *Tweet) error {
	if t.Poll != nil {
		if err := f.later(ctx, due{Kind: duePoll, ID: t.ID}, t.Poll.Ends); err != nil {
			return err
		}
	}
	f.shout(ctx, TopicPublic, t.ID)
	return nil
}

// shout tells live listeners of an id. Live push is best effort: everything
// else goes on without it.
func (f *Fanout) shout(ctx context.Context, topic string, id ID) {
	if err := f.s.Hub.Publish(ctx, topic, []byte(id.String())); err != nil {
		f.opt.Log.Warn("live listeners were not told", "topic", topic, "error", err)
	}
}

// tweetNotices are the notices of the people a tweet concerns, one each.
func tweetNotices(t *Tweet) []noticeRow {
	var list []noticeRow
	add := func(to UserID, kind NoticeKind, tweet TweetID) {
		for _, n := range list {
			if n.to == to {
				return
			}
		}
		if to != 0 && to != t.Author {
			list = append(list, noticeRow{to: to, kind: kind, actor: t.Author, tweet: tweet, cause: t.ID})
		}
	}
	if t.RetweetOf != 0 {
		add(t.RetweetAuthor, NoticeRetweet, t.RetweetOf)
	}
	add(t.ReplyAuthor, NoticeReply, t.ID)
	add(t.QuoteAuthor, NoticeQuote, t.ID)
	for _, id := range t.Mentions {
		add(id, NoticeMention, t.ID)
	}
	return list
}

// edgeNotices are the notices of the person that a like, follow or follow
// request concerns.
func edgeNotices(ev Event) []noticeRow {
	var list []noticeRow
	for _, e := range ev.Edges {
		switch e.Kind {
		case Like:
			if ev.Key != e.From {
				list = append(list, noticeRow{to: ev.Key, kind: NoticeLike, actor: e.From, tweet: e.To, cause: e.Since})
			}
		case Follow:
			list = append(list, noticeRow{to: e.To, kind: NoticeFollow, actor: e.From, cause: e.Since})
		case FollowRequest:
			list = append(list, noticeRow{to: e.To, kind: NoticeFollowRequest, actor: e.From, cause: e.Since})
		}
	}
	return list
}

// putNotices stores notices as edges and tells live listeners. One whose
// recipient mutes or blocks the actor is not put.
func (f *Fanout) putNotices(ctx context.Context, list []noticeRow) error {
	change := &Change{}
	for _, n := range list {
		bits, err := f.s.Edges.Among(ctx, n.to, bondKinds[1:4], []ID{n.actor})
		if err != nil {
			return err
		}
		if bits[0] == 0 {
			change.Put = append(change.Put, n.edge())
		}
	}
	for len(change.Put) > 0 {
		part := &Change{Put: change.Put[:min(len(change.Put), MaxChangeRows)]}
		change.Put = change.Put[len(part.Put):]
		if _, err := f.s.Commit.Apply(ctx, part); err != nil {
			return err
		}
		for _, e := range part.Put {
			f.shout(ctx, TopicNotices+e.From.String(), e.Since)
		}
	}
	return nil
}

// followRequests looks at an account that was asked: it may have gone public,
// and its waiting requests been accepted, just before this one was stored.
func (f *Fanout) followRequests(ctx context.Context, ev Event) error {
	for _, e := range ev.Edges {
		if e.Kind == FollowRequest {
			if err := f.followUser(ctx, e.To); err != nil {
				return err
			}
		}
	}
	return nil
}

// followUser does what a changed account asks for: one that went public accepts
// its follow requests, one that was deleted is taken apart in the background.
func (f *Fanout) followUser(ctx context.Context, id UserID) error {
	for {
		users, err := f.s.Users.Get(ctx, id)
		switch u := users; {
		case err != nil || u[0] == nil:
			return err
		case u[0].Deleted:
			return f.later(ctx, due{Kind: dueEnd, ID: id}, f.opt.Clock().UnixMilli())
		case u[0].Protected:
			return nil
		}
		waiting, err := f.s.Edges.To(ctx, FollowRequest, id, Page{Limit: 100})
		if err != nil || len(waiting) == 0 {
			return err
		}
		for _, e := range waiting {
			if err := acceptRequest(ctx, f.s, f.ids, e); err != nil {
				return err
			}
		}
	}
}
