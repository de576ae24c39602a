package warble

import (
	"cmp"
	"context"
	"encoding/binary"
)

// NoticeRow is a Notice edge taken apart: what happened, who did it, and the
// tweet it happened to (or that did it).
type NoticeRow struct {
	To    UserID // the recipient
	Kind  NoticeKind
	Actor UserID
	Tweet TweetID
	// cause is the edge's To end: the id of a tweet, or the Since of the edge
	// that caused it.
	Cause ID
	// at is its place in the recipient's list and the moment it tells; zero: cause.
	At ID
}

// Edge is the row as it is stored.
func (n NoticeRow) Edge() Edge {
	v := make([]byte, 17)
	v[0] = byte(n.Kind)
	binary.BigEndian.PutUint64(v[1:], uint64(n.Actor))
	binary.BigEndian.PutUint64(v[9:], uint64(n.Tweet))
	return Edge{Kind: Notice, From: n.To, To: n.Cause, Since: cmp.Or(n.At, n.Cause), Value: string(v)}
}

// NoticeRowOf reads a Notice edge; false where it is none.
func NoticeRowOf(e Edge) (NoticeRow, bool) {
	if len(e.Value) != 17 {
		return NoticeRow{}, false
	}
	v := []byte(e.Value)
	return NoticeRow{e.From, NoticeKind(v[0]), ID(binary.BigEndian.Uint64(v[1:])), ID(binary.BigEndian.Uint64(v[9:])), e.To, e.Since}, true
}

// Stands says whether what caused the notice is still there.
func (n NoticeRow) Stands(ctx context.Context, s *Stores) (bool, error) {
	var key EdgeKey
	switch n.Kind {
	case NoticeLike:
		key = EdgeKey{Like, n.Actor, n.Tweet}
	case NoticeRetweet:
		key = EdgeKey{Retweet, n.Actor, n.Tweet}
	case NoticeFollow:
		key = EdgeKey{Follow, n.Actor, n.To}
	case NoticeFollowRequest:
		key = EdgeKey{FollowRequest, n.Actor, n.To}
	case NoticeMention: // an edit may have taken it out
		key = EdgeKey{Mention, n.Tweet, n.To}
	default: // reply, quote, poll: the tweet itself, which visible checks
		return true, nil
	}
	e, err := s.Edges.Get(ctx, key.Kind, key.From, key.To)
	return err == nil && e[0].Since == n.Cause, err
}
