package read

import (
	"context"
	"slices"
	"warble"
)

// retweetWindow: a retweet is left out of home when its original, or another
// retweet of it, stands among so many entries above.
const retweetWindow = 40

// GenerateTimeline is the home timeline of viewer: the tweets and retweets of
// everyone viewer follows and his own, newest first. It is never empty for
// someone who follows people with tweets, and goes on to the oldest tweet.
//
// What home leaves out: a reply, unless the viewer follows (or is) the one
// replied to, or its author replies to himself; a retweet near its original
// or another retweet of it (see retweetWindow); what visible refuses.
func (r *Reader) GenerateTimeline(ctx context.Context, viewer warble.UserID, q TimelineQuery) (tl *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.GenerateTimeline")
	if viewer == 0 {
		return nil, warble.Fail(warble.ErrUnauthorized, "sign in to read a home timeline")
	}
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	h := &home{r: r, viewer: viewer, sc: &scene{r: r, viewer: viewer, inc: q.Include}}
	if q.Oldest {
		return h.upwards(ctx, q)
	}
	tl, err = h.downwards(ctx, q)
	if err == nil && q.Before == 0 && q.After == 0 {
		r.firstPages.Add(1)
		if len(tl.Items) == 0 {
			r.emptyPages.Add(1)
		}
	}
	return tl, err
}

// home is the making of one home page.
type home struct {
	r      *Reader
	viewer warble.UserID
	sc     *scene
	// above are the originals of the last entries seen, oldest last: at most
	// retweetWindow of them count.
	above   []warble.TweetID
	context bool // above holds what stands above the page, or nothing does
}

func (h *home) downwards(ctx context.Context, q TimelineQuery) (*Timeline, error) {
	p := q.Page
	// A few more than asked for, so that one trip is enough where little is left out.
	p.Limit = q.Limit + 1 + q.Limit/8
	h.context = p.Before == 0
	keep := p.Before == 0 && p.After == 0
	var got []placed
	for {
		at := h.r.s.Stamps.Now()
		ids, err := h.entries(ctx, p)
		if err != nil {
			return nil, err
		}
		if keep {
			if tl := h.r.keptHome(h.viewer, q, ids); tl != nil {
				return tl, nil
			}
		}
		if got, err = h.accept(ctx, q, got, ids); err != nil {
			return nil, err
		}
		if len(got) > q.Limit || len(ids) < p.Limit {
			tl, err := h.sc.timeline(ctx, got, q.Page)
			if err == nil && keep {
				h.r.keepHome(h.sc, q, ids, tl, at)
			}
			return tl, err
		}
		p.Before = ids[len(ids)-1]
		p.Limit = min(2*p.Limit, maxChunk)
		keep = false
	}
}

// upwards makes the page that follows After towards the present.
func (h *home) upwards(ctx context.Context, q TimelineQuery) (*Timeline, error) {
	for n := q.Limit + 1 + q.Limit/8; ; n *= 2 {
		p := q.Page
		p.Limit = n
		ids, err := h.entries(ctx, p)
		if err != nil {
			return nil, err
		}
		h.above, h.context = nil, len(ids) < n && p.Before == 0
		got, err := h.accept(ctx, q, nil, ids)
		if err != nil {
			return nil, err
		}
		if len(got) > q.Limit || len(ids) < n {
			return h.sc.timeline(ctx, got, q.Page)
		}
	}
}

// accept appends the entries that home shows.
func (h *home) accept(ctx context.Context, q TimelineQuery, got []placed, ids []warble.TweetID) ([]placed, error) {
	rows, err := h.standing(ctx, ids)
	if err != nil {
		return nil, err
	}
	if !h.context && len(rows) > 0 && slices.ContainsFunc(rows[:min(len(rows), retweetWindow)], isRetweet) {
		if err := h.lookAbove(ctx, rows[0].ID); err != nil {
			return nil, err
		}
	}
	h.context = true
	for _, t := range rows {
		if h.shows(t) && !q.leavesOut(t) {
			got = append(got, placed{t, t.ID})
		}
		h.above = append(h.above, t.Original())
	}
	if n := len(h.above); n > retweetWindow {
		h.above = h.above[n-retweetWindow:]
	}
	return got, nil
}

func isRetweet(t *warble.Tweet) bool { return t.RetweetOf != 0 }

// standing loads entries and drops first what is gone, what is no longer
// named by its retweet edge, and what comes from someone no longer followed.
func (h *home) standing(ctx context.Context, ids []warble.TweetID) ([]*warble.Tweet, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := h.r.s.Tweets.Get(ctx, ids...)
	if err != nil {
		return nil, err
	}
	if err := h.sc.load(ctx, all); err != nil {
		return nil, err
	}
	rows := make([]*warble.Tweet, 0, len(all))
	for _, t := range all {
		if t == nil || t.Gone {
			continue
		}
		if _, b := h.sc.person(t.Author); t.Author != h.viewer && b&warble.BondFollows == 0 {
			continue
		}
		if t.RetweetOf != 0 {
			h.sc.retweeters = append(h.sc.retweeters, t.Author)
			named, err := namedByEdge(ctx, h.r.s, t)
			if err != nil {
				return nil, err
			}
			if !named {
				continue
			}
		}
		rows = append(rows, t)
	}
	return rows, nil
}

