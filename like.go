package warble

import "context"

// mark puts a like or a bookmark on a tweet the person may see.
func (w *Writer) mark(ctx context.Context, kind EdgeKind, user UserID, tweet TweetID) error {
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	t, err := w.original(ctx, "tweet", user, tweet)
	if err != nil {
		return err
	}
	_, err = w.join(ctx, &Edge{Kind: kind, From: user, To: t.ID}, t.Author)
	return err
}

// unmark takes a like or a bookmark back, also from a tweet that may no longer
// be seen.
func (w *Writer) unmark(ctx context.Context, kind EdgeKind, user UserID, tweet TweetID) error {
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
	_, err = w.part(ctx, author, EdgeKey{kind, user, to})
	return err
}

// RemoveLike takes a like back; of a retweet that of the original.
func (w *Writer) RemoveLike(ctx context.Context, user UserID, tweet TweetID) (err error) {
	defer wrap(&err, "Writer.RemoveLike")
	return w.unmark(ctx, Like, user, tweet)
}

// Bookmark keeps a tweet for oneself; bookmarking a retweet keeps the original.
func (w *Writer) Bookmark(ctx context.Context, user UserID, tweet TweetID) (err error) {
	defer wrap(&err, "Writer.Bookmark")
	return w.mark(ctx, Bookmark, user, tweet)
}

// RemoveBookmark takes a bookmark away.
func (w *Writer) RemoveBookmark(ctx context.Context, user UserID, tweet TweetID) (err error) {
	defer wrap(&err, "Writer.RemoveBookmark")
	return w.unmark(ctx, Bookmark, user, tweet)
}
