package warble

import (
	"encoding/binary"
	"encoding/json"
	"time"
)

// DueKind says what is to be looked at later. The numbers are stored.
type DueKind uint8

// The kinds of notes.
const (
	DuePoll   DueKind = 1 // a poll ended: its author and voters are told
	DueMedia  DueKind = 2 // files were to be stored: those that nothing took go
	DueEnd    DueKind = 3 // an account was deleted: what it wrote goes, some at a time
	DueAccept DueKind = 4 // an account went public: its follow requests are accepted, some at a time
	DueTweet  DueKind = 5 // a tweet was deleted: likes, retweets, bookmarks and votes go, some at a time
)

// MediaGrace is how long an upload that nothing takes is kept.
const MediaGrace = 24 * time.Hour

// Due is a note to look at something later: a document owned by the hour it is
// for, so that one list gives all that an hour holds.
type Due struct {
	Kind  DueKind
	ID    ID
	At    int64   // unix milliseconds
	Photo PhotoID `json:",omitzero"` // of DueMedia: names the files; ID is the document they are for

	Cause ID `json:"-"` // tells notes about one thing apart: one that was done with never comes again
}

// DueOwner is the owner of the notes for the hour of a moment.
func DueOwner(at time.Time) ID { return IDAt(at.Truncate(time.Hour)) + 1 }

// Doc is the note's document. Its id follows from what it is about.
func (d Due) Doc() *Doc {
	data, err := json.Marshal(d)
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	id := d.ID.Hash() ^ uint64(d.Kind)<<32 ^ binary.BigEndian.Uint64(d.Photo[:])
	if d.Cause != 0 {
		id ^= d.Cause.Hash()
	}
	return &Doc{ID: DocID(id) & MaxID, Owner: DueOwner(time.UnixMilli(d.At)), Kind: DocDue, Version: 1, Data: data}
}
