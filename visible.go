package warble

import (
	"context"
	"slices"
)

// bond is what stands between a viewer and another person, a bit per edge.
type bond uint16

const (
	bondFollows   bond = 1 << iota // the viewer follows the person
	bondMutes                      // the viewer mutes the person
	bondBlocks                     // the viewer blocks the person
	bondBlockedBy                  // the person blocks the viewer
	bondRequested                  // the viewer asked to follow the person
)

// bondKinds are the edges behind the bits of a bond, in order.
var bondKinds = []EdgeKind{Follow, Mute, Block, Block | Inverse, FollowRequest}

// Where a tweet is shown decides whether the viewer's own mutes and blocks
// hide it.
type surface uint8

const (
	inList surface = iota // brought to the viewer: home, search, notices, replies, lists
	direct                // asked for by name: a tweet, a profile, a photo
)

// visible decides whether viewer (0: nobody signed in) may see t: nil, or
// ErrNotFound where it does not exist for anyone, or ErrForbidden where it is
// not for this viewer. It is the one predicate behind every read that returns
// a tweet, a person's tweets or a photo. A retweet must pass it for its own
// row and for its original.
func visible(viewer UserID, t *Tweet, author *User, b bond, s surface) error {
	if t == nil || t.Gone || !author.Active() {
		return errTweetNotFound
	}
	return visiblePerson(viewer, author, b, s)
}

// visiblePerson decides whether viewer may see what author wrote.
func visiblePerson(viewer UserID, author *User, b bond, s surface) error {
	switch {
	case !author.Active():
		return errUserNotFound
	case viewer == author.ID:
		return nil
	case b&bondBlockedBy != 0:
		return errBlocked
	case author.Protected && b&bondFollows == 0:
		return errProtected
	case s == inList && b&(bondMutes|bondBlocks) != 0:
		return errHidden
	}
	return nil
}

// The answers of visible. They are shared: an edge adds which thing was asked for.
var (
	errTweetNotFound = Fail(ErrNotFound, "there is no such tweet")
	errUserNotFound  = Fail(ErrNotFound, "there is no such account")
	errBlocked       = Fail(ErrForbidden, "the author has blocked you")
	errProtected     = Fail(ErrForbidden, "the author's tweets are for approved followers only")
	errHidden        = Fail(ErrForbidden, "you have muted or blocked the author")
)

// cast is the people of one answer and the viewer's bonds with them.
type cast struct {
	ids   []UserID // sorted, distinct
	users []*User
	bonds []uint16 // nil when nobody is signed in
}

// castOf loads the people named by ids, in two calls. ids is sorted in place.
func castOf(ctx context.Context, s *Stores, viewer UserID, ids []UserID) (*cast, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > 0 && ids[0] == 0 {
		ids = ids[1:]
	}
	c := &cast{ids: ids}
	if len(ids) == 0 {
		return c, nil
	}
	var err error
	if c.users, err = s.Users.Get(ctx, ids...); err != nil {
		return nil, err
	}
	if viewer != 0 {
		c.bonds, err = s.Edges.Among(ctx, viewer, bondKinds, ids)
	}
	return c, err
}

// get returns a person, nil if there is none, and the viewer's bond.
func (c *cast) get(id UserID) (*User, bond) {
	i, ok := slices.BinarySearch(c.ids, id)
	if !ok {
		return nil, 0
	}
	if c.bonds == nil {
		return c.users[i], 0
	}
	return c.users[i], bond(c.bonds[i])
}

// canSee says whether viewer may see a tweet that was asked for by name.
func canSee(ctx context.Context, s *Stores, viewer UserID, t *Tweet) error {
	if t == nil || t.Gone {
		return errTweetNotFound
	}
	c, err := castOf(ctx, s, viewer, []UserID{t.Author, t.RetweetAuthor})
	if err != nil {
		return err
	}
	author, b := c.get(t.Author)
	if err := visible(viewer, t, author, b, direct); err != nil || t.RetweetOf == 0 {
		return err
	}
	originals, err := s.Tweets.Get(ctx, t.RetweetOf)
	if err != nil {
		return err
	}
	author, b = c.get(t.RetweetAuthor)
	return visible(viewer, originals[0], author, b, direct)
}
