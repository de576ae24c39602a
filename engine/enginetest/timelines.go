package enginetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"warble"
)

func timelineTests() []test {
	return []test{
		{"NothingIsReadOrPushedBeforeABuild", timelineMissing},
		{"BuildStoresWhatWasPulled", timelineBuild},
		{"ReadIsPaged", timelinePaged},
		{"PushTwiceIsOneEntry", timelinePushTwice},
		{"ALatePushTakesItsPlace", timelinePushLate},
		{"APushBelowTheFloorDoesNothing", timelineFloor},
		{"APushReachesItsOwnerOnly", timelineOwners},
		{"ABuildKeepsPushesAndReadsAsMissing", timelinePushDuringBuild},
		{"ADropDuringABuildStartsItAgain", timelineDropDuringBuild},
		{"ConcurrentBuildsShareOnePull", timelineSharedPull},
		{"AFailedPullLeavesNothing", timelinePullFails},
		{"ABuilderWhoGivesUpHarmsNobody", timelineBuilderLeaves},
		{"DropForgets", timelineDrop},
		{"APairWithoutAnEntryForgets", timelineForget},
		{"TrimmingRaisesTheFloor", timelineTrim},
		{"APullOfTooManyIsTrimmed", timelineTrimBuild},
		{"UnreadForLongItIsBuiltAnew", timelineAge},
		{"NoPushIsLostAmongBuildsAndDrops", timelineNothingLost},
	}
}

func (s *suite) push(t *testing.T, owner warble.UserID, entries ...warble.TweetID) {
	t.Helper()
	var pairs []warble.Pair
	for _, e := range entries {
		pairs = append(pairs, warble.Pair{Owner: owner, Entry: e})
	}
	check(t, s.Timelines.Push(t.Context(), warble.Turn{}, pairs))
}

// pulled is a pull that answers at once.
func pulled(floor warble.TweetID, entries ...warble.TweetID) func(context.Context) ([]warble.TweetID, warble.TweetID, error) {
	return func(context.Context) ([]warble.TweetID, warble.TweetID, error) {
		return slices.Clone(entries), floor, nil
	}
}

func (s *suite) build(t *testing.T, owner warble.UserID, floor warble.TweetID, entries ...warble.TweetID) {
	t.Helper()
	check(t, s.Timelines.Build(t.Context(), owner, pulled(floor, entries...)))
}

func (s *suite) missing(t *testing.T, owner warble.UserID) {
	t.Helper()
	got, _, ok, err := s.Timelines.Read(t.Context(), owner, warble.Page{Limit: 5})
	check(t, err)
	if ok {
		t.Fatalf("the timeline is there: %v", got)
	}
}

// home waits until the timeline holds these entries, in whatever order they are given, above that floor.
func (s *suite) home(t *testing.T, owner warble.UserID, floor warble.TweetID, want ...warble.TweetID) {
	t.Helper()
	var got []warble.TweetID
	s.eventually(t, "timeline "+form(down(want)), func() bool {
		entries, at, ok, err := s.Timelines.Read(t.Context(), owner, warble.Page{Limit: 2000})
		check(t, err)
		got = entries
		return ok && at == floor && form(got) == form(down(want))
	})
}

func timelineMissing(t *testing.T, s *suite) {
	owner, e := s.id(), s.id()
	s.missing(t, owner)
	s.push(t, owner, e)
	s.missing(t, owner)
	s.build(t, owner, 0)
	s.home(t, owner, 0)
	check(t, s.Timelines.Push(t.Context(), warble.Turn{}, nil))
}

func timelineBuild(t *testing.T, s *suite) {
	owner, e := s.id(), s.idsUp(5)
	s.build(t, owner, e[1], e[3], e[1], e[4], e[3], e[0], e[2]) // unsorted, one twice, one below the floor
	s.home(t, owner, e[1], e[1:]...)
	s.build(t, owner, 0, e[0])
	s.home(t, owner, 0, e[0])
}

func timelinePaged(t *testing.T, s *suite) {
	owner, e := s.id(), s.idsUp(50)
	s.build(t, owner, e[0], e[:30]...)
	for _, id := range shuffled(s.ids, e[30:]) {
		s.push(t, owner, id)
	}
	s.home(t, owner, e[0], e...)
	paged(t, s.ids, down(e), false, func(p warble.Page) ([]warble.ID, error) {
		got, floor, ok, err := s.Timelines.Read(t.Context(), owner, p)
		if !ok || floor != e[0] {
			t.Fatalf("page %+v: ok %v, floor %v", p, ok, floor)
		}
		return got, err
	})
}

func timelinePushTwice(t *testing.T, s *suite) {
	owner, e := s.id(), s.idsUp(3)
	s.build(t, owner, 0, e[0])
	s.push(t, owner, e[1], e[1], e[0])
	s.push(t, owner, e[1], e[2])
	s.push(t, owner, e[2])
	s.home(t, owner, 0, e...)
}

