//go:build cluster

package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"warble"
)

// callLimit is a little more than what the service gives a request.
const callLimit = 6 * time.Second

// service is where calls go: writes and reads each take the next address of their list.
type service struct {
	Writes, Reads []string
	Client        *http.Client
	meter         *meter
	turn          atomic.Uint64
}

// answer is what came back. Status 0: nothing did.
type answer struct {
	status int
	unsent bool   // nobody was reached who could have understood the request
	typ    string // of a problem
	body   []byte
}

func (a answer) outcome() outcome {
	switch {
	case a.status/100 == 2:
		return happened
	case a.unsent, a.status/100 == 4, a.status == http.StatusServiceUnavailable && strings.HasSuffix(a.typ, "/service-unavailable"):
		return refused
	}
	return unknown
}

// do makes one call and meters it.
func (s *service) do(ctx context.Context, method, path, token, key string, body any) answer {
	bases := s.Reads
	if method != http.MethodGet {
		bases = s.Writes
	}
	ended := s.meter.call(method != http.MethodGet)
	a := s.send(ctx, method, bases[s.turn.Add(1)%uint64(len(bases))]+path, token, key, body)
	ended(a.status != 0 && a.status < 500)
	return a
}

func (s *service) send(ctx context.Context, method, target, token, key string, body any) answer {
	ctx, stop := context.WithTimeout(ctx, callLimit)
	defer stop()
	var r io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, r)
	if err != nil {
		panic(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		dial, ok := errors.AsType[*net.OpError](err)
		return answer{unsent: ok && dial.Op == "dial"}
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return answer{}
	}
	if a.status/100 != 2 {
		var problem struct{ Type string }
		_ = json.Unmarshal(a.body, &problem) // a balancer's page is no problem document
		a.typ = problem.Type
	}
	return a
}

// person is an account of the load.
type person struct {
	n     int
	id    warble.UserID
	token string
}

// session is a client of one person's that makes one call after the other.
type session struct {
	*crew
	n   int
	who *person
	rnd *rand.Rand
}

// begin makes a call of the session's that begins now.
func (s *session) begin(k kind) *call {
	return &call{Session: s.n, User: s.who.n, Kind: k, Begin: s.h.now()}
}

// keep ends a call and gives it to the history. A read that failed says nothing.
func (s *session) keep(c *call, o outcome) {
	c.End, c.Outcome = s.h.now(), o
	if o == happened || c.Kind == put || c.Kind == claim || c.Kind == post || c.Kind == remove {
		s.h.add(c)
	}
}

// tries is how often a tweet is sent, with the same key, while nobody knows whether it was stored.
const tries = 3

func (s *session) post(ctx context.Context) {
	c := s.begin(post)
	c.Label = s.label()
	var a answer
	o := refused
	for range tries {
		a = s.svc.do(ctx, http.MethodPost, "/2/tweets", s.who.token, c.Label, map[string]string{"text": "said " + c.Label})
		if now := a.outcome(); now != refused || o == refused {
			o = now // a refusal says nothing of the tries before it
		}
		if o != unknown {
			break
		}
	}
	if o == happened {
		var got struct{ Data wireTweet }
		if err := json.Unmarshal(a.body, &got); err != nil {
			panic(fmt.Sprintf("%v in %s", err, a.body))
		}
		c.ID = got.Data.ID
	}
	s.keep(c, o)
	if o == happened {
		s.meet(c.ID, s.who.n)
	}
}

func (s *session) remove(ctx context.Context) {
	id := s.known(s.rnd, s.who.n)
	if id == 0 {
		s.post(ctx)
		return
	}
	c := s.begin(remove)
	c.ID = id
	s.keep(c, s.svc.do(ctx, http.MethodDelete, "/2/tweets/"+id.String(), s.who.token, "", nil).outcome())
}

// follow follows somebody or, half as often, no longer.
func (s *session) follow(ctx context.Context) {
	to := s.people[s.rnd.IntN(len(s.people))]
	if to == s.who {
		to = s.people[(to.n+1)%len(s.people)]
	}
	s.edge(ctx, fmt.Sprintf("follow %d>%d", s.who.n, to.n), s.rnd.IntN(3) > 0, "following", "target_user_id", to.id)
}

func (s *session) like(ctx context.Context) {
	id := s.known(s.rnd, -1)
	if id == 0 {
		s.post(ctx)
		return
	}
	s.edge(ctx, fmt.Sprintf("like %d>%d", s.who.n, id), s.rnd.IntN(3) > 0, "likes", "tweet_id", id)
}

func (s *session) edge(ctx context.Context, key string, on bool, path, member string, to warble.ID) {
	c := s.begin(put)
	c.Key = key
	path = "/2/users/" + s.who.id.String() + "/" + path
	if on {
		c.Value = "on"
		s.keep(c, s.svc.do(ctx, http.MethodPost, path, s.who.token, "", map[string]string{member: to.String()}).outcome())
		return
	}
	s.keep(c, s.svc.do(ctx, http.MethodDelete, path+"/"+to.String(), s.who.token, "", nil).outcome())
}

// describe writes the profile's text: each version of a profile is a claim.
func (s *session) describe(ctx context.Context) {
	c := s.begin(put)
	c.Key, c.Value = fmt.Sprint("bio ", s.who.n), s.label()
	s.keep(c, s.svc.do(ctx, http.MethodPatch, "/2/users/me", s.who.token, "", map[string]string{"description": c.Value}).outcome())
}

