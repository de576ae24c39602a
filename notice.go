package warble

import (
	"cmp"
	"context"
	"encoding/binary"
)

// noticeRow is a Notice edge taken apart: what happened, who did it, and the
// tweet it happened to (or that did it).
type noticeRow struct {
	to    UserID // the recipient
	kind  NoticeKind
	actor UserID
	tweet TweetID
	// cause is the edge's To end: the id of a tweet, or the Since of the edge
	// that caused it.
	cause ID
	// at is its place in the recipient's list and the moment it tells; zero: cause.
	at ID
}

func (n noticeRow) edge() Edge {
	v := make([]byte, 17)
	v[0] = byte(n.kind)
	binary.BigEndian.PutUint64(v[1:], uint64(n.actor))
	binary.BigEndian.PutUint64(v[9:], uint64(n.tweet))
	return Edge{Kind: Notice, From: n.to, To: n.cause, Since: cmp.Or(n.at, n.cause), Value: string(v)}
}

func noticeRowOf(e Edge) (noticeRow, bool) {
	if len(e.Value) != 17 {
		return noticeRow{}, false
	}
	v := []byte(e.Value)
	return noticeRow{e.From, NoticeKind(v[0]), ID(binary.BigEndian.Uint64(v[1:])), ID(binary.BigEndian.Uint64(v[9:])), e.To, e.Since}, true
}

// stands says whether what caused the notice is still there.
func (n noticeRow) stands(ctx context.Context, s *Stores) (bool, error) {
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
	case NoticeMention: // an edit may have taken it out
		key = EdgeKey{Mention, n.tweet, n.to}
	default: // reply, quote, poll: the tweet itself, which visible checks
		return true, nil
	}
	e, err := s.Edges.Get(ctx, key.Kind, key.From, key.To)
	return err == nil && e[0].Since == n.cause, err
}
