package twitter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"warble"
	"warble/auth"
	"warble/engine/mem"
	"warble/internal/httpx"
	"warble/internal/photo"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"
)

var update = flag.Bool("update", false, "write golden files")

// world is a whole service in memory, with fan-out running.
type world struct {
	t      testing.TB
	stores *warble.Stores
	writer *write.Writer
	reader *read.Reader
	auth   *auth.Service
	fan    *fanout.Fanout
	mux    http.Handler
	drain  chan struct{}
}

func newWorld(t testing.TB) *world { return newWorldWith(t, auth.Options{Dev: true}) }

func newWorldWith(t testing.TB, opt auth.Options) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := mem.New(mem.Options{})
	ids, err := warble.NewIDs(ctx, s.Claims, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	rules := warble.Options{CountTick: 5 * time.Millisecond}
	w := &world{t: t, stores: s, drain: make(chan struct{})}
	w.writer, w.reader = write.NewWriter(s, ids, rules), read.NewReader(s, rules)
	opt.Cost = auth.Cost{Memory: 8, Time: 1, Threads: 1}
	w.auth = auth.NewService(s, w.writer, opt)
	routes := append(Routes(Deps{
		Reader: w.reader, Writer: w.writer, Stores: s, Auth: w.auth, Photos: photo.New(1),
		BaseURL: "https://warble.test", Drain: w.drain,
	}), w.auth.Routes()...)
	w.mux = httpx.NewMux(routes, w.auth.Mux(httpx.Options{CORS: []string{"/2/", "/media/"}}))
	done := make(chan error, 1)
	w.fan = fanout.NewFanout(s, ids, rules)
	go func() { done <- w.fan.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("fan-out: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// settled waits until fan-out has done all there is to do.
func (w *world) settled() {
	w.t.Helper()
	eventually(w.t, "fan-out is done", func() bool {
		p, err := w.fan.Lag(w.t.Context())
		return err == nil && p.Behind == 0
	})
}

// someone is a person with a token of all scopes.
type someone struct {
	w     *world
	id    warble.UserID
	name  string
	token string
}

func (w *world) join(name string) *someone {
	w.t.Helper()
	u, err := w.writer.Register(w.t.Context(), write.Registration{Handle: name, Name: strings.ToUpper(name[:1]) + name[1:], Email: name + "@warble.test"})
	if err != nil {
		w.t.Fatal(err)
	}
	token, err := w.auth.IssueToken(w.t.Context(), u.ID, httpx.AllScopes, "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return &someone{w: w, id: u.ID, name: name, token: token}
}

// reply is an answer with its body read.
type reply struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

func (w *world) send(r *http.Request) *reply {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	return &reply{t: w.t, what: r.Method + " " + r.URL.String(), status: rec.Code, header: rec.Header(), body: rec.Body.Bytes()}
}

// call sends body as JSON: nil for none, a string as it is.
func (w *world) call(token, method, path string, body any) *reply {
	w.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		in = bytes.NewReader(data)
	}
	r := httptest.NewRequest(method, path, in)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return w.send(r)
}

func (w *world) get(path string) *reply { w.t.Helper(); return w.call("", "GET", path, nil) }

func (p *someone) get(path string) *reply { p.w.t.Helper(); return p.w.call(p.token, "GET", path, nil) }
func (p *someone) post(path string, body any) *reply {
	p.w.t.Helper()
	return p.w.call(p.token, "POST", path, body)
}
func (p *someone) delete(path string) *reply {
	p.w.t.Helper()
	return p.w.call(p.token, "DELETE", path, nil)
}

// own is a path below /2/users/:id.
func (p *someone) own(rest string) string { return "/2/users/" + p.id.String() + rest }

// tweet posts and returns the id.
func (p *someone) tweet(text string) string {
	p.w.t.Helper()
	return p.post("/2/tweets", map[string]any{"text": text}).want(201).str("data", "id")
}

func (p *someone) follow(who *someone) {
	p.w.t.Helper()
	p.post(p.own("/following"), map[string]string{"target_user_id": who.id.String()}).want(200)
}

func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: status %d, want %d: %s", r.what, r.status, status, r.body)
	}
	return r
}

// at walks the document: string for a member, int for an item; nil when not there.
func (r *reply) at(path ...any) any {
	r.t.Helper()
	var v any
	if err := json.Unmarshal(r.body, &v); err != nil {
		r.t.Fatalf("%s: %v: %s", r.what, err, r.body)
	}
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = m[s]
		case int:
			l, ok := v.([]any)
			if !ok || s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

func (r *reply) str(path ...any) string {
	r.t.Helper()
	s, ok := r.at(path...).(string)
	if !ok {
		r.t.Fatalf("%s: no string at %v: %s", r.what, path, r.body)
	}
	return s
}

func (r *reply) list(path ...any) []any {
	r.t.Helper()
	l, _ := r.at(path...).([]any)
	return l
}

// ids are the ids of the objects in data.
func (r *reply) ids() []string {
	r.t.Helper()
	var ids []string
	for i := range r.list("data") {
		ids = append(ids, r.str("data", i, "id"))
	}
	return ids
}

// eventually waits for what fan-out brings.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	look, late := time.NewTicker(2*time.Millisecond), time.After(10*time.Second)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-late:
			t.Fatal("never happened: " + what)
		}
	}
}

// golden compares with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	pretty.WriteByte('\n')
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, pretty.Bytes()) {
		t.Errorf("%s differs; got\n%s", file, pretty.Bytes())
	}
}

var noAddr netip.Addr
