//go:build cluster

package fault

import (
	"strings"
	"testing"
	"time"

	"warble"
)

// story is a small run with a right ending: user 1 follows user 0, likes one of
// his tweets, unfollows user 2; user 0 deletes a tweet; two people ask for one
// handle. Tests tell one thing of it wrongly.
type story struct {
	history
	e  ending
	at time.Duration
}

// one call takes a second, and so does the pause after it.
func (s *story) call(c call) *call {
	c.Begin, c.End = s.at, s.at+time.Second
	if c.Outcome == 0 {
		c.Outcome = happened
	}
	s.at += 2 * time.Second
	s.add(&c)
	return &c
}

// last is a call made when all was over.
func (s *story) last(c call) {
	c.Begin, c.End, c.Outcome = never, never, happened
	s.add(&c)
}

func (s *story) find(t *testing.T, want func(*call) bool) *call {
	t.Helper()
	for _, c := range s.calls {
		if want(c) {
			return c
		}
	}
	t.Fatal("the story has no such call")
	return nil
}

// drop tells the story without a call.
func (s *story) drop(c *call) {
	for i, x := range s.calls {
		if x == c {
			s.calls = append(s.calls[:i], s.calls[i+1:]...)
			return
		}
	}
}

func tell() *story {
	s := &story{history: history{users: 3}}
	a, b, c := seen{10, "a"}, seen{20, "b"}, seen{30, "c"}
	s.call(call{User: 0, Kind: post, Label: "a", ID: 10})
	s.call(call{User: 0, Kind: post, Label: "b", ID: 20})
	s.call(call{User: 1, Session: 1, Kind: put, Key: "follow 1>0", Value: "on"})
	s.call(call{User: 1, Session: 1, Kind: put, Key: "follow 1>2", Value: "on"})
	s.call(call{User: 2, Session: 2, Kind: post, Label: "c", ID: 30})
	s.call(call{User: 1, Session: 1, Kind: get, Key: "follow 1>2", Value: "on"})
	s.call(call{User: 1, Session: 1, Kind: put, Key: "follow 1>2", Value: ""})
	s.call(call{User: 1, Session: 1, Kind: get, Key: "follow 1>2", Value: ""})
	s.call(call{User: 1, Session: 1, Kind: put, Key: "like 1>10", Value: "on"})
	s.call(call{User: 0, Kind: profile, Author: 0, Page: []seen{b, a}})
	s.call(call{User: 0, Kind: remove, ID: 20})
	s.call(call{User: 0, Kind: profile, Author: 0, Page: []seen{a}})
	s.call(call{User: 1, Session: 1, Kind: home, Page: []seen{a}})
	s.call(call{User: 0, Kind: claim, Key: "handle x", Value: "first"})
	s.call(call{User: 1, Session: 1, Kind: claim, Key: "handle x", Value: "second", Outcome: refused})
	s.call(call{User: 2, Session: 2, Kind: get, Key: "handle x", Value: "first"})
	s.call(call{User: 1, Session: 1, Kind: lookup, Asked: []warble.TweetID{10, 30}, Page: []seen{a, c}})
	s.last(call{User: 1, Kind: get, Key: "follow 1>0", Value: "on"})
	s.last(call{User: 1, Kind: get, Key: "follow 1>2", Value: ""})
	s.last(call{User: 1, Kind: get, Key: "like 1>10", Value: "on"})
	s.e = ending{
		Profiles: [][]seen{{a}, nil, {c}}, Homes: [][]seen{{a}, {a}, {c}},
		Following: [][]int{nil, {0}, nil}, Followers: [][]int{{1}, nil, nil},
		People:     []peopleCounts{{Followers: 1, Tweets: 1}, {Following: 1}, {Tweets: 1}},
		Liked:      []map[warble.TweetID]bool{{10: false}, {10: true, 30: false}, {}},
		LikedLists: []map[warble.TweetID]bool{{}, {10: true}, {}},
		Likes:      map[warble.TweetID]int{10: 1, 30: 0},
	}
	return s
}

func TestCheckerBelievesAStoryThatIsTrue(t *testing.T) {
	s := tell()
	if got := check(&s.history, &s.e); got != nil {
		t.Errorf("a true story breaks a promise:\n%s", strings.Join(got, "\n"))
	}
}

