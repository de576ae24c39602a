package warble

import "time"

// CountKind names a number kept beside a thing. The numbers are stored.
type CountKind uint8

// The kinds of counts.
const (
	CountReplies       CountKind = 1  // of a tweet: edges Reply in
	CountRetweets      CountKind = 2  // of a tweet: edges Retweet in
	CountQuotes        CountKind = 3  // of a tweet: edges Quote in
	CountLikes         CountKind = 4  // of a tweet: edges Like in
	CountBookmarks     CountKind = 5  // of a tweet: edges Bookmark in
	CountFollowers     CountKind = 6  // of a user: edges Follow in
	CountFollowing     CountKind = 7  // of a user: edges Follow out
	CountTweets        CountKind = 8  // of a user: tweet rows, retweets and replies included
	CountLiked         CountKind = 9  // of a user: edges Like out
	CountListed        CountKind = 10 // of a user: edges ListMember in
	CountMembers       CountKind = 11 // of a list: edges ListMember out
	CountListFollowers CountKind = 12 // of a list: edges ListFollow in
	CountVote0         CountKind = 13 // of a tweet with a poll: votes for each choice
	CountVote1         CountKind = 14
	CountVote2         CountKind = 15
	CountVote3         CountKind = 16
	CountMedia         CountKind = 17 // of a user: tweets with photos

	// MaxCountKind is the highest kind in use.
	MaxCountKind = CountMedia
)

// Count is an absolute number: how many rows part Part of (Kind, ID) held when
// they were read. For edges into a thing a part is an edge part; for edges out
// of it, and a person's tweets, it is the month ([ID.Month]) of their Since.
type Count struct {
	Kind CountKind
	ID   ID
	Part uint32
	N    int64
	// At is the clock before the rows were read: of two puts for one part the
	// one with the later At stands.
	At time.Time
}

// Key is what a Count is stored under.
func (c Count) Key() CountKey { return CountKey{c.Kind, c.ID, c.Part} }

// CountKey names one part of a count.
type CountKey struct {
	Kind CountKind
	ID   ID
	Part uint32
}

// VoteKinds are the counts of a poll's choices, in order.
var VoteKinds = []CountKind{CountVote0, CountVote1, CountVote2, CountVote3}
