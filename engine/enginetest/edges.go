package enginetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"warble"
)

func edgeTests() []test {
	return []test{
		{"GetKeepsOrderAndIsZeroForMissing", edgeGet},
		{"SinceIsKeptByARePutAndNewAfterARemoval", edgeSince},
		{"ValueIsReplacedByARePut", edgeValue},
		{"OnceGoneANoticeIsNeverPutAgain", edgeOnce},
		{"FromAndToArePagedBySince", edgePages},
		{"FromAndToListOneKindAndOneEnd", edgeApart},
		{"OneSinceMayStandOnManyEdges", edgeSharedSince},
		{"PartsOpenAfterPartSizeAndHoldEveryEdgeOnce", edgeParts},
		{"PartOfNothingIsEmpty", edgePartEmpty},
		{"APartIsKeptByARePut", edgePartKept},
		{"AmongSaysWhichKindsJoin", edgeAmong},
		{"AmongKnowsInverses", edgeAmongInverse},
		{"AmongIsRightForManyIDs", edgeAmongMany},
		{"TallyCountsAPart", edgeTallyIn},
		{"TallyCountsAMonthOfTheEdgesOut", edgeTallyOut},
		{"TallyLooksAtTheMask", edgeTallyMask},
		{"EveryKindIsAnEdge", edgeKinds},
	}
}

func (s *suite) edgeRow(t *testing.T, key warble.EdgeKey) warble.Edge {
	t.Helper()
	got, err := s.Edges.Get(t.Context(), key.Kind, key.From, key.To)
	check(t, err)
	return got[0]
}

// put stores edges, as many to a change as go in, and fills their Since and Part.
func (s *suite) put(t *testing.T, edges ...warble.Edge) {
	t.Helper()
	for chunk := range slices.Chunk(edges, warble.MaxChangeRows) {
		s.applies(t, &warble.Change{Put: chunk})
	}
}

func (s *suite) take(t *testing.T, key warble.EdgeKey) {
	t.Helper()
	s.applies(t, &warble.Change{Gone: []warble.EdgeKey{key}})
}

func sinces(edges []warble.Edge) []warble.ID {
	out := make([]warble.ID, len(edges))
	for i, e := range edges {
		out[i] = e.Since
	}
	return out
}

func edgeGet(t *testing.T, s *suite) {
	from, a, b := s.id(), s.id(), s.id()
	edges := []warble.Edge{s.edge(warble.Follow, from, a), s.edge(warble.Follow, from, b), s.edge(warble.Mute, from, a)}
	edges[1].Value = "v\x00"
	s.put(t, edges...)
	got, err := s.Edges.Get(t.Context(), warble.Follow, from, b, s.id(), a, b)
	check(t, err)
	same(t, "edges", got, []warble.Edge{edges[1], {}, edges[0], edges[1]})
	if got := s.edgeRow(t, warble.EdgeKey{Kind: warble.Follow, From: a, To: from}); got != (warble.Edge{}) {
		t.Fatalf("the edge stands in the other direction: %+v", got)
	}
}

func edgeSince(t *testing.T, s *suite) {
	e := s.edge(warble.Like, s.id(), s.id())
	first := e.Since
	s.put(t, e)
	again := e
	again.Since = s.id()
	c := &warble.Change{Put: []warble.Edge{again}}
	s.idle(t, c)
	if c.Put[0].Since != first {
		t.Fatalf("a re-put filled in Since %v, want %v, the first", c.Put[0].Since, first)
	}
	if got := s.edgeRow(t, e.Key()); got.Since != first {
		t.Fatalf("a re-put changed Since to %v", got.Since)
	}
	s.take(t, e.Key())
	s.idle(t, &warble.Change{Gone: []warble.EdgeKey{e.Key()}})
	if got := s.edgeRow(t, e.Key()); got != (warble.Edge{}) {
		t.Fatalf("the edge taken is still %+v", got)
	}
	s.put(t, again)
	if got := s.edgeRow(t, e.Key()); got.Since != again.Since {
		t.Fatalf("after a removal Since is %v, want the new %v", got.Since, again.Since)
	}
	for _, read := range []func() ([]warble.Edge, error){
		func() ([]warble.Edge, error) {
			return s.Edges.From(t.Context(), e.Kind, e.From, warble.Page{Limit: 9})
		},
		func() ([]warble.Edge, error) { return s.Edges.To(t.Context(), e.Kind, e.To, warble.Page{Limit: 9}) },
	} {
		got, err := read()
		check(t, err)
		same(t, "the only edge", sinces(got), []warble.ID{again.Since})
	}
}