// register asks for a handle that others ask for too.
func (s *session) register(ctx context.Context) {
	c := s.begin(claim)
	handle := s.handle(s.rnd)
	c.Key, c.Value = "handle "+handle, s.label()
	body := map[string]string{"username": handle, "name": c.Value, "email": c.Value + "@example.org", "password": "quite long enough"}
	s.keep(c, s.svc.do(ctx, http.MethodPost, "/2/users", "", "", body).outcome())
}

// wireTweet is a tweet as the load reads it.
type wireTweet struct {
	ID      warble.TweetID `json:"id,string"`
	Text    string
	Viewer  struct{ Liked bool }
	Metrics struct {
		Likes int `json:"like_count"`
	} `json:"public_metrics"`
}

// label is the word of the tweet's text that no other has.
func (t *wireTweet) label() string { return t.Text[strings.LastIndexByte(t.Text, ' ')+1:] }

// wirePerson is a profile as the load reads it.
type wirePerson struct {
	ID          warble.UserID `json:"id,string"`
	Name        string
	Description string
	Connection  []string `json:"connection_status"`
	Metrics     struct {
		Followers int `json:"followers_count"`
		Following int `json:"following_count"`
		Tweets    int `json:"tweet_count"`
	} `json:"public_metrics"`
}

// page is a page of tweets or of people.
type page[T any] struct {
	Data []T
	Meta struct {
		Next string `json:"next_token"`
	}
}

// read makes a GET and decodes a success.
func (s *session) read(ctx context.Context, path string, query url.Values, into any) answer {
	a := s.svc.do(ctx, http.MethodGet, path+"?"+query.Encode(), s.who.token, "", nil)
	if a.status == http.StatusOK {
		if err := json.Unmarshal(a.body, into); err != nil {
			panic(fmt.Sprintf("%v in %s", err, a.body))
		}
	}
	return a
}

// timeline reads the first page of home or of a profile.
func (s *session) timeline(ctx context.Context, k kind, author *person) {
	c := s.begin(k)
	path := "/2/users/" + s.who.id.String() + "/timelines/reverse_chronological"
	c.Stale = s.stale
	if k == profile {
		path = "/2/users/" + author.id.String() + "/tweets"
		c.Author = author.n
	}
	var got page[wireTweet]
	a := s.read(ctx, path, url.Values{"max_results": {"20"}}, &got)
	for i := range got.Data {
		c.Page = append(c.Page, seen{got.Data[i].ID, got.Data[i].label()})
	}
	c.Older = got.Meta.Next != "" && len(got.Data) > 0
	s.keep(c, a.outcome())
}

// flags looks some tweets up, with the session's own flags.
func (s *session) flags(ctx context.Context) {
	c := s.begin(lookup)
	for range 10 {
		if id := s.known(s.rnd, -1); id != 0 {
			c.Asked = append(c.Asked, id)
		}
	}
	if len(c.Asked) == 0 {
		return
	}
	c.Stale = s.stale
	var got page[wireTweet]
	a := s.read(ctx, "/2/tweets", url.Values{"ids": {joinIDs(c.Asked)}, "tweet.fields": {"viewer"}}, &got)
	on := map[warble.TweetID]bool{}
	for i := range got.Data {
		t := &got.Data[i]
		if on[t.ID] {
			continue // asked for twice
		}
		on[t.ID] = true
		c.Page = append(c.Page, seen{t.ID, t.label()})
		if a.outcome() == happened {
			s.saw(c, fmt.Sprintf("like %d>%d", s.who.n, t.ID), word(t.Viewer.Liked))
		}
	}
	s.keep(c, a.outcome())
}

func word(on bool) string {
	if on {
		return "on"
	}
	return ""
}

// saw adds what a read said of a key of the session's own.
func (s *session) saw(read *call, key, value string) {
	c := *read
	c.Kind, c.Key, c.Value, c.Page, c.Asked, c.Stale = get, key, value, nil, nil, 0
	s.keep(&c, happened)
}

// relation reads whether the session's person follows somebody.
func (s *session) relation(ctx context.Context) {
	to := s.people[s.rnd.IntN(len(s.people))]
	c := s.begin(get)
	c.Key = fmt.Sprintf("follow %d>%d", s.who.n, to.n)
	var got struct{ Data wirePerson }
	a := s.read(ctx, "/2/users/"+to.id.String(), url.Values{"user.fields": {"connection_status"}}, &got)
	c.Value = word(got.Data.follows())
	s.keep(c, a.outcome())
}

func (p *wirePerson) follows() bool {
	for _, word := range p.Connection {
		if word == "following" {
			return true
		}
	}
	return false
}

// me reads the session's own profile.
func (s *session) me(ctx context.Context) {
	c := s.begin(get)
	c.Key = fmt.Sprint("bio ", s.who.n)
	var got struct{ Data wirePerson }
	a := s.read(ctx, "/2/users/me", url.Values{"user.fields": {"description"}}, &got)
	c.Value = got.Data.Description
	s.keep(c, a.outcome())
}

// lookUp reads who has a handle.
func (s *session) lookUp(ctx context.Context, handle string) {
	c := s.begin(get)
	c.Key, c.Stale = "handle "+handle, s.stale
	var got struct{ Data wirePerson }
	a := s.read(ctx, "/2/users/by/username/"+handle, nil, &got)
	c.Value = got.Data.Name
	if a.status == http.StatusNotFound {
		c.Value = ""
		s.keep(c, happened)
		return
	}
	s.keep(c, a.outcome())
}

func joinIDs(ids []warble.ID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = id.String()
	}
	return strings.Join(words, ",")
}
