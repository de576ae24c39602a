package httpx

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"warble"
)

// Window is the length of a rate limit's window.
const Window = 15 * time.Minute

// Class is what is counted together: by its name among processes, by its
// number within the mux that gave it.
type Class struct {
	N    uint16
	Name string
}

// Once runs next under an Idempotency-Key. It answers itself when the key's
// answer is remembered, fails with a 422 when the key was used for another
// body, and otherwise calls next with Call.ID and Call.Retry set.
type Once func(w http.ResponseWriter, r *http.Request, c *Call, key string, body []byte, next Handler) error

// Options are what a mux needs from its surroundings. A nil function leaves its step out.
type Options struct {
	// Authenticate finds out who asks. No credentials: the zero Caller, nil.
	// Bad ones: an ErrUnauthorized.
	Authenticate func(r *http.Request, cookies bool) (Caller, error)
	// Take counts one request against a limit.
	Take func(ctx context.Context, c *Call, class Class, n int) (remaining int, reset int64, ok bool)
	Once Once
	// Observe is told about every answered request; route is an index of
	// Mux.Routes, or -1 where none matched.
	Observe func(route, status int, took time.Duration, bytes int64)

	NotFound func(w http.ResponseWriter, r *http.Request, err error) // nil: a problem document
	CORS     []string                                                // path prefixes open to every origin
	TLS      bool                                                    // adds Strict-Transport-Security
	Proxies  int                                                     // trusted proxies in front, each of which appends to X-Forwarded-For
	Access   *slog.Logger                                            // one line per request at debug level; nil: none
	Log      *slog.Logger                                            // internal faults and panics; nil: none
}

// Mux is the route table in service.
type Mux struct {
	Routes []Route

	opt     Options
	mux     http.ServeMux
	origin  http.CrossOriginProtection
	seed    uint64
	counter atomic.Uint64
	pool    sync.Pool // *exchange
}

// NewMux puts routes in service. Routes whose patterns collide, or whose scope
// is unknown, are a mistake in the program: it panics.
func NewMux(routes []Route, opt Options) *Mux {
	m := &Mux{Routes: routes, opt: opt}
	m.pool.New = func() any { return new(exchange) }
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails
	m.seed = binary.LittleEndian.Uint64(seed[:])
	if m.opt.Log == nil {
		m.opt.Log = slog.New(slog.DiscardHandler)
	}
	classes := map[string]uint16{}
	for i := range routes {
		m.mux.Handle(routes[i].Method+" "+routes[i].Pattern, m.mounted(i, classes))
	}
	return m
}

// mounted is a route with everything that does not change worked out.
type mounted struct {
	*Route
	index  int
	scopes Scopes
	class  Class
	limit  []string // of the header
	safe   bool
	m      *Mux
}