func edgeValue(t *testing.T, s *suite) {
	e := s.edge(warble.Note, s.id(), s.id())
	e.Value = "first"
	s.put(t, e)
	for _, value := range []string{"second", "", strings.Repeat("\xff", 1024)} {
		v := e
		v.Since, v.Value = s.id(), value
		c := &warble.Change{Put: []warble.Edge{v}}
		s.applies(t, c)
		v.Since, v.Part = e.Since, c.Put[0].Part
		if got := s.edgeRow(t, e.Key()); got != v {
			t.Fatalf("the edge is %+v, want %+v", got, v)
		}
		from, err := s.Edges.From(t.Context(), e.Kind, e.From, warble.Page{Limit: 9})
		check(t, err)
		to, err := s.Edges.To(t.Context(), e.Kind, e.To, warble.Page{Limit: 9})
		check(t, err)
		same(t, "edges out and in", [][]warble.Edge{from, to}, [][]warble.Edge{{v}, {v}})
	}
}

func edgeOnce(t *testing.T, s *suite) {
	e := s.edge(warble.Notice, s.id(), s.id())
	s.put(t, e)
	s.take(t, e.Key())
	again := e
	again.Since = s.id()
	s.idle(t, &warble.Change{Put: []warble.Edge{again}})
	if got := s.edgeRow(t, e.Key()); got != (warble.Edge{}) {
		t.Fatalf("a notice came back: %+v", got)
	}
	got, err := s.Edges.From(t.Context(), e.Kind, e.From, warble.Page{Limit: 9})
	check(t, err)
	same(t, "notices", got, []warble.Edge{})
	bits, err := s.Edges.Among(t.Context(), e.From, []warble.EdgeKind{warble.Notice}, []warble.ID{e.To})
	check(t, err)
	if bits[0] != 0 {
		t.Fatal("a notice that is gone joins")
	}
	other := s.edge(warble.Notice, e.From, s.id())
	c := &warble.Change{Put: []warble.Edge{again, other}}
	s.applies(t, c)
	if got := s.edgeRow(t, e.Key()); got != (warble.Edge{}) {
		t.Fatalf("a notice came back beside another: %+v", got)
	}
}

func edgePages(t *testing.T, s *suite) {
	from, to := s.id(), s.id()
	var out, in []warble.ID
	for range 15 {
		a, b := s.edge(warble.Follow, from, s.id()), s.edge(warble.Follow, s.id(), to)
		s.put(t, a, b)
		out, in = append(out, a.Since), append(in, b.Since)
	}
	late := s.edge(warble.Follow, from, s.id()) // an import: older than those before it
	late.Since = out[3] + 1
	s.put(t, late)
	gone := s.edge(warble.Follow, from, to)
	s.put(t, gone)
	s.take(t, gone.Key())
	paged(t, s.ids, down(append(out, late.Since)), false, func(p warble.Page) ([]warble.ID, error) {
		got, err := s.Edges.From(t.Context(), warble.Follow, from, p)
		return sinces(got), err
	})
	paged(t, s.ids, down(in), false, func(p warble.Page) ([]warble.ID, error) {
		got, err := s.Edges.To(t.Context(), warble.Follow, to, p)
		return sinces(got), err
	})
}

func edgeApart(t *testing.T, s *suite) {
	a := s.id()
	b := a + 1
	want := s.edge(warble.Follow, a, b)
	s.put(t, want, s.edge(warble.FollowRequest, a, b), s.edge(warble.Follow, b, a), s.edge(warble.Follow, a-1, b+1))
	for kind, n := range map[warble.EdgeKind]int{warble.Follow: 1, warble.FollowRequest: 1, warble.Block: 0} {
		from, err := s.Edges.From(t.Context(), kind, a, warble.Page{Limit: 9})
		check(t, err)
		to, err := s.Edges.To(t.Context(), kind, b, warble.Page{Limit: 9})
		check(t, err)
		if len(from) != n || len(to) != n {
			t.Fatalf("kind %d: %d out, %d in, want %d", kind, len(from), len(to), n)
		}
	}
}

func edgeSharedSince(t *testing.T, s *suite) {
	tweet := s.id() // names ten people: ten edges with the tweet's id for Since
	var edges []warble.Edge
	for range 10 {
		edges = append(edges, warble.Edge{Kind: warble.Mention, From: tweet, To: s.id(), Since: tweet})
	}
	s.put(t, edges...)
	got, err := s.Edges.From(t.Context(), warble.Mention, tweet, warble.Page{Limit: 20})
	check(t, err)
	var to []warble.ID
	for _, e := range got {
		to = append(to, e.To)
	}
	same(t, "people mentioned", down(to), down(endsOf(edges)))
	s.take(t, edges[4].Key())
	got, err = s.Edges.From(t.Context(), warble.Mention, tweet, warble.Page{Limit: 20})
	check(t, err)
	if len(got) != 9 {
		t.Fatalf("one of ten taken leaves %d", len(got))
	}
}

