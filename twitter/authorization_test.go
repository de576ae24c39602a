package twitter

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"warble"
	"warble/auth"
	"warble/internal/httpx"
	"warble/role/write"
)

var printTable = flag.Bool("table", false, "print the table of authorization as it is")

// The scene of every case. Bob tweets a text with a photo that mentions Ann,
// who follows him, likes and bookmarks it, and has a list with Bob on it; he
// also tweets a poll. Carol retweets and quotes the text; Eve asks to follow Ann
// and is nobody to anyone else. Then one thing happens, and Ann asks.
type scene struct {
	*world
	ann, bob, carol, eve *someone
	token                string // of who asks
	names                *strings.Replacer
}

// secret is in Bob's tweet and nowhere else.
const secret = "pangolin"

// situations are the columns of the table: what happens before the question.
var situations = []struct {
	name    string
	strange bool // Ann never followed Bob
	happens func(s *scene, r *httpx.Route)
}{
	{"nothing", false, func(*scene, *httpx.Route) {}},
	{"anonymous", false, func(s *scene, _ *httpx.Route) { s.token = "" }},
	{"scope", false, func(s *scene, r *httpx.Route) { s.token = s.without(r.Scope) }},
	{"other", false, func(s *scene, _ *httpx.Route) { s.token = s.eve.token }},
	{"suspended", false, func(s *scene, _ *httpx.Route) { s.must(s.writer.Suspend(s.t.Context(), s.ann.id, true)) }},
	{"blocked", false, func(s *scene, _ *httpx.Route) { s.must(s.writer.Block(s.t.Context(), s.bob.id, s.ann.id)) }},
	{"muted", false, func(s *scene, _ *httpx.Route) { s.must(s.writer.Mute(s.t.Context(), s.ann.id, s.bob.id)) }},
	{"private", true, func(s *scene, _ *httpx.Route) { s.goPrivate() }},
	{"unfollowed", false, func(s *scene, _ *httpx.Route) {
		s.goPrivate()
		s.must(s.writer.Unfollow(s.t.Context(), s.ann.id, s.bob.id))
	}},
	{"deleted", false, func(s *scene, _ *httpx.Route) {
		s.bob.delete(s.names.Replace("/2/tweets/{tweet}")).want(200)
		s.bob.delete(s.names.Replace("/2/tweets/{poll}")).want(200)
	}},
	{"closed", false, func(s *scene, _ *httpx.Route) { s.must(s.writer.DeleteAccount(s.t.Context(), s.bob.id)) }},
	{"banned", false, func(s *scene, _ *httpx.Route) { s.must(s.writer.Suspend(s.t.Context(), s.bob.id, true)) }},
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) goPrivate() {
	s.call(s.bob.token, "PATCH", "/2/users/me", map[string]any{"protected": true}).want(200)
}

// without is a token of Ann's that bears every scope but one.
func (s *scene) without(scope string) string {
	want, err := httpx.ParseScopes(scope)
	s.must(err)
	token, err := s.auth.IssueToken(s.t.Context(), s.ann.id, httpx.AllScopes&^want, "")
	s.must(err)
	return token
}