func timelinePushLate(t *testing.T, s *suite) {
	owner, e := s.id(), s.idsUp(9)
	s.build(t, owner, e[0], e[0], e[4], e[8])
	for _, i := range []int{5, 2, 7, 1, 3, 6} {
		s.push(t, owner, e[i])
	}
	s.home(t, owner, e[0], e...)
}

func timelineFloor(t *testing.T, s *suite) {
	owner, e := s.id(), s.idsUp(5)
	s.build(t, owner, e[2], e[3])
	s.push(t, owner, e[0], e[1], e[2]-1, e[2], e[4]) // at the floor is inside
	s.home(t, owner, e[2], e[2:]...)
}

func timelineOwners(t *testing.T, s *suite) {
	a, e := s.id(), s.idsUp(2)
	b := a + 1
	s.build(t, a, 0)
	s.build(t, b, 0)
	check(t, s.Timelines.Push(t.Context(), warble.Turn{}, []warble.Pair{{Owner: a, Entry: e[0]}, {Owner: b, Entry: e[1]}, {Owner: a + 2, Entry: e[0]}}))
	s.home(t, a, 0, e[0])
	s.home(t, b, 0, e[1])
	s.missing(t, a+2)
}

func timelinePushDuringBuild(t *testing.T, s *suite) {
	owner, e := s.id(), s.idsUp(6)
	for range 2 { // the first time where there is none, then over one that stands
		check(t, s.Timelines.Build(t.Context(), owner, func(context.Context) ([]warble.TweetID, warble.TweetID, error) {
			s.missing(t, owner)
			s.push(t, owner, e[4], e[0], e[2], e[4])
			s.missing(t, owner)
			return []warble.TweetID{e[3], e[1], e[2]}, e[1], nil
		}))
		s.home(t, owner, e[1], e[1:5]...)
		s.push(t, owner, e[5])
		s.home(t, owner, e[1], e[1:]...)
	}
}

func timelineDropDuringBuild(t *testing.T, s *suite) {
	owner, e := s.id(), s.idsUp(3)
	pulls := 0
	check(t, s.Timelines.Build(t.Context(), owner, func(ctx context.Context) ([]warble.TweetID, warble.TweetID, error) {
		if pulls++; pulls > 1 {
			return []warble.TweetID{e[2]}, e[1], nil
		}
		s.push(t, owner, e[1])
		return []warble.TweetID{e[0]}, 0, s.Timelines.Drop(ctx, owner)
	}))
	if pulls != 2 {
		t.Fatalf("a build dropped in its middle pulled %d times, want twice", pulls)
	}
	s.home(t, owner, e[1], e[2])
}

func timelineSharedPull(t *testing.T, s *suite) {
	owner, e := s.id(), s.id()
	var pulls atomic.Int32
	entered := make(chan struct{})
	pull := func(context.Context) ([]warble.TweetID, warble.TweetID, error) {
		if pulls.Add(1) == 1 {
			close(entered)
		}
		<-time.After(50 * time.Millisecond) // nothing tells that the others joined; the longer, the stricter
		return []warble.TweetID{e}, 0, nil
	}
	together(8, func(i int) {
		if i > 0 {
			<-entered
		}
		if err := s.Timelines.Build(t.Context(), owner, pull); err != nil {
			t.Error(err)
		}
	})
	// One who comes a moment too late for the first pull makes another; all seven cannot.
	if n := pulls.Load(); n > 4 {
		t.Fatalf("8 builds at once pulled %d times", n)
	}
	s.home(t, owner, 0, e)
}

func timelinePullFails(t *testing.T, s *suite) {
	owner, e, boom := s.id(), s.id(), errors.New("boom")
	err := s.Timelines.Build(t.Context(), owner, func(context.Context) ([]warble.TweetID, warble.TweetID, error) {
		return []warble.TweetID{e}, 0, boom
	})
	refused(t, err, boom)
	s.missing(t, owner)
	s.push(t, owner, e)
	s.missing(t, owner)
	s.build(t, owner, 0)
	s.home(t, owner, 0)
}

func timelineBuilderLeaves(t *testing.T, s *suite) {
	owner, e := s.id(), s.id()
	ctx, cancel := stop(t)
	entered := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.Timelines.Build(ctx, owner, func(ctx context.Context) ([]warble.TweetID, warble.TweetID, error) {
			close(entered)
			<-ctx.Done()
			return nil, 0, ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a build given up ends with %v", err)
		}
	})
	<-entered
	wg.Go(func() {
		if err := s.Timelines.Build(t.Context(), owner, pulled(0, e)); err != nil {
			t.Errorf("another's build ends with %v", err)
		}
	})
	<-time.After(20 * time.Millisecond) // nothing tells that the other joined; the longer, the stricter
	cancel()
	wg.Wait()
	s.home(t, owner, 0, e)
}

func timelineDrop(t *testing.T, s *suite) {
	owners, e := s.idsUp(3), s.id()
	for _, owner := range owners {
		s.build(t, owner, 0, e)
	}
	check(t, s.Timelines.Drop(t.Context(), owners[0], owners[2], s.id()))
	check(t, s.Timelines.Drop(t.Context()))
	s.missing(t, owners[0])
	s.home(t, owners[1], 0, e)
	s.missing(t, owners[2])
	s.push(t, owners[0], e)
	s.missing(t, owners[0])
}

