package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"warble/role/read"

	"warble"
)

const (
	pageSize    = 20
	deepPage    = 41
	coldWant    = 20.0  // ms, p99
	deepWant    = 50.0  // of 300 followees
	deepestWant = 500.0 // of 5,000
)

// pullRole measures what is pulled: homes that are not stored, and pages below
// what is stored. One reader at a time, each for the first time.
func pullRole(ctx context.Context, in *inside, conf *engineConfig) (err error) {
	n, err := open(ctx, conf.Dir, unlimited(), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	n.carry(ctx)
	p := &pulls{node: n, fresh: read.NewReader(n.stores, unlimited())}
	s := conf.Scale
	var cold []time.Duration
	for i := range s.Readers {
		took, err := p.page(ctx, user(s.reader(i)), warble.Page{Limit: pageSize})
		if err != nil {
			return err
		}
		cold = append(cold, took)
		in.progress("cold homes", int64(i), int64(s.Readers))
	}
	slices.Sort(cold)
	list := []Result{latency("home.cold", cold, coldWant, fmt.Sprintf("%d followees", readerFollows))}
	worst := Result{}
	for _, g := range []struct {
		name string
		n    int
		who  func(int) int
		want float64
	}{{"300", min(s.Readers, 100), s.reader, deepWant}, {"5000", s.Deep, s.deep, deepestWant}} {
		below, last, err := p.deep(ctx, in, g.n, g.who)
		if err != nil {
			return err
		}
		a := latency("home.deep."+g.name+".41", below, g.want, "page 41 of "+g.name+" followees")
		z := latency("home.deep."+g.name+".last", last, g.want, "the last page of "+g.name+" followees")
		for _, r := range []Result{a, z} {
			list = append(list, r)
			if worst.Limit == 0 || r.Value/r.Limit > worst.Value/worst.Limit {
				worst = r
			}
		}
	}
	worst.Key = "home.deep"
	worst.Detail = &Detail{Note: "the worst of these: " + worst.Detail.Note}
	if pos, err := n.behind(ctx); err == nil {
		worst.Detail.Behind = pos.Seconds()
	}
	in.results(slices.Insert(list, 1, worst))
	return nil
}

// latency makes a line whose value is the p99.
func latency(key string, sorted []time.Duration, want float64, note string) Result {
	r := Result{Key: key, Unit: "ms p99", Limit: want, P50: quantile(sorted, 0.5), P99: quantile(sorted, 0.99), Detail: &Detail{Note: note}}
	r.Value = r.P99
	return r
}

// pulls reads with a reader that has merged nothing yet, so that a page is what
// it is for whoever scrolls to it first; the way there is walked with another.
type pulls struct {
	*node
	fresh *read.Reader
}

// page reads a page as an app shows it and says how long that took.
func (p *pulls) page(ctx context.Context, viewer warble.UserID, page warble.Page) (time.Duration, error) {
	start := time.Now()
	got, err := p.fresh.GenerateTimeline(ctx, viewer, read.TimelineQuery{Page: page, Include: read.Include{Counts: true, Flags: true, Refs: true}})
	if err == nil && len(got.Items) == 0 {
		err = errors.New("an empty page for somebody who follows active people")
	}
	return time.Since(start), err
}

// deep lets readers scroll to page 41, and others of them jump to the last page.
func (p *pulls) deep(ctx context.Context, in *inside, n int, who func(int) int) (below, last []time.Duration, err error) {
	for i := range n {
		viewer := user(who(i))
		at := warble.ID(0)
		for range (deepPage - 1) / 5 {
			got, err := p.reader.GenerateTimeline(ctx, viewer, read.TimelineQuery{Page: warble.Page{Before: at, Limit: 5 * pageSize}})
			if err != nil {
				return nil, nil, err
			}
			at = got.Next
		}
		if at == 0 {
			return nil, nil, errors.New("a home is too short for page 41")
		}
		took, err := p.page(ctx, viewer, warble.Page{Before: at, Limit: pageSize})
		if err != nil {
			return nil, nil, err
		}
		below = append(below, took)
		oldest, err := p.reader.GenerateTimeline(ctx, viewer, read.TimelineQuery{Page: warble.Page{Oldest: true, Limit: pageSize + 1}})
		if err != nil || len(oldest.Items) < pageSize+1 {
			return nil, nil, errors.Join(err, errors.New("a home has no last page"))
		}
		if took, err = p.page(ctx, viewer, warble.Page{Before: oldest.Items[0].Pos, Limit: pageSize}); err != nil {
			return nil, nil, err
		}
		last = append(last, took)
		in.progress("deep pages", int64(i), int64(n))
	}
	slices.Sort(below)
	slices.Sort(last)
	return below, last, nil
}