// namedByEdge says whether a retweet's row is the one its edge names.
func namedByEdge(ctx context.Context, s *warble.Stores, t *warble.Tweet) (bool, error) {
	e, err := s.Edges.Get(ctx, warble.Retweet, t.Author, t.RetweetOf)
	return err == nil && e[0].Since == t.ID, err
}

// shows decides about an entry that stands, given those above it.
func (h *home) shows(t *warble.Tweet) bool {
	if h.sc.sees(t, warble.InList) != nil {
		return false
	}
	if t.RetweetOf != 0 {
		recent := h.above[max(0, len(h.above)-retweetWindow):]
		return !slices.Contains(recent, t.RetweetOf)
	}
	if t.ReplyTo != 0 && t.ReplyAuthor != t.Author && t.ReplyAuthor != h.viewer {
		_, b := h.sc.person(t.ReplyAuthor)
		return b&warble.BondFollows != 0
	}
	return true
}

// lookAbove fills h.above with the entries that stand directly above id.
func (h *home) lookAbove(ctx context.Context, id warble.TweetID) error {
	p := warble.Page{After: id, Limit: retweetWindow + retweetWindow/4, Oldest: true}
	var above []*warble.Tweet // newest first
	for len(above) < retweetWindow {
		ids, err := h.entries(ctx, p)
		if err != nil {
			return err
		}
		rows, err := h.standing(ctx, ids)
		if err != nil {
			return err
		}
		above = append(rows, above...)
		if len(ids) < p.Limit {
			break
		}
		p.After = ids[0]
	}
	above = above[max(0, len(above)-retweetWindow):]
	h.above = h.above[:0]
	for _, t := range above {
		h.above = append(h.above, t.Original())
	}
	return nil
}

// entries returns the entries of the viewer's home inside the page, newest
// first: the stored ones, merged with what is pulled, and below the floor a
// merge over everyone followed. Fewer than p.Limit means: no more.
func (h *home) entries(ctx context.Context, p warble.Page) ([]warble.TweetID, error) {
	ids, floor, err := h.stored(ctx, p)
	if err != nil {
		return nil, err
	}
	if ids, err = h.withPulled(ctx, p, ids, floor); err != nil {
		return nil, err
	}
	if floor == 0 || len(ids) >= p.Limit && !p.Oldest || p.After >= floor {
		return ids, nil
	}
	below := p
	below.Before = min(p.Upper(), floor)
	if !p.Oldest {
		below.Limit = p.Limit - len(ids)
	}
	deep, err := h.r.deepEntries(ctx, h.viewer, below)
	if err != nil {
		return nil, err
	}
	if p.Oldest && len(deep) >= p.Limit {
		return deep, nil
	}
	ids = append(ids, deep...)
	if p.Oldest && len(ids) > p.Limit {
		ids = ids[len(ids)-p.Limit:]
	}
	return ids, nil
}

// stored reads the stored timeline, and builds it first where there is none.
func (h *home) stored(ctx context.Context, p warble.Page) ([]warble.TweetID, warble.TweetID, error) {
	for range 3 {
		ids, floor, ok, err := h.r.s.Timelines.Read(ctx, h.viewer, p)
		if err != nil || ok {
			return ids, floor, err
		}
		err = h.r.s.Timelines.Build(ctx, h.viewer, func(ctx context.Context) ([]warble.TweetID, warble.TweetID, error) {
			return h.r.pullHome(ctx, h.viewer, warble.Page{Limit: warble.TimelineKeep})
		})
		if err != nil {
			return nil, 0, err
		}
	}
	// Dropped again and again meanwhile: answer from truth, store nothing.
	ids, floor, err := h.r.pullHome(ctx, h.viewer, warble.Page{Limit: warble.TimelineKeep})
	kept := ids[:0]
	for _, id := range ids {
		if p.Has(id) {
			kept = append(kept, id)
		}
	}
	return clip(kept, p), floor, err
}

// clip keeps the end of a newest-first list that a page asks for.
func clip(ids []warble.TweetID, p warble.Page) []warble.TweetID {
	switch {
	case len(ids) <= p.Limit:
		return ids
	case p.Oldest:
		return ids[len(ids)-p.Limit:]
	}
	return ids[:p.Limit]
}

// withPulled merges the viewer's own tweets and those of followed authors in
// the pull set into stored entries. Below floor nothing is added: there the
// deep merge has everything.
func (h *home) withPulled(ctx context.Context, p warble.Page, ids []warble.TweetID, floor warble.TweetID) ([]warble.TweetID, error) {
	window := p
	if floor > 0 {
		window.After = max(p.After, floor-1)
	}
	full := len(ids) >= p.Limit
	if full && p.Oldest {
		window.Before = ids[0] + 1
	} else if full {
		window.After = max(window.After, ids[len(ids)-1]-1)
	}
	spans, err := h.r.pull.Of(ctx, h.viewer, window)
	if err != nil {
		return nil, err
	}
	spans = append(spans, warble.AuthorSpan{Author: h.viewer})
	n := len(ids)
	for _, s := range spans {
		w := s.Clip(window)
		if w.After >= w.Upper() {
			continue
		}
		more, err := h.r.s.Tweets.By(ctx, s.Author, w)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	if len(ids) == n {
		return ids, nil
	}
	return clip(newestFirst(ids), p), nil
}

// newestFirst sorts ids downwards and drops repeats.
func newestFirst(ids []warble.TweetID) []warble.TweetID {
	slices.SortFunc(ids, func(a, b warble.TweetID) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	return slices.Compact(ids)
}
