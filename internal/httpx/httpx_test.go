package httpx

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"warble"
)

// served sends one request to a mux of one route.
func served(t *testing.T, route Route, opt Options, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	if route.Method == "" {
		route.Method = "GET"
	}
	if route.Pattern == "" {
		route.Pattern = "/x"
	}
	rec := httptest.NewRecorder()
	NewMux([]Route{route}, opt).ServeHTTP(rec, r)
	return rec
}

func hello(w http.ResponseWriter, r *http.Request, _ *Call) error {
	ReplyJSON(w, r, 200, []byte(`{"hello":"`+strings.Repeat("o", 2000)+`"}`))
	return nil
}

func fails(err error) Handler {
	return func(http.ResponseWriter, *http.Request, *Call) error { return err }
}

func TestEveryKindOfErrorHasItsAnswer(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		retry  string
	}{
		{warble.Invalid("text", "x", "too long"), 400, ""},
		{warble.Fail(warble.ErrUnauthorized, "who"), 401, ""},
		{warble.Fail(warble.ErrForbidden, "no"), 403, ""},
		{warble.Fail(warble.ErrNotFound, "none"), 404, ""},
		{warble.Fail(warble.ErrGone, "gone"), 410, ""},
		{warble.Fail(warble.ErrConflict, "taken"), 409, ""},
		{warble.Fail(warble.ErrLimit, "slow"), 429, "1"},
		{&LimitError{Err: warble.ErrLimit, RetryAfter: 61 * time.Second}, 429, "61"},
		{fmt.Errorf("engine at 10.0.0.7: %w", warble.ErrUnavailable), 503, "1"},
		{fmt.Errorf("engine at 10.0.0.7: %w", warble.ErrUnknown), 503, "1"},
		{context.DeadlineExceeded, 503, "1"},
		{errors.New("secret at 10.0.0.7"), 500, ""},
		{&StatusError{Status: 413, Detail: "big"}, 413, ""},
	} {
		rec := served(t, Route{Handler: fails(c.err)}, Options{}, httptest.NewRequest("GET", "/x", nil))
		var p Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if rec.Code != c.status || p.Status != c.status || p.Title == "" || p.Detail == "" || rec.Header().Get("Retry-After") != c.retry {
			t.Errorf("%v: %d %+v %v", c.err, rec.Code, p, rec.Header())
		}
		if strings.Contains(rec.Body.String(), "10.0.0.7") {
			t.Errorf("%v: internal text leaks: %s", c.err, rec.Body)
		}
		if !strings.HasPrefix(rec.Header().Get("Content-Type"), "application/problem+json") {
			t.Errorf("content type %q", rec.Header().Get("Content-Type"))
		}
	}
}

func TestAWriteThatTookTooLongHasAnUnknownOutcome(t *testing.T) {
	late := fmt.Errorf("storing: %w", context.DeadlineExceeded)
	for _, c := range []struct {
		method string
		err    error
		typ    string
	}{
		{"POST", late, "outcome-unknown"},
		{"PUT", late, "outcome-unknown"},
		{"DELETE", late, "outcome-unknown"},
		{"GET", late, "service-unavailable"},
		{"HEAD", late, "service-unavailable"},
		{"POST", &warble.Error{Kind: warble.ErrUnavailable, Err: late}, "service-unavailable"},
		{"POST", &warble.Error{Kind: warble.ErrInvalid, Err: late}, "invalid-request"},
	} {
		r := httptest.NewRequest(c.method, "/x", nil)
		alone := httptest.NewRecorder()
		WriteError(alone, r, c.err)
		for _, rec := range []*httptest.ResponseRecorder{served(t, Route{Method: c.method, Handler: fails(c.err)}, Options{}, r), alone} {
			if c.method == "HEAD" {
				if rec.Code != 503 {
					t.Errorf("HEAD: %d", rec.Code)
				}
				continue
			}
			var p Problem
			if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || p.Type != problemBase+c.typ || p.Detail == "" {
				t.Errorf("%s, %v: %+v %v", c.method, c.err, p, err)
			}
		}
	}
	var shown error
	page := Route{Method: "POST", Handler: fails(late), Error: func(_ http.ResponseWriter, _ *http.Request, err error) { shown = err }}
	served(t, page, Options{}, httptest.NewRequest("POST", "/x", nil))
	if !errors.Is(shown, warble.ErrUnknown) {
		t.Errorf("a page is told %v", shown)
	}
}

