package warble

import (
	"context"
	"slices"
)

// Tweets looks tweets up by id. Items keep the order of ids; where one is
// refused its Tweet is nil and the error beside it says why.
func (r *Reader) Tweets(ctx context.Context, viewer UserID, inc Include, ids ...TweetID) (tl *Timeline, refused []error, err error) {
	defer wrap(&err, "Reader.Tweets")
	rows, err := r.s.Tweets.Get(ctx, ids...)
	if err != nil {
		return nil, nil, err
	}
	sc := &scene{r: r, viewer: viewer, inc: inc}
	if err := sc.load(ctx, rows); err != nil {
		return nil, nil, err
	}
	refused = make([]error, len(ids))
	var got []placed
	for i, t := range rows {
		if refused[i] = sc.sees(t, direct); refused[i] != nil {
			continue
		}
		if t.RetweetOf != 0 {
			named, err := namedByEdge(ctx, r.s, t)
			if err != nil {
				return nil, nil, err
			}
			if !named {
				refused[i] = errTweetNotFound
				continue
			}
		}
		got = append(got, placed{t, t.ID})
	}
	tl, err = sc.timeline(ctx, got, Page{Limit: len(got)})
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
func (r *Reader) tweet(ctx context.Context, viewer UserID, id TweetID) (*Tweet, error) {
	rows, err := r.s.Tweets.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return rows[0], canSee(ctx, r.s, viewer, rows[0])
}

// person loads one user whose tweets viewer may see, or the reason why not.
func (r *Reader) person(ctx context.Context, viewer, id UserID) (*User, error) {
	c, err := castOf(ctx, r.s, viewer, []UserID{id})
	if err != nil {
		return nil, err
	}
	u, b := c.get(id)
	return u, visiblePerson(viewer, u, b, direct)
}

// UserTimeline is what one person wrote and retweeted.
func (r *Reader) UserTimeline(ctx context.Context, viewer, user UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer wrap(&err, "Reader.UserTimeline")
	if _, err := r.person(ctx, viewer, user); err != nil {
		return nil, err
	}
	var wrong error
	tl, err = r.fill(ctx, viewer, q, direct, r.byAuthor(user), r.standingRetweet(ctx, &wrong))
	if wrong != nil {
		return nil, wrong
	}
	return tl, err
}

// Mentions are the tweets that name a person.
func (r *Reader) Mentions(ctx context.Context, viewer, user UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer wrap(&err, "Reader.Mentions")
	if _, err := r.person(ctx, viewer, user); err != nil {
		return nil, err
	}
	return r.fill(ctx, viewer, q, inList, fromEdges(r.s.Edges.To, Mention, user, edgeFrom), nil)
}

// Liked are the tweets a person likes, newest like first; positions are the likes' Sinces.
func (r *Reader) Liked(ctx context.Context, viewer, user UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer wrap(&err, "Reader.Liked")
	if _, err := r.person(ctx, viewer, user); err != nil {
		return nil, err
	}
	return r.fill(ctx, viewer, q, inList, fromEdges(r.s.Edges.From, Like, user, edgeTo), nil)
}

// Bookmarks are the viewer's own, newest first; nobody else's can be read.
func (r *Reader) Bookmarks(ctx context.Context, viewer UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer wrap(&err, "Reader.Bookmarks")
	if viewer == 0 {
		return nil, Fail(ErrUnauthorized, "sign in to read bookmarks")
	}
	return r.fill(ctx, viewer, q, direct, fromEdges(r.s.Edges.From, Bookmark, viewer, edgeTo), nil)
}

// QuotesOf are the tweets that quote a tweet.
func (r *Reader) QuotesOf(ctx context.Context, viewer UserID, tweet TweetID, q TimelineQuery) (tl *Timeline, err error) {
	defer wrap(&err, "Reader.QuotesOf")
	if _, err := r.tweet(ctx, viewer, tweet); err != nil {
		return nil, err
	}
	return r.fill(ctx, viewer, q, inList, fromEdges(r.s.Edges.To, Quote, tweet, edgeFrom), nil)
}

// Replies are the direct replies to a tweet.
func (r *Reader) Replies(ctx context.Context, viewer UserID, tweet TweetID, q TimelineQuery) (tl *Timeline, err error) {
	defer wrap(&err, "Reader.Replies")
	if _, err := r.tweet(ctx, viewer, tweet); err != nil {
		return nil, err
	}
	return r.fill(ctx, viewer, q, inList, fromEdges(r.s.Edges.To, Reply, tweet, edgeFrom), nil)
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
func (r *Reader) Thread(ctx context.Context, viewer UserID, tweet TweetID, inc Include) (ancestors, descendants *Timeline, err error) {
	defer wrap(&err, "Reader.Thread")
	t, err := r.tweet(ctx, viewer, tweet)
	if err != nil {
		return nil, nil, err
	}
	var above []TweetID
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
func (r *Reader) repliesBelow(ctx context.Context, root TweetID) ([]TweetID, error) {
	var found []TweetID
	stack := []TweetID{root}
	for len(stack) > 0 && len(found) < threadDescendants {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if id != root {
			found = append(found, id)
		}
		edges, err := r.s.Edges.To(ctx, Reply, id, Page{Limit: threadDescendants})
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
func (r *Reader) listed(ctx context.Context, viewer UserID, inc Include, ids []TweetID) (*Timeline, error) {
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
		if sc.sees(t, inList) == nil {
			got = append(got, placed{t, t.ID})
		}
	}
	tl, err := sc.timeline(ctx, got, Page{Limit: len(got)})
	if tl != nil {
		tl.Next = 0
	}
	return tl, err
}

// Public are the newest tweets of public accounts, replies and retweets left out.
func (r *Reader) Public(ctx context.Context, viewer UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer wrap(&err, "Reader.Public")
	q.NoReplies, q.NoRetweets = true, true
	return r.fill(ctx, viewer, q, inList, r.found(&Query{Op: QueryAll}), func(sc *scene, t *Tweet) bool {
		u, _ := sc.person(t.Author)
		return !u.Protected
	})
}

// History returns every version of a tweet, oldest first.
func (r *Reader) History(ctx context.Context, viewer UserID, tweet TweetID) (versions []*Tweet, err error) {
	defer wrap(&err, "Reader.History")
	if _, err := r.tweet(ctx, viewer, tweet); err != nil {
		return nil, err
	}
	return r.s.Tweets.Versions(ctx, tweet)
}

// Photo finds a stored photo and says whether anyone may fetch it. It fails
// with ErrNotFound also where viewer may not see the tweet or profile that
// owns it, and for one that nothing owns yet unless viewer uploaded it.
func (r *Reader) Photo(ctx context.Context, viewer UserID, media DocID, photo PhotoID) (p *Photo, public bool, err error) {
	defer wrap(&err, "Reader.Photo")
	none := Fail(ErrNotFound, "there is no such photo")
	docs, err := r.s.Docs.Get(ctx, media)
	if err != nil {
		return nil, false, err
	}
	if docs[0] == nil || docs[0].Kind != DocMedia {
		return nil, false, none
	}
	m, err := MediaOf(docs[0])
	if err != nil || m.Photo.ID != photo {
		return nil, false, none
	}
	owner := docs[0].Owner
	c, err := castOf(ctx, r.s, viewer, []UserID{owner})
	if err != nil {
		return nil, false, err
	}
	u, b := c.get(owner)
	switch {
	case m.Profile != 0 && u.Active(): // pictures of a profile are public, as its name is
		return &m.Photo, true, nil
	case m.Tweet != 0:
		rows, err := r.s.Tweets.Get(ctx, m.Tweet)
		if err != nil {
			return nil, false, err
		}
		if visible(viewer, rows[0], u, b, direct) != nil {
			return nil, false, none
		}
		return &m.Photo, !u.Protected, nil
	case viewer == owner && viewer != 0 && u.Active():
		return &m.Photo, false, nil
	}
	return nil, false, none
}