func endsOf(edges []warble.Edge) []warble.ID {
	out := make([]warble.ID, len(edges))
	for i, e := range edges {
		out[i] = e.To
	}
	return out
}

// parts reads every part of the edges into a thing, oldest part first.
func (s *suite) parts(t *testing.T, kind warble.EdgeKind, to warble.ID) (parts [][]warble.Edge) {
	t.Helper()
	for part, newest := uint32(0), uint32(0); part <= newest; part++ {
		edges, n, err := s.Edges.Part(t.Context(), kind, to, part)
		check(t, err)
		newest = n
		for i, e := range edges {
			if e.Part != part || e.Kind != kind || e.To != to || (i > 0 && e.Since > edges[i-1].Since) {
				t.Fatalf("edge %d of part %d is %+v", i, part, e)
			}
		}
		parts = append(parts, edges)
	}
	return parts
}

func edgeParts(t *testing.T, s *suite) {
	to := s.id()
	var edges []warble.Edge
	for range 2*warble.PartSize + warble.PartSize/2 {
		edges = append(edges, s.edge(warble.Follow, s.id(), to))
	}
	s.put(t, edges...)
	parts := s.parts(t, warble.Follow, to)
	if n := len(parts); n < 2 || n > 4 {
		t.Fatalf("%d edges lie in %d parts", len(edges), n)
	}
	var all []warble.Edge
	for i, part := range parts {
		if len(part) > warble.PartSize+warble.PartSize/2 {
			t.Fatalf("part %d holds %d edges put one after the other", i, len(part))
		}
		n, err := s.Edges.Tally(t.Context(), warble.Follow, to, false, uint32(i), 0)
		check(t, err)
		if int(n) != len(part) {
			t.Fatalf("part %d holds %d edges and tallies %d", i, len(part), n)
		}
		all = append(slices.Clone(part), all...)
	}
	same(t, "all parts, newest first", sinces(all), down(sinces(edges)))
	for _, i := range []int{0, len(edges) / 2, len(edges) - 1} {
		same(t, "an edge with its part", s.edgeRow(t, edges[i].Key()), edges[i])
	}
	whole, err := s.Edges.To(t.Context(), warble.Follow, to, warble.Page{Limit: len(edges) + 1})
	check(t, err)
	same(t, "all edges over their parts", sinces(whole), sinces(all))
	middle := edges[warble.PartSize-100 : warble.PartSize+100]
	got, err := s.Edges.To(t.Context(), warble.Follow, to, warble.Page{Before: middle[199].Since + 1, After: middle[0].Since - 1, Limit: 500})
	check(t, err)
	same(t, "a page over two parts", sinces(got), down(sinces(middle)))
}

func edgePartEmpty(t *testing.T, s *suite) {
	edges, newest, err := s.Edges.Part(t.Context(), warble.Follow, s.id(), 0)
	check(t, err)
	if len(edges) != 0 || newest != 0 {
		t.Fatalf("nothing has %d edges, newest part %d", len(edges), newest)
	}
	e := s.edge(warble.Follow, s.id(), s.id())
	s.put(t, e)
	edges, newest, err = s.Edges.Part(t.Context(), warble.Follow, e.To, 7)
	check(t, err)
	if len(edges) != 0 || newest != 0 {
		t.Fatalf("a part not yet opened has %d edges, newest part %d", len(edges), newest)
	}
}

func edgePartKept(t *testing.T, s *suite) {
	to := s.id()
	first := []warble.Edge{s.edge(warble.Note, s.id(), to)}
	s.applies(t, &warble.Change{Put: first})
	var rest []warble.Edge
	for range warble.PartSize + 200 {
		rest = append(rest, s.edge(warble.Note, s.id(), to))
	}
	s.put(t, rest...)
	again := first[0]
	again.Value, again.Part = "new", 0
	c := &warble.Change{Put: []warble.Edge{again}}
	s.applies(t, c)
	if c.Put[0].Part != first[0].Part {
		t.Fatalf("a re-put moved the edge from part %d to %d", first[0].Part, c.Put[0].Part)
	}
	part, _, err := s.Edges.Part(t.Context(), warble.Note, to, first[0].Part)
	check(t, err)
	if !slices.ContainsFunc(part, func(e warble.Edge) bool { return e.From == first[0].From && e.Value == "new" }) {
		t.Fatal("the part of its first put does not hold the edge with its new value")
	}
}

