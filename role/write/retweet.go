package write

import (
	"context"
	"errors"
	"slices"
	"warble"
)

// Retweet shows a tweet to one's followers and returns the id of the retweet's
// row; twice gives the first. Retweeting a retweet retweets the original. Only
// its author may retweet a tweet of a protected account.
func (w *Writer) Retweet(ctx context.Context, user warble.UserID, tweet warble.TweetID) (id warble.TweetID, err error) {
	defer warble.Wrap(&err, "Writer.Retweet")
	if _, err := w.actor(ctx, user); err != nil {
		return 0, err
	}
	t, err := w.original(ctx, "tweet", user, tweet)
	if err != nil {
		return 0, err
	}
	if t.Author != user {
		author, err := w.person(ctx, "tweet", t.Author)
		if err != nil {
			return 0, err
		}
		if author.Protected {
			return 0, &warble.Error{Kind: warble.ErrForbidden, Param: "tweet", Value: tweet.String(), Detail: "tweets of a protected account cannot be retweeted"}
		}
	}
	lock := w.locks.of(user)
	lock.Lock()
	defer lock.Unlock()
	stands, err := w.s.Edges.Get(ctx, warble.Retweet, user, t.ID)
	if err != nil {
		return 0, err
	}
	if stands[0].Since != 0 {
		return stands[0].Since, nil
	}
	newest, err := w.takeTurn(ctx, user)
	if err != nil {
		return 0, err
	}
	id, err = w.storeRetweet(ctx, user, t, newest)
	if err != nil && !errors.Is(err, warble.ErrUnknown) {
		w.people.of(user).giveBack(w.opt.Clock())
	}
	return id, err
}

// storeRetweet applies the row with its edge. Where another process was first,
// the edge names its row: then ours is taken back and the other's is the answer.
func (w *Writer) storeRetweet(ctx context.Context, user warble.UserID, t *warble.Tweet, newest warble.TweetID) (warble.TweetID, error) {
	id, err := w.ids.Next(ctx, t.ID, newest)
	if err != nil {
		return 0, err
	}
	row := &warble.Tweet{ID: id, Author: user, Version: 1, Conversation: id, RetweetOf: t.ID, RetweetAuthor: t.Author}
	put := []warble.Edge{{Kind: warble.Retweet, From: user, To: t.ID, Since: id}}
	_, err = w.s.Commit.Apply(ctx, &warble.Change{
		Tweets: []*warble.Tweet{row},
		Put:    put,
		Events: []warble.Event{{Kind: warble.EventTweet, Key: user, ID: id, Edges: slices.Clone(put)}},
	})
	if err != nil {
		return 0, err
	}
	w.people.of(user).posted(id)
	if first := put[0].Since; first != id {
		gone := &warble.Tweet{ID: id, Author: user, Version: 2, Gone: true}
		_, err := w.s.Commit.Apply(ctx, &warble.Change{Tweets: []*warble.Tweet{gone}, Events: []warble.Event{{Kind: warble.EventTweetGone, Key: user, ID: id}}})
		return first, err
	}
	return id, nil
}

// RemoveRetweet takes one's retweet of a tweet back. tweet is the original or
// any retweet of it.
func (w *Writer) RemoveRetweet(ctx context.Context, user warble.UserID, tweet warble.TweetID) (err error) {
	defer warble.Wrap(&err, "Writer.RemoveRetweet")
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	t, err := w.row(ctx, "tweet", tweet)
	if err != nil {
		return err
	}
	return w.takeBack(ctx, user, t.Original(), 0)
}

// takeBack removes the retweet edge together with the row it names: in one
// Change, so that no row stands without its edge. With row set, an edge that
// names another row stays.
func (w *Writer) takeBack(ctx context.Context, user warble.UserID, original, row warble.TweetID) error {
	lock := w.locks.of(user)
	lock.Lock()
	defer lock.Unlock()
	edges, err := w.s.Edges.Get(ctx, warble.Retweet, user, original)
	if err != nil {
		return err
	}
	c := new(warble.Change)
	if e := edges[0]; e.Since != 0 && (row == 0 || e.Since == row) {
		row = e.Since
		c.Gone = []warble.EdgeKey{e.Key()}
		c.Events = []warble.Event{warble.EdgesGone(user, c.Gone)}
	}
	if row == 0 {
		return nil
	}
	c.Tweets = []*warble.Tweet{{ID: row, Author: user, Version: 2, Gone: true}}
	c.Events = append(c.Events, warble.Event{Kind: warble.EventTweetGone, Key: user, ID: row})
	_, err = w.s.Commit.Apply(ctx, c)
	return err
}
