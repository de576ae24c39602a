package write

import (
	"context"
	"slices"
	"warble"
)

// Mute hides an account's tweets from one's lists. The account does not learn
// of it.
func (w *Writer) Mute(ctx context.Context, user, target warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.Mute")
	if _, err := w.target(ctx, user, target); err != nil {
		return err
	}
	_, err = w.join(ctx, &warble.Edge{Kind: warble.Mute, From: user, To: target}, target)
	return err
}

// Unmute ends a mute.
func (w *Writer) Unmute(ctx context.Context, user, target warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.Unmute")
	return w.lift(ctx, warble.Mute, user, target)
}

// lift removes a mute or a block, also from an account that is gone.
func (w *Writer) lift(ctx context.Context, kind warble.EdgeKind, user, target warble.UserID) error {
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	if _, err := w.person(ctx, "target", target); err != nil {
		return err
	}
	_, err := w.part(ctx, target, warble.EdgeKey{Kind: kind, From: user, To: target})
	return err
}

// Block keeps an account away: it may not see, follow or answer, and every
// follow and request between the two ends with it.
func (w *Writer) Block(ctx context.Context, user, target warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.Block")
	if _, err := w.target(ctx, user, target); err != nil {
		return err
	}
	defer w.locks.both(user, target)()
	since, err := w.ids.Next(ctx, user, target)
	if err != nil {
		return err
	}
	put := []warble.Edge{{Kind: warble.Block, From: user, To: target, Since: since}}
	ours, theirs := warble.FollowKeys(user, target), warble.FollowKeys(target, user)
	changed, err := w.s.Commit.Apply(ctx, &warble.Change{
		Put:  put,
		Gone: slices.Concat(ours, theirs),
		Events: []warble.Event{
			{Kind: warble.EventEdge, Key: target, Edges: slices.Clone(put)},
			warble.EdgesGone(target, ours),
			warble.EdgesGone(user, theirs),
		},
	})
	if err == nil && changed {
		w.dropHomes(ctx, user, target)
	}
	return err
}

// Unblock ends a block. Follows do not come back.
func (w *Writer) Unblock(ctx context.Context, user, target warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.Unblock")
	return w.lift(ctx, warble.Block, user, target)
}
