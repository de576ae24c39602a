package warble

import (
	"context"
	"slices"
)

// Bond is what stands between a viewer and another person, a bit per edge.
type Bond uint16

// The bits of a bond.
const (
	BondFollows   Bond = 1 << iota // the viewer follows the person
	BondMutes                      // the viewer mutes the person
	BondBlocks                     // the viewer blocks the person
	BondBlockedBy                  // the person blocks the viewer
	BondRequested                  // the viewer asked to follow the person
)

// BondKinds are the edges behind the bits of a bond, in order.
var BondKinds = []EdgeKind{Follow, Mute, Block, Block | Inverse, FollowRequest}

// Surface is where a tweet is shown: it decides whether the viewer's own mutes
// and blocks hide it.
type Surface uint8

// The surfaces.
const (
	InList Surface = iota // brought to the viewer: home, search, notices, replies, lists
	Direct                // asked for by name: a tweet, a profile, a photo
)

// Visible decides whether viewer (0: nobody signed in) may see t: nil, or
// ErrNotFound where it does not exist for anyone, or ErrForbidden where it is
// not for this viewer. It is the one predicate behind every read that returns
// a tweet, a person's tweets or a photo. A retweet must pass it for its own
// row and for its original.
func Visible(viewer UserID, t *Tweet, author *User, b Bond, s Surface) error {
	if t == nil || t.Gone || !author.Active() {
		return ErrTweetNotFound
	}
	return VisiblePerson(viewer, author, b, s)
}

// VisiblePerson decides whether viewer may see what author wrote.
func VisiblePerson(viewer UserID, author *User, b Bond, s Surface) error {
	switch {
	case !author.Active():
		return ErrUserNotFound
	case viewer == author.ID:
		return nil
	case b&BondBlockedBy != 0:
		return errBlocked
	case author.Protected && b&BondFollows == 0:
		return errProtected
	case s == InList && b&(BondMutes|BondBlocks) != 0:
		return errHidden
	}
	return nil
}

// The answers of visible. They are shared: an edge adds which thing was asked for.
var (
	ErrTweetNotFound = Fail(ErrNotFound, "there is no such tweet")
	ErrUserNotFound  = Fail(ErrNotFound, "there is no such account")
	errBlocked       = Fail(ErrForbidden, "the author has blocked you")
	errProtected     = Fail(ErrForbidden, "the author's tweets are for approved followers only")
	errHidden        = Fail(ErrForbidden, "you have muted or blocked the author")
)

// Cast is the people of one answer and the viewer's bonds with them.
type Cast struct {
	ids   []UserID // sorted, distinct
	users []*User
	bonds []uint16 // nil when nobody is signed in
}

// CastOf loads the people named by ids, in two calls. ids is sorted in place.
func CastOf(ctx context.Context, s *Stores, viewer UserID, ids []UserID) (*Cast, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > 0 && ids[0] == 0 {
		ids = ids[1:]
	}
	c := &Cast{ids: ids}
	if len(ids) == 0 {
		return c, nil
	}
	var err error
	if c.users, err = s.Users.Get(ctx, ids...); err != nil {
		return nil, err
	}
	if viewer != 0 {
		c.bonds, err = s.Edges.Among(ctx, viewer, BondKinds, ids)
	}
	return c, err
}

// People are the ids of everyone in the cast.
func (c *Cast) People() []UserID { return c.ids }

// Get returns a person, nil if there is none, and the viewer's bond.
func (c *Cast) Get(id UserID) (*User, Bond) {
	i, ok := slices.BinarySearch(c.ids, id)
	if !ok {
		return nil, 0
	}
	if c.bonds == nil {
		return c.users[i], 0
	}
	return c.users[i], Bond(c.bonds[i])
}

// CanSee says whether viewer may see a tweet that was asked for by name.
func CanSee(ctx context.Context, s *Stores, viewer UserID, t *Tweet) error {
	if t == nil || t.Gone {
		return ErrTweetNotFound
	}
	c, err := CastOf(ctx, s, viewer, []UserID{t.Author, t.RetweetAuthor})
	if err != nil {
		return err
	}
	author, b := c.Get(t.Author)
	if err := Visible(viewer, t, author, b, Direct); err != nil || t.RetweetOf == 0 {
		return err
	}
	originals, err := s.Tweets.Get(ctx, t.RetweetOf)
	if err != nil {
		return err
	}
	author, b = c.Get(t.RetweetAuthor)
	return Visible(viewer, originals[0], author, b, Direct)
}
