package warble

import (
	"context"
	"encoding/binary"
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

// notice is a Notice edge taken apart: what happened, who did it, and the
// tweet it happened to (or that did it).
type notice struct {
	to    UserID // the recipient
	kind  NoticeKind
	actor UserID
	tweet TweetID
	// cause is the edge's To end: the id of a tweet, or the Since of the edge
	// that caused it.
	cause ID
}

func (n notice) edge() Edge {
	v := make([]byte, 17)
	v[0] = byte(n.kind)
	binary.BigEndian.PutUint64(v[1:], uint64(n.actor))
	binary.BigEndian.PutUint64(v[9:], uint64(n.tweet))
	return Edge{Kind: Notice, From: n.to, To: n.cause, Since: n.cause, Value: string(v)}
}

func noticeOf(e Edge) (notice, bool) {
	if len(e.Value) != 17 {
		return notice{}, false
	}
	v := []byte(e.Value)
	return notice{e.From, NoticeKind(v[0]), ID(binary.BigEndian.Uint64(v[1:])), ID(binary.BigEndian.Uint64(v[9:])), e.To}, true
}

// stands says whether what caused the notice is still there.
func (n notice) stands(ctx context.Context, s *Stores) (bool, error) {
	var key EdgeKey
	switch n.kind {
	case NoticeLike:
		key = EdgeKey{Like, n.actor, n.tweet}
	case NoticeRetweet:
		key = EdgeKey{Retweet, n.actor, n.tweet}
	case NoticeFollow:
		key = EdgeKey{Follow, n.actor, n.to}
	case NoticeFollowRequest:
		key = EdgeKey{FollowRequest, n.actor, n.to}
	default: // mention, reply, quote, poll: the tweet itself, which visible checks
		return true, nil
	}
	e, err := s.Edges.Get(ctx, key.Kind, key.From, key.To)
	return err == nil && e[0].Since == n.cause, err
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
		standing []notice
		tweets   []TweetID
		actors   []UserID
	)
	for _, e := range edges {
		n, ok := noticeOf(e)
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
		out := Notification{Kind: n.kind, ID: n.cause, At: n.cause.Time(), Actor: u}
		if n.tweet != 0 {
			out.Tweet = &tl.Items[i]
		}
		list = append(list, out)
	}
	return list, nil
}
