package search

import (
	"context"
	"errors"
	"slices"
	"testing"

	"warble"
)

// TestASearchOutOfBudgetGoesOnWhereItStopped walks queries page by page with a
// budget that each page soon spends: together the pages are the whole answer.
func TestASearchOutOfBudgetGoesOnWhereItStopped(t *testing.T) {
	w := newWorld(t, 11)
	next := warble.ID(100) << 16
	for i := range 30 {
		for range 15 {
			w.step(&next)
		}
		if i < 28 { // the last stay in open segments
			w.seal()
		}
	}
	stopped := 0
	for _, budget := range []int{1, 40, 400} {
		w.x.opt.Budget = budget
		for range 80 {
			q, p := w.query(3), w.page()
			p.Oldest, p.Limit = false, 3
			whole := p
			whole.Limit = 10_000
			want := w.want(q, whole)
			var got []warble.ID
			for {
				ids, err := w.x.Search(context.Background(), q, p)
				got = append(got, ids...)
				stop := (*warble.Unfinished)(nil)
				switch {
				case errors.As(err, &stop):
					if stop.Before >= p.Upper() || stop.Before <= p.After || len(ids) > 0 && stop.Before > ids[len(ids)-1] {
						t.Fatalf("%+v stopped at %d with %v", p, stop.Before, ids)
					}
					stopped++
					p.Before = stop.Before
				case err != nil:
					t.Fatal(err)
				case len(ids) == p.Limit:
					p.Before = ids[len(ids)-1]
				default:
					p.Limit = 0
				}
				if p.Limit == 0 {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("budget %d, %s, %+v\n got %v\nwant %v", budget, q, p, got, want)
			}
		}
	}
	if stopped < 100 {
		t.Errorf("only %d pages ended with the budget", stopped)
	}
}
