package read

import (
	"context"
	"slices"
	"warble"
)

// Tweets looks tweets up by id. Items keep the order of ids; where one is
// refused its Tweet is nil and the error beside it says why.
func (r *Reader) Tweets(ctx context.Context, viewer warble.UserID, inc Include, ids ...warble.TweetID) (tl *Timeline, refused []error, err error) {
	defer warble.Wrap(&err, "Reader.Tweets")
	rows, err := r.s.Tweets.Get(ctx, ids...)
	if err != nil {
		return nil, nil, err
	}
	sc := &scene{r: r, viewer: viewer, inc: inc, on: warble.Direct}
	if err := sc.load(ctx, rows); err != nil {
		return nil, nil, err
	}
	refused = make([]error, len(ids))
	var got []placed
	for i, t := range rows {
		if refused[i] = sc.sees(t, warble.Direct); refused[i] != nil {
			continue
		}
		if t.RetweetOf != 0 {
			named, err := namedByEdge(ctx, r.s, t)
			if err != nil {
				return nil, nil, err
			}
			if !named {
				refused[i] = warble.ErrTweetNotFound
				continue
			}
		}
		got = append(got, placed{t, t.ID})
	}
	tl, err = sc.timeline(ctx, got, warble.Page{Limit: len(got)})
	if err != nil {
		return nil, nil, err
	}
	items := make([]Item, len(ids))
	for i, n := 0, 0; i < len(ids); i++ {
		if refused[i] == nil {
			items[i], n = tl.Items[n], n+1
		}
	}
	tl.Items, tl.Next = items, 0
	return tl, refused, nil
}

// tweet loads one tweet that viewer may see, or the reason why not.
func (r *Reader) tweet(ctx context.Context, viewer warble.UserID, id warble.TweetID) (*warble.Tweet, error) {
	rows, err := r.s.Tweets.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return rows[0], warble.CanSee(ctx, r.s, viewer, rows[0])
}

// person loads one user whose tweets viewer may see, or the reason why not.
func (r *Reader) person(ctx context.Context, viewer, id warble.UserID) (*warble.User, error) {
	c, err := warble.CastOf(ctx, r.s, viewer, []warble.UserID{id})
	if err != nil {
		return nil, err
	}
	u, b := c.Get(id)
	return u, warble.VisiblePerson(viewer, u, b, warble.Direct)
}

// UserTimeline is what one person wrote and retweeted.
func (r *Reader) UserTimeline(ctx context.Context, viewer, user warble.UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.UserTimeline")
	if _, err := r.person(ctx, viewer, user); err != nil {
		return nil, err
	}
	var wrong error
	tl, err = r.tweets(ctx, viewer, q, warble.Direct, r.byAuthor(user), r.standingRetweet(ctx, &wrong))
	if wrong != nil {
		return nil, wrong
	}
	return tl, err
}

// Mentions are the tweets that name a person.
func (r *Reader) Mentions(ctx context.Context, viewer, user warble.UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.Mentions")
	if _, err := r.person(ctx, viewer, user); err != nil {
		return nil, err
	}
	return r.tweets(ctx, viewer, q, warble.InList, fromEdges(r.s.Edges.To, warble.Mention, user, edgeFrom), nil)
}

// Liked are the tweets a person likes, newest like first; positions are the likes' Sinces.
func (r *Reader) Liked(ctx context.Context, viewer, user warble.UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.Liked")
	if _, err := r.person(ctx, viewer, user); err != nil {
		return nil, err
	}
	return r.tweets(ctx, viewer, q, warble.InList, fromEdges(r.s.Edges.From, warble.Like, user, edgeTo), nil)
}

// Bookmarks are the viewer's own, newest first; nobody else's can be read.
func (r *Reader) Bookmarks(ctx context.Context, viewer warble.UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.Bookmarks")
	if viewer == 0 {
		return nil, warble.Fail(warble.ErrUnauthorized, "sign in to read bookmarks")
	}
	return r.tweets(ctx, viewer, q, warble.Direct, fromEdges(r.s.Edges.From, warble.Bookmark, viewer, edgeTo), nil)
}

// QuotesOf are the tweets that quote a tweet.
func (r *Reader) QuotesOf(ctx context.Context, viewer warble.UserID, tweet warble.TweetID, q TimelineQuery) (tl *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.QuotesOf")
	if _, err := r.tweet(ctx, viewer, tweet); err != nil {
		return nil, err
	}
	return r.tweets(ctx, viewer, q, warble.InList, fromEdges(r.s.Edges.To, warble.Quote, tweet, edgeFrom), nil)
}

// Replies are the direct replies to a tweet.
func (r *Reader) Replies(ctx context.Context, viewer warble.UserID, tweet warble.TweetID, q TimelineQuery) (tl *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.Replies")
	if _, err := r.tweet(ctx, viewer, tweet); err != nil {
		return nil, err
	}
	return r.tweets(ctx, viewer, q, warble.InList, fromEdges(r.s.Edges.To, warble.Reply, tweet, edgeFrom), nil)
}

// Bounds of one thread view.
const (
	threadAncestors   = 100
	threadDescendants = 400
)

