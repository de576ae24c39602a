package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"warble"
)

// FollowsOptions say who the numbers of a follow graph are.
type FollowsOptions struct {
	ImportOptions
	// Handles is a CSV file of tweets: its k-th distinct valid handle is graph
	// user k. Everybody beyond it, or without it, is n<k>.
	Handles string
	// Both reads each pair both ways.
	Both bool
}

// window is how many lines of the file are imported together. Their pairs are
// ordered by the follower's id first, because that is how engines keep the rows
// of an edge: one row then lands behind the other. It takes 16 bytes a line.
const window = 1 << 21

// ImportFollows imports a follow graph: an account for each of its users that
// has none, then the pairs. Malformed lines, users out of range and self-follows
// are rejected alone. A file that is cut short is imported as far as it goes and
// is an error; once it is whole the next import goes on there.
func (s *Store) ImportFollows(ctx context.Context, path string, opt FollowsOptions) (Report, error) {
	kind := "follows"
	if opt.Both {
		kind += " both"
	}
	if opt.Handles != "" {
		handles, err := filepath.Abs(opt.Handles)
		if err != nil {
			return Report{}, err
		}
		kind += " as " + handles
	}
	j, err := s.newJob(ctx, kind, path, opt.ImportOptions)
	if err != nil {
		return Report{}, err
	}
	file, err := os.Open(path)
	if err != nil {
		return Report{}, err
	}
	defer file.Close()
	g := &graph{job: j, both: opt.Both}
	if g.edges, err = newEdgesReader(file); err != nil {
		return Report{}, fmt.Errorf("%s: %w", path, err)
	}
	made, err := g.findUsers(ctx, opt.Handles)
	j.at.People += made
	if err == nil && j.from.Line > 0 {
		err = g.edges.Skip(j.from.Line)
	}
	if err != nil {
		return Report{Tally: j.at.Tally, People: j.at.People, Resumed: j.from.Line}, err
	}
	j.total, j.came = g.edges.Pairs, max(j.from.Line-1, 0)
	return g.run(ctx)
}

// graph is a follow graph being imported.
type graph struct {
	*job
	edges *edgesReader
	both  bool
	users []warble.UserID // by number, less one

	pairs   []pair   // of the window, in the order they are imported
	rejects []Reject // of the window, until they are handed out
	rows    int64    // lines of the window
	start   int64    // lines before it
	part    int      // batches of it handed out
	open    bool     // there are more
	ended   error    // why the window is the last
}

func (g *graph) run(ctx context.Context) (Report, error) {
	g.fill()
	if g.from.Part > 0 && g.from.Rows == g.rows {
		// The window the cursor speaks of, not one that was cut short then.
		g.part, g.rejects = g.from.Part, nil
	}
	r, err := g.job.run(ctx, "importing follows", g.next)
	if err == nil && g.edges.Line-1 != g.edges.Pairs {
		err = fmt.Errorf("the file says that it has %d pairs, but it has %d lines of them; all were imported", g.edges.Pairs, g.edges.Line-1)
	}
	return r, err
}

// fill reads the next window.
func (g *graph) fill() {
	g.pairs, g.rejects, g.rows, g.part = g.pairs[:0], nil, 0, 0
	g.start = g.edges.Line
	for g.ended == nil && g.edges.Line-g.start < window {
		p, err := g.edges.Read()
		var bad *errRow
		switch {
		case errors.As(err, &bad):
			g.rejects = append(g.rejects, Reject{bad.line, bad.row, bad.reason})
		case err != nil:
			g.ended = err
			continue
		default:
			g.pairs = append(g.pairs, p)
			if g.both {
				g.pairs = append(g.pairs, pair{p.To, p.From})
			}
		}
		g.rows++
	}
	slices.SortFunc(g.pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(g.users[a.From-1], g.users[b.From-1]), cmp.Compare(g.users[a.To-1], g.users[b.To-1]))
	})
	g.pairs = slices.Compact(g.pairs)
	g.open = g.rows > 0
}

// next hands out the next batch of the window. The first one also brings its
// rejected lines, and the last one moves the place to its end.
func (g *graph) next() (batch, error) {
	if !g.open {
		if g.ended == nil {
			g.fill()
		}
		if !g.open {
			return batch{}, g.ended
		}
	}
	at := min(g.part*warble.MaxChangeRows, len(g.pairs))
	end := min(at+warble.MaxChangeRows, len(g.pairs))
	pairs := make([][2]warble.UserID, 0, end-at)
	for _, p := range g.pairs[at:end] {
		pairs = append(pairs, [2]warble.UserID{g.users[p.From-1], g.users[p.To-1]})
	}
	rejects := g.rejects
	g.rejects = nil
	g.part++
	b := batch{
		end:  place{Line: g.start, Part: g.part, Rows: g.rows},
		came: g.rows * int64(end-at) / max(int64(len(g.pairs)), 1),
	}
	t := Tally{Rejected: int64(len(rejects))}
	if end == len(g.pairs) {
		g.open = false
		b.end = place{Line: g.edges.Line}
		t.Read = g.rows
	}
	b.do = func(ctx context.Context) (Tally, error) {
		for _, r := range rejects {
			g.opt.Rejects(r)
		}
		if len(pairs) == 0 {
			return t, nil
		}
		added, err := g.s.Writer.ImportFollows(ctx, pairs)
		t := t
		t.Added, t.There = int64(added), int64(len(pairs)-added)
		return t, err
	}
	return b, nil
}

// findUsers finds or makes the accounts of all numbers.
func (g *graph) findUsers(ctx context.Context, handles string) (made int64, err error) {
	named, err := firstHandles(handles, g.edges.Users)
	if err != nil {
		return 0, err
	}
	taken := handleSet{}
	for _, h := range named {
		taken.add(h)
	}
	g.users = make([]warble.UserID, g.edges.Users)
	m := g.opt.Meter("finding people")
	defer m.Done()
	const share = 64
	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(g.opt.Workers)
	var count, done atomic.Int64
	for at := 0; at < len(g.users) && workCtx.Err() == nil; at += share {
		work.Go(func() error {
			for k := at; k < min(at+share, len(g.users)); k++ {
				handle := "n" + strconv.Itoa(k+1)
				if k < len(named) {
					handle = named[k]
				} else if _, ok := taken[handle]; ok {
					return fmt.Errorf("graph user %d would be %s, but %s has a person of that handle: remove it there, or import without --handles", k+1, handle, handles)
				}
				u, fresh, err := g.s.person(workCtx, handle)
				if err != nil {
					return err
				}
				g.users[k] = u.ID
				if fresh {
					count.Add(1)
				}
			}
			m.Set(done.Add(share), int64(len(g.users)))
			return nil
		})
	}
	err = work.Wait()
	return count.Load(), errors.Join(err, ctx.Err())
}

// firstHandles returns the distinct valid handles of a CSV file of tweets in
// the order they first stand there, at most limit.
func firstHandles(path string, limit int64) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	f, err := openTweets(path, place{})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	seen := handleSet{}
	var list []string
	for int64(len(list)) < limit {
		r, err := f.csv.Read()
		var bad *errRow
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case errors.As(err, &bad):
			continue
		case err != nil:
			return nil, err
		}
		if h := r.Fields[f.cols.name]; warble.ValidHandle(h) && seen.add(h) {
			list = append(list, h)
		}
	}
	return list, nil
}
