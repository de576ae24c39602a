package warble

// IndexDoc is one findable thing: a tweet or a person; exactly one is set.
type IndexDoc struct {
	Tweet *Tweet
	User  *User
}

// ID is the id under which the thing is found.
func (d IndexDoc) ID() ID {
	if d.Tweet != nil {
		return d.Tweet.ID
	}
	return d.User.ID
}

// QueryOp is what a node of a query does.
type QueryOp uint8

// What a node may do.
const (
	QueryAll     QueryOp = iota // every thing
	QueryWord                   // Text: one word
	QueryPhrase                 // Text: words in this order
	QueryPrefix                 // Text: words that begin so; at least MinPrefix characters
	QueryAnd                    // all of Kids
	QueryOr                     // any of Kids
	QueryNot                    // not Kids[0]; only inside an And
	QueryFrom                   // by the author ID
	QueryTo                     // in reply to the author ID
	QueryMention                // mentions the handle Text
	QueryTag                    // has the hashtag Text
	QueryThread                 // in the conversation ID
	QueryLang                   // in the language Text
	QueryHasMedia
	QueryHasLinks
	QueryIsReply
	QueryIsRetweet
	QueryIsQuote
)

// MinPrefix is the shortest prefix that may be searched, in characters.
const MinPrefix = 2

// Query is a search query as a tree. Handles are resolved before an engine
// sees it.
type Query struct {
	Op     QueryOp
	Text   string
	ID     ID
	Kids   []*Query
	People bool // on the root only: search people (handle, name, bio) instead of tweets
}

// Unfinished is the error of an [Index.Search] that did as much as one call may
// before its page was full: the ids beside it are all there are from Before on,
// and a search with that Page.Before goes on. It is always below the
// Page.Before that was asked for, and never comes where Page.Oldest is.
type Unfinished struct{ Before ID }

func (u *Unfinished) Error() string { return "the search stopped at " + u.Before.String() }

// Unwrap makes it ErrUnavailable for who does not go on.
func (u *Unfinished) Unwrap() error { return ErrUnavailable }
