package warble

import (
	"errors"
	"fmt"
)

// The kinds of failure. Every error that leaves this package wraps one of
// them, or a context's error; anything else is an internal fault. Each edge
// maps kinds to its own answers in one table.
var (
	ErrInvalid      = errors.New("invalid")         // the request cannot be right: a parameter is named
	ErrUnauthorized = errors.New("not signed in")   // who asks is not known
	ErrForbidden    = errors.New("not allowed")     // known, and may not
	ErrNotFound     = errors.New("not found")       // not there, or not for this viewer
	ErrGone         = errors.New("gone")            // was there and was deleted
	ErrConflict     = errors.New("conflict")        // somebody else was first, or another body under the same key
	ErrLimit        = errors.New("limit reached")   // a quota of the person or of the service; try later
	ErrUnavailable  = errors.New("unavailable")     // an engine cannot serve now; nothing was stored
	ErrUnknown      = errors.New("outcome unknown") // an engine failed while storing: it may or may not be stored
)

// Error is a failure with its story. Detail is a sentence for people; it
// never holds internal text.
type Error struct {
	Kind   error  // one of the sentinels above
	Op     string // the public method that failed, as "Writer.PostTweet"
	Param  string // the parameter at fault, in the domain's words: "text", "reply.tweet", …
	Value  string // its value, shortened
	Detail string
	Err    error // the cause inside, for the log only
}

func (e *Error) Error() string {
	s := e.Kind.Error()
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Param != "" {
		s += " " + e.Param
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() []error {
	if e.Err != nil {
		return []error{e.Kind, e.Err}
	}
	return []error{e.Kind}
}

// Invalid makes an ErrInvalid that names the parameter at fault.
func Invalid(param, value, detail string) *Error {
	return &Error{Kind: ErrInvalid, Param: param, Value: shorten(value, 80), Detail: detail}
}

// Fail makes an error of a kind with a sentence.
func Fail(kind error, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// Wrap adds the operation's name once, and turns an error of no known kind
// into ErrUnavailable. Use: defer wrap(&err, "Writer.PostTweet").
func Wrap(err *error, op string) {
	if *err == nil {
		return
	}
	if e, ok := errors.AsType[*Error](*err); ok {
		if e.Op == "" {
			c := *e
			c.Op = op
			*err = &c
		}
		return
	}
	for _, kind := range []error{ErrInvalid, ErrUnauthorized, ErrForbidden, ErrNotFound, ErrGone, ErrConflict, ErrLimit, ErrUnavailable, ErrUnknown} {
		if errors.Is(*err, kind) {
			*err = &Error{Kind: kind, Op: op, Err: *err}
			return
		}
	}
	*err = fmt.Errorf("%s: %w", op, *err)
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
