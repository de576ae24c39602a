package pebble

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
)

// TestEdgesInAnyOrderAreListedBySince fills parts with Sinces in no order, so
// that all of them overlap, through several openings of the store.
func TestEdgesInAnyOrderAreListedBySince(t *testing.T) {
	fs, to := vfs.NewMem(), warble.ID(9)
	var want []warble.ID
	perm := rand.Perm(3*warble.PartSize + 17)
	for len(perm) > 0 {
		e := openTest(t, fs, Options{})
		n := min(len(perm), 700)
		for _, p := range perm[:n] {
			since := warble.ID(p + 1)
			put(t, e, warble.Edge{Kind: warble.Like, From: 5000 - since, To: to, Since: since})
			want = append(want, since)
		}
		perm = perm[n:]
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	e := openTest(t, fs, Options{})
	s := e.Stores().Edges
	slices.Sort(want)
	slices.Reverse(want)
	var down, up []warble.ID
	for at := warble.ID(0); ; at = down[len(down)-1] {
		page, err := s.To(t.Context(), warble.Like, to, warble.Page{Before: at, Limit: 33})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		down = append(down, sinces(page)...)
	}
	for at := warble.ID(0); ; at = up[0] {
		page, err := s.To(t.Context(), warble.Like, to, warble.Page{After: at, Limit: 34, Oldest: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		up = append(sinces(page), up...)
	}
	if !slices.Equal(down, want) || !slices.Equal(up, want) {
		t.Fatalf("%d edges are listed as %d down and %d up", len(want), len(down), len(up))
	}
	seen := 0
	for part := uint32(0); ; part++ {
		edges, newest, err := s.Part(t.Context(), warble.Like, to, part)
		if err != nil {
			t.Fatal(err)
		}
		if newest != 3 {
			t.Fatalf("the newest part is %d", newest)
		}
		if n, err := s.Tally(t.Context(), warble.Like, to, false, part, 0); err != nil || n != int64(len(edges)) {
			t.Fatalf("part %d holds %d, counted %d, %v", part, len(edges), n, err)
		}
		if part < 3 && len(edges) != warble.PartSize {
			t.Fatalf("part %d holds %d", part, len(edges))
		}
		if seen += len(edges); part > newest {
			break
		}
	}
	if seen != len(want) {
		t.Fatalf("the parts hold %d of %d", seen, len(want))
	}
}

// TestAnEmptiedPartIsNotBegunAgain: the numbers of parts only rise.
func TestAnEmptiedPartIsNotBegunAgain(t *testing.T) {
	fs := vfs.NewMem()
	e := openTest(t, fs, Options{})
	var gone []warble.EdgeKey
	for i := range warble.ID(warble.PartSize + 1) {
		edge := warble.Edge{Kind: warble.Like, From: i + 1, To: 9, Since: i + 1}
		put(t, e, edge)
		gone = append(gone, edge.Key())
	}
	for keys := range slices.Chunk(gone, warble.MaxChangeRows) {
		if _, err := e.Stores().Commit.Apply(t.Context(), &warble.Change{Gone: keys}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, fs, Options{})
	if got := put(t, e, warble.Edge{Kind: warble.Like, From: 1, To: 9, Since: 5000}); got.Part != 1 {
		t.Fatalf("the edge joined part %d", got.Part)
	}
	if to, err := e.Stores().Edges.To(t.Context(), warble.Like, 9, warble.Page{}); err != nil || len(to) != 1 {
		t.Fatalf("there are %v, %v", to, err)
	}
}

func put(t *testing.T, e *Engine, edge warble.Edge) warble.Edge {
	t.Helper()
	c := &warble.Change{Put: []warble.Edge{edge}}
	if changed, err := e.Stores().Commit.Apply(t.Context(), c); err != nil || !changed {
		t.Fatalf("put %v: %v, %v", edge, changed, err)
	}
	return c.Put[0]
}

func sinces(edges []warble.Edge) (out []warble.ID) {
	for _, e := range edges {
		out = append(out, e.Since)
	}
	return out
}

// TestAMonthCountedBeforeItsWritesAreToldIsNotKept counts the edges out of a
// thing between the moment new ones can be read and the moment the caches are
// told of them, which would add them once more.
func TestAMonthCountedBeforeItsWritesAreToldIsNotKept(t *testing.T) {
	e := openTest(t, vfs.NewMem(), Options{})
	s := e.Stores().Edges
	now := warble.IDAt(time.Now())
	tally := func() int64 {
		n, err := s.Tally(t.Context(), warble.Follow, 1, true, now.Month(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	write := func(c *warble.Change, between func()) {
		a := commitStore{e}.newApplier()
		defer a.release()
		if _, err := a.stage(c); err != nil {
			t.Fatal(err)
		}
		a.announceMonths()
		if err := e.store(a.batch); err != nil {
			t.Fatal(err)
		}
		between()
		a.publish()
		if err := e.synced(a.batch); err != nil {
			t.Fatal(err)
		}
	}
	three := func(first warble.ID) *warble.Change {
		c := &warble.Change{}
		for to := first; to < first+3; to++ {
			c.Put = append(c.Put, warble.Edge{Kind: warble.Follow, From: 1, To: to, Since: now})
		}
		return c
	}
	write(three(10), func() { tally() })
	if n := tally(); n != 3 {
		t.Fatalf("%d of 3 edges", n)
	}
	// What is kept grows and shrinks with what is told, also while another write is on its way.
	write(three(20), func() { write(three(30), func() { tally() }) })
	write(&warble.Change{Gone: []warble.EdgeKey{{Kind: warble.Follow, From: 1, To: 10}}}, func() {})
	if n := tally(); n != 8 {
		t.Fatalf("%d of 8 edges", n)
	}
}
