package enginetest

import (
	"testing"
	"time"

	"warble"
)

func countTests() []test {
	return []test{
		{"GetSumsPartsForEachKindOfEachID", countSums},
		{"TheLaterAtStandsInAnyOrder", countLater},
		{"ANumberMayFallToZero", countFalls},
		{"PutsAtOnceLeaveTheLatest", countTogether},
		{"SweepRemovesWhatWasCountedBefore", countSweep},
	}
}

func (s *suite) counts(t *testing.T, kinds []warble.CountKind, ids []warble.ID, want ...int64) {
	t.Helper()
	var got []int64
	s.eventually(t, "counts "+form(want), func() bool {
		var err error
		got, err = s.Counts.Get(t.Context(), kinds, ids)
		check(t, err)
		return form(got) == form(want)
	})
}

func countSums(t *testing.T, s *suite) {
	a, b, none, at := s.id(), s.id(), s.id(), time.Now()
	check(t, s.Counts.Put(t.Context(), []warble.Count{
		{Kind: warble.CountLikes, ID: a, Part: 0, N: 1000, At: at}, {Kind: warble.CountLikes, ID: a, Part: 1, N: 7, At: at},
		{Kind: warble.CountLikes, ID: a, Part: 24_300, N: 1 << 40, At: at}, {Kind: warble.CountRetweets, ID: a, N: 3, At: at},
		{Kind: warble.CountReplies, ID: b, N: 9, At: at},
	}))
	check(t, s.Counts.Put(t.Context(), nil))
	kinds := []warble.CountKind{warble.CountReplies, warble.CountLikes, warble.CountRetweets}
	s.counts(t, kinds, []warble.ID{b, none, a}, 9, 0, 0, 0, 0, 0, 0, 1<<40+1007, 3)
	s.counts(t, kinds[:1], []warble.ID{a, b}, 0, 9)
	got, err := s.Counts.Get(t.Context(), kinds, nil)
	check(t, err)
	same(t, "counts of no ids", got, []int64{})
}

func countLater(t *testing.T, s *suite) {
	start := time.Now()
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {0, 2, 1}} {
		id := s.id()
		for _, i := range order {
			check(t, s.Counts.Put(t.Context(), []warble.Count{
				{Kind: warble.CountFollowers, ID: id, Part: 4, N: int64(10 + i), At: start.Add(time.Duration(i) * time.Millisecond)},
				{Kind: warble.CountFollowers, ID: id, Part: 5, N: 100, At: start},
			}))
		}
		s.counts(t, []warble.CountKind{warble.CountFollowers}, []warble.ID{id}, 112)
	}
	id := s.id() // twice for one key in one call
	check(t, s.Counts.Put(t.Context(), []warble.Count{
		{Kind: warble.CountTweets, ID: id, N: 2, At: start.Add(time.Second)}, {Kind: warble.CountTweets, ID: id, N: 1, At: start},
	}))
	s.counts(t, []warble.CountKind{warble.CountTweets}, []warble.ID{id}, 2)
}

func countFalls(t *testing.T, s *suite) {
	id, at := s.id(), time.Now()
	for i, n := range []int64{5, 0, 2, 0} {
		check(t, s.Counts.Put(t.Context(), []warble.Count{{Kind: warble.CountMedia, ID: id, N: n, At: at.Add(time.Duration(i) * time.Second)}}))
		s.counts(t, []warble.CountKind{warble.CountMedia}, []warble.ID{id}, n)
	}
}

func countSweep(t *testing.T, s *suite) {
	a, b := s.id(), s.id()
	kinds := []warble.CountKind{warble.CountLikes, warble.CountReplies}
	line := time.Unix(1000, 0) // of others nothing is as old
	check(t, s.Counts.Put(t.Context(), []warble.Count{
		{Kind: warble.CountLikes, ID: a, Part: 0, N: 5, At: line}, {Kind: warble.CountLikes, ID: a, Part: 1, N: 70, At: line.Add(-1)},
		{Kind: warble.CountReplies, ID: a, Part: 0, N: 8, At: line.Add(-time.Second)}, {Kind: warble.CountReplies, ID: b, Part: 3, N: 9, At: time.Unix(1, 0)},
	}))
	s.counts(t, kinds, []warble.ID{a, b}, 75, 8, 0, 9)
	check(t, s.Counts.Sweep(t.Context(), line))
	s.counts(t, kinds, []warble.ID{a, b}, 5, 0, 0, 0)
	check(t, s.Counts.Put(t.Context(), []warble.Count{{Kind: warble.CountReplies, ID: b, Part: 3, N: 1, At: time.Unix(1, 0)}}))
	s.counts(t, kinds, []warble.ID{a, b}, 5, 0, 0, 1)
	check(t, s.Counts.Sweep(t.Context(), line))
}

func countTogether(t *testing.T, s *suite) {
	ids, at := s.idsUp(5), time.Now()
	together(8, func(i int) {
		for n := range 40 {
			var counts []warble.Count
			for _, id := range ids {
				turn := (i*7 + n*11) % 320
				counts = append(counts, warble.Count{Kind: warble.CountLikes, ID: id, N: int64(turn), At: at.Add(time.Duration(turn) * time.Millisecond)})
			}
			if err := s.Counts.Put(t.Context(), counts); err != nil {
				t.Error(err)
			}
		}
	})
	top := int64(0)
	for i := range 8 {
		for n := range 40 {
			top = max(top, int64((i*7+n*11)%320))
		}
	}
	s.counts(t, []warble.CountKind{warble.CountLikes}, ids, top, top, top, top, top)
}
