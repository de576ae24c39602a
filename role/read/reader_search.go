package read

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"warble"
)

// found is the source of the tweets that match a query.
func (r *Reader) found(q *warble.Query) source {
	return func(ctx context.Context, p warble.Page) ([]span, error) {
		ids, err := r.s.Index.Search(ctx, q, p)
		return spansOf(ids), err
	}
}

// query parses a search query and resolves the handles in it.
func (r *Reader) query(ctx context.Context, text string) (*warble.Query, error) {
	q, err := warble.ParseQuery(text)
	if err != nil {
		return nil, err
	}
	handles := q.Handles()
	if len(handles) == 0 {
		return q, nil
	}
	ids := make(map[string]warble.UserID, len(handles))
	for _, h := range handles {
		u, err := r.s.Users.ByHandle(ctx, h)
		if err != nil {
			return nil, err
		}
		if u.Active() {
			ids[h] = u.ID
		}
	}
	return q.Resolve(ids), nil
}

// Search finds tweets by what they say, newest first. The syntax is ParseQuery's.
func (r *Reader) Search(ctx context.Context, viewer warble.UserID, query string, q TimelineQuery) (tl *Timeline, err error) {
	defer warble.Wrap(&err, "Reader.Search")
	parsed, err := r.query(ctx, query)
	if err != nil {
		return nil, err
	}
	return r.tweets(ctx, viewer, q, warble.InList, r.found(parsed), nil)
}

// Bucket is how many tweets a stretch of time holds.
type Bucket struct {
	Start, End time.Time
	N          int
}

// maxCounted bounds the work of one SearchCounts.
const maxCounted = 100_000

// maxStopped is how often a count goes on where the index stopped.
const maxStopped = 10

// SearchCounts counts the tweets that match and that viewer may see, per step
// of time from from to to, oldest step first. It counts the newest 100,000
// matches at most.
func (r *Reader) SearchCounts(ctx context.Context, viewer warble.UserID, query string, from, to time.Time, step time.Duration) (buckets []Bucket, err error) {
	defer warble.Wrap(&err, "Reader.SearchCounts")
	parsed, err := r.query(ctx, query)
	if err != nil {
		return nil, err
	}
	if step <= 0 || !to.After(from) || to.Sub(from)/step > 1000 {
		return nil, warble.Invalid("granularity", step.String(), "the time span must hold between 1 and 1,000 steps")
	}
	for at := from.Truncate(step); at.Before(to); at = at.Add(step) {
		buckets = append(buckets, Bucket{Start: later(at, from), End: earlier(at.Add(step), to)})
	}
	first := from.Truncate(step)
	p := warble.Page{Before: warble.IDAt(to), After: max(warble.IDAt(from), 1) - 1, Limit: 1000}
	stopped := 0
	for seen := 0; seen < maxCounted; seen += p.Limit {
		spans, err := r.found(parsed)(ctx, p)
		stop := (*warble.Unfinished)(nil)
		if err != nil && !errors.As(err, &stop) {
			return nil, err
		}
		sc := &scene{r: r, viewer: viewer}
		rows, err := r.visibleSpans(ctx, sc, TimelineQuery{}, warble.InList, spans, nil)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if i := int(row.t.Created().Sub(first) / step); i >= 0 && i < len(buckets) {
				buckets[i].N++
			}
		}
		switch {
		case stop != nil:
			if stopped++; stopped > maxStopped {
				return nil, warble.Invalid("query", "", "this is too broad to be counted; ask for a shorter time or rarer words")
			}
			p.Before = stop.Before
		case len(spans) < p.Limit:
			return buckets, nil
		default:
			p.Before = spans[len(spans)-1].pos
		}
	}
	return buckets, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// peopleRanked is how many matches SearchPeople ranks on its first page.
const peopleRanked = 200

// SearchPeople finds accounts by handle, name and bio; the last word may be
// the beginning of one. Of the newest 200 matches it shows an exact handle
// first, then the most followed, and no further page; a query with bounds, or
// for 200 and more, is answered by age, page by page.
func (r *Reader) SearchPeople(ctx context.Context, viewer warble.UserID, query string, p warble.Page, inc PeopleInclude) (page *PeoplePage, err error) {
	defer warble.Wrap(&err, "Reader.SearchPeople")
	q, err := peopleQuery(query)
	if err != nil {
		return nil, err
	}
	if p.Before != 0 || p.After != 0 || p.Limit >= peopleRanked {
		return r.list(ctx, viewer, p, inc, r.found(q))
	}
	limit := p.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	inc.Counts = true
	all, err := r.list(ctx, viewer, warble.Page{Limit: peopleRanked}, inc, r.found(q))
	if err != nil {
		return nil, err
	}
	handle := warble.FoldHandle(strings.TrimPrefix(strings.TrimSpace(query), "@"))
	slices.SortStableFunc(all.People, func(a, b *Person) int {
		if c := cmp.Compare(one(warble.FoldHandle(b.User.Handle) == handle), one(warble.FoldHandle(a.User.Handle) == handle)); c != 0 {
			return c
		}
		return cmp.Compare(b.Counts.Followers, a.Counts.Followers)
	})
	if len(all.People) <= limit {
		return all, nil // where the search is not finished Next says so
	}
	// Positions are by age and ranks are not: only the top is shown ranked.
	return &PeoplePage{People: all.People[:min(limit, len(all.People))]}, nil
}

// peopleQuery makes a query over people: all the words, the last one a prefix.
func peopleQuery(text string) (*warble.Query, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "@")
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, warble.Invalid("query", text, "say whom to look for")
	}
	if len(text) > warble.MaxQuery || len(words) > 16 {
		return nil, warble.Invalid("query", text, "the query is too long: at most 512 characters and 16 words")
	}
	q := &warble.Query{Op: warble.QueryAnd, People: true}
	for _, w := range words[:len(words)-1] {
		q.Kids = append(q.Kids, &warble.Query{Op: warble.QueryWord, Text: w})
	}
	last := words[len(words)-1]
	op := warble.QueryPrefix
	if len([]rune(last)) < warble.MinPrefix {
		op = warble.QueryWord
	}
	q.Kids = append(q.Kids, &warble.Query{Op: op, Text: last})
	return q, nil
}
