package twitter

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// keyed posts a body under an Idempotency-Key.
func (p *someone) keyed(key, path, body string) *reply {
	p.w.t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Idempotency-Key", key)
	return p.w.send(r)
}

func TestSameKeyPostsOnce(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	first := ann.keyed("k1", "/2/tweets", `{"text":"once"}`).want(201)
	again := ann.keyed("k1", "/2/tweets", `{"text":"once"}`).want(201)
	if string(first.body) != string(again.body) {
		t.Errorf("first %s, again %s", first.body, again.body)
	}
	if n := len(ann.get(ann.own("/tweets")).ids()); n != 1 {
		t.Errorf("%d tweets", n)
	}
	if r := ann.keyed("k1", "/2/tweets", `{"text":"other"}`).want(422); r.str("errors", 0, "parameter") != "Idempotency-Key" {
		t.Errorf("other body: %s", r.body)
	}
	bob.keyed("k1", "/2/tweets", `{"text":"somebody else's key"}`).want(201)
	ann.delete("/2/tweets/" + first.str("data", "id")).want(200)
	ann.keyed("k1", "/2/tweets", `{"text":"once"}`).want(410)
	if n := len(ann.get(ann.own("/tweets")).ids()); n != 0 {
		t.Errorf("%d tweets after the deletion", n)
	}
	ann.keyed(strings.Repeat("k", 256), "/2/tweets", `{"text":"x"}`).want(400)
}

func TestKeyRemembersAnswerOfDeedUndone(t *testing.T) {
	w := newWorld(t)
	ann := w.join("ann")
	id := ann.tweet("like me")
	body := `{"tweet_id":"` + id + `"}`
	ann.keyed("like", ann.own("/likes"), body).want(200)
	ann.delete(ann.own("/likes/" + id)).want(200)
	if r := ann.keyed("like", ann.own("/likes"), body).want(200); r.at("data", "liked") != true {
		t.Errorf("retry: %s", r.body)
	}
	if n := len(ann.get(ann.own("/liked_tweets")).ids()); n != 0 {
		t.Error("a retry of an old like liked again")
	}
}

func TestKeyMakesOneAccountAndOneList(t *testing.T) {
	w := newWorld(t)
	body := `{"username":"dora","name":"Dora","email":"d@warble.test","password":"correct horse"}`
	nobody := &someone{w: w}
	post := func() *reply {
		r := httptest.NewRequest("POST", "/2/users", strings.NewReader(body))
		r.Header.Set("Idempotency-Key", "reg")
		return nobody.w.send(r)
	}
	first, again := post().want(201), post().want(201)
	if string(first.body) != string(again.body) {
		t.Errorf("first %s, again %s", first.body, again.body)
	}
	ann := w.join("ann")
	one := ann.keyed("l", "/2/lists", `{"name":"L"}`).want(201)
	two := ann.keyed("l", "/2/lists", `{"name":"L"}`).want(201)
	if one.str("data", "id") != two.str("data", "id") {
		t.Errorf("two lists: %s %s", one.body, two.body)
	}
}
