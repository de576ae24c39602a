package write

import (
	"context"
	"errors"
	"strconv"
	"warble"
)

// FollowState is what stands between a person and somebody they might follow.
type FollowState uint8

// The states.
const (
	NotFollowing FollowState = iota
	Following
	Requested // a protected account has not answered yet
)

// Follow follows an account, or asks a protected one. ErrInvalid for oneself,
// ErrForbidden where either has blocked the other, ErrLimit above
// Options.MaxFollowing.
func (w *Writer) Follow(ctx context.Context, user, target warble.UserID) (state FollowState, err error) {
	defer warble.Wrap(&err, "Writer.Follow")
	to, err := w.target(ctx, user, target)
	if err != nil {
		return NotFollowing, err
	}
	lock := w.locks.of(user)
	lock.Lock()
	defer lock.Unlock()
	bonds, err := w.bonds(ctx, user, target)
	switch {
	case err != nil:
		return NotFollowing, err
	case bonds&(warble.BondBlocks|warble.BondBlockedBy) != 0:
		return NotFollowing, warble.ErrBlockBetween(target)
	case bonds&warble.BondFollows != 0:
		return Following, nil
	case to.Protected && bonds&warble.BondRequested != 0:
		return Requested, nil
	}
	err = w.room(ctx, warble.Follow, warble.CountFollowing, user, w.opt.MaxFollowing, &warble.Error{Kind: warble.ErrLimit, Param: "target", Value: target.String(),
		Detail: "you follow " + strconv.Itoa(w.opt.MaxFollowing) + " accounts, which is the limit; unfollow one first"})
	if err != nil {
		return NotFollowing, err
	}
	kind := warble.Follow
	if to.Protected {
		kind = warble.FollowRequest
	}
	stands, err := warble.ChangeFollow(ctx, w.s, w.ids, kind, user, target, bonds&warble.BondRequested != 0)
	if kind == warble.Follow {
		w.followed(ctx, user, err)
	}
	switch {
	case err != nil:
		return NotFollowing, err
	case stands == warble.Follow:
		return Following, nil
	}
	return Requested, nil
}

// bonds reads what stands between two people.
func (w *Writer) bonds(ctx context.Context, user, target warble.UserID) (warble.Bond, error) {
	b, err := w.s.Edges.Among(ctx, user, warble.BondKinds, []warble.ID{target})
	if err != nil {
		return 0, err
	}
	return warble.Bond(b[0]), nil
}

// followed has the process remember a follow that was stored; one that was
// taken back stood for a moment.
func (w *Writer) followed(ctx context.Context, user warble.UserID, err error) {
	if err == nil || errors.Is(err, warble.ErrForbidden) || errors.Is(err, warble.ErrNotFound) {
		w.people.of(user).add(w.opt.Clock())
		w.dropHomes(ctx, user)
	}
}

// endFollow removes a follow and a request.
func (w *Writer) endFollow(ctx context.Context, user, target warble.UserID) error {
	changed, err := w.part(ctx, target, warble.FollowKeys(user, target)...)
	if err == nil && changed {
		w.dropHomes(ctx, user)
	}
	return err
}

// Unfollow ends a follow, or withdraws the request for one.
func (w *Writer) Unfollow(ctx context.Context, user, target warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.Unfollow")
	if user == target {
		return warble.Invalid("target", target.String(), "nobody follows themselves; name another account")
	}
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	if _, err := w.person(ctx, "target", target); err != nil {
		return err
	}
	lock := w.locks.of(user)
	lock.Lock()
	defer lock.Unlock()
	return w.endFollow(ctx, user, target)
}

// AcceptFollow lets from, who asked for it, follow user. ErrNotFound where
// there is no request.
func (w *Writer) AcceptFollow(ctx context.Context, user, from warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.AcceptFollow")
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	lock := w.locks.of(from)
	lock.Lock()
	defer lock.Unlock()
	bonds, err := w.bonds(ctx, from, user)
	switch {
	case err != nil || bonds&warble.BondFollows != 0:
		return err
	case bonds&warble.BondRequested == 0:
		return errNoRequest(from)
	}
	err = warble.AcceptFollow(ctx, w.s, w.ids, from, user)
	w.followed(ctx, from, err)
	if errors.Is(err, warble.ErrNotFound) {
		return errNoRequest(from)
	}
	return err
}

func errNoRequest(from warble.UserID) error {
	return &warble.Error{Kind: warble.ErrNotFound, Param: "from", Value: from.String(), Detail: "this account has not asked to follow you"}
}

// RejectFollow refuses a request of from to follow user. ErrNotFound where
// there is none.
func (w *Writer) RejectFollow(ctx context.Context, user, from warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.RejectFollow")
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	lock := w.locks.of(from)
	lock.Lock()
	defer lock.Unlock()
	changed, err := w.part(ctx, user, warble.EdgeKey{Kind: warble.FollowRequest, From: from, To: user})
	if err == nil && !changed {
		return errNoRequest(from)
	}
	return err
}

// RemoveFollower makes follower no longer follow user.
func (w *Writer) RemoveFollower(ctx context.Context, user, follower warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.RemoveFollower")
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	lock := w.locks.of(follower)
	lock.Lock()
	defer lock.Unlock()
	return w.endFollow(ctx, follower, user)
}
