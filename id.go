package warble

import (
	"math/bits"
	"strconv"
	"time"
)

// ID is a 63-bit number that rises with time:
//
//	unix milliseconds << 16 | node (8 bits) << 8 | sequence (8 bits)
//
// It names users, tweets, documents and the moment an edge was made. Zero is
// no id. On every wire it is a decimal string.
type ID uint64

// UserID is an ID that names a user. It and the other two are aliases: an edge
// joins any two of them, so a distinct type each would buy nothing but
// conversions.
type UserID = ID

// TweetID is an ID that names a tweet.
type TweetID = ID

// DocID is an ID that names a document.
type DocID = ID

// MaxID is the highest id there can be.
const MaxID ID = 1<<63 - 1

// Shards is the number of slices in which Scan walks users and tweets.
const Shards = 64

// MakeID puts an id together. ms is unix milliseconds.
func MakeID(ms int64, node, seq uint8) ID {
	if ms < 0 {
		ms = 0
	}
	return (ID(ms)<<16 | ID(node)<<8 | ID(seq)) & MaxID
}

// IDAt returns the lowest id of the millisecond of t.
func IDAt(t time.Time) ID { return MakeID(t.UnixMilli(), 0, 0) }

// ParseID reads the decimal form. It refuses signs, leading zeros, zero and
// anything above MaxID.
func ParseID(s string) (ID, error) {
	if len(s) == 0 || len(s) > 19 || s[0] < '1' || s[0] > '9' {
		return 0, Invalid("id", s, "an id is a decimal number between 1 and 9223372036854775807")
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, Invalid("id", s, "an id is a decimal number between 1 and 9223372036854775807")
	}
	return ID(n), nil
}

func (id ID) String() string { return strconv.FormatUint(uint64(id), 10) }

// Millis is the id's moment in unix milliseconds.
func (id ID) Millis() int64 { return int64(id >> 16) }

// Time is the id's moment, UTC.
func (id ID) Time() time.Time { return time.UnixMilli(id.Millis()).UTC() }

// Node is the number of the node that made the id.
func (id ID) Node() uint8 { return uint8(id >> 8) }

// Sequence tells ids of one node and millisecond apart.
func (id ID) Sequence() uint8 { return uint8(id) }

// Month numbers the id's month (UTC) from year 0 on: the part in which edges
// out of a thing and a person's tweets are counted.
func (id ID) Month() uint32 { t := id.Time(); return uint32(t.Year()*12 + int(t.Month()) - 1) }

// Hash spreads ids evenly over 64 bits. Stored things depend on it: it never changes.
func (id ID) Hash() uint64 {
	h := uint64(id) * 0x9e3779b97f4a7c15
	return h ^ bits.RotateLeft64(h, 29)
}

// Shard says in which of the [Shards] slices of a Scan the id lies.
func (id ID) Shard() int { return int(id.Hash() >> 58) }

// MonthSpan returns the ids of a month as [ID.Month] counts them: from
// inclusive, to exclusive.
func MonthSpan(month uint32) (from, to ID) {
	y, m := int(month/12), time.Month(month%12+1)
	return IDAt(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)), IDAt(time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC))
}
