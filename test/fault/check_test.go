//go:build cluster

package fault

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"warble"
)

// judge finds out whether a history could have come from a service that keeps
// its promises: each breach is a sentence.
type judge struct {
	users    int
	calls    []*call // by their beginning
	byLabel  map[string]*life
	byID     map[warble.TweetID]*life
	byAuthor [][]*life // newest first
	breaches []string
}

// life is all that is known of a tweet.
type life struct {
	label   string
	id      warble.TweetID // 0: nobody has met it
	author  int
	post    *call
	removes []*call // refused ones are left out
}

// removedBefore says whether the tweet was surely gone at a moment.
func (l *life) removedBefore(at time.Duration) bool {
	return slices.ContainsFunc(l.removes, func(r *call) bool { return r.Outcome == happened && r.End < at })
}

// maybeRemoved says whether the tweet may have been gone at a moment.
func (l *life) maybeRemoved(at time.Duration) bool {
	return slices.ContainsFunc(l.removes, func(r *call) bool { return r.Begin < at })
}

// surelyThere says whether every read of the truth within the span had to show the tweet.
func (l *life) surelyThere(begin, end time.Duration) bool {
	return l.post.Outcome == happened && l.post.End <= begin && !l.maybeRemoved(end)
}

// check judges a history and, unless it is nil, how it ended.
func check(h *history, e *ending) []string {
	j := &judge{users: h.users, calls: slices.Clone(h.calls), byLabel: map[string]*life{}, byID: map[warble.TweetID]*life{}}
	slices.SortStableFunc(j.calls, func(a, b *call) int { return int(a.Begin - b.Begin) })
	j.index(e)
	for _, c := range j.calls {
		switch c.Kind {
		case profile, home, lookup:
			j.read(c)
		}
	}
	j.monotonic()
	j.keys()
	if e != nil {
		j.end(e)
	}
	return j.breaches
}

func (j *judge) breach(format string, args ...any) {
	j.breaches = append(j.breaches, fmt.Sprintf(format, args...))
}

// index learns of every tweet. One whose post is unknown gets its id from who met it.
func (j *judge) index(e *ending) {
	for _, c := range j.calls {
		if c.Kind == post {
			l := &life{label: c.Label, id: c.ID, author: c.User, post: c}
			j.byLabel[c.Label] = l
			if c.Outcome == happened {
				j.meet(seen{c.ID, c.Label})
			}
		}
	}
	for _, c := range j.calls {
		for _, s := range c.Page {
			j.meet(s)
		}
	}
	if e != nil {
		for _, page := range slices.Concat(e.Profiles, e.Homes) {
			for _, s := range page {
				j.meet(s)
			}
		}
	}
	for _, c := range j.calls {
		if l := j.byID[c.ID]; c.Kind == remove && c.Outcome != refused && l != nil {
			l.removes = append(l.removes, c)
		}
	}
	j.byAuthor = make([][]*life, j.users)
	for _, l := range j.byID {
		j.byAuthor[l.author] = append(j.byAuthor[l.author], l)
	}
	for _, ls := range j.byAuthor {
		slices.SortFunc(ls, func(a, b *life) int { return newestFirst(a.id, b.id) })
	}
}

func newestFirst(a, b warble.ID) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

func (j *judge) meet(s seen) {
	l := j.byLabel[s.Label]
	switch {
	case l == nil:
		j.breach("tweet %d says %q, which nobody posted", s.ID, s.Label)
	case l.id == 0 || l.id == s.ID:
		l.id = s.ID
		j.byID[s.ID] = l
	default:
		j.breach("one post became two tweets, %d and %d: %s", l.id, s.ID, l.post)
	}
}

// read judges one page: what may not be on it, and what must.
func (j *judge) read(c *call) {
	on := make(map[warble.TweetID]bool, len(c.Page))
	for i, s := range c.Page {
		if on[s.ID] {
			j.breach("tweet %d stands twice on one page: %s", s.ID, c)
		} else if i > 0 && c.Kind != lookup && s.ID > c.Page[i-1].ID {
			j.breach("tweet %d stands below an older one: %s", s.ID, c)
		}
		on[s.ID] = true
		if l := j.byLabel[s.Label]; l != nil {
			j.shown(l, c)
		}
	}
	missing := func(l *life) {
		stale := j.staleness(l, c)
		if !on[l.id] && l.surelyThere(c.Begin-stale, c.End) {
			j.breach("acknowledged tweet %d is missing: %s; posted %s", l.id, c, l.post)
		}
	}
	switch c.Kind {
	case lookup:
		for _, id := range c.Asked {
			if l := j.byID[id]; l != nil {
				missing(l)
			}
		}
	case profile:
		j.among(c, c.Author, missing)
	case home: // other people's tweets come when fan-out has brought them
		j.among(c, c.User, missing)
	}
}

// staleness is how old what a page shows of a tweet may be.
func (j *judge) staleness(l *life, c *call) time.Duration {
	if l.author == c.User {
		return 0
	}
	return c.Stale
}

// among calls f with an author's tweets that are as new as what the page shows.
func (j *judge) among(c *call, author int, f func(*life)) {
	for _, l := range j.byAuthor[author] {
		if c.Older && l.id < c.Page[len(c.Page)-1].ID {
			return
		}
		f(l)
	}
}

