package read

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
	"warble"
)

// deepTTL is how long the result of one deep merge serves its reader.
const deepTTL = 10 * time.Minute

// deepKey names a deep merge: whose, where it starts, and the viewer's newest
// follow, so that a new follow shows at once. (People unfollowed are dropped
// when the entries are loaded.)
type deepKey struct {
	viewer warble.UserID
	from   warble.TweetID
	newest warble.ID
	oldest bool
}

// deepRun is a stretch of a home below its floor: complete from the start in
// its key on.
type deepRun struct {
	ids  []warble.TweetID // newest first
	end  bool             // nothing lies beyond
	till time.Time
}

// deepEntries returns entries of a home below the floor of what is stored. One
// merge over everyone followed fetches TimelineKeep ids and serves the pages after it.
func (r *Reader) deepEntries(ctx context.Context, viewer warble.UserID, p warble.Page) ([]warble.TweetID, error) {
	newest, err := r.s.Edges.From(ctx, warble.Follow, viewer, warble.Page{Limit: 1})
	if err != nil {
		return nil, err
	}
	key := deepKey{viewer: viewer, oldest: p.Oldest}
	if len(newest) > 0 {
		key.newest = newest[0].Since
	}
	var got []warble.TweetID
	for {
		run, err := r.deepRun(ctx, key, p)
		if err != nil {
			return nil, err
		}
		for _, id := range run.ids {
			if p.Has(id) {
				got = append(got, id)
			}
		}
		if p.Oldest || len(got) >= p.Limit || run.end || run.ids[len(run.ids)-1] <= p.After+1 {
			return clip(got, p), nil
		}
		p.Before = run.ids[len(run.ids)-1]
	}
}

// deepRun finds the run that holds the page's start, or merges a new one.
func (r *Reader) deepRun(ctx context.Context, key deepKey, p warble.Page) (*deepRun, error) {
	now := r.opt.Clock()
	index := key
	index.from = 0 // the run the reader is in
	if run, ok := r.deep.Get(index); ok && !p.Oldest && now.Before(run.till) && run.holds(p.Before) {
		return run, nil
	}
	if p.Oldest {
		ids, end, err := r.merge(ctx, key.viewer, p)
		return &deepRun{ids: ids, end: end}, err
	}
	key.from = p.Before
	if run, ok := r.deep.Get(key); ok && now.Before(run.till) {
		return run, nil
	}
	ids, end, err := r.merge(ctx, key.viewer, warble.Page{Before: p.Before, Limit: warble.TimelineKeep})
	if err != nil {
		return nil, err
	}
	run := &deepRun{ids: ids, end: end || len(ids) == 0, till: now.Add(deepTTL)}
	r.deep.Set(key, run)
	r.deep.Set(index, run)
	return run, nil
}

// holds says whether the run is complete from just below before on.
func (d *deepRun) holds(before warble.TweetID) bool {
	return len(d.ids) > 0 && before <= d.ids[0] && (d.end || before > d.ids[len(d.ids)-1])
}

// pullHome builds a home from truth: the newest page.Limit entries of everyone
// followed, and the floor: the oldest of them, or 0 where that was everything.
func (r *Reader) pullHome(ctx context.Context, viewer warble.UserID, p warble.Page) ([]warble.TweetID, warble.TweetID, error) {
	ids, end, err := r.merge(ctx, viewer, p)
	if err != nil || end || len(ids) == 0 {
		return ids, 0, err
	}
	return ids, ids[len(ids)-1], nil
}

// merge merges the tweets of everyone viewer follows, and his own, inside the
// page. end says that nothing lies beyond.
func (r *Reader) merge(ctx context.Context, viewer warble.UserID, p warble.Page) (ids []warble.TweetID, end bool, err error) {
	authors, err := allTo(ctx, r.s.Edges, warble.Follow, viewer)
	if err != nil {
		return nil, false, err
	}
	return r.mergeAuthors(ctx, append(authors, viewer), p)
}

// strand is one author's part in a merge.
type strand struct {
	author warble.UserID
	ids    []warble.TweetID // as fetched, in walking order
	done   bool             // the author has no more
}