func timelineForget(t *testing.T, s *suite) {
	owners, e := s.idsUp(3), s.idsUp(2)
	for _, owner := range owners[:2] {
		s.build(t, owner, 0, e[0])
	}
	check(t, s.Timelines.Push(t.Context(), warble.Turn{}, []warble.Pair{
		{Owner: owners[0]}, {Owner: owners[2]}, {Owner: owners[0], Entry: e[1]}, {Owner: owners[1], Entry: e[1]},
	}))
	s.missing(t, owners[0])
	s.home(t, owners[1], 0, e[1], e[0])
	s.missing(t, owners[2])

	pulls := 0
	check(t, s.Timelines.Build(t.Context(), owners[0], func(ctx context.Context) ([]warble.TweetID, warble.TweetID, error) {
		if pulls++; pulls == 1 {
			return nil, 0, s.Timelines.Push(ctx, warble.Turn{}, []warble.Pair{{Owner: owners[0]}})
		}
		return e[:1], 0, nil
	}))
	s.home(t, owners[0], 0, e[0])
}

func timelineTrim(t *testing.T, s *suite) {
	owner, e := s.id(), s.idsUp(warble.TimelineTrim+5)
	s.build(t, owner, e[2], e[5:warble.TimelineTrim]...)
	s.push(t, owner, e[2], e[3], e[4], e[warble.TimelineTrim], e[warble.TimelineTrim+1])
	s.home(t, owner, e[2], e[2:warble.TimelineTrim+2]...) // 880: as many as may be
	s.push(t, owner, e[warble.TimelineTrim+2])
	kept := e[warble.TimelineTrim+3-warble.TimelineKeep : warble.TimelineTrim+3]
	s.home(t, owner, kept[0], kept...)
	s.push(t, owner, e[2], kept[0]-1, e[warble.TimelineTrim+3])
	s.home(t, owner, kept[0], e[warble.TimelineTrim+3-warble.TimelineKeep:warble.TimelineTrim+4]...)
}

func timelineTrimBuild(t *testing.T, s *suite) {
	owner, e := s.id(), s.idsUp(2000)
	check(t, s.Timelines.Build(t.Context(), owner, func(context.Context) ([]warble.TweetID, warble.TweetID, error) {
		s.push(t, owner, e[1900:]...)
		return e[:1900], 0, nil
	}))
	got, floor, ok, err := s.Timelines.Read(t.Context(), owner, warble.Page{Limit: 2000})
	check(t, err)
	if n := len(got); !ok || n < warble.TimelineKeep || n > warble.TimelineTrim {
		t.Fatalf("after a pull of 1900 and 100 pushes %d entries are there", n)
	}
	if want := down(e)[:len(got)]; form(got) != form(want) || floor > want[len(want)-1] || floor <= e[2000-len(got)-1] {
		t.Fatalf("the %d entries are not the newest, or the floor %v is wrong for %v", len(got), floor, want[len(want)-1])
	}
}

func timelineAge(t *testing.T, s *suite) {
	if s.opt.Clock == nil {
		t.Skip("the engine's clock is its own")
	}
	owner, e := s.id(), s.idsUp(2)
	s.build(t, owner, 0, e[0])
	s.opt.Clock.Advance(warble.TimelineAge - time.Hour)
	s.home(t, owner, 0, e[0])
	s.opt.Clock.Advance(2 * time.Hour)
	s.missing(t, owner) // though it was read just now
	unread := s.id()
	s.build(t, unread, 0, e[0])
	s.opt.Clock.Advance(warble.TimelineAge + time.Hour)
	s.missing(t, unread)
	s.missing(t, owner)
	s.build(t, unread, 0, e[1])
	s.home(t, unread, 0, e[1])
}

// timelineNothingLost plays truth (a growing list of entries), a pusher, builders and droppers at once: whatever
// stands at the end holds every entry at and above its floor.
func timelineNothingLost(t *testing.T, s *suite) {
	const entries = 300
	owner, e := s.id(), s.idsUp(entries)
	var stored atomic.Int32
	pull := func(context.Context) ([]warble.TweetID, warble.TweetID, error) {
		return slices.Clone(e[:stored.Load()]), 0, nil
	}
	together(4, func(i int) {
		for n := range entries {
			var err error
			switch {
			case i == 0:
				stored.Store(int32(n + 1)) // truth first, then the push
				err = s.Timelines.Push(t.Context(), warble.Turn{}, []warble.Pair{{Owner: owner, Entry: e[n]}})
			case i == 1 && n%10 == 0:
				err = s.Timelines.Drop(t.Context(), owner)
			case i > 1 && n%3 == 0:
				err = s.Timelines.Build(t.Context(), owner, pull)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	if _, _, ok, err := s.Timelines.Read(t.Context(), owner, warble.Page{}); err != nil || !ok {
		check(t, s.Timelines.Build(t.Context(), owner, pull))
	}
	s.home(t, owner, 0, e...)
}
