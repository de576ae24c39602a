//go:build cluster

package cassandra

import (
	"slices"
	"testing"
	"time"

	"warble"
)

// Hours of notices are more than one read of them hands out.
func noticesOfManyHoursAreOneList(t *testing.T, c Config) {
	e, _ := pair(t, c)
	ann := warble.IDAt(time.Now())
	first := time.Date(2026, 3, 28, 0, 30, 0, 0, time.UTC)
	var edges []warble.Edge
	march := 0
	for i := range spanBatch + 40 {
		at := first.Add(time.Duration(i) * time.Hour)
		id := warble.IDAt(at)
		edges = append(edges, warble.Edge{Kind: warble.Notice, From: ann, To: id, Since: id})
		if at.Month() == time.March {
			march++
		}
	}
	for chunk := range slices.Chunk(edges, warble.MaxChangeRows) {
		apply(t, e, &warble.Change{Put: slices.Clone(chunk)})
	}
	n, err := edgeStore{e}.Tally(t.Context(), warble.Notice, ann, true, warble.IDAt(first).Month(), 0)
	if err != nil || int(n) != march {
		t.Fatalf("the month has %d notices, %v, want %d", n, err, march)
	}
	slices.Reverse(edges)
	for _, oldest := range []bool{false, true} {
		var got []warble.Edge
		for p := (warble.Page{Limit: 37, Oldest: oldest}); ; {
			page, err := edgeStore{e}.From(t.Context(), warble.Notice, ann, p)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			if oldest {
				p.After, got = page[0].Since, append(page, got...)
			} else {
				p.Before, got = page[len(page)-1].Since, append(got, page...)
			}
		}
		if !slices.Equal(got, edges) {
			t.Fatalf("upwards %v: %d notices, want all %d in order", oldest, len(got), len(edges))
		}
	}
}