// mergeAuthors fetches a little of each author, then more of only those who
// could still have something among the page's entries.
func (r *Reader) mergeAuthors(ctx context.Context, authors []warble.UserID, p warble.Page) ([]warble.TweetID, bool, error) {
	now := r.opt.Clock()
	strands := make([]strand, 0, len(authors))
	for _, a := range authors {
		if o, ok := r.ends.Get(a); ok && !p.Oldest && p.Before != 0 && o.id >= p.Before && now.Sub(o.at) < 10*time.Second {
			continue // the author's oldest tweet is newer than the page
		}
		strands = append(strands, strand{author: a})
	}
	todo := make([]*strand, len(strands))
	for i := range strands {
		todo[i] = &strands[i]
	}
	chunk := min(max(2*p.Limit/(len(strands)+1), 4), p.Limit)
	for len(todo) > 0 {
		if err := r.fetchAll(ctx, todo, p, chunk); err != nil {
			return nil, false, err
		}
		edge := mergeEdge(strands, p)
		open := todo[:0]
		for i := range strands {
			s := &strands[i]
			if !s.done && (edge == 0 || further(p, edge, s.ids[len(s.ids)-1])) {
				open = append(open, s)
			}
		}
		todo, chunk = open, min(4*chunk, maxChunk)
	}
	var all []warble.TweetID
	end := true
	for i := range strands {
		all = append(all, strands[i].ids...)
		end = end && strands[i].done
	}
	all = newestFirst(all)
	end = end && len(all) <= p.Limit
	return clip(all, p), end, nil
}

// further says whether a stands beyond b in the page's walking direction, so
// that a merge complete up to a needs more of an author last seen at b.
func further(p warble.Page, a, b warble.TweetID) bool {
	if p.Oldest {
		return b < a
	}
	return b > a
}

// mergeEdge is the last of the page's entries by what has been fetched, or 0
// while there are fewer than the page wants.
func mergeEdge(strands []strand, p warble.Page) warble.TweetID {
	var all []warble.TweetID
	for i := range strands {
		all = append(all, strands[i].ids...)
	}
	if len(all) < p.Limit {
		return 0
	}
	slices.Sort(all)
	if p.Oldest {
		return all[p.Limit-1]
	}
	return all[len(all)-p.Limit]
}

// fetchAll gets the next chunk of every strand, on all cores.
func (r *Reader) fetchAll(ctx context.Context, todo []*strand, p warble.Page, chunk int) error {
	workers := min(runtime.GOMAXPROCS(0), (len(todo)+31)/32)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(todo) && errs[w] == nil; i += workers {
				errs[w] = r.fetch(ctx, todo[i], p, chunk)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r *Reader) fetch(ctx context.Context, s *strand, p warble.Page, chunk int) error {
	p.Limit = chunk
	if n := len(s.ids); n > 0 && p.Oldest {
		p.After = s.ids[n-1]
	} else if n > 0 {
		p.Before = s.ids[n-1]
	}
	ids, err := r.s.Tweets.By(ctx, s.author, p)
	if err != nil {
		return err
	}
	if p.Oldest {
		slices.Reverse(ids)
	}
	s.ids = append(s.ids, ids...)
	s.done = len(ids) < chunk
	if s.done && !p.Oldest && p.After == 0 && len(s.ids) > 0 {
		r.ends.Set(s.author, oldestSeen{s.ids[len(s.ids)-1], r.opt.Clock()})
	}
	return nil
}

// allTo returns the To ends of every edge out of from, newest first.
func allTo(ctx context.Context, edges warble.Edges, kind warble.EdgeKind, from warble.ID) ([]warble.ID, error) {
	var ids []warble.ID
	p := warble.Page{Limit: 1000}
	for {
		got, err := edges.From(ctx, kind, from, p)
		if err != nil {
			return nil, err
		}
		for _, e := range got {
			ids = append(ids, e.To)
		}
		if len(got) < p.Limit {
			return ids, nil
		}
		p.Before = got[len(got)-1].Since
	}
}
