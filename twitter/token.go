package twitter

import (
	"encoding/base64"
	"encoding/binary"

	"warble"
)

// order says by what a list is ordered; a token of one order is refused by
// endpoints of another. The numbers are on the wire: never renumber.
type order byte

const (
	byTweet  order = 1 // tweet ids
	byLike   order = 2 // since of edges, and so on
	byMark   order = 3
	byFollow order = 4
	byMute   order = 5
	byBlock  order = 6
	byMember order = 7
	byList   order = 8
	byUser   order = 9
	byNotice order = 10
	byAsk    order = 11 // follow requests
)

// position is where a page ends, never how many items lie before it.
type position struct {
	order order
	newer bool // towards newer items
	id    warble.ID
}

const tokenBytes = 11

// appendToken appends the opaque form as a JSON string.
func appendToken(b []byte, p position) []byte {
	var raw [tokenBytes]byte
	raw[0], raw[1] = 1, byte(p.order)
	if p.newer {
		raw[2] = 1
	}
	binary.BigEndian.PutUint64(raw[3:], uint64(p.id))
	b = append(b, '"')
	b = base64.RawURLEncoding.AppendEncode(b, raw[:])
	return append(b, '"')
}

// parseToken reads what appendToken wrote, and nothing else.
func parseToken(s string, want order) (position, error) {
	bad := warble.Invalid("pagination_token", s, "this is not a token that this endpoint gave")
	var raw [tokenBytes + 1]byte
	if len(s) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return position{}, bad
	}
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(s))
	if err != nil || n != tokenBytes || raw[0] != 1 || order(raw[1]) != want || raw[2] > 1 {
		return position{}, bad
	}
	id := warble.ID(binary.BigEndian.Uint64(raw[3:tokenBytes]))
	if id == 0 || id > warble.MaxID {
		return position{}, bad
	}
	return position{order: want, newer: raw[2] == 1, id: id}, nil
}