func (m *Mux) mounted(i int, classes map[string]uint16) *mounted {
	r := &m.Routes[i]
	scopes, err := ParseScopes(r.Scope)
	if err != nil {
		panic(fmt.Sprintf("httpx: route %s: %v", r.Name(), err))
	}
	name := r.Limit.Class
	if name == "" {
		name = r.Name()
	}
	class, ok := classes[name]
	if !ok {
		class = uint16(len(classes) + 1)
		classes[name] = class
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	return &mounted{Route: r, index: i, scopes: scopes, class: Class{N: class, Name: name}, limit: []string{strconv.Itoa(r.Limit.N)}, safe: safe, m: m}
}

// exchange is one request on its way; pooled.
type exchange struct {
	response
	call    Call
	rate    [2]string
	started time.Time
}

// response counts what is written and holds back the plain 404 and 405 of http.ServeMux.
type response struct {
	http.ResponseWriter
	status  int
	bytes   int64
	route   int // index of the route, or one of the below
	refused bool
}

const (
	unmatched = -1 // http.ServeMux has not called a route yet
	noRoute   = -2 // it will not
)

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) WriteHeader(status int) {
	if w.route == unmatched && status >= 400 {
		w.status, w.refused = status, true
		return
	}
	if w.status == 0 || w.status < 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if w.refused {
		return len(b), nil
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := m.pool.Get().(*exchange)
	*x = exchange{response: response{ResponseWriter: w, route: unmatched}, started: time.Now()}
	defer m.finish(x, r)
	h := w.Header()
	h["X-Content-Type-Options"] = noSniff
	h["X-Request-Id"] = []string{m.requestID(r)}
	if m.opt.TLS {
		h["Strict-Transport-Security"] = []string{"max-age=31536000"}
	}
	if len(r.Header["Origin"]) > 0 && m.cors(h, r) {
		x.route = noRoute
		x.WriteHeader(http.StatusNoContent)
		return
	}
	m.mux.ServeHTTP(x, r)
	if x.refused {
		m.refuse(x, r)
	}
}

// refuse answers a request no route matched.
func (m *Mux) refuse(x *exchange, r *http.Request) {
	status := x.status
	x.refused, x.status, x.route = false, 0, noRoute
	var err error = warble.Fail(warble.ErrNotFound, "There is nothing at this address.")
	switch status {
	case http.StatusNotFound:
	case http.StatusMethodNotAllowed:
		err = &StatusError{Status: status, Detail: "This address takes only " + x.Header().Get("Allow") + "."}
	default:
		err = &StatusError{Status: status, Detail: "There is nothing at this address."}
	}
	delete(x.Header(), "Content-Length")
	if m.opt.NotFound != nil {
		m.opt.NotFound(x, r, err)
		return
	}
	WriteError(x, r, err)
}

// finish ends every request, also one whose handler panicked.
func (m *Mux) finish(x *exchange, r *http.Request) {
	if fault := recover(); fault != nil {
		if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(fault)
		}
		m.opt.Log.Error("handler panicked", "path", r.URL.Path, "panic", fault, "stack", string(debug.Stack()))
		if x.status != 0 {
			panic(http.ErrAbortHandler) // half an answer is out: cut the connection
		}
		if x.refused = false; x.route == unmatched {
			x.route = noRoute
		}
		WriteError(x, r, errors.New("panic"))
	}
	took := time.Since(x.started)
	if m.opt.Observe != nil {
		m.opt.Observe(max(x.route, unmatched), x.status, took, x.bytes)
	}
	if a := m.opt.Access; a != nil && a.Enabled(r.Context(), slog.LevelDebug) {
		a.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", x.status), slog.Int64("bytes", x.bytes), slog.Duration("took", took),
			slog.String("id", x.Header()["X-Request-Id"][0]), slog.Uint64("user", uint64(x.call.Who.User)))
	}
	*x = exchange{}
	m.pool.Put(x)
}

// requestID takes over a plausible id from a proxy, or makes one that no other process makes.
func (m *Mux) requestID(r *http.Request) string {
	if in := r.Header["X-Request-Id"]; len(in) == 1 && len(in[0]) >= 8 && len(in[0]) <= 64 && !strings.ContainsFunc(in[0], notToken) {
		return in[0]
	}
	const digits = "0123456789abcdef"
	n := (m.seed + m.counter.Add(1)) * 0x9e3779b97f4a7c15
	n ^= n >> 29
	var id [16]byte
	for i := range id {
		id[i] = digits[n>>(4*i)&15]
	}
	return string(id[:])
}

func notToken(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
}

// cors opens paths whose identity is never a cookie to scripts of every
// origin. It says whether the request was a preflight.
func (m *Mux) cors(h http.Header, r *http.Request) (preflight bool) {
	if !slices.ContainsFunc(m.opt.CORS, func(prefix string) bool { return strings.HasPrefix(r.URL.Path, prefix) }) {
		return false
	}
	h["Access-Control-Allow-Origin"] = []string{"*"}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		h["Access-Control-Expose-Headers"] = []string{"x-rate-limit-limit, x-rate-limit-remaining, x-rate-limit-reset, retry-after, x-request-id"}
		return false
	}
	h["Access-Control-Allow-Methods"] = []string{"GET, POST, PUT, PATCH, DELETE"}
	h["Access-Control-Allow-Headers"] = []string{"Authorization, Content-Type, Idempotency-Key"}
	h["Access-Control-Max-Age"] = []string{"86400"}
	return true
}

// ServeHTTP is a matched route: who asks, may they, how often, which key; then the handler.
func (t *mounted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange)
	x.route = t.index
	if err := t.serve(x, r); err != nil {
		t.fail(x, r, err)
	}
}

