// Package web is the pages: plain HTML without a line of script, drawn on the
// server with templ. They show what anyone may read, and hold the forms where
// a person signs up, signs in and lets an app act for him.
//
// Every text a person wrote reaches a page through templ's escaping; the
// policy in every answer forbids scripts, inline styles and other origins, so
// one mistake in a template is not yet a hole. Forms need no secret field: the
// mux refuses what another site's page sends (httpx.Route.Cookie).
package web

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"warble"
	"warble/auth"
	"warble/internal/httpx"
	"warble/role/read"
	"warble/role/write"
)

// Deps are what the pages stand on.
type Deps struct {
	Reader *read.Reader
	Writer *write.Writer
	Auth   *auth.Service
	URL    string           // the public address, without a slash at the end
	Clock  func() time.Time // default: time.Now
	Log    *slog.Logger     // default: nothing
}

// site holds the handlers of the pages.
type site struct {
	Deps
	styleTag string // ETag of the style sheet, also its version in links
}

// Numbers of requests in 15 minutes. Failed sign-ins have a limit of their own
// in package auth.
var (
	often   = httpx.Limit{Class: "web.read", N: 1800}
	seldom  = httpx.Limit{Class: "web.search", N: 450}
	signIns = httpx.Limit{Class: "web.login", N: 100}
	signUps = httpx.Limit{Class: "web.signup", N: 30}
	grants  = httpx.Limit{Class: "web.consent", N: 100}
)

// Routes are the pages. Those that read are a reader's, forms are a writer's.
// None of the patterns takes in an address of an API.
func Routes(d Deps) []httpx.Route {
	s := newSite(d)
	page := func(method, pattern string, role httpx.Role, limit httpx.Limit, h httpx.Handler) httpx.Route {
		return httpx.Route{Method: method, Pattern: pattern, Role: role, Limit: limit, Handler: h, Cookie: true, NoKey: true, Error: s.fail}
	}
	file := func(pattern string, h httpx.Handler) httpx.Route {
		return httpx.Route{Method: "GET", Pattern: pattern, Role: httpx.Reader, Access: httpx.NoIdentity, Handler: h, Error: s.fail}
	}
	return []httpx.Route{
		page("GET", "/{$}", httpx.Reader, often, s.newest),
		page("GET", "/home", httpx.Reader, often, s.home),
		page("GET", "/search", httpx.Reader, seldom, s.search),
		page("GET", "/tags/{tag}", httpx.Reader, seldom, s.tag),
		page("GET", "/{handle}", httpx.Reader, often, s.profile),
		page("GET", "/{handle}/status/{tweet}", httpx.Reader, often, s.tweet),

		page("GET", "/login", httpx.Reader, often, s.loginForm),
		page("POST", "/login", httpx.Writer, signIns, s.login),
		page("GET", "/signup", httpx.Reader, often, s.signupForm),
		page("POST", "/signup", httpx.Writer, signUps, s.signup),
		page("POST", "/logout", httpx.Writer, signIns, s.logout),
		page("GET", "/i/oauth2/authorize", httpx.Reader, grants, s.consentForm),
		page("POST", "/i/oauth2/authorize", httpx.Writer, grants, s.consent),

		file("/style.css", s.style),
		file("/favicon.svg", favicon),
		file("/favicon.ico", favicon), // where programs look that read no page
		file("/robots.txt", robots),
	}
}

func newSite(d Deps) *site {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &site{Deps: d, styleTag: tagOf(styleSheet)}
}

// frame is what every page has around its content.
type frame struct {
	Title    string
	About    string // for search engines and link previews; may be empty
	Canon    string // the path this page is best known by; empty: none
	Hidden   bool   // from search engines
	Viewer   *warble.User
	Account  bool   // show who is signed in, or the links to sign in
	Find     bool   // show the search field
	Here     string // the path to come back to after signing in
	Style    string // version of the style sheet
	FormGoes string // further source of the policy's form-action
}