func TestDetailNamesTheParameterAtFaultOnce(t *testing.T) {
	for _, c := range []struct {
		err            error
		detail, reason string
	}{
		{warble.Invalid("max_results", "x", "a number is needed"), "max_results: a number is needed", "a number is needed"},
		{warble.Invalid("max_results", "x", "max_results is a number"), "max_results is a number", "max_results is a number"},
		{warble.Invalid("id", "x", "an id is a number"), "id: an id is a number", "an id is a number"},
		{&StatusError{Status: 422, Detail: "Used before.", Param: "key"}, "key: Used before.", "Used before."},
		{warble.Fail(warble.ErrInvalid, "nothing is named"), "nothing is named", "nothing is named"},
	} {
		p := ProblemOf(c.err)
		if p.Detail != c.detail || p.Reason() != c.reason {
			t.Errorf("%v: detail %q, reason %q", c.err, p.Detail, p.Reason())
		}
	}
}

func TestOverloadIsAWarningAndAFailureAnError(t *testing.T) {
	for _, c := range []struct {
		err   error
		level string
	}{
		{Busy("Come back."), "level=WARN"},
		{warble.Fail(warble.ErrUnavailable, "the disk failed"), "level=ERROR"},
		{warble.ErrUnknown, "level=ERROR"},
	} {
		var log bytes.Buffer
		opt := Options{Log: slog.New(slog.NewTextHandler(&log, nil))}
		rec := served(t, Route{Handler: fails(c.err)}, opt, httptest.NewRequest("GET", "/x", nil))
		if rec.Code != 503 || rec.Header().Get("Retry-After") == "" || !strings.Contains(log.String(), c.level) {
			t.Errorf("%v: %d, logged %s", c.err, rec.Code, log.String())
		}
	}
}

func TestPanicAnswers500AndIsLogged(t *testing.T) {
	var log bytes.Buffer
	opt := Options{Log: slog.New(slog.NewTextHandler(&log, nil))}
	rec := served(t, Route{Handler: func(http.ResponseWriter, *http.Request, *Call) error { panic("secret") }}, opt, httptest.NewRequest("GET", "/x", nil))
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "secret") || !strings.Contains(log.String(), "secret") {
		t.Errorf("%d %s, log %s", rec.Code, rec.Body, log.String())
	}
}

func TestUnknownPathAndWrongMethod(t *testing.T) {
	rec := served(t, Route{Handler: hello}, Options{}, httptest.NewRequest("GET", "/y", nil))
	if rec.Code != 404 || !strings.Contains(rec.Body.String(), "resource-not-found") {
		t.Errorf("404: %d %s", rec.Code, rec.Body)
	}
	rec = served(t, Route{Handler: hello}, Options{}, httptest.NewRequest("POST", "/x", nil))
	if rec.Code != 405 || !strings.Contains(rec.Header().Get("Allow"), "GET") {
		t.Errorf("405: %d %v", rec.Code, rec.Header())
	}
	opt := Options{NotFound: func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.WriteHeader(404)
		_, _ = w.Write([]byte("a page"))
	}}
	if rec = served(t, Route{Handler: hello}, opt, httptest.NewRequest("GET", "/y", nil)); rec.Body.String() != "a page" {
		t.Errorf("own page: %s", rec.Body)
	}
}

