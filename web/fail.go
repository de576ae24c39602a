package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"warble/internal/httpx"
)

// failure is an error as a page says it.
type failure struct {
	Status int
	Title  string
	Detail string
}

func failureOf(p *httpx.Problem) failure {
	f := failure{Status: p.Status, Title: "This did not work", Detail: sentence(p.Reason())}
	switch {
	case p.Status == http.StatusNotFound:
		f.Title = "There is nothing here"
	case p.Status == http.StatusGone:
		f.Title = "This is gone"
	case p.Status == http.StatusForbidden:
		f.Title = "This is not for you"
	case p.Status == http.StatusUnauthorized:
		f.Title = "Sign in first"
	case p.Status == http.StatusTooManyRequests:
		f.Title = "That was a lot"
	case p.Status == http.StatusServiceUnavailable:
		f.Title = "Not at this moment"
	case p.Status >= 500:
		f.Title = "Something broke"
	}
	return f
}

// sentence makes a detail out of the domain's words read as a sentence.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// fail answers with a page that says what went wrong; a program, which does
// not ask for HTML, gets a problem document.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := httpx.ProblemOf(err)
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		httpx.WriteProblem(w, r, p)
		return
	}
	f := failureOf(p)
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int((p.RetryAfter+time.Second-1)/time.Second))))
	}
	around := s.frameOfFailure(r, f)
	if fault := s.show(w, r, f.Status, around, failurePage(f)); fault != nil {
		s.Log.Error("page of an error not drawn", "err", fault)
		httpx.WriteProblem(w, r, p)
	}
}

// frameOfFailure shows who is signed in only where something was asked that is
// not to be had: elsewhere asking may be what failed.
func (s *site) frameOfFailure(r *http.Request, f failure) *frame {
	plain := &frame{Title: f.Title, Hidden: true, Find: true, Style: strings.Trim(s.styleTag, `"`)}
	switch f.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone:
	default:
		return plain
	}
	if s.Auth == nil || r.Method != http.MethodGet {
		return plain
	}
	who, err := s.Auth.Authenticate(r, true)
	if err != nil {
		return plain
	}
	around, err := s.frame(r, &httpx.Call{Who: who}, f.Title)
	if err != nil || around.Viewer == nil {
		return plain
	}
	around.Hidden = true
	return around
}

// NotFound makes the [httpx.Options].NotFound for a mux that serves pages beside an
// API: a browser gets a page, a program and every address of the API a problem document.
func NotFound(d Deps) func(http.ResponseWriter, *http.Request, error) {
	s := newSite(d)
	return func(w http.ResponseWriter, r *http.Request, err error) {
		if strings.HasPrefix(r.URL.Path, "/2/") {
			httpx.WriteError(w, r, err)
			return
		}
		s.fail(w, r, err)
	}
}
