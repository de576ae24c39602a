package write

import (
	"context"
	"warble"
)

// mark puts a like or a bookmark on a tweet the person may see.
func (w *Writer) mark(ctx context.Context, kind warble.EdgeKind, user warble.UserID, tweet warble.TweetID) error {
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	t, err := w.original(ctx, "tweet", user, tweet)
	if err != nil {
		return err
	}
	_, err = w.join(ctx, &warble.Edge{Kind: kind, From: user, To: t.ID}, t.Author)
	return err
}

// unmark takes a like or a bookmark back, also from a tweet that may no longer
// be seen.
func (w *Writer) unmark(ctx context.Context, kind warble.EdgeKind, user warble.UserID, tweet warble.TweetID) error {
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	t, err := w.row(ctx, "tweet", tweet)
	if err != nil {
		return err
	}
	to, author := t.ID, t.Author
	if t.RetweetOf != 0 {
		to, author = t.RetweetOf, t.RetweetAuthor
	}
	_, err = w.part(ctx, author, warble.EdgeKey{Kind: kind, From: user, To: to})
	return err
}

// RemoveLike takes a like back; of a retweet that of the original.
func (w *Writer) RemoveLike(ctx context.Context, user warble.UserID, tweet warble.TweetID) (err error) {
	defer warble.Wrap(&err, "Writer.RemoveLike")
	return w.unmark(ctx, warble.Like, user, tweet)
}

// Bookmark keeps a tweet for oneself; bookmarking a retweet keeps the original.
func (w *Writer) Bookmark(ctx context.Context, user warble.UserID, tweet warble.TweetID) (err error) {
	defer warble.Wrap(&err, "Writer.Bookmark")
	return w.mark(ctx, warble.Bookmark, user, tweet)
}

// RemoveBookmark takes a bookmark away.
func (w *Writer) RemoveBookmark(ctx context.Context, user warble.UserID, tweet warble.TweetID) (err error) {
	defer warble.Wrap(&err, "Writer.RemoveBookmark")
	return w.unmark(ctx, warble.Bookmark, user, tweet)
}
