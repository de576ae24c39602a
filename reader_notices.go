package warble

import (
	"context"
	"time"
)

// Notification tells a person what somebody did. It is shown only while what
// caused it stands.
type Notification struct {
	Kind  NoticeKind
	ID    ID // its place in the list
	At    time.Time
	Actor *User
	Tweet *Item // the tweet it is about; nil for follows
}

// Notifications are the viewer's own, newest first, and Page.Before of the
// next page (0: the end was reached).
func (r *Reader) Notifications(ctx context.Context, viewer UserID, p Page) (list []Notification, next ID, err error) {
	defer wrap(&err, "Reader.Notifications")
	if viewer == 0 {
		return nil, 0, Fail(ErrUnauthorized, "sign in to read notifications")
	}
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	limit := p.Limit
	for p.Limit++; ; {
		edges, err := r.s.Edges.From(ctx, Notice, viewer, p)
		if err != nil {
			return nil, 0, err
		}
		found, err := r.notices(ctx, viewer, edges)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, found...)
		if len(list) > limit {
			return list[:limit], list[limit-1].ID, nil
		}
		if len(edges) < p.Limit {
			return list, 0, nil
		}
		p.Before = edges[len(edges)-1].Since
	}
}

// notices loads what notice edges speak of and drops those that do not stand
// or that viewer may not see.
func (r *Reader) notices(ctx context.Context, viewer UserID, edges []Edge) ([]Notification, error) {
	var (
		standing []noticeRow
		tweets   []TweetID
		actors   []UserID
	)
	for _, e := range edges {
		n, ok := noticeRowOf(e)
		if !ok {
			continue
		}
		if ok, err := n.stands(ctx, r.s); err != nil {
			return nil, err
		} else if ok {
			standing, tweets, actors = append(standing, n), append(tweets, n.tweet), append(actors, n.actor)
		}
	}
	people, err := castOf(ctx, r.s, viewer, actors)
	if err != nil {
		return nil, err
	}
	tl, refused, err := r.Tweets(ctx, viewer, Include{Counts: true, Flags: true, Refs: true}, tweets...)
	if err != nil {
		return nil, err
	}
	var list []Notification
	for i, n := range standing {
		u, b := people.get(n.actor)
		if !u.Active() || b&(bondMutes|bondBlocks|bondBlockedBy) != 0 || n.tweet != 0 && refused[i] != nil {
			continue
		}
		out := Notification{Kind: n.kind, ID: n.at, At: n.at.Time(), Actor: u}
		if n.tweet != 0 {
			out.Tweet = &tl.Items[i]
		}
		list = append(list, out)
	}
	return list, nil
}
