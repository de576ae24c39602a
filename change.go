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
// request stands, which ends with the follow. It looks once more afterwards at
// what somebody else may have changed at the same moment: a block ends what it
// finds, and this takes back what it could not find yet (ErrForbidden then); a
// new follow of an account that is private by now becomes a request. stands is
// the kind of edge that stands afterwards.
func ChangeFollow(ctx context.Context, s *Stores, ids *IDs, kind EdgeKind, user, target UserID, requested bool) (stands EdgeKind, err error) {
	fresh, _, err := putFollow(ctx, s, ids, kind, user, target, requested)
	if err != nil || kind != Follow || !fresh {
		return kind, err
	}
	ctx = context.WithoutCancel(ctx) // what is stored is looked at to the end
	to, err := s.Users.Get(ctx, target)
	if err == nil && (to[0] == nil || !to[0].Protected) {
		return kind, nil
	}
	if err == nil {
		err = askInstead(ctx, s, ids, user, target)
	}
	if err != nil && !errors.Is(err, ErrForbidden) { // it is not known whether the follow may stand
		_, gone := endFollow(ctx, s, user, target)
		err = errors.Join(err, gone)
	}
	return FollowRequest, err
}

// askInstead makes a follow a request. One that ended meanwhile stays ended.
func askInstead(ctx context.Context, s *Stores, ids *IDs, user, target UserID) error {
	since, err := ids.Next(ctx, user, target)
	if err != nil {
		return err
	}
	put, gone := []Edge{{Kind: FollowRequest, From: user, To: target, Since: since}}, []EdgeKey{{Follow, user, target}}
	c := &Change{Put: put, Gone: gone, Events: []Event{EdgesGone(target, gone), {Kind: EventEdge, Key: target, Edges: slices.Clone(put)}}}
	if _, err := s.Commit.Apply(ctx, c); err != nil {
		return err
	}
	if len(c.Events[0].Edges) == 0 {
		if _, err := endFollow(ctx, s, user, target); err != nil {
			return err
		}
	}
	return endIfBlocked(ctx, s, user, target)
}

// endFollow removes a follow and the request for one.
func endFollow(ctx context.Context, s *Stores, user, target UserID) (bool, error) {
	gone := FollowKeys(user, target)
	return s.Commit.Apply(ctx, &Change{Gone: gone, Events: []Event{EdgesGone(target, gone)}})
}

// endIfBlocked removes a follow and the request for one where one of the two
// blocks the other: the error of [ErrBlockBetween].
func endIfBlocked(ctx context.Context, s *Stores, user, target UserID) error {
	bonds, err := s.Edges.Among(ctx, user, BondKinds, []ID{target})
	if err != nil || Bond(bonds[0])&(BondBlocks|BondBlockedBy) == 0 {
		return err
	}
	if _, err := endFollow(ctx, s, user, target); err != nil {
		return err
	}
	return ErrBlockBetween(target)
}

// AcceptFollow makes a request a follow in one Change. Where the request was
// withdrawn at the same moment, the follow it made goes again: ErrNotFound.
func AcceptFollow(ctx context.Context, s *Stores, ids *IDs, user, target UserID) error {
	fresh, ended, err := putFollow(ctx, s, ids, Follow, user, target, true)
	if err != nil || !fresh || ended {
		return err
	}
	gone := []EdgeKey{{Follow, user, target}}
	if _, err := s.Commit.Apply(context.WithoutCancel(ctx), &Change{Gone: gone, Events: []Event{EdgesGone(target, gone)}}); err != nil {
		return err
	}
	return Fail(ErrNotFound, "this account has not asked to follow you")
}

// putFollow stores a follow or a request and looks for a block. fresh says that
// the edge did not stand before, ended that a request did, and went.
func putFollow(ctx context.Context, s *Stores, ids *IDs, kind EdgeKind, user, target UserID, requested bool) (fresh, ended bool, err error) {
	since, err := ids.Next(ctx, user, target)
	if err != nil {
		return false, false, err
	}
	put := []Edge{{Kind: kind, From: user, To: target, Since: since}}
	c := &Change{Put: put, Events: []Event{{Kind: EventEdge, Key: target, Edges: slices.Clone(put)}}}
	if kind == Follow && requested {
		c.Gone = []EdgeKey{{FollowRequest, user, target}}
		c.Events = append(c.Events, EdgesGone(target, c.Gone))
	}
	if _, err := s.Commit.Apply(ctx, c); err != nil {
		return false, false, err
	}
	fresh, ended = put[0].Since == since, len(c.Gone) > 0 && len(c.Events[1].Edges) > 0
	return fresh, ended, endIfBlocked(context.WithoutCancel(ctx), s, user, target)
}

// AcceptRequest is AcceptFollow for a request found in a list, and drops the
// home of who asked. A request that ended meanwhile is no error.
func AcceptRequest(ctx context.Context, s *Stores, ids *IDs, request Edge) error {
	err := AcceptFollow(ctx, s, ids, request.From, request.To)
	if err != nil && !errors.Is(err, ErrForbidden) && !errors.Is(err, ErrNotFound) {
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
