package warble

// EdgeKind is the type of an edge. The numbers are stored: never renumber.
type EdgeKind uint8

// The kinds of edges.
const (
	Follow        EdgeKind = 1  // user → user
	FollowRequest EdgeKind = 2  // user → private user
	Like          EdgeKind = 3  // user → tweet
	Retweet       EdgeKind = 4  // user → original; Since is the id of the retweet's row
	Bookmark      EdgeKind = 5  // user → tweet
	Mute          EdgeKind = 6  // user → user
	Block         EdgeKind = 7  // user → user
	ListMember    EdgeKind = 8  // list → user
	ListFollow    EdgeKind = 9  // user → list
	ListPin       EdgeKind = 10 // user → list
	Reply         EdgeKind = 11 // tweet → tweet it answers; Since is the reply's id
	Quote         EdgeKind = 12 // tweet → tweet it quotes; Since is the quote's id
	Mention       EdgeKind = 13 // tweet → user; Since is the tweet's id
	Vote          EdgeKind = 14 // user → tweet with the poll; Value[0] is a bit per choice
	FollowTag     EdgeKind = 15 // user → hash of a hashtag; Value is the tag
	Notice        EdgeKind = 16 // recipient → cause (see NoticeValue)
	Note          EdgeKind = 17 // user → user; Value is a private remark

	// MaxEdgeKind is the highest kind in use.
	MaxEdgeKind = Note
)

// Inverse is or'ed to a kind in Edges.Among: it asks for the edge that comes from
// the id to the viewer.
const Inverse EdgeKind = 0x80

// Once says that an edge of this kind, once gone, is never put again.
func (k EdgeKind) Once() bool { return k == Notice }

// Edge joins two things. (Kind, From, To) is its key; there is at most one.
type Edge struct {
	Kind     EdgeKind
	From, To ID
	// Since is an id given at the first put: kept by a re-put, new after a
	// removal. Lists of edges are ordered by it, newest first.
	Since ID
	// Part is chosen by the engine at the put and kept by a re-put: the edges
	// into one thing, in the order they came, about PartSize to a part.
	Part uint32
	// Value is small (at most 1 KiB) and replaced by a re-put.
	Value string
}

// Key is the edge's key.
func (e Edge) Key() EdgeKey { return EdgeKey{e.Kind, e.From, e.To} }

// EdgeKey names an edge.
type EdgeKey struct {
	Kind     EdgeKind
	From, To ID
}

// PartSize is how many edges a part holds before the next is opened. A part
// in a rush may be longer.
const PartSize = 1000

// NoticeKind says what a notification is about. The numbers are stored.
type NoticeKind uint8

// The kinds of notices.
const (
	NoticeMention       NoticeKind = 1
	NoticeReply         NoticeKind = 2
	NoticeLike          NoticeKind = 3
	NoticeRetweet       NoticeKind = 4
	NoticeQuote         NoticeKind = 5
	NoticeFollow        NoticeKind = 6
	NoticeFollowRequest NoticeKind = 7
	NoticePollEnded     NoticeKind = 8
)
