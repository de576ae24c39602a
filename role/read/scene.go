package read

import (
	"context"
	"warble"
)

// placed is a tweet that is to be shown, and its place in its list.
type placed struct {
	t   *warble.Tweet
	pos warble.ID
}

// scene is what one answer is made of: the people in it with the viewer's
// bonds, and the tweets referred to.
type scene struct {
	r      *Reader
	viewer warble.UserID
	inc    Include
	on     warble.Surface // of the page; what it refers to is shown on the same
	casts  []*warble.Cast
	refs   map[warble.TweetID]*warble.Tweet
	// retweeters are those whose retweet edges home looked at.
	retweeters []warble.UserID
}

// load fetches the people of rows and the tweets they refer to. It may be
// called again for further rows. Rows may be nil.
func (sc *scene) load(ctx context.Context, rows []*warble.Tweet) error {
	want, err := sc.loadPeople(ctx, rows)
	if err != nil || len(want) == 0 {
		return err
	}
	further, err := sc.loadRefs(ctx, want)
	if err != nil {
		return err
	}
	// A retweeted tweet may quote another: one more step, never two.
	want, err = sc.loadPeople(ctx, further)
	if err != nil || len(want) == 0 {
		return err
	}
	further, err = sc.loadRefs(ctx, want)
	if err == nil {
		_, err = sc.loadPeople(ctx, further)
	}
	return err
}

// loadPeople loads everyone rows name and returns the ids of the tweets they
// refer to that are not loaded yet.
func (sc *scene) loadPeople(ctx context.Context, rows []*warble.Tweet) ([]warble.TweetID, error) {
	people := make([]warble.UserID, 0, 2*len(rows))
	var refs []warble.TweetID
	for _, t := range rows {
		if t == nil || t.Gone {
			continue
		}
		people = append(people, t.Author)
		if t.ReplyAuthor != 0 {
			people = append(people, t.ReplyAuthor)
		}
		if t.RetweetOf != 0 {
			people, refs = append(people, t.RetweetAuthor), append(refs, t.RetweetOf)
		}
		if t.QuoteOf != 0 && sc.inc.Refs {
			people, refs = append(people, t.QuoteAuthor), append(refs, t.QuoteOf)
		}
		if t.ReplyTo != 0 && sc.inc.Replied {
			refs = append(refs, t.ReplyTo)
		}
		if sc.inc.Mentioned {
			people = append(people, t.Mentions...)
		}
	}
	missing := refs[:0]
	for _, id := range refs {
		if _, ok := sc.refs[id]; !ok {
			missing = append(missing, id)
		}
	}
	c, err := warble.CastOf(ctx, sc.r.s, sc.viewer, people)
	if err != nil {
		return nil, err
	}
	sc.casts = append(sc.casts, c)
	return missing, nil
}

func (sc *scene) loadRefs(ctx context.Context, ids []warble.TweetID) ([]*warble.Tweet, error) {
	rows, err := sc.r.s.Tweets.Get(ctx, ids...)
	if err != nil {
		return nil, err
	}
	if sc.refs == nil {
		sc.refs = make(map[warble.TweetID]*warble.Tweet, len(ids))
	}
	for i, id := range ids {
		sc.refs[id] = rows[i]
	}
	return rows, nil
}

// person returns someone the loaded rows name, and the viewer's bond.
func (sc *scene) person(id warble.UserID) (*warble.User, warble.Bond) {
	for i := len(sc.casts) - 1; i >= 0; i-- {
		if u, b := sc.casts[i].Get(id); u != nil {
			return u, b
		}
	}
	return nil, 0
}

// sees is the predicate visible for a loaded row, a retweet's original included.
func (sc *scene) sees(t *warble.Tweet, on warble.Surface) error {
	if t == nil {
		return warble.ErrTweetNotFound
	}
	author, b := sc.person(t.Author)
	if err := warble.Visible(sc.viewer, t, author, b, on); err != nil || t.RetweetOf == 0 {
		return err
	}
	author, b = sc.person(t.RetweetAuthor)
	return warble.Visible(sc.viewer, sc.refs[t.RetweetOf], author, b, on)
}

