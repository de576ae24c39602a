package warble

import "cmp"

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
// A batch without events only carries its Turn on.
type Batch struct {
	Turn
	Events []Event
	Done   func()
}

// Turn says whose pushes to timelines these are, and how far they bring a
// partition of the log. A store of timelines that may be taken back to an earlier
// moment without saying so keeps To, and looks for From. Where Epoch is zero nobody
// counts: timelines are lost whole or not at all.
type Turn struct {
	Part  int    // of the log, or PartTurns
	Epoch uint64 // of the partition's owner; pushes of an earlier one are refused
	From  Mark   // up to here the owner has pushed before
	To    Mark   // up to here with this push
}

// Rewind is the error of a Push to a store that lost what was pushed to it after
// a mark. From the handler of a batch it has the log hand the partition out again
// from there.
type Rewind struct{ To Mark }

func (r *Rewind) Error() string { return "the store of timelines lost what was pushed to it lately" }

// PartTurns is the partition of pushes that go on after their event is done:
// the owner of the name "turns" numbers them.
const PartTurns = 1 << 16

// Mark is a place in a partition: a number, and in which stream, since numbers
// begin again in a new one. A number may be reached by several pushes: all but
// the last have a Step, 1 first.
type Mark struct {
	Stream, Number uint64
	Step           uint16
}

// Compare is negative where m lies before o.
func (m Mark) Compare(o Mark) int {
	return cmp.Or(cmp.Compare(m.Stream, o.Stream), cmp.Compare(m.Number, o.Number), cmp.Compare(m.Step-1, o.Step-1))
}

// TopicPublic is the hub's topic of every new public tweet; a message is the
// tweet's id in decimal. TopicNotices and a user's id make the topic of a person's
// notices; a message is the notice's id in decimal.
const (
	TopicPublic  = "public"
	TopicNotices = "notices/"
)
