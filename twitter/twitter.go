// Package twitter speaks the X API v2: Warble's own API, so that a program
// written for X moves here by changing its base URL. docs/native-api.md of
// the project says which part.
//
// routes.go is the table of endpoints; fields.go and query.go read query
// strings into masks; encode_*.go append objects, page.go puts answers
// together from them; the other files are the endpoints by subject.
package twitter

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"warble"
	"warble/auth"
	"warble/internal/httpx"
	"warble/internal/photo"
	"warble/role/read"
	"warble/role/write"
)

// Deps are what the API stands on.
type Deps struct {
	Reader *read.Reader
	Writer *write.Writer
	Stores *warble.Stores // Blobs, Hub, and the documents of uploads in flight
	Auth   *auth.Service
	Photos *photo.Processor
	// BaseURL is where clients reach this service, as https://warble.example;
	// it begins the addresses of photos.
	BaseURL string
	// Drain is closed when the process is about to stop: streams end then. Nil: never.
	Drain <-chan struct{}
	// FragmentBytes bounds the cache of rendered tweets and people. Default 64 MB.
	FragmentBytes int
	// Streams is how many live streams may be open at once. Default 1,000.
	Streams int
	Clock   func() time.Time // default time.Now
}

// api holds the endpoints' handlers.
type api struct {
	Deps
	base      string
	fragments *fragments
	specs     specs
	uploads   *places
	streams   chan struct{} // places for live streams
}

func newAPI(d Deps) *api {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if d.FragmentBytes == 0 {
		d.FragmentBytes = 64 << 20
	}
	if d.Streams == 0 {
		d.Streams = 1000
	}
	return &api{
		Deps: d, base: strings.TrimSuffix(d.BaseURL, "/"), fragments: newFragments(d.FragmentBytes), specs: newSpecs(),
		uploads: newPlaces(), streams: make(chan struct{}, d.Streams),
	}
}

func (a *api) clock() time.Time { return a.Deps.Clock() }

// pathID reads an id out of the path.
func pathID(r *http.Request, name string) (warble.ID, error) {
	id, err := warble.ParseID(r.PathValue(name))
	if err != nil {
		return 0, warble.Invalid(name, r.PathValue(name), "an id is a decimal number")
	}
	return id, nil
}

// own reads :id out of the path and insists that it is who asks.
func own(r *http.Request, c *httpx.Call) (warble.UserID, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return 0, err
	}
	if id != c.Who.User {
		e := warble.Fail(warble.ErrForbidden, "The id in the path must be that of the person who signed in.")
		e.Param, e.Value = "id", id.String()
		return 0, e
	}
	return id, nil
}

// ownAnd reads :id, insists on it, and reads another id of the path.
func ownAnd(r *http.Request, c *httpx.Call, name string) (warble.UserID, warble.ID, error) {
	user, err := own(r, c)
	if err != nil {
		return 0, 0, err
	}
	other, err := pathID(r, name)
	return user, other, err
}

// ownAndBody reads :id, insists on it, and reads the one id a body holds.
func ownAndBody(w http.ResponseWriter, r *http.Request, c *httpx.Call, name string) (warble.UserID, warble.ID, error) {
	user, err := own(r, c)
	if err != nil {
		return 0, 0, err
	}
	id, err := bodyID(w, r, name)
	return user, id, err
}

// bodyID reads a body that is one id: {"name": "123"}.
func bodyID(w http.ResponseWriter, r *http.Request, name string) (warble.ID, error) {
	var body map[string]string
	if err := httpx.Decode(w, r, 0, &body); err != nil {
		return 0, err
	}
	for other := range body {
		if other != name {
			return 0, warble.Invalid(other, body[other], "there is no such member: there is "+name)
		}
	}
	id, err := warble.ParseID(body[name])
	if err != nil {
		return 0, warble.Invalid(name, body[name], "an id is a decimal number in a string")
	}
	return id, nil
}

// replyBool answers {"data":{"name":v}}.
func replyBool(w http.ResponseWriter, r *http.Request, name string, v bool) error {
	b := append(make([]byte, 0, 64), `{"data":{"`...)
	b = append(append(b, name...), `":`...)
	httpx.ReplyJSON(w, r, http.StatusOK, append(strconv.AppendBool(b, v), "}}"...))
	return nil
}

// partial is the error of one thing among several asked for.
func partial(err error, resource, param, value string) *httpx.Problem {
	p := httpx.ProblemOf(err)
	p.Detail = p.Reason()
	p.Status, p.Errors = 0, nil
	p.ResourceType, p.ResourceID, p.Parameter, p.Value = resource, value, param, value
	if p.Title == "Not Found Error" || p.Title == "Gone Error" {
		p.Title = "Not Found Error"
		p.Detail = "Could not find " + resource + " with " + param + ": [" + value + "]."
	}
	return p
}
