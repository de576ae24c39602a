// Package key builds keys whose bytes sort as their parts do, for engines over
// an ordered store. Numbers are big-endian; a number inverted with [Desc] sorts
// highest first, so that a scan forward reads newest first, which is the cheap
// direction of every ordered store.
//
// It promises order only: what the parts mean, and the byte each kind of row
// begins with, belongs to the engine.
package key

import (
	"bytes"
	"encoding/binary"
)

// U32 appends a number that sorts lowest first.
func U32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }

// U64 appends a number that sorts lowest first.
func U64[T ~uint64](b []byte, v T) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

// Desc32 appends a number that sorts highest first.
func Desc32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, ^v) }

// Desc appends a number that sorts highest first.
func Desc[T ~uint64](b []byte, v T) []byte { return binary.BigEndian.AppendUint64(b, ^uint64(v)) }

// ReadU32 reads what [U32] wrote at the start of b, which must hold it.
func ReadU32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// ReadU64 reads what [U64] wrote at the start of b, which must hold it.
func ReadU64[T ~uint64](b []byte) T { return T(binary.BigEndian.Uint64(b)) }

// ReadDesc32 reads what [Desc32] wrote at the start of b, which must hold it.
func ReadDesc32(b []byte) uint32 { return ^binary.BigEndian.Uint32(b) }

// ReadDesc reads what [Desc] wrote at the start of b, which must hold it.
func ReadDesc[T ~uint64](b []byte) T { return T(^binary.BigEndian.Uint64(b)) }

// Text appends a string of any bytes so that no string is a prefix of another:
// a zero byte becomes 00 FF and the end is 00 01.
func Text(b []byte, s string) []byte {
	for i := range len(s) {
		b = append(b, s[i])
		if s[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return append(b, 0, 1)
}

// ReadText reads what [Text] wrote at the start of b and returns what follows;
// ok is false if it is not there whole.
func ReadText(b []byte) (s string, rest []byte, ok bool) {
	var out []byte
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 || i+1 >= len(b) {
			return "", nil, false
		}
		out = append(out, b[:i]...)
		switch b[i+1] {
		case 1:
			return string(out), b[i+2:], true
		case 0xff:
			out, b = append(out, 0), b[i+2:]
		default:
			return "", nil, false
		}
	}
}

// End returns the first key after all that begin with prefix, and nil (no
// bound) when there is none: prefix is empty or all FF. It does not change
// prefix.
func End(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := bytes.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}