func edgeAmong(t *testing.T, s *suite) {
	viewer, ids := s.id(), s.idsUp(4)
	s.put(t, s.edge(warble.Like, viewer, ids[0]), s.edge(warble.Retweet, viewer, ids[0]), s.edge(warble.Bookmark, viewer, ids[2]), s.edge(warble.Like, ids[3], viewer))
	kinds := []warble.EdgeKind{warble.Like, warble.Retweet, warble.Bookmark}
	got, err := s.Edges.Among(t.Context(), viewer, kinds, []warble.ID{ids[3], ids[2], ids[1], ids[0], ids[2]})
	check(t, err)
	same(t, "bits", got, []uint16{0, 4, 0, 3, 4})
	s.take(t, warble.EdgeKey{Kind: warble.Like, From: viewer, To: ids[0]})
	got, err = s.Edges.Among(t.Context(), viewer, kinds, ids)
	check(t, err)
	same(t, "bits after a removal", got, []uint16{2, 0, 4, 0})
	got, err = s.Edges.Among(t.Context(), viewer, nil, ids)
	check(t, err)
	same(t, "bits of no kinds", got, []uint16{0, 0, 0, 0})
}

func edgeAmongInverse(t *testing.T, s *suite) {
	viewer, a, b := s.id(), s.id(), s.id()
	s.put(t, s.edge(warble.Follow, viewer, a), s.edge(warble.Follow, b, viewer), s.edge(warble.Block, a, viewer), s.edge(warble.Mute, viewer, b))
	kinds := []warble.EdgeKind{warble.Follow, warble.Follow | warble.Inverse, warble.Block, warble.Block | warble.Inverse, warble.Mute, warble.Mute | warble.Inverse}
	got, err := s.Edges.Among(t.Context(), viewer, kinds, []warble.ID{a, b, viewer})
	check(t, err)
	same(t, "bits", got, []uint16{1 | 8, 2 | 16, 0})
}

func edgeAmongMany(t *testing.T, s *suite) {
	viewer, ids := s.id(), s.idsUp(300)
	kinds := make([]warble.EdgeKind, 0, 16)
	for kind := warble.Follow; len(kinds) < 8; kind++ {
		kinds = append(kinds, kind, kind|warble.Inverse)
	}
	want := make([]uint16, len(ids))
	var edges []warble.Edge
	for i, id := range ids {
		for bit, kind := range kinds[:8:8] {
			if s.intN(6) > 0 {
				continue
			}
			want[i] |= 1 << bit
			if kind&warble.Inverse != 0 {
				edges = append(edges, s.edge(kind&^warble.Inverse, id, viewer))
			} else {
				edges = append(edges, s.edge(kind, viewer, id))
			}
		}
	}
	s.put(t, edges...)
	kinds = append(kinds, warble.Block, warble.ListPin, warble.Vote, warble.Note, warble.Reply, warble.Quote, warble.Mention, warble.FollowTag)
	got, err := s.Edges.Among(t.Context(), viewer, kinds, ids)
	check(t, err)
	same(t, "bits", got, want)
	some := shuffled(s.ids, ids)[:7]
	got, err = s.Edges.Among(t.Context(), viewer, kinds, some)
	check(t, err)
	for i, id := range some {
		if got[i] != want[slices.Index(ids, id)] {
			t.Fatalf("bits of a few are %b, want %b", got[i], want[slices.Index(ids, id)])
		}
	}
}

func (s *suite) tally(t *testing.T, kind warble.EdgeKind, id warble.ID, out bool, part uint32, mask byte, want int64) {
	t.Helper()
	got, err := s.Edges.Tally(t.Context(), kind, id, out, part, mask)
	check(t, err)
	if got != want {
		t.Fatalf("tally of kind %d, out %v, part %d, mask %b is %d, want %d", kind, out, part, mask, got, want)
	}
}

func edgeTallyIn(t *testing.T, s *suite) {
	to := s.id()
	var edges []warble.Edge
	for range 30 {
		edges = append(edges, s.edge(warble.Like, s.id(), to))
	}
	s.tally(t, warble.Like, to, false, 0, 0, 0)
	s.put(t, edges...)
	s.put(t, s.edge(warble.Bookmark, s.id(), to), s.edge(warble.Like, to, s.id()), s.edge(warble.Like, s.id(), to+1))
	s.tally(t, warble.Like, to, false, 0, 0, 30)
	s.apply(t, &warble.Change{Put: []warble.Edge{edges[0]}})
	s.tally(t, warble.Like, to, false, 0, 0, 30)
	s.take(t, edges[0].Key())
	s.take(t, edges[7].Key())
	s.tally(t, warble.Like, to, false, 0, 0, 28)
	s.tally(t, warble.Like, to, false, 1, 0, 0)
}