func TestAcceptEncodingIsReadProperly(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "deflate, gzip": true, "GZIP": true, "gzip;q=0": false, "gzip;q=0.0": false, "gzip; q=0.001": true,
		"*": true, "*;q=0": false, "*, gzip;q=0": false, "gzip;q=x": false, "br": false, "gzipped": false, "x-gzip": true, "gzip;q=NaN": false,
	} {
		if got := AcceptsGzip([]string{header}); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestLongAnswersAreCompressed(t *testing.T) {
	r := httptest.NewRequest("GET", "/x", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	rec := served(t, Route{Handler: hello}, Options{}, r)
	if rec.Header().Get("Content-Encoding") != "gzip" || rec.Header().Get("Vary") != "" || rec.Header().Get("Content-Length") != fmt.Sprint(rec.Body.Len()) {
		t.Errorf("headers %v", rec.Header())
	}
	page := served(t, Route{Handler: func(w http.ResponseWriter, r *http.Request, _ *Call) error {
		Reply(w, r, 200, "text/html", make([]byte, GzipFrom))
		return nil
	}}, Options{}, r)
	if page.Header().Get("Content-Encoding") != "gzip" || page.Header().Get("Vary") != "Accept-Encoding" { // what a cache may keep
		t.Errorf("headers %v", page.Header())
	}
	z, err := gzip.NewReader(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || len(b) != 2012 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	short := func(w http.ResponseWriter, r *http.Request, _ *Call) error {
		ReplyJSON(w, r, 200, []byte("{}"))
		return nil
	}
	if rec := served(t, Route{Handler: short}, Options{}, r); rec.Header().Get("Content-Encoding") != "" {
		t.Error("a short answer is compressed")
	}
}

func TestScopeAndAccess(t *testing.T) {
	person := Caller{User: 1, Scopes: 1}
	for _, c := range []struct {
		access Access
		who    Caller
		want   int
	}{
		{Anyone, Caller{}, 200}, {Anyone, person, 200}, {Anyone, Caller{User: 1}, 403},
		{SignedIn, Caller{}, 401}, {SignedIn, person, 200}, {SignedIn, Caller{App: 1, Scopes: 1}, 403}, {SignedIn, Caller{User: 1, Scopes: 2}, 403},
		{AnyToken, Caller{}, 401}, {AnyToken, Caller{App: 1, Scopes: 1}, 200},
	} {
		opt := Options{Authenticate: func(*http.Request, bool) (Caller, error) { return c.who, nil }}
		rec := served(t, Route{Handler: hello, Scope: "tweet.read", Access: c.access}, opt, httptest.NewRequest("GET", "/x", nil))
		if rec.Code != c.want {
			t.Errorf("%+v: %d", c, rec.Code)
		}
	}
}

func TestRateLimitHeadersAreOnEveryAnswer(t *testing.T) {
	left := 1
	opt := Options{
		Authenticate: func(r *http.Request, _ bool) (Caller, error) {
			if r.Header.Get("Authorization") != "" {
				return Caller{}, warble.ErrUnauthorized
			}
			return Caller{}, nil
		},
		Take: func(_ context.Context, c *Call, class Class, n int) (int, int64, bool) {
			if !c.Addr.IsValid() || class.N == 0 || class.Name != "GET /x" || n != 7 {
				t.Errorf("asked with %v %v %d", c.Addr, class, n)
			}
			left--
			return max(left, 0), time.Now().Add(time.Minute).Unix(), left >= 0
		},
	}
	r := httptest.NewRequest("GET", "/x", nil)
	r.Header.Set("Authorization", "Bearer bad")
	for _, want := range []int{401, 429} {
		rec := served(t, Route{Handler: hello, Limit: Limit{N: 7}}, opt, r)
		h := rec.Header()
		if rec.Code != want || h.Get("X-Rate-Limit-Limit") != "7" || h.Get("X-Rate-Limit-Remaining") != "0" || h.Get("X-Rate-Limit-Reset") == "" {
			t.Errorf("%d %v", rec.Code, h)
		}
		if want == 429 && h.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
	}
}

func TestCORSOpensOnlyItsPaths(t *testing.T) {
	r := httptest.NewRequest("OPTIONS", "/x", nil)
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	rec := served(t, Route{Handler: hello}, Options{CORS: []string{"/x"}}, r)
	if rec.Code != 204 || rec.Header().Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(rec.Header().Get("Access-Control-Allow-Headers"), "Idempotency-Key") {
		t.Errorf("preflight: %d %v", rec.Code, rec.Header())
	}
	r.Method = "GET"
	if rec := served(t, Route{Handler: hello}, Options{CORS: []string{"/y"}}, r); rec.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("another path is open too")
	}
}

func TestFormFromAnotherSiteIsRefused(t *testing.T) {
	for site, want := range map[string]int{"same-origin": 200, "cross-site": 403} {
		r := httptest.NewRequest("POST", "/x", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		if rec := served(t, Route{Method: "POST", Handler: hello, Cookie: true}, Options{}, r); rec.Code != want {
			t.Errorf("%s: %d", site, rec.Code)
		}
	}
}

func TestBodiesAreBoundedAndStrict(t *testing.T) {
	for body, want := range map[string]int{
		`{"a":1}`: 200, `{"a":"x"}`: 400, `{"b":1}`: 400, `{"a":1} x`: 400, ``: 400, `[`: 400, `{"a":` + strings.Repeat(" ", 200) + `1}`: 413,
	} {
		h := func(w http.ResponseWriter, r *http.Request, _ *Call) error {
			var v struct {
				A int `json:"a"`
			}
			return Decode(w, r, 100, &v)
		}
		r := httptest.NewRequest("POST", "/x", strings.NewReader(body))
		r.ContentLength = -1
		if rec := served(t, Route{Method: "POST", Handler: h}, Options{}, r); rec.Code != want {
			t.Errorf("%.20q: %d %s", body, rec.Code, rec.Body)
		}
		r = httptest.NewRequest("POST", "/x", strings.NewReader(body))
		r.Header.Set("Content-Type", "text/xml")
		if rec := served(t, Route{Method: "POST", Handler: h}, Options{}, r); body != "" && rec.Code != 415 && rec.Code != 413 {
			t.Errorf("%.20q as XML: %d", body, rec.Code)
		}
	}
}

func TestObserveHearsOfEveryRequest(t *testing.T) {
	type seen struct {
		route, status int
		bytes         int64
	}
	var got []seen
	opt := Options{Observe: func(route, status int, _ time.Duration, bytes int64) { got = append(got, seen{route, status, bytes}) }}
	served(t, Route{Handler: hello}, opt, httptest.NewRequest("GET", "/x", nil))
	served(t, Route{Handler: fails(warble.ErrGone)}, opt, httptest.NewRequest("GET", "/x", nil))
	served(t, Route{Handler: hello}, opt, httptest.NewRequest("GET", "/nothing", nil))
	if len(got) != 3 || got[0] != (seen{0, 200, 2012}) || got[1].status != 410 || got[2].route != -1 || got[2].status != 404 {
		t.Errorf("%+v", got)
	}
}

func TestPeerAddrBelievesOnlyTrustedProxies(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "192.0.2.9:1234"
	r.Header.Set("X-Forwarded-For", "6.6.6.6, 198.51.100.7")
	r.Header.Add("X-Forwarded-For", "192.0.2.1")
	for proxies, want := range map[int]string{0: "192.0.2.9", 1: "192.0.2.1", 2: "198.51.100.7", 9: "192.0.2.9"} {
		if got := PeerAddr(r, proxies); got != netip.MustParseAddr(want) {
			t.Errorf("%d proxies: %v", proxies, got)
		}
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	m := NewMux(nil, Options{})
	r := httptest.NewRequest("GET", "/", nil)
	if a, b := m.requestID(r), m.requestID(r); a == b || len(a) != 16 {
		t.Errorf("%q %q", a, b)
	}
	r.Header.Set("X-Request-Id", "from-the-proxy")
	if id := m.requestID(r); id != "from-the-proxy" {
		t.Errorf("%q", id)
	}
	r.Header.Set("X-Request-Id", "bad\x01id of a proxy")
	if id := m.requestID(r); len(id) != 16 {
		t.Errorf("%q", id)
	}
}

func TestETag(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request, _ *Call) error {
		if !NotModified(w, r, `"v1"`) {
			Reply(w, r, 200, "text/plain", []byte("x"))
		}
		return nil
	}
	for match, want := range map[string]int{"": 200, `"v1"`: 304, `W/"v1"`: 304, `"v0", "v1"`: 304, "*": 304, `"v2"`: 200} {
		r := httptest.NewRequest("GET", "/x", nil)
		if match != "" {
			r.Header.Set("If-None-Match", match)
		}
		if rec := served(t, Route{Handler: h}, Options{}, r); rec.Code != want {
			t.Errorf("%q: %d", match, rec.Code)
		}
	}
}

func TestScopesReadAsTheyWrite(t *testing.T) {
	if got, err := ParseScopes(AllScopes.String()); err != nil || got != AllScopes {
		t.Errorf("%v %v", got, err)
	}
	if !AllScopes.Has(OfflineAccess) || OfflineAccess.String() != "offline.access" {
		t.Errorf("offline access is %q", OfflineAccess)
	}
	if _, err := ParseScopes("tweet.read tweet.reed"); err == nil {
		t.Error("an unknown scope passes")
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"id":"1","n":2,"l":["3"]}`, `{"id":5}`, `{`, `null`, "{\"id\":\"\\u0000\"}", `{"l":[[[[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var v struct {
			ID string   `json:"id"`
			N  int      `json:"n"`
			L  []string `json:"l"`
		}
		if err := DecodeBytes(body, &v); err != nil && StatusOf(err) != 400 {
			t.Errorf("%q: %v", body, err)
		}
	})
}

func TestAWriteThatRanOutOfTimeMayBeStored(t *testing.T) {
	late := fmt.Errorf("asking: %w", context.DeadlineExceeded)
	nothing := &warble.Error{Kind: warble.ErrUnavailable, Err: late}
	for _, c := range []struct {
		method string
		err    error
		want   string
	}{
		{http.MethodPost, late, "outcome-unknown"},
		{http.MethodDelete, late, "outcome-unknown"},
		{http.MethodPost, nothing, "service-unavailable"},
		{http.MethodGet, late, "service-unavailable"},
	} {
		w := httptest.NewRecorder()
		WriteError(w, httptest.NewRequest(c.method, "/2/tweets", nil), c.err)
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 503 || p.Type != problemBase+c.want {
			t.Errorf("%s %v: %d %s, want %s", c.method, c.err, w.Code, w.Body, c.want)
		}
	}
}
