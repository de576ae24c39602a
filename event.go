package warble

// EventKind says what to look at. The numbers are stored.
type EventKind uint8

// The kinds of events.
const (
	EventTweet     EventKind = 1 // a tweet (or retweet) row came
	EventTweetEdit EventKind = 2 // a new version of a tweet came
	EventTweetGone EventKind = 3 // a tweet became a tombstone
	EventEdge      EventKind = 4 // the edges named were put
	EventEdgeGone  EventKind = 5 // the edges named were removed
	EventUser      EventKind = 6 // a user row came or changed
	EventDoc       EventKind = 7 // a document came, changed or went
)

// Event says what to look at, never what to do: a handler reads truth, so an
// event that comes twice, late or out of order does no harm.
type Event struct {
	Kind EventKind
	// Key picks the log partition: the author of a tweet, the end (To) of a
	// follow, the author of the tweet an edge points at. All events of one Key
	// are handled by one owner.
	Key ID
	ID  ID // the tweet, user or document
	// Quiet: made by an import. No notice, no live event.
	Quiet bool
	// Edges are the edges put or gone with the change, as the engine stored
	// them: Since and Part filled in. For removals, as they were before.
	Edges []Edge
}

// Batch is some events of one partition, in no promised order. Done says that
// all of them are handled for good; until then they come again after a restart.
type Batch struct {
	Part   int
	Events []Event
	Done   func()
}

// TopicPublic is the hub's topic of every new public tweet; a message is the
// tweet's id in decimal. TopicNotices and a user's id make the topic of a person's
// notices; a message is the notice's id in decimal.
const (
	TopicPublic  = "public"
	TopicNotices = "notices/"
)