func edgeTallyOut(t *testing.T, s *suite) {
	from := s.id()
	months := map[uint32]int64{}
	for i := range 40 {
		e := s.edge(warble.Follow, from, s.id())
		e.Since = s.idIn(time.Date(2024, time.Month(i%4+11), 1+i%2*27, 23, 0, 0, 0, time.UTC))
		months[e.Since.Month()]++
		s.put(t, e)
		if i%8 == 3 {
			s.take(t, e.Key())
			months[e.Since.Month()]--
		}
	}
	edge := s.edge(warble.Follow, from, s.id())
	first, next := warble.MonthSpan(2030*12 + 5)
	for i, since := range []warble.ID{first, next - 1, next} {
		edge.To, edge.Since = edge.To+warble.ID(i), since
		months[since.Month()]++
		s.put(t, edge)
	}
	if months[2030*12+5] != 2 {
		t.Fatalf("a month from its first to its last id holds %d", months[2030*12+5])
	}
	for month, n := range months {
		s.tally(t, warble.Follow, from, true, month, 0, n)
	}
	s.tally(t, warble.Follow, from, true, 1999*12, 0, 0)
}

func edgeTallyMask(t *testing.T, s *suite) {
	poll, voter := s.id(), s.id()
	want, month := map[byte]int64{}, uint32(0)
	for i, value := range []string{"\x01", "\x02", "\x03", "\x04x", "", "\x08\x01", "\x01", "\x06"} {
		in := warble.Edge{Kind: warble.Vote, From: s.id(), To: poll, Since: s.id(), Value: value}
		out := warble.Edge{Kind: warble.Vote, From: voter, To: s.id(), Since: s.idIn(time.Date(2025, 3, 1+i, 0, 0, 0, 0, time.UTC)), Value: value}
		month = out.Since.Month()
		s.put(t, in, out)
		for _, mask := range []byte{1, 2, 4, 8, 3, 0x80} {
			if value != "" && value[0]&mask != 0 {
				want[mask]++
			}
		}
	}
	for _, mask := range []byte{1, 2, 4, 8, 3, 0x80} {
		s.tally(t, warble.Vote, poll, false, 0, mask, want[mask])
		s.tally(t, warble.Vote, voter, true, month, mask, want[mask])
	}
	s.tally(t, warble.Vote, poll, false, 0, 0, 8)
}

func edgeKinds(t *testing.T, s *suite) {
	a, b := s.id(), s.id()
	for kind := warble.Follow; kind <= warble.MaxEdgeKind; kind++ {
		e := s.edge(kind, a, b)
		s.put(t, e)
		if got := s.edgeRow(t, e.Key()); got != e {
			t.Fatalf("kind %d: %+v, want %+v", kind, got, e)
		}
		s.joined(t, e, true)
		s.take(t, e.Key())
		s.joined(t, e, false)
	}
}

// joined looks at an edge from every side there is.
func (s *suite) joined(t *testing.T, e warble.Edge, want bool) {
	t.Helper()
	from, err := s.Edges.From(t.Context(), e.Kind, e.From, warble.Page{Limit: 1000})
	check(t, err)
	to, err := s.Edges.To(t.Context(), e.Kind, e.To, warble.Page{Limit: 1000})
	check(t, err)
	bits, err := s.Edges.Among(t.Context(), e.From, []warble.EdgeKind{e.Kind}, []warble.ID{e.To})
	check(t, err)
	inverse, err := s.Edges.Among(t.Context(), e.To, []warble.EdgeKind{e.Kind | warble.Inverse}, []warble.ID{e.From})
	check(t, err)
	var part []warble.Edge
	for _, edges := range s.parts(t, e.Kind, e.To) {
		part = append(part, edges...)
	}
	stored := s.edgeRow(t, e.Key())
	is := func(o warble.Edge) bool { return o == stored }
	sides := []bool{stored.Since != 0, slices.ContainsFunc(from, is), slices.ContainsFunc(to, is), slices.ContainsFunc(part, is), bits[0] == 1, inverse[0] == 1}
	if slices.Contains(sides, !want) {
		t.Fatalf("edge %s stands by Get, From, To, Part, Among, Inverse: %s, want %v", form(e), fmt.Sprint(sides), want)
	}
}