func (t *mounted) serve(x *exchange, r *http.Request) error {
	opt, c := &t.m.opt, &x.call
	if t.Cookie && !t.safe {
		if err := t.m.origin.Check(r); err != nil {
			return warble.Fail(warble.ErrForbidden, "This form was sent from another site.")
		}
	}
	var refused error
	if t.Access != NoIdentity && opt.Authenticate != nil {
		c.Who, refused = opt.Authenticate(r, t.Cookie)
	}
	if c.Who.User == 0 && c.Who.App == 0 {
		c.Addr = PeerAddr(r, opt.Proxies)
	}
	if opt.Take != nil && t.Limit.N > 0 {
		if err := t.take(x, r); err != nil {
			return err
		}
	}
	if refused != nil {
		return refused
	}
	if err := t.permit(&c.Who); err != nil {
		return err
	}
	if r.Method == http.MethodPost && opt.Once != nil && !t.NoKey {
		c.Once = opt.Once
		if key := r.Header["Idempotency-Key"]; len(key) > 0 && !t.OwnKey {
			return t.once(x, r, key[0])
		}
	}
	return t.Handler(x, r, c)
}

// permit holds the caller against the route's access and scope.
func (t *mounted) permit(who *Caller) error {
	anonymous := who.User == 0 && who.App == 0
	switch {
	case anonymous && (t.Access == SignedIn || t.Access == AnyToken):
		return warble.Fail(warble.ErrUnauthorized, "This needs an access token.")
	case t.Access == SignedIn && who.User == 0:
		return warble.Fail(warble.ErrForbidden, "This needs a person's access token; an app's own token does not do.")
	case !anonymous && t.Access != NoIdentity && !who.Scopes.Has(t.scopes):
		return warble.Fail(warble.ErrForbidden, "The access token lacks a scope: this needs %s.", t.Scope)
	}
	return nil
}

// take counts the request and sets the three headers.
func (t *mounted) take(x *exchange, r *http.Request) error {
	remaining, reset, ok := t.m.opt.Take(r.Context(), &x.call, t.class, t.Limit.N)
	x.rate[0], x.rate[1] = strconv.Itoa(remaining), strconv.FormatInt(reset, 10)
	values := make([]string, 2) // outlives the pooled exchange: net/http may read headers later
	values[0], values[1] = x.rate[0], x.rate[1]
	h := x.Header()
	h["X-Rate-Limit-Limit"] = t.limit
	h["X-Rate-Limit-Remaining"] = values[0:1:1]
	h["X-Rate-Limit-Reset"] = values[1:2:2]
	if ok {
		return nil
	}
	wait := time.Until(time.Unix(reset, 0))
	return &LimitError{Err: warble.Fail(warble.ErrLimit, "Too many requests: this is allowed %d times in 15 minutes.", t.Limit.N), RetryAfter: wait}
}

// once reads the body, so that it can be told from another under the same key.
func (t *mounted) once(x *exchange, r *http.Request, key string) error {
	body, err := ReadBody(x, r, MaxBody)
	if err != nil {
		return err
	}
	r.Body = replay(body)
	return t.m.opt.Once(x, r, &x.call, key, body, t.Handler)
}

func (t *mounted) fail(x *exchange, r *http.Request, err error) {
	err = settled(r, err)
	p := ProblemOf(err)
	if p.Status >= 500 {
		level := slog.LevelError
		if _, busy := errors.AsType[*BusyError](err); busy {
			level = slog.LevelWarn
		}
		t.m.opt.Log.Log(r.Context(), level, "request failed", "route", t.Name(), "status", p.Status, "err", err, "id", x.Header()["X-Request-Id"][0])
	}
	if x.status != 0 { // the answer has begun: all that is left is to cut it off
		panic(http.ErrAbortHandler)
	}
	if t.Error != nil {
		t.Error(x, r, err)
		return
	}
	WriteProblem(x, r, p)
}

// PeerAddr is who is at the other end. Behind n trusted proxies it is the nth
// address from the right of X-Forwarded-For: what stands left of it is hearsay.
func PeerAddr(r *http.Request, proxies int) netip.Addr {
	if proxies > 0 {
		hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
		if i := len(hops) - proxies; i >= 0 {
			if a, err := netip.ParseAddr(strings.TrimSpace(hops[i])); err == nil {
				return a.Unmap()
			}
		}
	}
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}