func newScene(t *testing.T, strange bool) *scene {
	t.Helper()
	w := newWorldWith(t, auth.Options{Dev: true})
	s := &scene{world: w, ann: w.join("ann"), bob: w.join("bob"), carol: w.join("carol"), eve: w.join("eve")}
	if !strange {
		s.ann.follow(s.bob)
	}
	s.ann.follow(s.carol)
	d, err := w.writer.Upload(t.Context(), s.bob.id, write.Upload{Full: []byte("full"), Small: []byte("small"), MIME: "image/jpeg", Width: 1, Height: 1, SmallW: 1, SmallH: 1})
	s.must(err)
	m, err := warble.MediaOf(d)
	s.must(err)
	free, err := w.writer.Upload(t.Context(), s.ann.id, write.Upload{Full: []byte("full"), Small: []byte("small"), MIME: "image/jpeg", Width: 1, Height: 1, SmallW: 1, SmallH: 1})
	s.must(err)
	tweet := s.bob.post("/2/tweets", map[string]any{"text": "a " + secret + " for @ann", "media": map[string]any{"media_ids": []string{d.ID.String()}}}).want(201).str("data", "id")
	poll := s.bob.post("/2/tweets", map[string]any{"text": "which?", "poll": map[string]any{"options": []string{"this", "that"}, "duration_minutes": 60}}).want(201).str("data", "id")
	for _, p := range []*someone{s.ann, s.carol} {
		for _, deed := range []string{"/likes", "/bookmarks"} {
			p.post(p.own(deed), map[string]string{"tweet_id": tweet}).want(200)
		}
	}
	retweet := s.carol.post(s.carol.own("/retweets"), map[string]string{"tweet_id": tweet}).want(200).str("data", "rest_id")
	quote := s.carol.post("/2/tweets", map[string]any{"text": "look", "quote_tweet_id": tweet}).want(201).str("data", "id")
	mine := s.ann.tweet("mine")
	list := s.ann.post("/2/lists", map[string]any{"name": "L"}).want(201).str("data", "id")
	s.ann.post("/2/lists/"+list+"/members", map[string]string{"user_id": s.bob.id.String()}).want(200)
	s.call(s.ann.token, "PATCH", "/2/users/me", map[string]any{"protected": true}).want(200)
	s.eve.follow(s.ann)
	upload := s.ann.post("/2/media/upload/initialize", map[string]any{}).want(200).str("data", "id")
	s.token = s.ann.token
	s.names = strings.NewReplacer("{ann}", s.ann.id.String(), "{bob}", s.bob.id.String(), "{carol}", s.carol.id.String(), "{eve}", s.eve.id.String(),
		"{tweet}", tweet, "{poll}", poll, "{retweet}", retweet, "{quote}", quote, "{mine}", mine, "{list}", list, "{upload}", upload,
		"{media}", d.ID.String(), "{free}", free.ID.String(), "{photo}", m.Photo.ID.String())
	return s
}

// ask sends a row's request as whoever asks, and gives the answer as the table
// writes it: the status, with + where Bob's text shows.
func (s *scene) ask(row *authRow) string {
	method, path, _ := strings.Cut(row.request, " ")
	if strings.HasSuffix(path, "/stream") {
		close(s.drain)
	}
	var body any
	if row.body != "" {
		body = s.names.Replace(row.body)
	}
	r := s.call(s.token, method, s.names.Replace(path), body)
	if strings.Contains(string(r.body), secret) {
		return strconv.Itoa(r.status) + "+"
	}
	return strconv.Itoa(r.status)
}

// TestAuthorization asks every question of the table in every situation.
func TestAuthorization(t *testing.T) {
	routes := Routes(Deps{})
	asked := map[string]bool{}
	mux := http.NewServeMux()
	byPattern := map[string]*httpx.Route{}
	for i := range routes {
		byPattern[routes[i].Name()] = &routes[i]
		mux.HandleFunc(routes[i].Name(), func(http.ResponseWriter, *http.Request) {})
	}
	for i := range authorization {
		row := &authorization[i]
		method, path, _ := strings.Cut(row.request, " ")
		_, pattern := mux.Handler(httptest.NewRequest(method, strings.NewReplacer("{", "1", "}", "1").Replace(path), nil))
		route := byPattern[pattern]
		if route == nil {
			t.Fatalf("%s matches no route", row.request)
		}
		asked[pattern] = true
		t.Run(strings.ReplaceAll(row.request, "/", "∕"), func(t *testing.T) {
			want := strings.Fields(row.want)
			var got []string
			for n, sit := range situations {
				s := newScene(t, sit.strange)
				s.ask(&authRow{request: "GET /2/tweets/{tweet}"}) // caches are warm
				s.settled()
				sit.happens(s, route)
				s.settled() // photos of a deleted tweet go with its event
				got = append(got, s.ask(row))
				if !*printTable && (n >= len(want) || got[n] != want[n]) {
					t.Errorf("%s: got %s, table says %q", sit.name, got[n], append(want, "nothing")[min(n, len(want))])
				}
			}
			if *printTable {
				fmt.Printf("\t{%q, %q, %q},\n", row.request, row.body, strings.Join(got, " "))
			}
		})
	}
	for name := range byPattern {
		if !asked[name] {
			t.Errorf("nobody asks for %s", name)
		}
	}
}

// authRow is a question and its answer in each situation, in their order.
type authRow struct{ request, body, want string }
