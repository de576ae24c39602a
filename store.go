package warble

import (
	"context"
	"io"
	"strconv"
	"time"
)

// Stores is everything Warble remembers, one field per contract, grouped by
// what they promise. An engine returns it filled; a mixed shape is one
// assignment; a wrapper (metrics, faults, cache) replaces fields.
//
// Rules for all of them. Methods may be called by many goroutines. Slices
// handed in are not kept; rows handed in or out are shared from then on and
// must not be changed.
// A method that gets several ids answers in their order, with nil (or zero)
// for what is missing. An engine that cannot serve wraps ErrUnavailable when
// nothing was stored, and ErrUnknown when it cannot tell.
type Stores struct {
	// Truth: lost means lost. Durable before return.
	Claims Claims
	Commit Commit
	Users  Users
	Tweets Tweets
	Edges  Edges
	Docs   Docs
	Blobs  Blobs

	// Log: every event of truth, at least once; order is not promised.
	Log Log

	// Derived: may lag or vanish; Rebuild restores it from truth.
	Timelines Timelines
	Counts    Counts
	Index     Index
	Hub       Hub

	// Stamps tells what was written since a moment; nil where that is not known.
	Stamps *Stamps

	// Own runs work in one process at a time among all that ask under a name,
	// again and again until ctx ends: work's context ends with the ownership, and
	// epoch rises from one owner to the next. It returns nil when ctx ends, or
	// the first error of work's while it owned the name. nil where there is one
	// process.
	Own func(ctx context.Context, name string, work func(ctx context.Context, epoch uint64) error) error

	// CatchUp lets what follows see all that a person wrote before, in whatever
	// process; nil where one process sees every write.
	CatchUp func(ctx context.Context, user UserID)

	// Tally adds n to the count of a name, unless that would pass most, and
	// returns what the count was before; n of 0 only looks, below 0 it forgets.
	// A count ends ttl after it began. All processes share it, and it may vanish; nil
	// where there is one process.
	Tally func(ctx context.Context, name string, n, most int, ttl time.Duration) (before int, err error)

	// Close gives everything back. Nothing may be called afterwards.
	Close func() error
}

// Claim is the value of a claim: who holds the name, for which time in a row,
// and a few bytes (at most 256). The zero Claim means: nobody.
type Claim struct {
	Holder ID
	Epoch  uint64
	Data   string
}

// Claims decides who owns a name: the only compare-and-set there is. Small and
// rare: handles, e-mails, nodes, jobs, idempotency keys, next versions.
type Claims interface {
	// Swap stores next if the claim on name is old (the zero Claim: nobody, or
	// its ttl ran out) and returns the claim that stands afterwards: next if
	// it won, the other's if not. A ttl of zero is for ever. Swapping in the
	// zero Claim gives the name up. Linearizable per name.
	Swap(ctx context.Context, name string, old, next Claim, ttl time.Duration) (Claim, error)
	// Get returns the claim that stands, the zero Claim for none. Linearizable.
	Get(ctx context.Context, name string) (Claim, error)
}

// MaxChangeRows is how many rows a Change may name.
const MaxChangeRows = 20

// Change is a set of rows that is stored whole or not at all. Applying the same Change
// again changes nothing.
type Change struct {
	Users  []*User  // stored where Version is above the stored one
	Tweets []*Tweet // likewise by Version; a row with Gone is a tombstone and always wins
	Put    []Edge
	Gone   []EdgeKey
	Docs   []*Doc // stored where Version is above the stored one
	Events []Event
}

// Rows is how many rows of truth the change names.
func (c *Change) Rows() int {
	return len(c.Users) + len(c.Tweets) + len(c.Put) + len(c.Gone) + len(c.Docs)
}

// Check refuses a change that no store takes, with ErrInvalid.
func (c *Change) Check() error {
	if n := c.Rows(); n > MaxChangeRows {
		return Invalid("change", strconv.Itoa(n), "a change names at most 20 rows")
	}
	for i := range c.Put {
		switch e := &c.Put[i]; {
		case e.Since == 0:
			return Invalid("edge", "", "an edge needs a Since")
		case len(e.Value) > 1<<10:
			return Invalid("edge", "", "an edge's value has at most 1 KiB")
		}
	}
	for _, d := range c.Docs {
		if len(d.Data) > 64<<10 {
			return Invalid("doc", d.ID.String(), "a document has at most 64 KiB")
		}
	}
	return nil
}

