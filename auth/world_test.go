package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"warble"
	"warble/engine/mem"
	"warble/internal/httpx"
	"warble/role/write"
)

// clock is a time that a test holds.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
}

type world struct {
	*Service
	t     testing.TB
	clock *clock
	mux   *httpx.Mux
	ann   *warble.User
}

func newWorld(t testing.TB, opt Options) *world {
	t.Helper()
	s := mem.New(mem.Options{})
	ids, err := warble.NewIDs(context.Background(), s.Claims, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: &clock{now: time.Now()}}
	opt.Clock = w.clock.time
	if opt.Cost == (Cost{}) {
		opt.Cost = Cost{Memory: 8, Time: 1, Threads: 1}
	}
	w.Service = NewService(s, write.NewWriter(s, ids, warble.Options{}), opt)
	w.mux = httpx.NewMux(w.Routes(), w.Mux(httpx.Options{}))
	hash, err := w.HashPassword(context.Background(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	w.ann, err = w.w.Register(context.Background(), write.Registration{Handle: "ann", Name: "Ann", Email: "ann@warble.test", PasswordHash: hash})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// who is who a bearer token stands for.
func (w *world) who(token string) (httpx.Caller, error) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return w.Authenticate(r, false)
}

// post sends a form and gives the answer's status and members.
func (w *world) post(path string, form url.Values, basic ...string) (int, map[string]any) {
	w.t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(basic) == 2 {
		r.SetBasicAuth(basic[0], basic[1])
	}
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	var doc map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		w.t.Fatalf("%s: %v", rec.Body, err)
	}
	return rec.Code, doc
}

const verifier = "a-verifier-of-more-than-forty-three-characters-in-all"

func challengeOf(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const redirect = "https://bot.example/back?x=1"

// consent lets ann say yes and gives the code.
func (w *world) consent(app *App, scope string) string {
	w.t.Helper()
	req, err := w.Authorize(context.Background(), url.Values{
		"response_type": {"code"}, "client_id": {app.ClientID()}, "redirect_uri": {redirect}, "scope": {scope},
		"state": {"s/1"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	back, err := w.Approve(context.Background(), w.ann.ID, req)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil || u.Query().Get("state") != "s/1" || u.Query().Get("x") != "1" || u.Host != "bot.example" {
		w.t.Fatalf("sent back to %s: %v", back, err)
	}
	return u.Query().Get("code")
}

func exchange(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
}
