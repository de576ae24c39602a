// Package read is the read role: every answer Warble gives, GenerateTimeline
// first. Each passes warble.Visible inside its page-filling loop, so a page is
// never short while older tweets exist that the viewer may see.
package read

import (
	"context"
	"sync/atomic"
	"time"
	"warble"
)

// Reader is the read role: every answer Warble gives. It holds no state that
// another reader would need; what it keeps are answers of truth that cannot
// change, or may be ten minutes old by contract (deep scrolling).
type Reader struct {
	s    *warble.Stores
	opt  warble.Options
	pull *warble.PullSet
	kept *warble.Memo[keptKey, *keptPage]
	deep *warble.Memo[deepKey, *deepRun]
	ends *warble.Memo[warble.UserID, oldestSeen]

	firstPages, emptyPages atomic.Int64
}

// HomeStats counts first pages of home timelines; Empty ones are those an
// operator must hear of.
type HomeStats struct{ First, Empty int64 }

// Homes returns the counts since the reader was made.
func (r *Reader) Homes() HomeStats { return HomeStats{r.firstPages.Load(), r.emptyPages.Load()} }

// NewReader makes a read role over stores.
func NewReader(s *warble.Stores, opt warble.Options) *Reader {
	opt = opt.WithDefaults()
	return &Reader{
		s: s, opt: opt,
		pull: warble.NewPullSet(s, opt.Clock),
		kept: warble.NewMemo[keptKey, *keptPage](keptPages),
		deep: warble.NewMemo[deepKey, *deepRun](4096),
		ends: warble.NewMemo[warble.UserID, oldestSeen](1 << 17),
	}
}

// Item is a tweet as one viewer sees it. For a retweet, Counts, Viewer and
// Poll are its original's.
type Item struct {
	Tweet  *warble.Tweet
	Author *warble.User
	Counts TweetCounts
	Viewer ViewerFlags
	Poll   *PollResult // nil without a poll
	Pos    warble.ID   // the item's place in the list it came from: its id, or an edge's Since
}

// TweetCounts are the public numbers of a tweet.
type TweetCounts struct{ Replies, Retweets, Quotes, Likes, Bookmarks int64 }

// ViewerFlags say what the viewer has done with a tweet.
type ViewerFlags struct{ Liked, Retweeted, Bookmarked bool }

// PollResult is how a poll stands: Votes per option, and the viewer's choices
// as a bit per option.
type PollResult struct {
	Votes []int64
	Voted byte
}

// Include says what an answer should hold besides tweets and their authors.
type Include struct {
	Counts    bool // public numbers
	Flags     bool // what the viewer did with each
	Refs      bool // originals and quoted tweets, in Timeline.Refs
	Replied   bool // the tweets replied to, in Timeline.Refs
	Mentioned bool // people mentioned and replied to, in Timeline.People
}

// TimelineQuery asks for a page of tweets.
type TimelineQuery struct {
	warble.Page
	NoReplies  bool
	NoRetweets bool
	Include    Include
}

// Timeline is one page of tweets, newest first. It is never short while older
// tweets exist that the viewer may see. It is shared and must not be changed.
type Timeline struct {
	Items  []Item
	Refs   map[warble.TweetID]*Item       // what Items refer to and the viewer may see; nil when none
	People map[warble.UserID]*warble.User // see Include.Mentioned; nil when none
	Next   warble.ID                      // Page.Before of the next older page; 0: the oldest was reached

	// Kept is there when the page will be given out again while it stays the
	// same: an edge may keep here what it made of it.
	Kept *atomic.Value `json:"-"`
}

// Original is a retweet's original as the viewer sees it, else nil.
func (tl *Timeline) Original(it *Item) *Item {
	if it.Tweet.RetweetOf == 0 {
		return nil
	}
	return tl.Refs[it.Tweet.RetweetOf]
}

// tweets makes a page of the tweets of a source that the viewer may see. keep,
// if not nil, says which of them belong.
func (r *Reader) tweets(ctx context.Context, viewer warble.UserID, q TimelineQuery, on warble.Surface, src source, keep func(*scene, *warble.Tweet) bool) (*Timeline, error) {
	sc := &scene{r: r, viewer: viewer, inc: q.Include, on: on}
	show := func(ctx context.Context, spans []span) ([]placed, error) {
		return r.visibleSpans(ctx, sc, q, on, spans, keep)
	}
	got, next, err := fill(ctx, q.Page, src, show, func(p placed) warble.ID { return p.pos })
	if err != nil {
		return nil, err
	}
	tl, err := sc.timeline(ctx, got, warble.Page{Limit: len(got)})
	if err != nil {
		return nil, err
	}
	tl.Next = next
	return tl, nil
}

// visibleSpans loads what spans point at and drops what the viewer may not see.
func (r *Reader) visibleSpans(ctx context.Context, sc *scene, q TimelineQuery, on warble.Surface, spans []span, keep func(*scene, *warble.Tweet) bool) ([]placed, error) {
	if len(spans) == 0 {
		return nil, nil
	}
	ids := make([]warble.TweetID, len(spans))
	for i, s := range spans {
		ids[i] = s.id
	}
	rows, err := r.s.Tweets.Get(ctx, ids...)
	if err != nil {
		return nil, err
	}
	if err := sc.load(ctx, rows); err != nil {
		return nil, err
	}
	found := make([]placed, 0, len(rows))
	for i, t := range rows {
		if sc.sees(t, on) == nil && !q.leavesOut(t) && (keep == nil || keep(sc, t)) {
			found = append(found, placed{t, spans[i].pos})
		}
	}
	return found, nil
}

// leavesOut says whether the query excludes this sort of tweet.
func (q *TimelineQuery) leavesOut(t *warble.Tweet) bool {
	return q.NoRetweets && t.RetweetOf != 0 || q.NoReplies && t.ReplyTo != 0
}

// byAuthor is the source of one person's tweets.
func (r *Reader) byAuthor(author warble.UserID) source {
	return func(ctx context.Context, p warble.Page) ([]span, error) {
		ids, err := r.s.Tweets.By(ctx, author, p)
		return spansOf(ids), err
	}
}

// fromEdges is the source of the tweets that edges point at (in false: the
// edges' From ends, in true: their To ends), ordered by Since.
func fromEdges(list func(context.Context, warble.EdgeKind, warble.ID, warble.Page) ([]warble.Edge, error), kind warble.EdgeKind, id warble.ID, ends func(warble.Edge) warble.ID) source {
	return func(ctx context.Context, p warble.Page) ([]span, error) {
		edges, err := list(ctx, kind, id, p)
		spans := make([]span, len(edges))
		for i, e := range edges {
			spans[i] = span{ends(e), e.Since}
		}
		return spans, err
	}
}

func edgeFrom(e warble.Edge) warble.ID { return e.From }
func edgeTo(e warble.Edge) warble.ID   { return e.To }

func spansOf(ids []warble.TweetID) []span {
	spans := make([]span, len(ids))
	for i, id := range ids {
		spans[i] = span{id, id}
	}
	return spans
}

// oldestSeen is an author's oldest tweet as a walk to the end found it.
type oldestSeen struct {
	id warble.TweetID
	at time.Time
}