// frame begins a page for whoever asks.
func (s *site) frame(r *http.Request, c *httpx.Call, title string) (*frame, error) {
	f := &frame{Title: title, Account: true, Find: true, Style: strings.Trim(s.styleTag, `"`), Here: r.URL.RequestURI()}
	if viewer(c) == 0 {
		return f, nil
	}
	people, err := s.Reader.People(r.Context(), viewer(c), read.PeopleInclude{}, viewer(c))
	if err == nil && people[0] != nil {
		f.Viewer = people[0].User
	}
	return f, err
}

// start is where the name of the house leads.
func (f *frame) start() string {
	if f.Viewer != nil {
		return "/home"
	}
	return "/"
}

// viewer is who is signed in at the browser. A token does not count, whoever
// bears it: it has scopes, and pages know none.
func viewer(c *httpx.Call) warble.UserID {
	if c.Who.Token != 0 {
		return 0
	}
	return c.Who.User
}

// policy lets a page show our own pictures and style, and send forms to us.
const policy = "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// show draws a page. Nothing is sent unless all of it could be drawn.
func (s *site) show(w http.ResponseWriter, r *http.Request, status int, f *frame, content templ.Component) error {
	var page bytes.Buffer
	if err := layout(f, content).Render(r.Context(), &page); err != nil {
		return err
	}
	h := w.Header()
	rules := policy
	if f.FormGoes != "" {
		rules += " " + f.FormGoes
	}
	httpx.PageHeaders(h, rules)
	h.Set("Vary", "Cookie")
	h.Set("Cache-Control", "private, no-cache")
	if f.Hidden || status >= 400 {
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex")
	}
	httpx.Reply(w, r, status, "text/html; charset=utf-8", page.Bytes())
	return nil
}

// goTo sends a browser on with a GET. to must be a path of ours or an address
// that was checked.
func goTo(w http.ResponseWriter, status int, to string) error {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return nil
}

// localPath is next where it is a path of this site, else "/". Browsers read a
// backslash as a slash and drop control characters, so neither is let through.
func localPath(next string) string {
	if len(next) > 8<<10 || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") {
		return "/"
	}
	if strings.ContainsFunc(next, func(r rune) bool { return r == '\\' || r <= ' ' || r >= 0x7f }) {
		return "/"
	}
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil {
		return "/"
	}
	return next
}

// with is a path with a query of one parameter.
func with(path, name, value string) string {
	return path + "?" + url.Values{name: {value}}.Encode()
}

// form reads a small form. Each field may be there once.
func form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if httpx.MediaType(r) != "application/x-www-form-urlencoded" {
		return nil, &httpx.StatusError{Status: http.StatusUnsupportedMediaType, Title: "Unsupported form", Detail: "This form is sent as application/x-www-form-urlencoded."}
	}
	body, err := httpx.ReadBody(w, r, 16<<10)
	if err != nil {
		return nil, err
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, warble.Invalid("body", "", "The form could not be read.")
	}
	for name, v := range fields {
		if len(v) > 1 {
			return nil, warble.Invalid(name, "", "A field of the form is there more than once.")
		}
	}
	return fields, nil
}

// page reads ?before= and says how long a page is.
func page(r *http.Request) (warble.Page, error) {
	p := warble.Page{Limit: 20}
	before := r.URL.Query().Get("before")
	if before == "" {
		return p, nil
	}
	var err error
	if p.Before, err = warble.ParseID(before); err != nil {
		return p, warble.Invalid("before", before, "No tweet stands where this address points. Begin again with the newest.")
	}
	return p, nil
}

// all is what a card on a page needs to know about its tweet.
func all() read.Include { return read.Include{Counts: true, Refs: true, Mentioned: true} }

// photoURL is where a photo is served. size is full or small.
func photoURL(p *warble.Photo, size string) string {
	return "/media/" + p.Media.String() + "/" + p.ID.String() + "/" + size + ".jpg"
}

func profilePath(u *warble.User) string { return "/@" + u.Handle }

func tweetPath(author *warble.User, id warble.TweetID) string {
	return "/@" + author.Handle + "/status/" + id.String()
}

// refused says whether err is an answer, not a fault.
func refused(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && httpx.StatusOf(err) < 500
}
