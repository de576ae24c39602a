package read

import (
	"context"
	"time"
	"warble"
)

// Notification tells a person what somebody did. It is shown only while what
// caused it stands.
type Notification struct {
	Kind  warble.NoticeKind
	ID    warble.ID // its place in the list
	At    time.Time
	Actor *warble.User
	Tweet *Item // the tweet it is about; nil for follows
}

// Notifications are the viewer's own, newest first, and Page.Before of the
// next page (0: the end was reached).
func (r *Reader) Notifications(ctx context.Context, viewer warble.UserID, p warble.Page) (list []Notification, next warble.ID, err error) {
	defer warble.Wrap(&err, "Reader.Notifications")
	if viewer == 0 {
		return nil, 0, warble.Fail(warble.ErrUnauthorized, "sign in to read notifications")
	}
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	limit := p.Limit
	for p.Limit++; ; {
		edges, err := r.s.Edges.From(ctx, warble.Notice, viewer, p)
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
func (r *Reader) notices(ctx context.Context, viewer warble.UserID, edges []warble.Edge) ([]Notification, error) {
	var (
		standing []warble.NoticeRow
		tweets   []warble.TweetID
		actors   []warble.UserID
	)
	for _, e := range edges {
		n, ok := warble.NoticeRowOf(e)
		if !ok {
			continue
		}
		if ok, err := n.Stands(ctx, r.s); err != nil {
			return nil, err
		} else if ok {
			standing, tweets, actors = append(standing, n), append(tweets, n.Tweet), append(actors, n.Actor)
		}
	}
	people, err := warble.CastOf(ctx, r.s, viewer, actors)
	if err != nil {
		return nil, err
	}
	tl, refused, err := r.Tweets(ctx, viewer, Include{Counts: true, Flags: true, Refs: true}, tweets...)
	if err != nil {
		return nil, err
	}
	var list []Notification
	for i, n := range standing {
		u, b := people.Get(n.Actor)
		if !u.Active() || b&(warble.BondMutes|warble.BondBlocks|warble.BondBlockedBy) != 0 || n.Tweet != 0 && refused[i] != nil {
			continue
		}
		out := Notification{Kind: n.Kind, ID: n.At, At: n.At.Time(), Actor: u}
		if n.Tweet != 0 {
			out.Tweet = &tl.Items[i]
		}
		list = append(list, out)
	}
	return list, nil
}
