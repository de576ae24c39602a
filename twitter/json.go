package twitter

import (
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"warble"
)

// Appending JSON by hand: the one encoding path for tweets, people, lists and
// all that goes with them.

// buffer is memory for an answer on its way.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 32<<10)} }}

// maxPooled keeps one huge answer from holding its memory for ever.
const maxPooled = 1 << 20

func getBuffer() *buffer { return buffers.Get().(*buffer) }

func (f *buffer) free() {
	if cap(f.b) <= maxPooled {
		f.b = f.b[:0]
		buffers.Put(f)
	}
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(b, s[start:i]...)
				b = append(b, "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, c)
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendID appends an id as a string of decimal digits.
func appendID(b []byte, id warble.ID) []byte {
	b = append(b, '"')
	b = strconv.AppendUint(b, uint64(id), 10)
	return append(b, '"')
}

// appendIDs appends a list of ids.
func appendIDs(b []byte, ids ...warble.ID) []byte {
	b = append(b, '[')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendID(b, id)
	}
	return append(b, ']')
}

// appendTime appends a moment as 2026-01-02T03:04:05.000Z.
func appendTime(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, `"2006-01-02T15:04:05.000Z"`)
}

// member appends ,"name": — every object begins with a member that is always there.
func member(b []byte, name string) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	return append(b, `":`...)
}

func appendStringMember(b []byte, name, value string) []byte {
	return appendString(member(b, name), value)
}

func appendIDMember(b []byte, name string, id warble.ID) []byte {
	return appendID(member(b, name), id)
}

func appendIntMember(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(member(b, name), n, 10)
}

func appendBoolMember(b []byte, name string, v bool) []byte {
	return strconv.AppendBool(member(b, name), v)
}

func appendTimeMember(b []byte, name string, t time.Time) []byte {
	return appendTime(member(b, name), t)
}
