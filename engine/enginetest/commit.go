package enginetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"warble"
)

func commitTests() []test {
	return []test{
		{"AppliesEverythingOfAChange", commitAll},
		{"TheSameChangeAgainChangesNothing", commitAgain},
		{"MoreThanTwentyRowsAreRefused", commitTooMany},
		{"AnEmptyChangeChangesNothing", commitEmpty},
		{"FillsInSinceAndPart", commitFills},
		{"KeepsNoSliceItWasHanded", commitKeepsNothing},
		{"OneEdgeAtOnceLeavesItsIndexesInStep", commitOneEdge},
		{"OneOfManySameChangesChangesSomething", commitOneChanges},
		{"VersionsAtOnceLeaveTheHighest", commitVersions},
		{"ATombstoneAtOnceWithEditsWins", commitTombstone},
		{"PartsFilledAtOnceHoldEveryEdgeOnce", commitParts},
		{"OneEdgeIsLinearizable", commitLinearizable},
	}
}

// rich is a change of every kind of row; gone is an edge it removes, which must stand before.
func (s *suite) rich() (c *warble.Change, gone warble.Edge) {
	u, author := s.fullUser(), s.id()
	tw := s.fullTweet(author)
	gone = s.edge(warble.FollowRequest, s.id(), author)
	return &warble.Change{
		Users:  []*warble.User{u},
		Tweets: []*warble.Tweet{tw},
		Put:    []warble.Edge{s.edge(warble.Reply, tw.ID, s.id()), s.edge(warble.Follow, gone.From, author)},
		Gone:   []warble.EdgeKey{gone.Key()},
		Docs:   []*warble.Doc{s.doc(author, warble.DocMedia)},
		Events: []warble.Event{{Kind: warble.EventTweet, Key: author, ID: tw.ID}},
	}, gone
}

// stands holds every row of a change against what the stores say.
func (s *suite) stands(t *testing.T, c *warble.Change) {
	t.Helper()
	for _, u := range c.Users {
		same(t, "user", s.userRow(t, u.ID), u)
	}
	for _, tw := range c.Tweets {
		same(t, "tweet", s.tweetRow(t, tw.ID), tw)
	}
	for _, d := range c.Docs {
		same(t, "document", s.docRow(t, d.ID), d)
	}
	for _, e := range c.Put {
		same(t, "edge", s.edgeRow(t, e.Key()), e)
	}
	for _, key := range c.Gone {
		same(t, "edge gone", s.edgeRow(t, key), warble.Edge{})
	}
}

func commitAll(t *testing.T, s *suite) {
	c, gone := s.rich()
	s.put(t, gone)
	s.applies(t, c)
	s.stands(t, c)
}

func commitAgain(t *testing.T, s *suite) {
	c, gone := s.rich()
	s.put(t, gone)
	s.applies(t, c)
	s.idle(t, c)
	s.stands(t, c)
	for _, one := range []*warble.Change{{Users: c.Users}, {Tweets: c.Tweets}, {Put: c.Put}, {Gone: c.Gone}, {Docs: c.Docs}} {
		one.Events = c.Events
		s.idle(t, one)
	}
	s.applies(t, &warble.Change{Tweets: c.Tweets, Put: []warble.Edge{s.edge(warble.Like, s.id(), c.Tweets[0].ID)}})
}

func commitTooMany(t *testing.T, s *suite) {
	c, gone := s.rich()
	s.put(t, gone)
	for c.Rows() < warble.MaxChangeRows {
		c.Put = append(c.Put, s.edge(warble.Like, s.id(), s.id()))
	}
	more := *c
	more.Docs = append([]*warble.Doc{s.doc(s.id(), warble.DocDraft)}, c.Docs...)
	changed, err := s.Commit.Apply(t.Context(), &more)
	refused(t, err, warble.ErrInvalid)
	if changed || s.userRow(t, c.Users[0].ID) != nil || s.edgeRow(t, gone.Key()).Since == 0 || s.edgeRow(t, c.Put[5].Key()).Since != 0 {
		t.Fatal("a change of 21 rows was refused and a part of it stored")
	}
	s.applies(t, c)
	s.stands(t, c)
}

func commitEmpty(t *testing.T, s *suite) {
	s.idle(t, &warble.Change{})
	s.idle(t, &warble.Change{Events: []warble.Event{{Kind: warble.EventUser, Key: s.id(), ID: s.id()}}})
}

