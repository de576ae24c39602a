package web

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"warble"
	"warble/auth"
	"warble/engine/mem"
	"warble/internal/httpx"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"
)

// world is the pages over a memory engine, and people in it.
type world struct {
	testing.TB
	stores *warble.Stores
	writer *write.Writer
	reader *read.Reader
	auth   *auth.Service
	server *httptest.Server
}

const password = "correct horse battery"

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	w := &world{TB: t, stores: mem.New(mem.Options{})}
	ids, err := warble.NewIDs(ctx, w.stores.Claims, time.Now)
	w.no(err)
	w.writer = write.NewWriter(w.stores, ids, warble.Options{})
	w.reader = read.NewReader(w.stores, warble.Options{})
	w.auth = auth.NewService(w.stores, w.writer, auth.Options{Cost: auth.Cost{Memory: 8, Time: 1, Threads: 1}})
	fanout := fanout.NewFanout(w.stores, ids, warble.Options{CountTick: time.Millisecond})
	done := make(chan error, 1)
	go func() { done <- fanout.Run(ctx) }()
	deps := Deps{Reader: w.reader, Writer: w.writer, Auth: w.auth, URL: "http://warble.test"}
	routes := append(Routes(deps), w.auth.Routes()...)
	w.server = httptest.NewServer(httpx.NewMux(routes, w.auth.Mux(httpx.Options{NotFound: NotFound(deps)})))
	t.Cleanup(func() {
		w.server.Close()
		stop()
		if err := <-done; err != nil {
			t.Errorf("fan-out: %v", err)
		}
	})
	return w
}

func (w *world) no(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// person registers somebody with the password of all.
func (w *world) person(handle, name string) *warble.User {
	w.Helper()
	hash, err := w.auth.HashPassword(context.Background(), password)
	w.no(err)
	u, err := w.writer.Register(context.Background(), write.Registration{Handle: handle, Name: name, Email: handle + "@warble.test", PasswordHash: hash})
	w.no(err)
	return u
}

// tweets posts, and waits until search has it.
func (w *world) tweets(u *warble.User, d write.Draft) *warble.Tweet {
	w.Helper()
	t, err := w.writer.PostTweet(context.Background(), u.ID, d)
	w.no(err)
	w.until("the tweet is indexed", func() bool {
		ids, err := w.stores.Index.Search(context.Background(), &warble.Query{Op: warble.QueryAll}, warble.Page{Before: t.ID + 1, Limit: 1})
		return err == nil && len(ids) == 1 && ids[0] == t.ID
	})
	return t
}

// until waits for a condition.
func (w *world) until(what string, holds func() bool) {
	w.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			w.Fatalf("waited in vain until %s", what)
		}
	}
}

// answer is a page as a browser got it.
type answer struct {
	testing.TB
	*http.Response
	page string
}

// browser keeps cookies and follows no redirect.
type browser struct {
	*world
	client *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	w.no(err)
	return &browser{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b *browser) do(r *http.Request) *answer {
	b.Helper()
	res, err := b.client.Do(r)
	b.no(err)
	body, err := io.ReadAll(res.Body)
	b.no(err)
	b.no(res.Body.Close())
	return &answer{b.TB, res, string(body)}
}

func (b *browser) get(path string) *answer {
	b.Helper()
	r, err := http.NewRequest(http.MethodGet, b.server.URL+path, nil)
	b.no(err)
	r.Header.Set("Accept", "text/html")
	return b.do(r)
}

func (b *browser) post(path string, form url.Values) *answer {
	b.Helper()
	r, err := http.NewRequest(http.MethodPost, b.server.URL+path, strings.NewReader(form.Encode()))
	b.no(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.server.URL)
	r.Header.Set("Accept", "text/html")
	return b.do(r)
}

// signIn signs somebody in.
func (b *browser) signIn(handle string) {
	b.Helper()
	b.post("/login", url.Values{"login": {handle}, "password": {password}}).leads(303, "/home")
}

// has checks status and what stands in the page, in this order.
func (a *answer) has(status int, parts ...string) *answer {
	a.Helper()
	if a.StatusCode != status {
		a.Fatalf("%s %s: status %d, want %d\n%s", a.Request.Method, a.Request.URL, a.StatusCode, status, a.page)
	}
	rest := a.page
	for _, p := range parts {
		i := strings.Index(rest, p)
		if i < 0 {
			a.Fatalf("%s: %q is not there, or not in order, in\n%s", a.Request.URL, p, a.page)
		}
		rest = rest[i+len(p):]
	}
	return a
}

func (a *answer) hasNot(parts ...string) *answer {
	a.Helper()
	for _, p := range parts {
		if strings.Contains(a.page, p) {
			a.Fatalf("%s: %q is there in\n%s", a.Request.URL, p, a.page)
		}
	}
	return a
}

// leads checks a redirect.
func (a *answer) leads(status int, to string) {
	a.Helper()
	if a.StatusCode != status || a.Header.Get("Location") != to {
		a.Fatalf("%s %s: %d to %q, want %d to %q\n%s", a.Request.Method, a.Request.URL, a.StatusCode, a.Header.Get("Location"), status, to, a.page)
	}
}