func TestCheckerBelievesAnUnknownWriteEitherWay(t *testing.T) {
	s := tell()
	s.call(call{User: 1, Kind: post, Label: "lost", Outcome: unknown})
	s.call(call{User: 1, Kind: post, Label: "kept", Outcome: unknown})
	s.call(call{User: 2, Kind: put, Key: "follow 2>1", Value: "on", Outcome: unknown})
	s.call(call{User: 2, Kind: get, Key: "follow 2>1", Value: ""})
	s.last(call{User: 2, Kind: get, Key: "follow 2>1", Value: "on"})
	kept := seen{40, "kept"}
	s.e.Profiles[1], s.e.People[1].Tweets = []seen{kept}, 1
	s.e.Homes[1] = append([]seen{kept}, s.e.Homes[1]...)
	s.e.Following[2], s.e.Followers[1] = []int{1}, []int{2}
	s.e.People[2].Following, s.e.People[1].Followers = 1, 1
	s.e.Homes[2] = append([]seen{kept}, s.e.Homes[2]...)
	if got := check(&s.history, &s.e); got != nil {
		t.Errorf("unknown writes that happened, or did not, break a promise:\n%s", strings.Join(got, "\n"))
	}
}

// lies are things told wrongly, and a part of what the checker must say to them.
func lies(t *testing.T) map[string]struct {
	tell func(*story)
	want string
} {
	type lie = struct {
		tell func(*story)
		want string
	}
	a := seen{10, "a"}
	is := func(k kind, key, value string) func(*call) bool {
		return func(c *call) bool { return c.Kind == k && c.Key == key && c.Value == value }
	}
	return map[string]lie{
		"a lost tweet":               {func(s *story) { s.e.Profiles[2], s.e.Homes[2], s.e.People[2].Tweets = nil, nil, 0 }, "acknowledged tweet 30 is missing"},
		"a lost follow":              {func(s *story) { s.find(t, func(c *call) bool { return c.Begin == never }).Value = "" }, "no order explains the calls about follow 1>0"},
		"a lost unlike":              {func(s *story) { s.call(call{User: 1, Kind: put, Key: "like 1>10", Value: ""}) }, "no order explains the calls about like 1>10"},
		"a lost delete":              {func(s *story) { s.e.Profiles[0] = []seen{{20, "b"}, a} }, "deleted tweet 20 is shown"},
		"an own tweet not read":      {func(s *story) { s.call(call{User: 2, Kind: home}) }, "acknowledged tweet 30 is missing"},
		"a stale flag":               {func(s *story) { s.call(call{User: 1, Kind: get, Key: "follow 1>2", Value: "on"}) }, "no order explains the calls about follow 1>2"},
		"a stale page":               {func(s *story) { s.call(call{User: 0, Kind: profile, Author: 0, Page: []seen{{20, "b"}, a}}) }, "deleted tweet 20 is shown"},
		"a stale look-up":            {func(s *story) { s.call(call{User: 1, Kind: lookup, Asked: []warble.TweetID{10}}) }, "acknowledged tweet 10 is missing"},
		"older than may be":          {func(s *story) { s.call(call{User: 1, Kind: lookup, Page: []seen{{20, "b"}}, Stale: time.Second}) }, "deleted tweet 20 is shown"},
		"a tweet twice":              {func(s *story) { s.e.Profiles[2] = []seen{{31, "c"}, {30, "c"}} }, "one post became two tweets"},
		"a tweet twice on a page":    {func(s *story) { s.call(call{User: 1, Kind: home, Page: []seen{a, a}}) }, "stands twice on one page"},
		"a tweet of nobody":          {func(s *story) { s.call(call{User: 1, Kind: home, Page: []seen{{99, "z"}}}) }, "which nobody posted"},
		"a refused post that stands": {func(s *story) { s.find(t, func(c *call) bool { return c.Label == "c" }).Outcome = refused }, "a refused tweet is there"},
		"a page in disorder":         {func(s *story) { s.call(call{User: 1, Kind: home, Page: []seen{a, {30, "c"}}}) }, "tweet 30 stands below an older one"},
		"a doubled count of likes":   {func(s *story) { s.e.Likes[10] = 2 }, "tweet 10 counts 2 likes and has 1"},
		"a doubled count of tweets":  {func(s *story) { s.e.People[0].Tweets = 2 }, "user 0 counts 2 tweets and has 1"},
		"a doubled count of follows": {func(s *story) { s.e.People[0].Followers = 2 }, "user 0 counts 2 followers"},
		"a follower listed twice":    {func(s *story) { s.e.Followers[0] = []int{1, 1} }, "user 0 is followed by [1] and lists [1 1]"},
		"one end of a follow":        {func(s *story) { s.e.Followers[0] = nil }, "user 0 is followed by [1] and lists []"},
		"a list against a flag":      {func(s *story) { s.e.Following[1], s.e.Followers[0] = nil, nil }, "the list of user 1 says false of follow 1>0"},
		"a like in one place only":   {func(s *story) { s.e.LikedLists[1][30] = true }, "flag on tweet 30 says false"},
		"a hole in a timeline":       {func(s *story) { s.e.Homes[1] = nil }, "the home of user 1 lacks tweet 10"},
		"a timeline with a stranger": {func(s *story) { s.e.Homes[0] = []seen{{30, "c"}, a} }, "the home of user 0 shows tweet 30"},
		"a handle given twice":       {func(s *story) { s.find(t, is(claim, "handle x", "second")).Outcome = happened }, "no order explains the calls about handle x"},
		"a handle refused for none":  {func(s *story) { s.call(call{Kind: claim, Key: "handle y", Outcome: refused}) }, "nobody else had asked"},
		"a claim that was lost":      {func(s *story) { s.call(call{Kind: get, Key: "handle x", Value: ""}) }, "no order explains the calls about handle x"},
	}
}