// Thread is what stands around a tweet: the tweets above it that it answers,
// the first of the thread first, and the replies below it, each directly
// after what it answers, oldest first. Both are bounded; a longer thread goes on in
// the view of one of its tweets.
func (r *Reader) Thread(ctx context.Context, viewer warble.UserID, tweet warble.TweetID, inc Include) (ancestors, descendants *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.Thread")
	t, err := r.tweet(ctx, viewer, tweet)
	if err != nil {
		return nil, nil, err
	}
	var above []warble.TweetID
	for up := t; up.ReplyTo != 0 && len(above) < threadAncestors; {
		rows, err := r.s.Tweets.Get(ctx, up.ReplyTo)
		if err != nil {
			return nil, nil, err
		}
		if rows[0] == nil || rows[0].Gone {
			break
		}
		above, up = append(above, up.ReplyTo), rows[0]
	}
	slices.Reverse(above)
	below, err := r.repliesBelow(ctx, tweet)
	if err != nil {
		return nil, nil, err
	}
	if ancestors, err = r.listed(ctx, viewer, inc, above); err != nil {
		return nil, nil, err
	}
	descendants, err = r.listed(ctx, viewer, inc, below)
	return ancestors, descendants, err
}

// repliesBelow walks the tree of replies depth first, oldest first.
func (r *Reader) repliesBelow(ctx context.Context, root warble.TweetID) ([]warble.TweetID, error) {
	var found []warble.TweetID
	stack := []warble.TweetID{root}
	for len(stack) > 0 && len(found) < threadDescendants {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if id != root {
			found = append(found, id)
		}
		edges, err := r.s.Edges.To(ctx, warble.Reply, id, warble.Page{Limit: threadDescendants})
		if err != nil {
			return nil, err
		}
		for _, e := range edges { // newest first, so the oldest is popped first
			stack = append(stack, e.From)
		}
	}
	return found, nil
}

// listed shows tweets in the order given, leaving out what viewer may not see
// or has hidden.
func (r *Reader) listed(ctx context.Context, viewer warble.UserID, inc Include, ids []warble.TweetID) (*Timeline, error) {
	rows, err := r.s.Tweets.Get(ctx, ids...)
	if err != nil {
		return nil, err
	}
	sc := &scene{r: r, viewer: viewer, inc: inc}
	if err := sc.load(ctx, rows); err != nil {
		return nil, err
	}
	var got []placed
	for _, t := range rows {
		if sc.sees(t, warble.InList) == nil {
			got = append(got, placed{t, t.ID})
		}
	}
	tl, err := sc.timeline(ctx, got, warble.Page{Limit: len(got)})
	if tl != nil {
		tl.Next = 0
	}
	return tl, err
}

// Public are the newest tweets of public accounts, replies and retweets left out.
func (r *Reader) Public(ctx context.Context, viewer warble.UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.Public")
	q.NoReplies, q.NoRetweets = true, true
	return r.tweets(ctx, viewer, q, warble.InList, r.found(&warble.Query{Op: warble.QueryAll}), func(sc *scene, t *warble.Tweet) bool {
		u, _ := sc.person(t.Author)
		return !u.Protected
	})
}

// History returns every version of a tweet, oldest first.
func (r *Reader) History(ctx context.Context, viewer warble.UserID, tweet warble.TweetID) (versions []*warble.Tweet, err error) {
	defer warble.Wrap(&err, "Reader.History")
	if _, err := r.tweet(ctx, viewer, tweet); err != nil {
		return nil, err
	}
	return r.s.Tweets.Versions(ctx, tweet)
}

// Photo finds a stored photo and says whether anyone may fetch it. It fails
// with ErrNotFound also where viewer may not see the tweet or profile that
// owns it, and for one that nothing owns yet unless viewer uploaded it.
func (r *Reader) Photo(ctx context.Context, viewer warble.UserID, media warble.DocID, photo warble.PhotoID) (p *warble.Photo, public bool, err error) {
	defer warble.Wrap(&err, "Reader.Photo")
	none := warble.Fail(warble.ErrNotFound, "there is no such photo")
	docs, err := r.s.Docs.Get(ctx, media)
	if err != nil {
		return nil, false, err
	}
	if docs[0] == nil || docs[0].Kind != warble.DocMedia {
		return nil, false, none
	}
	m, err := warble.MediaOf(docs[0])
	if err != nil || m.Photo.ID != photo {
		return nil, false, none
	}
	owner := docs[0].Owner
	c, err := warble.CastOf(ctx, r.s, viewer, []warble.UserID{owner})
	if err != nil {
		return nil, false, err
	}
	u, b := c.Get(owner)
	switch {
	case m.Profile != 0 && u.Active(): // pictures of a profile are public, as its name is
		return &m.Photo, true, nil
	case m.Tweet != 0:
		rows, err := r.s.Tweets.Get(ctx, m.Tweet)
		if err != nil {
			return nil, false, err
		}
		if warble.Visible(viewer, rows[0], u, b, warble.Direct) != nil {
			return nil, false, none
		}
		return &m.Photo, !u.Protected, nil
	case viewer == owner && viewer != 0 && u.Active():
		return &m.Photo, false, nil
	}
	return nil, false, none
}
