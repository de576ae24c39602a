package warble

// DocKind is the type of a document. The numbers are stored: never renumber.
type DocKind uint8

// The kinds of documents.
const (
	DocMedia     DocKind = 1  // Media; owner: the uploader
	DocList      DocKind = 2  // List; owner: its maker
	DocApp       DocKind = 3  // App; owner: the person who registered it, or 0
	DocToken     DocKind = 4  // Token; its id comes from the secret's hash; owner: the person
	DocGrant     DocKind = 5  // an authorization code in flight; its id from the code's hash
	DocSession   DocKind = 6  // a browser's sign-in; its id from the cookie's hash
	DocCursor    DocKind = 7  // a job's or import's progress; owner: see cursor.go
	DocTurn      DocKind = 8  // a tweet of a big account in the middle of its fan-out
	DocPullSet   DocKind = 9  // the pull set; a single document
	DocUpload    DocKind = 10 // a chunked upload in flight
	DocDue       DocKind = 11 // Due, something to be looked at later; owner: the hour
	DocDraft     DocKind = 12
	DocScheduled DocKind = 13
	DocFilter    DocKind = 14
	DocMarker    DocKind = 15
	DocReport    DocKind = 16
	DocPushSub   DocKind = 17
)

// Fleeting says that a document of this kind leaves nothing when it is gone: a
// lower version put afterwards stands again. Only for notes of the service to
// itself, which may come twice.
func (k DocKind) Fleeting() bool { return k == DocTurn || k == DocDue }

// Doc is a small versioned document with an owner, listed by (Owner, Kind)
// newest id first. A higher Version replaces a lower one, never the other way
// round; Gone leaves a row that no lower version revives
// (but see [DocKind.Fleeting]).
//
// Rows handed out by a store are shared: never change one in place.
type Doc struct {
	ID      DocID
	Owner   ID
	Kind    DocKind
	Version uint64
	Gone    bool
	Data    []byte // JSON, at most 64 KiB
}
