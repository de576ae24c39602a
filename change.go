package warble

import (
	"context"
	"errors"
	"slices"
)

// TweetEdges are the edges that stand as long as the tweet does.
func TweetEdges(t *Tweet) []Edge {
	var edges []Edge
	if t.ReplyTo != 0 {
		edges = append(edges, Edge{Kind: Reply, From: t.ID, To: t.ReplyTo, Since: t.ID})
	}
	if t.QuoteOf != 0 {
		edges = append(edges, Edge{Kind: Quote, From: t.ID, To: t.QuoteOf, Since: t.ID})
	}
	for _, user := range t.Mentions {
		edges = append(edges, Edge{Kind: Mention, From: t.ID, To: user, Since: t.ID})
	}
	return edges
}

// EdgesGone is the event of a removal. The engine fills in what stood.
func EdgesGone(key ID, gone []EdgeKey) Event {
	edges := make([]Edge, len(gone))
	for i, k := range gone {
		edges[i] = Edge{Kind: k.Kind, From: k.From, To: k.To}
	}
	return Event{Kind: EventEdgeGone, Key: key, Edges: edges}
}

// Deletion is the Change that deletes a tweet. Its photos' documents stay as
// they are and name a tombstone from now on; their events have them removed.
func Deletion(ctx context.Context, s *Stores, t *Tweet) (*Change, error) {
	c := &Change{Tweets: []*Tweet{{ID: t.ID, Author: t.Author, Version: t.Version + 1, Gone: true}}}
	for _, e := range TweetEdges(t) {
		c.Gone = append(c.Gone, e.Key())
	}
	c.Events = []Event{{Kind: EventTweetGone, Key: t.Author, ID: t.ID}}
	if len(c.Gone) > 0 {
		c.Events = append(c.Events, EdgesGone(t.Author, c.Gone))
	}
	versions := []*Tweet{t}
	if t.Version > 1 {
		var err error
		if versions, err = s.Tweets.Versions(ctx, t.ID); err != nil {
			return nil, err
		}
	}
	seen := map[DocID]bool{}
	for _, v := range versions {
		for _, p := range v.Photos {
			if !seen[p.Media] {
				seen[p.Media] = true
				c.Events = append(c.Events, Event{Kind: EventDoc, Key: t.Author, ID: p.Media})
			}
		}
	}
	return c, nil
}

// ChangeFollow puts a follow, or a request for one; requested says that a
// request stands, which ends with the follow. It looks for a block once more
// afterwards: whoever blocks at the same moment ends what
// they find, and this takes back what they could not find yet; the answer is
// ErrForbidden then.
func ChangeFollow(ctx context.Context, s *Stores, ids *IDs, kind EdgeKind, user, target UserID, requested bool) error {
	since, err := ids.Next(ctx, user, target)
	if err != nil {
		return err
	}
	put := []Edge{{Kind: kind, From: user, To: target, Since: since}}
	c := &Change{Put: put, Events: []Event{{Kind: EventEdge, Key: target, Edges: slices.Clone(put)}}}
	if kind == Follow && requested {
		c.Gone = []EdgeKey{{FollowRequest, user, target}}
		c.Events = append(c.Events, EdgesGone(target, c.Gone))
	}
	if _, err := s.Commit.Apply(ctx, c); err != nil {
		return err
	}
	bonds, err := s.Edges.Among(ctx, user, BondKinds, []ID{target})
	if err != nil || Bond(bonds[0])&(BondBlocks|BondBlockedBy) == 0 {
		return err
	}
	gone := FollowKeys(user, target)
	if _, err := s.Commit.Apply(ctx, &Change{Gone: gone, Events: []Event{EdgesGone(target, gone)}}); err != nil {
		return err
	}
	return ErrBlockBetween(target)
}

// AcceptRequest makes a request a follow in one Change, and drops the home of
// who asked. A request a block has ended meanwhile is no error.
func AcceptRequest(ctx context.Context, s *Stores, ids *IDs, request Edge) error {
	err := ChangeFollow(ctx, s, ids, Follow, request.From, request.To, true)
	if err != nil && !errors.Is(err, ErrForbidden) {
		return err
	}
	return s.Timelines.Drop(ctx, request.From)
}

// ErrBlockBetween refuses a follow where one of the two blocks the other.
func ErrBlockBetween(target UserID) error {
	return &Error{Kind: ErrForbidden, Param: "target", Value: target.String(), Detail: "one of you has blocked the other, so you cannot follow this account"}
}

// FollowKeys are a follow and the request for it.
func FollowKeys(user, target UserID) []EdgeKey {
	return []EdgeKey{{Follow, user, target}, {FollowRequest, user, target}}
}