// timeline makes the page out of the tweets found: the newest (or oldest)
// page.Limit of them.
func (sc *scene) timeline(ctx context.Context, got []placed, p warble.Page) (*Timeline, error) {
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	tl := &Timeline{}
	if len(got) > p.Limit {
		if p.Oldest {
			got = got[len(got)-p.Limit:]
		} else {
			got = got[:p.Limit]
		}
		tl.Next = got[len(got)-1].pos
	} else if p.Oldest && len(got) > 0 {
		tl.Next = got[len(got)-1].pos
	}
	tl.Items = make([]Item, len(got))
	shown := make([]*Item, 0, len(got)+len(sc.refs))
	for i, g := range got {
		tl.Items[i] = Item{Tweet: g.t, Pos: g.pos}
		tl.Items[i].Author, _ = sc.person(g.t.Author)
		shown = append(shown, &tl.Items[i])
	}
	for i := range tl.Items {
		shown = sc.addRefs(tl, tl.Items[i].Tweet, shown)
	}
	if sc.inc.Mentioned {
		tl.People = sc.mentioned(shown)
	}
	return tl, sc.dress(ctx, shown)
}

// addRefs adds what a shown tweet refers to, and the viewer may see, to the
// page: only that, so that a page does not depend on what was read ahead.
func (sc *scene) addRefs(tl *Timeline, t *warble.Tweet, shown []*Item) []*Item {
	for _, id := range [...]warble.TweetID{t.RetweetOf, t.QuoteOf, t.ReplyTo} {
		row := sc.refs[id]
		if _, known := tl.Refs[id]; known || row == nil || sc.sees(row, sc.on) != nil {
			continue
		}
		if tl.Refs == nil {
			tl.Refs = make(map[warble.TweetID]*Item, len(sc.refs))
		}
		it := &Item{Tweet: row, Pos: id}
		it.Author, _ = sc.person(row.Author)
		tl.Refs[id] = it
		shown = append(shown, it)
		if id == t.RetweetOf { // what is shown is the original, and it may quote another
			shown = sc.addRefs(tl, row, shown)
		}
	}
	return shown
}

// mentioned collects the people that the shown tweets name.
func (sc *scene) mentioned(shown []*Item) map[warble.UserID]*warble.User {
	people := map[warble.UserID]*warble.User{}
	for _, it := range shown {
		for _, id := range append([]warble.UserID{it.Tweet.ReplyAuthor}, it.Tweet.Mentions...) {
			if u, _ := sc.person(id); u.Active() {
				people[id] = u
			}
		}
	}
	return people
}

var (
	tweetCountKinds = []warble.CountKind{warble.CountReplies, warble.CountRetweets, warble.CountQuotes, warble.CountLikes, warble.CountBookmarks}
	flagKinds       = []warble.EdgeKind{warble.Like, warble.Retweet, warble.Bookmark}
)

// dress adds the numbers and the viewer's flags, in one batch each. A number
// shown is never below what the viewer's own flag implies.
func (sc *scene) dress(ctx context.Context, items []*Item) error {
	ids := make([]warble.TweetID, len(items))
	polls := false
	for i, it := range items {
		ids[i] = it.Tweet.Original()
		polls = polls || it.Tweet.Poll != nil
	}
	if len(ids) == 0 {
		return nil
	}
	if sc.inc.Flags && sc.viewer != 0 {
		flags, err := sc.r.s.Edges.Among(ctx, sc.viewer, flagKinds, ids)
		if err != nil {
			return err
		}
		for i, f := range flags {
			items[i].Viewer = ViewerFlags{f&1 != 0, f&2 != 0, f&4 != 0}
		}
	}
	if sc.inc.Counts {
		n, err := sc.r.s.Counts.Get(ctx, tweetCountKinds, ids)
		if err != nil {
			return err
		}
		for i, it := range items {
			c := n[i*len(tweetCountKinds):]
			it.Counts = TweetCounts{c[0], max(c[1], one(it.Viewer.Retweeted)), c[2], max(c[3], one(it.Viewer.Liked)), max(c[4], one(it.Viewer.Bookmarked))}
		}
	}
	if polls {
		return sc.polls(ctx, items)
	}
	return nil
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// polls adds how polls stand, and what the viewer chose.
func (sc *scene) polls(ctx context.Context, items []*Item) error {
	for _, it := range items {
		if it.Tweet.Poll == nil {
			continue
		}
		n, err := sc.r.s.Counts.Get(ctx, warble.VoteKinds[:len(it.Tweet.Poll.Options)], []warble.ID{it.Tweet.ID})
		if err != nil {
			return err
		}
		it.Poll = &PollResult{Votes: n}
		if sc.viewer == 0 {
			continue
		}
		votes, err := sc.r.s.Edges.Get(ctx, warble.Vote, sc.viewer, it.Tweet.ID)
		if err != nil {
			return err
		}
		if v := votes[0].Value; v != "" {
			it.Poll.Voted = v[0]
			for i := range n {
				n[i] = max(n[i], one(v[0]>>i&1 != 0))
			}
		}
	}
	return nil
}
