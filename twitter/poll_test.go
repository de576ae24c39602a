package twitter

import (
	"reflect"
	"strings"
	"testing"
)

const pollQuery = "?expansions=attachments.poll_ids&poll.fields=viewer"

// asks posts a tweet with a poll of two options.
func (p *someone) asks() (id string) {
	p.w.t.Helper()
	return p.post("/2/tweets", map[string]any{"text": "Which?", "poll": map[string]any{"options": []string{"this", "that"}, "duration_minutes": 60}}).want(201).str("data", "id")
}

func TestAVoteIsCountedOnceAndShownToWhoeverCastIt(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	poll := ann.asks()
	for range 2 { // the same vote again is no other
		if r := bob.post("/2/tweets/"+poll+"/poll/votes", `{"choices":[2]}`).want(200); r.at("data", "voted") != true {
			t.Errorf("answer %s", r.body)
		}
	}
	own := bob.get("/2/tweets/" + poll + pollQuery).want(200)
	if got := own.list("includes", "polls", 0, "viewer", "choices"); !reflect.DeepEqual(got, []any{2.0}) {
		t.Errorf("his own vote is shown as %v", got)
	}
	if own.at("includes", "polls", 0, "options", 1, "votes") != 1.0 {
		t.Errorf("who voted does not see his vote counted at once: %s", own.body)
	}
	eventually(t, "the vote is counted for everybody", func() bool {
		r := ann.get("/2/tweets/" + poll + pollQuery)
		return r.at("includes", "polls", 0, "options", 0, "votes") == 0.0 && r.at("includes", "polls", 0, "options", 1, "votes") == 1.0 &&
			len(r.list("includes", "polls", 0, "viewer", "choices")) == 0
	})
	if r := bob.get("/2/tweets/" + poll + "?expansions=attachments.poll_ids").want(200); r.at("includes", "polls", 0, "viewer") != nil {
		t.Errorf("shown though nobody asked: %s", r.body)
	}
}

func TestAVoteForARetweetIsForItsOriginal(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	poll := ann.asks()
	retweet := bob.post(bob.own("/retweets"), map[string]string{"tweet_id": poll}).want(200).str("data", "rest_id")
	bob.post("/2/tweets/"+retweet+"/poll/votes", `{"choices":[1]}`).want(200)
	if r := bob.get("/2/tweets/" + poll + pollQuery); r.at("includes", "polls", 0, "options", 0, "votes") != 1.0 {
		t.Errorf("not counted: %s", r.body)
	}
}

func TestBadVotesSayWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	poll := ann.asks()
	for _, body := range []string{`{}`, `{"choices":[]}`, `{"choices":[0]}`, `{"choices":[3]}`, `{"choices":[1,2]}`, `{"choices":[-9223372036854775808]}`, `{"choices":["1"]}`} {
		if r := bob.post("/2/tweets/"+poll+"/poll/votes", body).want(400); !strings.HasPrefix(r.str("errors", 0, "parameter"), "choices") {
			t.Errorf("%s: %s", body, r.body)
		}
	}
	if r := bob.post("/2/tweets/"+ann.tweet("no poll")+"/poll/votes", `{"choices":[1]}`).want(400); r.str("errors", 0, "parameter") != "id" {
		t.Errorf("a tweet without a poll: %s", r.body)
	}
	bob.post("/2/tweets/"+poll+"/poll/votes", `{"choices":[1]}`).want(200)
	if r := bob.post("/2/tweets/"+poll+"/poll/votes", `{"choices":[2]}`).want(409); r.str("errors", 0, "parameter") != "choices" {
		t.Errorf("another vote: %s", r.body)
	}
}
