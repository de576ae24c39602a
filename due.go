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
// for, whose id begins with the moment in that hour, so that one page holds just
// what has become due. Work that is done leaves nothing; a note that comes again
// is worked off again, and finds that out.
type Due struct {
	Kind  DueKind
	ID    ID
	At    int64   // unix milliseconds
	Photo PhotoID `json:",omitzero"` // of DueMedia: names the files; ID is the document they are for
}

// DueOwner is the owner of the notes for the hour of a moment.
func DueOwner(at time.Time) ID { return IDAt(at.Truncate(time.Hour)) + 1 }

// DueStart is the lowest id of the notes for a moment among those of its hour.
// They lie above all ids that are made from the clock before the year 4199.
func DueStart(at time.Time) ID {
	return 1<<62 | ID(at.Sub(at.Truncate(time.Hour)).Milliseconds())<<40
}

// Doc is the note's document. Its id follows from what it is about, and when.
func (d Due) Doc() *Doc {
	data, err := json.Marshal(d)
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	at := time.UnixMilli(d.At)
	about := d.ID.Hash() ^ uint64(d.Kind)<<32 ^ binary.BigEndian.Uint64(d.Photo[:])
	return &Doc{
		ID:    DueStart(at) | ID((about+DueOwner(at).Hash())>>24),
		Owner: DueOwner(at), Kind: DocDue, Version: 1, Data: data,
	}
}
