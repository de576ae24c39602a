package pebble

import (
	"time"

	"warble"
	"warble/internal/codec"
)

// appendEdge writes the row of the edge itself.
func appendEdge(b []byte, e *warble.Edge, gone bool) []byte {
	w := codec.Writer(b)
	w.Byte(codec.Flags(gone))
	w.ID(e.Since)
	w.Uint(uint64(e.Part))
	return append(w, e.Value...)
}

func readEdge(k warble.EdgeKey, row []byte) (e warble.Edge, gone bool, err error) {
	r := codec.Take(row)
	gone = r.Byte()&1 != 0
	e = warble.Edge{Kind: k.Kind, From: k.From, To: k.To, Since: r.ID(), Part: uint32(r.Uint())}
	e.Value = r.Rest()
	return e, gone, r.Err()
}

// appendOut writes the value of an out row: what its key does not say.
func appendOut(b []byte, e *warble.Edge) []byte {
	w := codec.Writer(b)
	w.Uint(uint64(e.Part))
	return append(w, e.Value...)
}

func appendClaim(b []byte, c warble.Claim, until time.Time) []byte {
	w := codec.Writer(b)
	var at int64
	if !until.IsZero() {
		at = until.UnixNano()
	}
	w.Int(at)
	w.ID(c.Holder)
	w.Uint(c.Epoch)
	return append(w, c.Data...)
}

func readClaim(row []byte, now time.Time) (warble.Claim, error) {
	r := codec.Take(row)
	until := r.Int()
	c := warble.Claim{Holder: r.ID(), Epoch: r.Uint()}
	c.Data = r.Rest()
	if until != 0 && now.UnixNano() >= until {
		c = warble.Claim{}
	}
	return c, r.Err()
}