func TestCheckerCatches(t *testing.T) {
	for name, lie := range lies(t) {
		t.Run(name, func(t *testing.T) {
			s := tell()
			lie.tell(s)
			got := strings.Join(check(&s.history, &s.e), "\n")
			if !strings.Contains(got, lie.want) {
				t.Errorf("not caught: want %q in %q", lie.want, got)
			}
		})
	}
}

func TestCheckerWantsEachSessionToGoForward(t *testing.T) {
	s := tell()
	x := seen{40, "x"}
	s.call(call{User: 0, Kind: post, Label: "x", Outcome: unknown})
	s.call(call{User: 0, Kind: home, Page: []seen{x, {10, "a"}}})
	s.call(call{User: 0, Kind: home, Page: []seen{{10, "a"}}})
	if got := strings.Join(check(&s.history, nil), "\n"); !strings.Contains(got, "tweet 40 vanished from one session") {
		t.Errorf("a tweet that vanished was not caught: %q", got)
	}
	s.call(call{User: 0, Kind: remove, ID: 10, Outcome: unknown})
	s.call(call{User: 0, Kind: home, Page: []seen{x}})
	s.call(call{User: 0, Kind: home, Page: []seen{x, {10, "a"}}})
	if got := strings.Join(check(&s.history, nil), "\n"); !strings.Contains(got, "tweet 10 came back to one session") {
		t.Errorf("a tweet that came back was not caught: %q", got)
	}
}

func TestCheckerLetsWhatIsNotOnesOwnBeOld(t *testing.T) {
	s := tell()
	gone := s.find(t, func(c *call) bool { return c.Kind == remove })
	for age, want := range map[time.Duration]bool{10 * time.Second: true, 2 * time.Second: false} {
		read := &call{User: 1, Kind: home, Page: []seen{{20, "b"}, {10, "a"}}, Stale: age, Begin: gone.End + 5*time.Second, End: gone.End + 6*time.Second, Outcome: happened}
		s.add(read)
		got := strings.Join(check(&s.history, nil), "\n")
		if ok := !strings.Contains(got, "deleted tweet 20 is shown"); ok != want {
			t.Errorf("5 s after the deletion, where %s are allowed: %q", age, got)
		}
		s.drop(read)
	}
}

func TestMeterFindsWhatAFaultCost(t *testing.T) {
	m := newMeter(time.Now())
	for at := time.Duration(0); at < 20*time.Second; at += 100 * time.Millisecond {
		down := at >= 5*time.Second && at < 9*time.Second
		m.all = append(m.all, sample{write: true, served: !down, begin: at, end: at + 10*time.Millisecond}, sample{served: true, begin: at, end: at + 20*time.Millisecond})
	}
	m.all = append(m.all, sample{served: true, begin: 9 * time.Second, end: 12 * time.Second}) // slow
	got := m.judge(episode{Begin: 5 * time.Second, End: 15 * time.Second})
	want := verdict{Calls: 201, Failed: 40, NoWrite: 4*time.Second + 10*time.Millisecond, NoRead: 100 * time.Millisecond, Normal: 7 * time.Second}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
