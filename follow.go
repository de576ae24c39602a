package warble

import (
	"context"
	"errors"
	"strconv"
)

// FollowState is what stands between a person and somebody they might follow.
type FollowState uint8

const (
	NotFollowing FollowState = iota
	Following
	Requested // a protected account has not answered yet
)

// Follow follows an account, or asks a protected one. ErrInvalid for oneself,
// ErrForbidden where either has blocked the other, ErrLimit above
// Options.MaxFollowing.
func (w *Writer) Follow(ctx context.Context, user, target UserID) (state FollowState, err error) {
	defer wrap(&err, "Writer.Follow")
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
	case bonds&(bondBlocks|bondBlockedBy) != 0:
		return NotFollowing, errBlockBetween(target)
	case bonds&bondFollows != 0:
		return Following, nil
	case to.Protected && bonds&bondRequested != 0:
		return Requested, nil
	}
	err = w.room(ctx, Follow, CountFollowing, user, w.opt.MaxFollowing, &Error{Kind: ErrLimit, Param: "target", Value: target.String(),
		Detail: "you follow " + strconv.Itoa(w.opt.MaxFollowing) + " accounts, which is the limit; unfollow one first"})
	if err != nil {
		return NotFollowing, err
	}
	kind, state := Follow, Following
	if to.Protected {
		kind, state = FollowRequest, Requested
	}
	if err := w.putFollow(ctx, kind, user, target, bonds&bondRequested != 0); err != nil {
		return NotFollowing, err
	}
	return state, nil
}

// bonds reads what stands between two people.
func (w *Writer) bonds(ctx context.Context, user, target UserID) (bond, error) {
	b, err := w.s.Edges.Among(ctx, user, bondKinds, []ID{target})
	if err != nil {
		return 0, err
	}
	return bond(b[0]), nil
}

// putFollow is changeFollow with what the process remembers of it.
func (w *Writer) putFollow(ctx context.Context, kind EdgeKind, user, target UserID, requested bool) error {
	err := changeFollow(ctx, w.s, w.ids, kind, user, target, requested)
	if kind == Follow && (err == nil || errors.Is(err, ErrForbidden)) {
		w.people.of(user).add(w.opt.Clock())
		w.dropHomes(ctx, user)
	}
	return err
}

// endFollow removes a follow and a request.
func (w *Writer) endFollow(ctx context.Context, user, target UserID) error {
	changed, err := w.part(ctx, target, followKeys(user, target)...)
	if err == nil && changed {
		w.dropHomes(ctx, user)
	}
	return err
}

// Unfollow ends a follow, or withdraws the request for one.
func (w *Writer) Unfollow(ctx context.Context, user, target UserID) (err error) {
	defer wrap(&err, "Writer.Unfollow")
	if user == target {
		return Invalid("target", target.String(), "nobody follows themselves; name another account")
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
func (w *Writer) AcceptFollow(ctx context.Context, user, from UserID) (err error) {
	defer wrap(&err, "Writer.AcceptFollow")
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	lock := w.locks.of(from)
	lock.Lock()
	defer lock.Unlock()
	bonds, err := w.bonds(ctx, from, user)
	switch {
	case err != nil || bonds&bondFollows != 0:
		return err
	case bonds&bondRequested == 0:
		return errNoRequest(from)
	}
	return w.putFollow(ctx, Follow, from, user, true)
}

func errNoRequest(from UserID) error {
	return &Error{Kind: ErrNotFound, Param: "from", Value: from.String(), Detail: "this account has not asked to follow you"}
}

// RejectFollow refuses a request of from to follow user. ErrNotFound where
// there is none.
func (w *Writer) RejectFollow(ctx context.Context, user, from UserID) (err error) {
	defer wrap(&err, "Writer.RejectFollow")
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	lock := w.locks.of(from)
	lock.Lock()
	defer lock.Unlock()
	changed, err := w.part(ctx, user, EdgeKey{FollowRequest, from, user})
	if err == nil && !changed {
		return errNoRequest(from)
	}
	return err
}

// RemoveFollower makes follower no longer follow user.
func (w *Writer) RemoveFollower(ctx context.Context, user, follower UserID) (err error) {
	defer wrap(&err, "Writer.RemoveFollower")
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	lock := w.locks.of(follower)
	lock.Lock()
	defer lock.Unlock()
	return w.endFollow(ctx, follower, user)
}
