package warble

import "time"

// Tweet is one row of truth: a tweet, a reply, a quote, or a retweet (a row
// without text that names an original). Counts are never fields of it.
//
// Rows handed out by a store are shared: never change one in place.
type Tweet struct {
	ID      TweetID
	Author  UserID
	Version uint32 // 1 at first; an edit adds a row with the next number under the same id
	Edited  int64  // unix milliseconds of this version when Version > 1
	Gone    bool   // a tombstone: only ID and Author are kept; no write revives it

	Text           string
	Lang           string // BCP 47 or empty
	ContentWarning string
	ReplySetting   ReplySetting
	Imported       bool // no notices, no live event

	ReplyTo       TweetID
	ReplyAuthor   UserID
	Conversation  TweetID // the id of the thread's first tweet; its own id when it starts one
	QuoteOf       TweetID
	QuoteAuthor   UserID
	RetweetOf     TweetID
	RetweetAuthor UserID

	Mentions []UserID // accounts named in the text, in order, at most MaxMentions; resolved when posted
	Photos   []Photo
	Poll     *Poll
	Place    *Place
}

// Limits on one tweet.
const (
	MaxPhotos      = 4
	MaxMentions    = 10 // that are resolved, recorded and notified
	MaxPollOptions = 4
	MaxAltText     = 1500 // code points
	MaxQuery       = 512  // characters of a search query
)

// ReplySetting says who may reply. The author always may.
type ReplySetting uint8

// The settings; the numbers are stored.
const (
	RepliesByEveryone  ReplySetting = iota
	RepliesByFollowing              // people the author follows, and people mentioned
	RepliesByMentioned              // people mentioned
)

// Poll is part of its tweet; votes are edges.
type Poll struct {
	ID      DocID
	Options []string // 2 to 4
	Ends    int64    // unix milliseconds
}

// Place is where the author says the tweet was written.
type Place struct {
	Name   string
	Lon    float64
	Lat    float64
	Point  bool   // Lon and Lat are given
	Source string // an opaque place id a client sent, given back as it came
}

// Created is the moment of the id.
func (t *Tweet) Created() time.Time { return t.ID.Time() }

// Original is the tweet whose text is shown: a retweet's original, else itself.
func (t *Tweet) Original() TweetID {
	if t.RetweetOf != 0 {
		return t.RetweetOf
	}
	return t.ID
}
