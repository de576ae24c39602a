package read

import (
	"context"
	"errors"
	"warble"
)

// ListCounts are the numbers of a list.
type ListCounts struct{ Members, Followers int64 }

// ListPage is one page of lists.
type ListPage struct {
	Lists []*warble.List
	Next  warble.ID // Page.Before of the next page; 0: the end was reached
}

// List looks a list up. A private list exists for its owner only.
func (r *Reader) List(ctx context.Context, viewer warble.UserID, list warble.DocID) (l *warble.List, n ListCounts, err error) {
	defer warble.Wrap(&err, "Reader.List")
	if l, err = r.visibleList(ctx, viewer, list); err != nil {
		return nil, n, err
	}
	c, err := r.s.Counts.Get(ctx, []warble.CountKind{warble.CountMembers, warble.CountListFollowers}, []warble.ID{list})
	if err != nil {
		return nil, n, err
	}
	return l, ListCounts{c[0], c[1]}, nil
}

func (r *Reader) visibleList(ctx context.Context, viewer warble.UserID, list warble.DocID) (*warble.List, error) {
	docs, err := r.s.Docs.Get(ctx, list)
	if err != nil {
		return nil, err
	}
	none := warble.Fail(warble.ErrNotFound, "there is no such list")
	if docs[0] == nil || docs[0].Kind != warble.DocList {
		return nil, none
	}
	l, err := warble.ListOf(docs[0])
	if err != nil {
		return nil, err
	}
	if l.Private && viewer != l.Owner {
		return nil, none
	}
	c, err := warble.CastOf(ctx, r.s, viewer, []warble.UserID{l.Owner})
	if err != nil {
		return nil, err
	}
	u, b := c.Get(l.Owner)
	if err := warble.VisiblePerson(viewer, u, b, warble.Direct); err != nil {
		return nil, err
	}
	return l, nil
}

// ListTimeline is what the members of a list wrote, newest first, pulled from
// them; replies and retweets as their profiles show them.
func (r *Reader) ListTimeline(ctx context.Context, viewer warble.UserID, list warble.DocID, q TimelineQuery) (tl *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.ListTimeline")
	if _, err := r.visibleList(ctx, viewer, list); err != nil {
		return nil, err
	}
	members, err := allTo(ctx, r.s.Edges, warble.ListMember, list)
	if err != nil {
		return nil, err
	}
	src := func(ctx context.Context, p warble.Page) ([]span, error) {
		ids, _, err := r.mergeAuthors(ctx, members, p)
		return spansOf(ids), err
	}
	var wrong error
	tl, err = r.tweets(ctx, viewer, q, warble.InList, src, r.standingRetweet(ctx, &wrong))
	if wrong != nil {
		return nil, wrong
	}
	return tl, err
}

// standingRetweet keeps what is no retweet, or the one its edge names.
func (r *Reader) standingRetweet(ctx context.Context, wrong *error) func(*scene, *warble.Tweet) bool {
	return func(_ *scene, t *warble.Tweet) bool {
		if t.RetweetOf == 0 {
			return true
		}
		named, err := namedByEdge(ctx, r.s, t)
		if err != nil {
			*wrong = err
		}
		return named
	}
}

// ListMembers are the people on a list, newest first.
func (r *Reader) ListMembers(ctx context.Context, viewer warble.UserID, list warble.DocID, p warble.Page, inc PeopleInclude) (page *PeoplePage, err error) {
	defer warble.Wrap(&err, "Reader.ListMembers")
	if _, err := r.visibleList(ctx, viewer, list); err != nil {
		return nil, err
	}
	return r.list(ctx, viewer, p, inc, fromEdges(r.s.Edges.From, warble.ListMember, list, edgeTo))
}

// ListFollowers are the people who follow a list, newest first.
func (r *Reader) ListFollowers(ctx context.Context, viewer warble.UserID, list warble.DocID, p warble.Page, inc PeopleInclude) (page *PeoplePage, err error) {
	defer warble.Wrap(&err, "Reader.ListFollowers")
	if _, err := r.visibleList(ctx, viewer, list); err != nil {
		return nil, err
	}
	return r.list(ctx, viewer, p, inc, fromEdges(r.s.Edges.To, warble.ListFollow, list, edgeFrom))
}

// OwnedLists are the lists a person made.
func (r *Reader) OwnedLists(ctx context.Context, viewer, user warble.UserID, p warble.Page) (page *ListPage, err error) {
	defer warble.Wrap(&err, "Reader.OwnedLists")
	return r.lists(ctx, viewer, user, p, func(ctx context.Context, p warble.Page) ([]span, error) {
		docs, err := r.s.Docs.List(ctx, user, warble.DocList, p)
		ids := make([]warble.ID, len(docs))
		for i, d := range docs {
			ids[i] = d.ID
		}
		return spansOf(ids), err
	})
}

// ListMemberships are the lists a person is on.
func (r *Reader) ListMemberships(ctx context.Context, viewer, user warble.UserID, p warble.Page) (page *ListPage, err error) {
	defer warble.Wrap(&err, "Reader.ListMemberships")
	return r.lists(ctx, viewer, user, p, fromEdges(r.s.Edges.To, warble.ListMember, user, edgeFrom))
}

// FollowedLists are the lists a person follows.
func (r *Reader) FollowedLists(ctx context.Context, viewer, user warble.UserID, p warble.Page) (page *ListPage, err error) {
	defer warble.Wrap(&err, "Reader.FollowedLists")
	return r.lists(ctx, viewer, user, p, fromEdges(r.s.Edges.From, warble.ListFollow, user, edgeTo))
}

// PinnedLists are the lists a person pinned.
func (r *Reader) PinnedLists(ctx context.Context, viewer, user warble.UserID, p warble.Page) (page *ListPage, err error) {
	defer warble.Wrap(&err, "Reader.PinnedLists")
	return r.lists(ctx, viewer, user, p, fromEdges(r.s.Edges.From, warble.ListPin, user, edgeTo))
}

// placedList is a list and its place in the page's source.
type placedList struct {
	*warble.List
	pos warble.ID
}

// lists pages lists that viewer may see.
func (r *Reader) lists(ctx context.Context, viewer, user warble.UserID, p warble.Page, src source) (*ListPage, error) {
	if _, err := r.person(ctx, viewer, user); err != nil {
		return nil, err
	}
	show := func(ctx context.Context, spans []span) (found []placedList, err error) {
		for _, s := range spans {
			l, err := r.visibleList(ctx, viewer, s.id)
			if errors.Is(err, warble.ErrNotFound) || errors.Is(err, warble.ErrForbidden) {
				continue // private, or its owner may not be seen
			}
			if err != nil {
				return nil, err
			}
			found = append(found, placedList{l, s.pos})
		}
		return found, nil
	}
	got, next, err := fill(ctx, p, src, show, func(l placedList) warble.ID { return l.pos })
	if err != nil {
		return nil, err
	}
	page := &ListPage{Next: next}
	for _, l := range got {
		page.Lists = append(page.Lists, l.List)
	}
	return page, nil
}