// Commit is the only way to write truth besides a claim.
type Commit interface {
	// Apply stores the change and its events: all or none, durable on return,
	// idempotent, not isolated (a reader may see a part for a moment). More
	// than MaxChangeRows rows is ErrInvalid. Two Applies for one edge, tweet,
	// user or document take effect one after the other.
	//
	// Apply fills in Since and Part of Put (a re-put keeps the stored ones) and
	// the same in the edges its events name. An event of kind EventEdgeGone keeps only the
	// edges that were there, and is not stored when none was.
	//
	// When nothing would change, Apply stores nothing, not even events, but what made it so is
	// durable on return; changed is false then.
	Apply(ctx context.Context, c *Change) (changed bool, err error)
}

// Users are the people.
type Users interface {
	Get(ctx context.Context, ids ...UserID) ([]*User, error)
	// ByHandle finds who holds a handle, without regard to case: the claim's
	// holder, if that user's row bears the handle. nil for nobody.
	ByHandle(ctx context.Context, handle string) (*User, error)
	// Scan walks one of the Shards slices in id order, newest first: for
	// operators, check, rebuild and backup only.
	Scan(ctx context.Context, shard int, p Page) ([]*User, error)
}

// Tweets are the rows of tweets, retweets and tombstones.
type Tweets interface {
	// Get returns the newest version of each; a tombstone has Gone set.
	Get(ctx context.Context, ids ...TweetID) ([]*Tweet, error)
	// Versions returns every version kept, oldest first; for a tombstone only itself.
	Versions(ctx context.Context, id TweetID) ([]*Tweet, error)
	// By returns the ids of an author's tweets and retweets, newest first,
	// tombstones left out.
	By(ctx context.Context, author UserID, p Page) ([]TweetID, error)
	// Scan walks one of the Shards slices in id order, newest first,
	// tombstones included: for rebuild, check and backup only.
	Scan(ctx context.Context, shard int, p Page) ([]*Tweet, error)
}

// Edges are the typed edges between things.
type Edges interface {
	// Get looks edges up by their keys; a missing one is the zero Edge.
	Get(ctx context.Context, kind EdgeKind, from ID, to ...ID) ([]Edge, error)
	// From returns the edges out of from, newest Since first; the page's
	// bounds are Sinces.
	From(ctx context.Context, kind EdgeKind, from ID, p Page) ([]Edge, error)
	// To returns the edges into to, newest Since first; the page's bounds are Sinces.
	To(ctx context.Context, kind EdgeKind, to ID, p Page) ([]Edge, error)
	// Part returns all edges of one part of the edges into to, newest first,
	// and the number of the newest part. Parts count from 0.
	Part(ctx context.Context, kind EdgeKind, to ID, part uint32) (edges []Edge, newest uint32, err error)
	// Among says which of the kinds (at most 16; Inverse allowed) join viewer
	// to each id: bit i of the answer stands for kinds[i].
	Among(ctx context.Context, viewer ID, kinds []EdgeKind, ids []ID) ([]uint16, error)
	// Tally counts, without reading them all out, the edges of one part: of
	// those into id (out false, part is an edge part) or out of id (out true,
	// part is a month). mask, if not zero, counts only edges whose Value[0]
	// has one of its bits.
	Tally(ctx context.Context, kind EdgeKind, id ID, out bool, part uint32, mask byte) (int64, error)
}

// Docs are small versioned documents.
type Docs interface {
	// Get returns documents; one that is gone is nil.
	Get(ctx context.Context, ids ...DocID) ([]*Doc, error)
	// List returns an owner's documents of a kind, newest id first.
	List(ctx context.Context, owner ID, kind DocKind, p Page) ([]*Doc, error)
}

// Blob is an open stored file.
type Blob interface {
	io.ReadSeekCloser
	Size() int64
}

