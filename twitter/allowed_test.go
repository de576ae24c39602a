package twitter

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestErrorsNameWhatIsAllowed(t *testing.T) {
	w := newWorld(t)
	ann := w.join("ann")
	poll := w.call(ann.token, "POST", "/2/tweets", `{"text":"Tea?","poll":{"options":["yes","no","later"],"duration_minutes":60}}`).want(201).str("data", "id")
	for _, c := range []struct{ method, path, body, detail string }{
		{"GET", "/2/tweets/" + poll + "?poll.fields=votes", "", "duration_minutes, end_datetime, id, options, viewer, voting_status"},
		{"GET", "/2/tweets/search/recent?query=a&next_token=z", "", "next_token: "},
		{"POST", "/2/tweets/" + poll + "/poll/votes", `{"choices":[9]}`, "choices: choose one of the poll's 3 options; the first is 1"},
		{"POST", "/2/users/" + ann.id.String() + "/likes", `{"id":"1"}`, "id: there is no such member: there is tweet_id"},
	} {
		var body any
		if c.body != "" {
			body = c.body
		}
		if got := w.call(ann.token, c.method, c.path, body).want(400).str("detail"); !strings.Contains(got, c.detail) {
			t.Errorf("%s %s: %q, want %q", c.path, c.body, got, c.detail)
		}
	}
	r := httptest.NewRequest("POST", "/2/media/upload", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"x.jpg\"\r\n\r\n\r\n--b--\r\n"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	r.Header.Set("Authorization", "Bearer "+ann.token)
	if got := w.send(r).want(400).str("detail"); got != "media: the file is empty" {
		t.Errorf("an empty file: %q", got)
	}
	r = httptest.NewRequest("GET", "/2/users/me", nil)
	r.SetBasicAuth("ann", "secret")
	if got := w.send(r).want(401).str("detail"); !strings.Contains(got, "bearer token") {
		t.Errorf("Basic: %q", got)
	}
}
