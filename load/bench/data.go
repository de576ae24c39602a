package bench

import (
	"fmt"
	"math/rand/v2"
	"time"

	"warble"
)

// seed fixes everything that is generated.
const seed = 20240501

// scale says how large a data set is. Its people stand in one row: first the
// graph, then the groups that a line needs in a known shape.
type scale struct {
	Start    int64 // unix milliseconds of the oldest tweet
	Graph    int   // users of the follow graph
	Follows  bool  // with the graph's edges
	Tweets   int
	Hot      int // users of the graph whose homes are read before a line begins
	Readers  int // follow readerFollows users of the graph each
	Deep     int // follow deepFollows users of the graph each
	Fifty    int // authors with 50 followers: hot users, or readers where there are no hot ones
	Hundreds int // authors with 400 hot followers
}

const (
	readerFollows = 300
	deepFollows   = 5000
	fiftyFans     = 50
	hundredsFans  = 400
)

var fullScale = scale{Graph: 81306, Follows: true, Tweets: 1_000_000, Hot: 10_000, Readers: 1000, Deep: 20, Fifty: 2000, Hundreds: 500}

func (s scale) String() string {
	return fmt.Sprintf("%d people, %d tweets, %d hot users", s.people(), s.Tweets, s.Hot)
}

// over is the scale divided by n, as far as the groups keep their shape.
func (s scale) over(n int) scale {
	if n <= 1 {
		return s
	}
	s.Graph, s.Tweets, s.Hot = max(s.Graph/n, 200), max(s.Tweets/n, 1000), max(s.Hot/n, 50)
	s.Readers, s.Deep, s.Fifty = s.Readers/n, s.Deep/n, s.Fifty/n
	s.Hundreds = max(s.Hundreds/n, 10)
	return s
}

func (s scale) people() int { return s.Graph + s.Readers + s.Deep + s.Fifty + s.Hundreds + 1 }

// The groups, as indexes of people.
func (s scale) reader(i int) int   { return s.Graph + i }
func (s scale) deep(i int) int     { return s.reader(s.Readers) + i }
func (s scale) fifty(i int) int    { return s.deep(s.Deep) + i }
func (s scale) hundreds(i int) int { return s.fifty(s.Fifty) + i }
func (s scale) big() int           { return s.hundreds(s.Hundreds) }

// hot returns the hot users: the same ones for the same scale.
func (s scale) hot() []int { return rand.New(rand.NewPCG(seed, 1)).Perm(s.Graph)[:s.Hot] }

// bornMs is before everything else, edgesMs the moment follows begin: both are
// in the past of every tweet.
var (
	bornMs  = time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	edgesMs = time.Date(2024, 2, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// user is the id of the i-th of the people.
func user(i int) warble.UserID { return warble.MakeID(bornMs+int64(i), 0, 1) }

// nth undoes user.
func nth(id warble.UserID) int { return int(id.Millis() - bornMs) }

// stranger is the id of somebody who is only the end of edges.
func stranger(i int) warble.UserID { return warble.MakeID(bornMs+10_000_000+int64(i/256), 1, uint8(i)) }

func row(i int) *warble.User {
	handle := fmt.Sprintf("n%d", i+1)
	return &warble.User{ID: user(i), Version: 1, Handle: handle, Name: "Person " + handle, Bio: "Follows and is followed."}
}

// tweetSpan is the time over which the tweets lie.
const tweetSpan = 30 * 24 * time.Hour

// tweetID is the id of the i-th generated tweet, from the oldest on.
func (s scale) tweetID(i int) warble.TweetID {
	step := tweetSpan.Milliseconds() / int64(s.Tweets)
	return warble.MakeID(s.Start+int64(i)*step, 1, uint8(i))
}

// tweet makes the i-th tweet: a text of its own by somebody of the graph.
func (s scale) tweet(i int, words *vocabulary) *warble.Tweet {
	rng := rand.New(rand.NewPCG(seed, uint64(i)+1000))
	id := s.tweetID(i)
	return &warble.Tweet{ID: id, Conversation: id, Author: user(rng.IntN(s.Graph)), Version: 1, Lang: "en", Text: words.text(rng)}
}
