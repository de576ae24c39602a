package write

import (
	"context"
	"errors"
	"warble"
)

// DeleteTweet deletes one's own tweet for good: a tombstone takes its place,
// and the edges it put (reply, quote, mentions; of a retweet its edge) go in
// the same Change. Deleting it again is no error. Somebody else's tweet is
// ErrForbidden.
func (w *Writer) DeleteTweet(ctx context.Context, user warble.UserID, tweet warble.TweetID) (err error) {
	defer warble.Wrap(&err, "Writer.DeleteTweet")
	u, err := w.actor(ctx, user)
	if err != nil {
		return err
	}
	t, err := w.row(ctx, "tweet", tweet)
	if err != nil || t.Gone && t.Author == user {
		return err
	}
	if t, err = w.ownTweet(ctx, user, tweet); err != nil {
		return err
	}
	if t.RetweetOf != 0 {
		return w.takeBack(ctx, user, t.RetweetOf, t.ID)
	}
	c, err := warble.Deletion(ctx, w.s, t)
	if err != nil {
		return err
	}
	if _, err := w.s.Commit.Apply(ctx, c); err != nil {
		return err
	}
	if u.Pinned == tweet {
		w.unpin(ctx, user, tweet)
	}
	return nil
}

// unpin clears a pin whose tweet is gone. A pin that stays shows nothing, so a
// failure is told to the operator only.
func (w *Writer) unpin(ctx context.Context, user warble.UserID, tweet warble.TweetID) {
	_, err := w.updateUser(ctx, user, func(u *warble.User) error {
		if u.Pinned == tweet {
			u.Pinned = 0
		}
		return nil
	}, nil)
	if err != nil && !errors.Is(err, context.Canceled) {
		w.opt.Log.Warn("a deleted tweet stays pinned", "user", user, "tweet", tweet, "err", err)
	}
}
