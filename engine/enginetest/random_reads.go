package enginetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"warble"
)

// page is a random page over the ids of the world.
func (r *random) page() warble.Page {
	p := warble.Page{Limit: 1 + r.intN(12), Oldest: r.intN(2) == 0}
	if r.intN(2) == 0 {
		p.Before = r.id() - warble.ID(r.intN(1<<24))
	}
	if r.intN(3) == 0 {
		p.After = r.tweet()
	}
	return p
}

// readAll compares everything that can be read about the world.
func (r *random) readAll(t *testing.T, when string) {
	t.Helper()
	r.readRows(t, when)
	r.readEdges(t, when)
	r.readDerived(t, when)
}

func (r *random) readRows(t *testing.T, when string) {
	t.Helper()
	r.each(t, when+", rows", func(ctx context.Context, s *warble.Stores) (any, error) {
		users, err1 := s.Users.Get(ctx, r.users...)
		tweets, err2 := s.Tweets.Get(ctx, r.tweets...)
		docs, err3 := s.Docs.Get(ctx, r.docs...)
		return []any{users, bare(tweets), docs}, errors.Join(err1, err2, err3)
	})
	for _, name := range r.names {
		r.each(t, when+", handle "+name, func(ctx context.Context, s *warble.Stores) (any, error) {
			c, err1 := s.Claims.Get(ctx, "handle/"+name)
			u, err2 := s.Users.ByHandle(ctx, name)
			return []any{c, u}, errors.Join(err1, err2)
		})
	}
	for _, id := range r.tweets {
		r.each(t, when+", versions of "+id.String(), func(ctx context.Context, s *warble.Stores) (any, error) {
			versions, err := s.Tweets.Versions(ctx, id)
			return bare(versions), err
		})
	}
	for _, id := range r.users {
		p := r.page()
		r.each(t, fmt.Sprintf("%s, tweets and documents of %v, page %+v", when, id, p), func(ctx context.Context, s *warble.Stores) (any, error) {
			by, err1 := s.Tweets.By(ctx, id, p)
			docs, err2 := s.Docs.List(ctx, id, warble.DocList, p)
			return []any{by, docs}, errors.Join(err1, err2)
		})
	}
	for _, name := range r.photos {
		r.each(t, when+", photo "+name, func(ctx context.Context, s *warble.Stores) (any, error) {
			b, err := s.Blobs.Open(ctx, name)
			if err != nil {
				return nil, err
			}
			data, err := io.ReadAll(b)
			return string(data), errors.Join(err, b.Close())
		})
	}
}

// bare takes the version from tombstones, of which only id and author are promised.
func bare(tweets []*warble.Tweet) []*warble.Tweet {
	out := slices.Clone(tweets)
	for i, tw := range out {
		if tw != nil && tw.Gone {
			v := *tw
			v.Version = 0
			out[i] = &v
		}
	}
	return out
}

func (r *random) readEdges(t *testing.T, when string) {
	t.Helper()
	kinds := []warble.EdgeKind{warble.Follow, warble.Like, warble.Block, warble.Notice, warble.Vote}
	all := append(slices.Clone(r.users), r.tweets...)
	for _, kind := range kinds {
		for _, id := range all {
			p, mask := r.page(), byte(r.intN(8))
			r.each(t, fmt.Sprintf("%s, edges of kind %d of %v, page %+v, mask %d", when, kind, id, p, mask), func(ctx context.Context, s *warble.Stores) (any, error) {
				from, err1 := s.Edges.From(ctx, kind, id, p)
				to, err2 := s.Edges.To(ctx, kind, id, p)
				part, newest, err3 := s.Edges.Part(ctx, kind, id, 0)
				in, err4 := s.Edges.Tally(ctx, kind, id, false, 0, mask)
				out, err5 := s.Edges.Tally(ctx, kind, id, true, id.Month(), mask)
				return []any{from, to, part, newest, in, out}, errors.Join(err1, err2, err3, err4, err5)
			})
		}
	}
	for _, id := range r.users {
		asked := append(slices.Clone(kinds), warble.Follow|warble.Inverse, warble.Block|warble.Inverse, warble.Notice|warble.Inverse)
		r.each(t, fmt.Sprintf("%s, what joins %v", when, id), func(ctx context.Context, s *warble.Stores) (any, error) {
			among, err1 := s.Edges.Among(ctx, id, asked, all)
			likes, err2 := s.Edges.Get(ctx, warble.Like, id, all...)
			return []any{among, likes}, errors.Join(err1, err2)
		})
	}
}

func (r *random) readDerived(t *testing.T, when string) {
	t.Helper()
	r.each(t, when+", counts", func(ctx context.Context, s *warble.Stores) (any, error) {
		return s.Counts.Get(ctx, []warble.CountKind{1, 2, 3, 4}, r.tweets)
	})
	for _, id := range r.users {
		p := r.page()
		r.each(t, fmt.Sprintf("%s, home of %v, page %+v", when, id, p), func(ctx context.Context, s *warble.Stores) (any, error) {
			entries, floor, ok, err := s.Timelines.Read(ctx, id, p)
			return []any{entries, floor, ok}, err
		})
	}
	for range 25 {
		q, p := and(word(r.mark), r.query(3)), r.page()
		r.each(t, fmt.Sprintf("%s, search for %s, page %+v", when, form(q), p), func(ctx context.Context, s *warble.Stores) (any, error) {
			return s.Index.Search(ctx, q, p)
		})
	}
}

func (r *random) query(depth int) *warble.Query {
	w := r.vocabulary[r.intN(4)]
	n := r.intN(13)
	if depth == 0 {
		n = r.intN(9)
	}
	switch n {
	case 0:
		return phrase(w + " " + r.vocabulary[r.intN(4)])
	case 1:
		return prefix(w[:2+r.intN(8)])
	case 2:
		return &warble.Query{Op: warble.QueryFrom, ID: r.user()}
	case 3:
		return &warble.Query{Op: warble.QueryTag, Text: w}
	case 4:
		return &warble.Query{Op: warble.QueryIsReply}
	case 5:
		return &warble.Query{Op: warble.QueryAll}
	case 9:
		return and(r.query(depth-1), r.query(depth-1))
	case 10:
		return or(r.query(depth-1), r.query(depth-1), r.query(depth-1))
	case 11, 12:
		return and(r.query(depth-1), not(r.query(depth-1)))
	}
	return word(w)
}

// events drains every log and compares what came, each event once.
func (r *random) events(t *testing.T) {
	t.Helper()
	r.each(t, "events", func(ctx context.Context, s *warble.Stores) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		got := make(chan string, 1<<20)
		ended := make(chan error, 1)
		go func() {
			ended <- s.Log.Consume(ctx, "fanout", func(_ context.Context, b warble.Batch) error {
				for _, e := range b.Events {
					if r.keys[e.Key] {
						got <- form(e)
					}
				}
				b.Done()
				return nil
			})
		}()
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			p, err := s.Log.Position(ctx, "fanout")
			if err != nil {
				return nil, err
			}
			if p.Behind == 0 {
				break
			}
			<-tick.C
		}
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			return nil, err
		}
		close(got)
		var all []string
		for e := range got {
			all = append(all, e)
		}
		slices.Sort(all)
		return slices.Compact(all), nil
	})
}