func (j *judge) shown(l *life, c *call) {
	if l.post.Outcome == refused {
		j.breach("a refused tweet is there as %d: %s; posted %s", l.id, c, l.post)
	}
	if l.removedBefore(c.Begin - j.staleness(l, c)) {
		j.breach("deleted tweet %d is shown: %s; deleted %s", l.id, c, l.removes[0])
	}
}

// monotonic wants of each session that a tweet of its user's, of whose post or
// deletion nobody knows the outcome, appears once at most and vanishes once at most.
func (j *judge) monotonic() {
	unsure := make([][]*life, j.users)
	for _, l := range j.byID {
		if l.post.Outcome == unknown || len(l.removes) > 0 {
			unsure[l.author] = append(unsure[l.author], l)
		}
	}
	type key struct {
		session int
		id      warble.TweetID
	}
	present, vanished := map[key]bool{}, map[key]bool{}
	for _, c := range j.calls {
		if c.Kind != home && (c.Kind != profile || c.Author != c.User) {
			continue
		}
		on := map[warble.TweetID]bool{}
		for _, s := range c.Page {
			on[s.ID] = true
		}
		for _, l := range unsure[c.User] {
			k := key{c.Session, l.id}
			switch {
			case on[l.id] && vanished[k]:
				j.breach("tweet %d came back to one session: %s", l.id, c)
			case on[l.id]:
				present[k] = true
			case c.Older && l.id < c.Page[len(c.Page)-1].ID:
			case present[k] && !l.maybeRemoved(c.End):
				j.breach("tweet %d vanished from one session and nobody deleted it: %s", l.id, c)
			case present[k]:
				vanished[k] = true
			}
		}
	}
}

// end judges how it ended.
func (j *judge) end(e *ending) {
	for u, page := range e.Profiles {
		j.read(&call{Session: -1, User: u, Author: u, Kind: profile, Page: page, Begin: never, End: never})
	}
	follows := make([]map[int]bool, j.users)
	for u := range follows {
		follows[u] = map[int]bool{}
		for _, v := range e.Following[u] {
			if follows[u][v] {
				j.breach("user %d stands twice among those user %d follows", v, u)
			}
			follows[u][v] = true
		}
	}
	j.edges(follows)
	for u := range j.users {
		j.followers(e, follows, u)
		j.home(e, follows[u], u)
		if got := e.People[u].Tweets; got != len(e.Profiles[u]) {
			j.breach("user %d counts %d tweets and has %d", u, got, len(e.Profiles[u]))
		}
	}
	j.likes(e)
}

// edges wants the lists to say what the last word on every follow said.
func (j *judge) edges(follows []map[int]bool) {
	last := map[string]*call{}
	for _, c := range j.calls {
		if c.Kind == get && strings.HasPrefix(c.Key, "follow ") {
			last[c.Key] = c
		}
	}
	for key, c := range last {
		var from, to int
		if _, err := fmt.Sscanf(key, "follow %d>%d", &from, &to); err != nil {
			j.breach("%q is no follow", key)
			continue
		}
		if c.Begin == never && follows[from][to] != (c.Value != "") {
			j.breach("the list of user %d says %t of %s, the profile %q", from, follows[from][to], key, c.Value)
		}
	}
}

func (j *judge) followers(e *ending, follows []map[int]bool, u int) {
	var want []int
	for v := range j.users {
		if follows[v][u] {
			want = append(want, v)
		}
	}
	got := slices.Sorted(slices.Values(e.Followers[u]))
	if !slices.Equal(got, want) {
		j.breach("user %d is followed by %v and lists %v", u, want, got)
	}
	if e.People[u].Followers != len(want) || e.People[u].Following != len(follows[u]) {
		j.breach("user %d counts %d followers and %d followed, and has %d and %d", u, e.People[u].Followers, e.People[u].Following, len(want), len(follows[u]))
	}
}

// home wants a timeline to be the tweets of everyone followed and one's own, newest first.
func (j *judge) home(e *ending, follows map[int]bool, u int) {
	want := slices.Clone(e.Profiles[u])
	for v := range follows {
		if v != u {
			want = append(want, e.Profiles[v]...)
		}
	}
	slices.SortFunc(want, func(a, b seen) int { return newestFirst(a.ID, b.ID) })
	if slices.Equal(want, e.Homes[u]) {
		return
	}
	in := map[seen]int{}
	for _, s := range want {
		in[s]++
	}
	for _, s := range e.Homes[u] {
		in[s]--
	}
	for s, n := range in {
		if n > 0 {
			j.breach("the home of user %d lacks tweet %d (%s)", u, s.ID, s.Label)
		} else if n < 0 {
			j.breach("the home of user %d shows tweet %d (%s) once too often", u, s.ID, s.Label)
		}
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(in)), func(n int) bool { return n != 0 }) {
		j.breach("the home of user %d is not newest first", u)
	}
}

func (j *judge) likes(e *ending) {
	want := map[warble.TweetID]int{}
	for u := range j.users {
		for id, liked := range e.Liked[u] {
			if liked {
				want[id]++
			}
			if liked != e.LikedLists[u][id] {
				j.breach("user %d's flag on tweet %d says %t, the list of liked tweets %t", u, id, liked, e.LikedLists[u][id])
			}
		}
	}
	for id, n := range e.Likes {
		if n != want[id] {
			j.breach("tweet %d counts %d likes and has %d", id, n, want[id])
		}
	}
}