func commitFills(t *testing.T, s *suite) {
	first, other := s.edge(warble.Retweet, s.id(), s.id()), s.edge(warble.Like, s.id(), s.id())
	s.put(t, first)
	again := first
	again.Since, again.Part = s.id(), 99
	c := &warble.Change{
		Put: []warble.Edge{again, other},
		Events: []warble.Event{
			{Kind: warble.EventEdge, Key: again.To, Edges: []warble.Edge{again}},
			{Kind: warble.EventEdge, Key: other.To, Edges: []warble.Edge{other}},
		},
	}
	s.applies(t, c)
	stored := s.edgeRow(t, first.Key())
	if stored.Since != first.Since {
		t.Fatalf("stored Since is %v, want %v", stored.Since, first.Since)
	}
	same(t, "put", c.Put, []warble.Edge{stored, other})
	same(t, "edges of the events", [][]warble.Edge{c.Events[0].Edges, c.Events[1].Edges}, [][]warble.Edge{{stored}, {other}})
	gone := &warble.Change{
		Gone:   []warble.EdgeKey{first.Key(), {Kind: warble.Like, From: s.id(), To: s.id()}},
		Events: []warble.Event{{Kind: warble.EventEdgeGone, Key: first.To}},
	}
	for _, key := range gone.Gone {
		gone.Events[0].Edges = append(gone.Events[0].Edges, warble.Edge{Kind: key.Kind, From: key.From, To: key.To})
	}
	s.applies(t, gone)
	same(t, "edges of a removal", gone.Events[0].Edges, []warble.Edge{stored})
}

func commitKeepsNothing(t *testing.T, s *suite) {
	c, gone := s.rich()
	s.put(t, gone)
	want := form(c.Docs[0])
	put := c.Put[0]
	s.applies(t, c)
	put.Part = c.Put[0].Part
	doc := *c.Docs[0]
	c.Put[0].Value, c.Put[0].Since = "changed", 1
	c.Events[0] = warble.Event{}
	c.Users[0], c.Tweets[0], c.Docs[0] = nil, nil, nil
	same(t, "edge", s.edgeRow(t, put.Key()), put)
	if got := form(s.docRow(t, doc.ID)); got != want {
		t.Fatalf("document is %s, want %s", got, want)
	}
}

