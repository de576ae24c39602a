package httpx

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"warble"
)

// Problem is an error as X API v2 and RFC 9457 write it.
type Problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status,omitempty"`
	Detail string       `json:"detail"`
	Errors []ParamError `json:"errors,omitempty"`

	// Of one thing among several asked for.
	ResourceType string `json:"resource_type,omitempty"`
	ResourceID   string `json:"resource_id,omitempty"`
	Parameter    string `json:"parameter,omitempty"`
	Value        string `json:"value,omitempty"`

	RetryAfter time.Duration `json:"-"`
}

// ParamError names the parameter at fault. Parameters and Message are X's
// form of the same three facts.
type ParamError struct {
	Parameter  string              `json:"parameter"`
	Value      string              `json:"value"`
	Reason     string              `json:"reason"`
	Parameters map[string][]string `json:"parameters"`
	Message    string              `json:"message"`
}

// StatusError is an error with an HTTP status of its own, for what the domain
// has no kind for: 405, 413, 415, 422.
type StatusError struct {
	Status int
	Title  string
	Detail string
	Param  string
	Value  string
}

func (e *StatusError) Error() string { return strconv.Itoa(e.Status) + " " + e.Title + ": " + e.Detail }

// LimitError is an ErrLimit that knows when to come back.
type LimitError struct {
	Err        error
	RetryAfter time.Duration
}

func (e *LimitError) Error() string { return e.Err.Error() }
func (e *LimitError) Unwrap() error { return e.Err }

// BusyError is an ErrUnavailable because too much is asked at this moment, not
// because something is broken: 503, and a warning in the log.
type BusyError struct{ Err error }

func (e *BusyError) Error() string { return e.Err.Error() }
func (e *BusyError) Unwrap() error { return e.Err }

// Busy makes a BusyError with a sentence.
func Busy(detail string) error {
	return &BusyError{Err: &warble.Error{Kind: warble.ErrUnavailable, Detail: detail}}
}

// problemBase is X's name space of problems: SDKs check the types literally.
const problemBase = "https://api.x.com/2/problems/"

// kindRow is one row of the table from kinds of error to HTTP.
type kindRow struct {
	kind   error
	status int
	typ    string
	title  string
	detail string // when the error has none of its own
}

// kinds is the one table. Order matters: the first that errors.Is finds stands.
var kinds = []kindRow{
	{warble.ErrInvalid, 400, problemBase + "invalid-request", "Invalid Request", "One or more parameters to your request was invalid."},
	{warble.ErrUnauthorized, 401, "about:blank", "Unauthorized", "A valid access token is needed."},
	{warble.ErrForbidden, 403, problemBase + "not-authorized-for-resource", "Forbidden", "You are not permitted to perform this action."},
	{warble.ErrGone, 410, problemBase + "resource-not-found", "Gone Error", "What was asked for has been deleted."},
	{warble.ErrNotFound, 404, problemBase + "resource-not-found", "Not Found Error", "There is no such thing, or it is not visible to you."},
	{warble.ErrConflict, 409, problemBase + "conflict", "Conflict", "Somebody else was first."},
	{warble.ErrLimit, 429, "about:blank", "Too Many Requests", "Too many requests: try again later."},
	{warble.ErrUnavailable, 503, problemBase + "service-unavailable", "Service Unavailable", "The service cannot do this now: nothing was stored, try again."},
	{warble.ErrUnknown, 503, problemBase + "outcome-unknown", "Service Unavailable", "It is not known whether this was stored: look, or try again with an Idempotency-Key."},
	{context.DeadlineExceeded, 503, problemBase + "service-unavailable", "Service Unavailable", "This took too long: try again."},
	{context.Canceled, 499, "about:blank", "Client Closed Request", "The request was given up."},
}

// ProblemOf turns an error into the document its client may see: never
// internal text.
func ProblemOf(err error) *Problem {
	if s, ok := errors.AsType[*StatusError](err); ok {
		p := &Problem{Type: "about:blank", Title: s.Title, Status: s.Status, Detail: s.Detail}
		if p.Title == "" {
			p.Title = http.StatusText(s.Status)
		}
		return p.blame(s.Param, s.Value)
	}
	for _, k := range kinds {
		if !errors.Is(err, k.kind) {
			continue
		}
		p := &Problem{Type: k.typ, Title: k.title, Status: k.status, Detail: k.detail}
		if e, ok := errors.AsType[*warble.Error](err); ok {
			p.Detail = cmp.Or(e.Detail, k.detail)
			p.blame(e.Param, e.Value)
		}
		if l, ok := errors.AsType[*LimitError](err); ok {
			p.RetryAfter = l.RetryAfter
		} else if k.status == 429 || k.status == 503 {
			p.RetryAfter = time.Second
		}
		return p
	}
	return &Problem{Type: problemBase + "internal-error", Title: "Internal Server Error", Status: 500, Detail: "Something went wrong on our side."}
}

// settled makes the end of a write's time an ErrUnknown: what it had begun may
// still be stored. Where an engine said that nothing was, that stands.
func settled(r *http.Request, err error) error {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if reads || !errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*warble.Error)) {
		return err
	}
	return &warble.Error{Kind: warble.ErrUnknown, Err: err}
}

// blame names the parameter at fault, where there is one, also in the
// sentence: a person at a terminal reads that first.
func (p *Problem) blame(param, value string) *Problem {
	if param == "" {
		return p
	}
	reason := p.Detail
	p.Errors = []ParamError{{Parameter: param, Value: value, Reason: reason, Parameters: map[string][]string{param: {value}}, Message: reason}}
	if !strings.HasPrefix(reason, param+" ") {
		p.Detail = param + ": " + reason
	}
	return p
}

// Reason is the sentence alone, without the name of a parameter: for forms,
// which show it beside the field.
func (p *Problem) Reason() string {
	if len(p.Errors) == 0 {
		return p.Detail
	}
	return p.Errors[0].Reason
}

// StatusOf is the status an error answers with.
func StatusOf(err error) int { return ProblemOf(err).Status }

// WriteError answers with the problem document of err. A write that ran out of
// time, and of which nothing else is said, may have been stored.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	WriteProblem(w, r, ProblemOf(settled(r, err)))
}

// WriteProblem answers with a problem document.
func WriteProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	h := w.Header()
	h["Cache-Control"] = noStore
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int((p.RetryAfter+time.Second-1)/time.Second))))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("Www-Authenticate", `Bearer realm="warble"`)
	}
	body, err := json.Marshal(p)
	if err != nil { // a Problem holds strings and numbers only
		body = []byte(`{"title":"Internal Server Error","status":500}`)
	}
	Reply(w, r, p.Status, "application/problem+json; charset=utf-8", append(body, '\n'))
}
