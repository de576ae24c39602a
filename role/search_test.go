package role_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"warble"
	"warble/role/read"
	"warble/role/write"
)

// tired is an index that looks at two documents and stops, as one does whose
// budget is spent.
type tired struct{ warble.Index }

func (x tired) Search(ctx context.Context, q *warble.Query, p warble.Page) ([]warble.ID, error) {
	all, err := x.Index.Search(ctx, &warble.Query{Op: warble.QueryAll, People: q.People}, warble.Page{Before: p.Before, After: p.After, Limit: 2})
	if err != nil {
		return nil, err
	}
	if len(all) < 2 {
		return x.Index.Search(ctx, q, p)
	}
	stop := &warble.Unfinished{Before: all[1]}
	ids, err := x.Index.Search(ctx, q, warble.Page{Before: p.Before, After: all[1] - 1, Limit: p.Limit})
	if err == nil {
		err = stop
	}
	return ids, err
}

func TestASearchThatStoppedGoesOnFromItsNextPage(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	var want []warble.TweetID
	for i := range 12 {
		text := fmt.Sprint("rain ", i)
		if i%5 == 0 {
			text = fmt.Sprint("harbour ", i)
		}
		tw := n.post(ann, write.Draft{Text: text})
		if i%5 == 0 {
			want = append(want, tw.ID)
		}
	}
	slices.Reverse(want)
	r, f := n.roles(warble.Options{})
	n.carry(f)
	n.Index = tired{n.Index}
	var got []warble.TweetID
	pages, empty := 0, 0
	for q := (read.TimelineQuery{Page: warble.Page{Limit: 10}}); ; pages++ {
		tl, err := r.Search(n.ctx, 0, "harbour", q)
		n.ok(err)
		for _, it := range tl.Items {
			got = append(got, it.Tweet.ID)
		}
		if len(tl.Items) == 0 {
			empty++
		}
		if q.Before = tl.Next; tl.Next == 0 {
			break
		}
	}
	if !slices.Equal(got, want) || pages < 5 || empty < 2 {
		t.Errorf("found %v on %d pages, %d of them empty; want %v", got, pages, empty, want)
	}
	from := time.Now().Add(-time.Hour)
	buckets, err := r.SearchCounts(n.ctx, 0, "harbour", from, from.Add(2*time.Hour), 2*time.Hour)
	n.ok(err)
	sum := 0
	for _, b := range buckets {
		sum += b.N
	}
	if sum != len(want) {
		t.Errorf("counted %d of %d", sum, len(want))
	}
}