func commitOneEdge(t *testing.T, s *suite) {
	for round := range 12 {
		e := s.edge(warble.Follow, s.id(), s.id())
		together(8, func(i int) {
			for n := range 6 {
				c := &warble.Change{Gone: []warble.EdgeKey{e.Key()}}
				if (i+n)%2 == 0 {
					again := e
					again.Since, again.Value = s.id(), fmt.Sprint(i)
					c = &warble.Change{Put: []warble.Edge{again}}
				}
				if _, err := s.Commit.Apply(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
		})
		stored := s.edgeRow(t, e.Key())
		want := int64(0)
		if stored.Since != 0 {
			want = 1
		}
		s.joined(t, e, want == 1)
		s.tally(t, e.Kind, e.To, false, stored.Part, 0, want)
		from, err := s.Edges.From(t.Context(), e.Kind, e.From, warble.Page{Limit: 100})
		check(t, err)
		to, err := s.Edges.To(t.Context(), e.Kind, e.To, warble.Page{Limit: 100})
		check(t, err)
		if len(from) != int(want) || len(to) != int(want) {
			t.Fatalf("round %d: the edge is %+v, %d edges go out and %d in", round, stored, len(from), len(to))
		}
	}
}

func commitOneChanges(t *testing.T, s *suite) {
	for range 10 {
		rich, gone := s.rich()
		s.put(t, gone)
		won := make([]bool, 8)
		together(len(won), func(i int) {
			c := *rich
			c.Put, c.Events = append([]warble.Edge(nil), rich.Put...), nil
			changed, err := s.Commit.Apply(t.Context(), &c)
			if err != nil {
				t.Error(err)
			}
			won[i] = changed
		})
		n := 0
		for _, w := range won {
			if w {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("the same change eight times at once changed something %d times", n)
		}
	}
}

func commitVersions(t *testing.T, s *suite) {
	for range 10 {
		u, tw, d := s.user(), s.tweet(s.id()), s.doc(s.id(), warble.DocMarker)
		together(8, func(i int) {
			for n := range 4 {
				version := 1 + (i*5+n*7)%32
				v := *u
				v.Version, v.Name = uint64(version), fmt.Sprint(version)
				c := &warble.Change{Users: []*warble.User{&v}, Tweets: []*warble.Tweet{edits(tw, uint32(version), fmt.Sprint(version))}}
				c.Docs = []*warble.Doc{docAt(d, uint64(version), fmt.Sprint(version))}
				if _, err := s.Commit.Apply(t.Context(), c); err != nil {
					t.Error(err)
				}
			}
		})
		top := 0
		for i := range 8 {
			for n := range 4 {
				top = max(top, 1+(i*5+n*7)%32)
			}
		}
		want := fmt.Sprint(top)
		if un, tn, dn := s.userRow(t, u.ID).Name, s.tweetRow(t, tw.ID).Text, string(s.docRow(t, d.ID).Data); un != want || tn != want || dn != want {
			t.Fatalf("user, tweet and document are at %s, %s, %s, want %s", un, tn, dn, want)
		}
	}
}

func commitTombstone(t *testing.T, s *suite) {
	for range 10 {
		tw := s.tweet(s.id())
		together(6, func(i int) {
			c := &warble.Change{Tweets: []*warble.Tweet{edits(tw, uint32(i+1), "text")}}
			if i == 3 {
				c = &warble.Change{Tweets: []*warble.Tweet{tombstone(tw)}}
			}
			if _, err := s.Commit.Apply(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
		if got := s.tweetRow(t, tw.ID); !got.Gone || got.Text != "" || len(s.by(t, tw.Author)) != 0 {
			t.Fatalf("a tombstone among edits left %s", form(got))
		}
	}
}

func commitParts(t *testing.T, s *suite) {
	to := s.id()
	together(8, func(int) {
		for range 10 {
			var edges []warble.Edge
			for range warble.MaxChangeRows {
				edges = append(edges, s.edge(warble.Like, s.id(), to))
			}
			if _, err := s.Commit.Apply(t.Context(), &warble.Change{Put: edges}); err != nil {
				t.Error(err)
			}
		}
	})
	seen := map[warble.ID]bool{}
	for _, part := range s.parts(t, warble.Like, to) {
		for _, e := range part {
			if seen[e.From] {
				t.Fatalf("edge from %v lies in two parts", e.From)
			}
			seen[e.From] = true
		}
	}
	if len(seen) != 8*10*warble.MaxChangeRows {
		t.Fatalf("the parts hold %d edges, want %d", len(seen), 8*10*warble.MaxChangeRows)
	}
}

// edgeOp is one call about one edge; edgeSeen what it answered.
type edgeOp struct {
	put, gone bool
	since     warble.ID
}

type edgeSeen struct {
	changed bool
	since   warble.ID
}

// edgeModel is an edge that is there, since some id, or not.
func edgeModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return warble.ID(0) },
		Step: func(state, input, output any) (bool, any) {
			at, op, seen := state.(warble.ID), input.(edgeOp), output.(edgeSeen)
			switch {
			case op.put && at == 0:
				return seen.changed && seen.since == op.since, op.since
			case op.put:
				return !seen.changed && seen.since == at, at
			case op.gone:
				return seen.changed == (at != 0), warble.ID(0)
			}
			return seen.since == at, at
		},
	}
}

func commitLinearizable(t *testing.T, s *suite) {
	for round := range 4 {
		key, h := s.edge(warble.Follow, s.id(), s.id()).Key(), &historyOf{start: time.Now()}
		together(4, func(client int) {
			rng := seeded(s.opt.Seed + uint64(round*10+client))
			for range 40 {
				op := edgeOp{since: s.id()}
				switch rng.IntN(3) {
				case 0:
					op.put = true
				case 1:
					op.gone = true
				}
				h.call(client, op, func() any { return s.edgeCall(t, key, op) })
			}
		})
		h.linearizable(t, edgeModel())
	}
}

func (s *suite) edgeCall(t *testing.T, key warble.EdgeKey, op edgeOp) edgeSeen {
	c := &warble.Change{Put: []warble.Edge{{Kind: key.Kind, From: key.From, To: key.To, Since: op.since}}}
	if op.gone {
		c = &warble.Change{Gone: []warble.EdgeKey{key}}
	}
	if !op.put && !op.gone {
		got, err := s.Edges.Get(t.Context(), key.Kind, key.From, key.To)
		if err != nil {
			t.Error(err)
			return edgeSeen{}
		}
		return edgeSeen{since: got[0].Since}
	}
	changed, err := s.Commit.Apply(t.Context(), c)
	if err != nil {
		t.Error(err)
	}
	if op.gone {
		return edgeSeen{changed: changed}
	}
	return edgeSeen{changed, c.Put[0].Since}
}