// Blobs keep photo files. A name is written once and never reused.
type Blobs interface {
	// Put stores data under name, durable on return. Putting the same name
	// again changes nothing.
	Put(ctx context.Context, name, contentType string, data []byte) error
	// Open fails with ErrNotFound when there is none.
	Open(ctx context.Context, name string) (Blob, error)
	// Delete is idempotent.
	Delete(ctx context.Context, name string) error
	// URL is where a public reader may fetch it directly; empty: through us.
	URL(name string) string
}

// Log hands out the events of truth.
type Log interface {
	// Consume calls handle with batches until ctx ends, one partition at a
	// time per goroutine. handle may return before the batch is handled: Done
	// says when. Not more than a bounded number of events are out at once. An
	// error of handle stops Consume and is returned; but see [Rewind].
	Consume(ctx context.Context, group string, handle func(context.Context, Batch) error) error
	// Position says how far the group is.
	Position(ctx context.Context, group string) (Position, error)
}

// Position is a consumer group's place in the log.
type Position struct {
	Behind int64     // events not yet done
	Oldest time.Time // when the oldest of them was stored; zero when none
}

// Pair is one delivery: an entry for an owner's timeline.
type Pair struct {
	Owner UserID
	Entry TweetID // zero: forget the owner's timeline
}

// Timelines are stored home timelines: for each owner a set of entries with a
// floor, complete at and above it, silent below.
type Timelines interface {
	// Push adds entries. One below its timeline's floor, already there, or for
	// an owner without a timeline does nothing. Above TimelineTrim entries a
	// timeline is cut back to TimelineKeep and its floor rises. A pair without
	// an entry drops its owner's timeline. turn numbers what an event made
	// necessary; other pushes have the zero Turn.
	Push(ctx context.Context, turn Turn, pairs []Pair) error
	// Read returns sorted distinct entries inside the page, newest first, and
	// the floor. ok is false where there is no timeline, or it is still being
	// built, or was built longer ago than TimelineAge, however often it was read: then Build it.
	Read(ctx context.Context, owner UserID, p Page) (entries []TweetID, floor TweetID, ok bool, err error)
	// Build makes the owner's timeline: it marks it building under a fresh
	// number, so that it keeps every push, calls pull, and merges the answer
	// only where the number is still its own; else it starts again. Concurrent
	// Builds for one owner share one pull.
	Build(ctx context.Context, owner UserID, pull func(context.Context) (entries []TweetID, floor TweetID, err error)) error
	// Drop forgets timelines, also those being built.
	Drop(ctx context.Context, owners ...UserID) error
}

// The shape of a stored timeline.
const (
	TimelineKeep = 800
	TimelineTrim = 880
	TimelineAge  = 30 * 24 * time.Hour // shorter than pullForget: what readers merged is not stored
)

// Counts are sums over parts.
type Counts interface {
	// Put stores absolute numbers; for one key the one with the later At
	// stands, and of two with the same At the one put last.
	Put(ctx context.Context, counts []Count) error
	// Get returns len(kinds) numbers for each id, in order:
	// result[i*len(kinds)+j] is kinds[j] of ids[i].
	Get(ctx context.Context, kinds []CountKind, ids []ID) ([]int64, error)
	// Sweep removes every number whose At is before a moment: when all parts
	// there are have been counted since, those of parts that are no more.
	Sweep(ctx context.Context, before time.Time) error
}

// Index finds tweets (and people) by what they say, newest first.
type Index interface {
	// Add makes documents findable; adding one again replaces it.
	Add(ctx context.Context, docs []IndexDoc) error
	// Remove is idempotent.
	Remove(ctx context.Context, ids ...ID) error
	// Search returns ids that match, newest first, inside the page. It may
	// return ids of things gone since: callers check each hit against truth.
	// Fewer than Page.Limit are all there are, unless the error is an
	// [Unfinished]: the ids beside it count, and there may be more.
	Search(ctx context.Context, q *Query, p Page) ([]ID, error)
}

// Hub carries live messages; best effort: a slow subscriber loses the oldest.
type Hub interface {
	Publish(ctx context.Context, topic string, message []byte) error
	// Subscribe delivers until ctx ends; then the channel is closed.
	Subscribe(ctx context.Context, topic string) (<-chan []byte, error)
}
