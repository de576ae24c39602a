//go:build cluster

package fault

import (
	"fmt"
	"math"
	"sync"
	"time"

	"warble"
)

// outcome is what a client may conclude from an answer to a write.
type outcome uint8

const (
	happened outcome = iota + 1 // 2xx
	refused                     // 4xx, or 503 that says that nothing was stored: it did not happen and never will
	unknown                     // anything else: it may take effect at any later time, or never
)

func (o outcome) String() string { return [...]string{"?", "happened", "refused", "unknown"}[o] }

// kind is what a call does. put, claim and get are about one key, which holds a
// text and starts empty: an edge ("follow 1>2": "" or "on"), a profile's text
// ("bio 1") or a handle ("handle x", of which a claim is refused unless it is free).
type kind uint8

const (
	put kind = iota + 1
	claim
	get
	post    // of the tweet Label
	remove  // of the tweet ID
	profile // a page of Author's tweets, newest first
	home    // a page of the user's home timeline
	lookup  // of the tweets Asked
)

func (k kind) String() string {
	return [...]string{"?", "put", "claim", "get", "post", "remove", "profile", "home", "lookup"}[k]
}

// seen is a tweet as a client met it: its id, and the word of its text that no other tweet has.
type seen struct {
	ID    warble.TweetID
	Label string
}

// call is one call of the API as its client saw it. Times are counted from the
// history's start by the monotonic clock.
type call struct {
	Session, User int // a session makes one call after the other; a user may have many sessions
	Kind          kind
	Key, Value    string // of put, claim, get
	Label         string // of post
	ID            warble.TweetID
	Author        int // of profile
	Asked         []warble.TweetID
	Page          []seen
	Older         bool          // the page was full: what is older than its last tweet is not on it
	Stale         time.Duration // how old what a read shows may be: 0 of what is one's own
	Begin, End    time.Duration
	Outcome       outcome // reads that did not happen are not kept
}

func (c *call) String() string {
	what := c.Key
	switch c.Kind {
	case put, claim, get:
		what = fmt.Sprintf("%s=%q", c.Key, c.Value)
	case post:
		what = fmt.Sprintf("%s as %d", c.Label, c.ID)
	case remove:
		what = c.ID.String()
	case profile:
		what = fmt.Sprintf("of user %d, %d tweets", c.Author, len(c.Page))
	case home, lookup:
		what = fmt.Sprintf("%d tweets", len(c.Page))
	}
	return fmt.Sprintf("%.3f–%.3f s session %d of user %d: %s %s %s", c.Begin.Seconds(), c.End.Seconds(), c.Session, c.User, c.Kind, what, c.Outcome)
}

// never is when a call ends of which nobody knows when it takes effect.
const never = time.Duration(math.MaxInt64)

// history is every call of a run. It is safe for concurrent use.
type history struct {
	start time.Time
	users int

	mu    sync.Mutex
	calls []*call
}

func newHistory(users int) *history { return &history{start: time.Now(), users: users} }

func (h *history) now() time.Duration { return time.Since(h.start) }

// add keeps a call that has ended.
func (h *history) add(c *call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, c)
}

// ending is what the service says when the load has stopped and the log has
// caught up: every list read to its end, by its owner. Slices are by user.
type ending struct {
	Profiles, Homes      [][]seen // newest first
	Following, Followers [][]int
	People               []peopleCounts
	Liked                []map[warble.TweetID]bool // by the flags on every tweet there is
	LikedLists           []map[warble.TweetID]bool // by the list of liked tweets
	Likes                map[warble.TweetID]int    // the tweets' own counts
}

// peopleCounts are the counts on a profile.
type peopleCounts struct{ Followers, Following, Tweets int }
