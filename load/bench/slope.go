package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
)

const (
	slopeWant    = 1.3 // times, from the smallest to the largest
	slopeAuthors = 500
)

// runSlope measures what a home and a post cost a server as the data grows: the
// same 1,000 readers with 300 followees each, and authors with 50 of them as
// followers. The servers of the three sizes take turns.
func runSlope(ctx context.Context, b *bench, l *line) ([]Result, error) {
	names := []string{"10k", "100k", mainName}
	runs := make([]*slopeRun, len(names))
	for i, name := range names {
		r, drop, err := b.slopeServer(ctx, name)
		if err != nil {
			return nil, err
		}
		defer drop()
		defer r.end()
		runs[i] = r
	}
	for range b.plan.Rounds {
		for _, r := range runs {
			got, err := r.measure(ctx, b.plan.Round/2, anyOf(r.homes))
			if err != nil {
				return nil, err
			}
			r.read = append(r.read, got)
			if got, err = r.measure(ctx, b.plan.Round/2, r.post); err != nil {
				return nil, err
			}
			r.wrote = append(r.wrote, got)
		}
	}
	read, readNote := slopeOf(runs, func(r *slopeRun) []*round { return r.read })
	wrote, wroteNote := slopeOf(runs, func(r *slopeRun) []*round { return r.wrote })
	behind := 0.0
	for _, r := range runs {
		for _, w := range r.wrote {
			behind = max(behind, w.behind.Seconds())
		}
	}
	return []Result{
		{Key: "scale.slope", Value: max(read, wrote), Unit: "×", Limit: slopeWant, Detail: &Detail{Behind: behind, Note: "the worse of the two, at 10k, 100k and 1M tweets"}},
		{Key: "scale.slope.home", Value: read, Unit: "×", Limit: slopeWant, Detail: &Detail{Note: readNote}},
		{Key: "scale.slope.post", Value: wrote, Unit: "×", Limit: slopeWant, Detail: &Detail{Note: wroteNote}},
	}, nil
}

// slopeRun is one size.
type slopeRun struct {
	*server
	homes       [][]byte
	post        func(worker, i int) []byte
	read, wrote []*round
}

func (b *bench) slopeServer(ctx context.Context, name string) (*slopeRun, func(), error) {
	dir, drop, err := b.clone(name)
	if err != nil {
		return nil, nil, err
	}
	s, err := b.serve(ctx, dir, "--dev")
	if err != nil {
		drop()
		return nil, nil, err
	}
	set := b.sets[name]
	var readers, authors []int
	for i := range set.scale.Readers {
		readers = append(readers, set.scale.reader(i))
	}
	if name == mainName {
		// Here the authors' followers are hot users of the graph: their homes are stored too.
		readers = append(readers, set.scale.hot()...)
	}
	for i := range min(set.scale.Fifty, slopeAuthors) {
		authors = append(authors, set.scale.fifty(i))
	}
	r := &slopeRun{server: s, homes: set.homes(readers), post: set.posts(authors)}
	if _, err := pound(ctx, s.addr, 0, len(r.homes), eachOf(r.homes)); err != nil {
		drop()
		return nil, nil, s.explain(err)
	}
	r.homes = r.homes[:set.scale.Readers]
	rand.Shuffle(len(r.homes), func(i, j int) { r.homes[i], r.homes[j] = r.homes[j], r.homes[i] })
	return r, drop, nil
}

// slopeOf is the largest size's CPU time a request, over the smallest's.
func slopeOf(runs []*slopeRun, of func(*slopeRun) []*round) (float64, string) {
	cpu := make([]float64, len(runs))
	for i, r := range runs {
		cpu[i] = middle(of(r), (*round).perRequest)
	}
	return cpu[2] / cpu[0], fmt.Sprintf("%.1f, %.1f and %.1f µs CPU", cpu[0], cpu[1], cpu[2])
}
