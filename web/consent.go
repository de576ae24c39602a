package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"warble"
	"warble/auth"
	"warble/internal/httpx"
)

// ask is what the consent page asks.
type ask struct {
	App    *auth.App
	Viewer *warble.User
	Grants []string
	Place  string     // where the browser goes afterwards
	Fields url.Values // of the app's request, to be sent back with the answer
	Here   string     // this page
}

// authorizeFields are the parameters of an authorization request that count.
func authorizeFields() []string {
	return []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"}
}

// consentForm asks whether an app may act for the viewer. What is wrong with
// the app or its redirect URI is shown here; anything else the app is told.
func (s *site) consentForm(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return warble.Invalid("query", "", "The address of this page cannot be read.")
	}
	req, err := s.Auth.Authorize(r.Context(), q)
	if back, ok := errors.AsType[*auth.RedirectError](err); ok {
		return goTo(w, http.StatusFound, back.URL)
	}
	if err != nil {
		return err
	}
	f, err := s.frame(r, c, "Let "+req.App.Name+" in?")
	if err != nil {
		return err
	}
	if f.Viewer == nil {
		return goTo(w, http.StatusFound, with("/login", "next", r.URL.RequestURI()))
	}
	fields := url.Values{}
	for _, name := range authorizeFields() {
		if q.Has(name) {
			fields.Set(name, q.Get(name))
		}
	}
	f.Hidden, f.Account = true, false
	f.FormGoes = formTarget(req.Redirect)
	return s.show(w, r, http.StatusOK, f, consentPage(&ask{
		App: req.App, Viewer: f.Viewer, Grants: inWords(req.Scopes), Place: destination(req.Redirect), Fields: fields, Here: r.URL.RequestURI(),
	}))
}

// consent takes the answer. The request is checked anew: what a browser sends
// back is a browser's word.
func (s *site) consent(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	fields, err := form(w, r)
	if err != nil {
		return err
	}
	answer := fields.Get("answer")
	fields.Del("answer")
	if viewer(c) == 0 {
		return goTo(w, http.StatusSeeOther, with("/login", "next", r.URL.Path+"?"+fields.Encode()))
	}
	req, err := s.Auth.Authorize(r.Context(), fields)
	if back, ok := errors.AsType[*auth.RedirectError](err); ok {
		return goTo(w, http.StatusSeeOther, back.URL)
	}
	if err != nil {
		return err
	}
	if answer != "allow" {
		return goTo(w, http.StatusSeeOther, s.Auth.Deny(req))
	}
	to, err := s.Auth.Approve(r.Context(), viewer(c), req)
	if err != nil {
		return err
	}
	return goTo(w, http.StatusSeeOther, to)
}

// formTarget is the source of form-action that lets a browser follow the
// redirect to an app: the policy is held against redirects, too.
func formTarget(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil || strings.ContainsAny(u.Scheme+u.Host, " ;,'\"") {
		return ""
	}
	if u.Scheme == "https" || u.Scheme == "http" {
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + ":"
}

// destination names where a redirect URI leads.
func destination(redirect string) string {
	u, err := url.Parse(redirect)
	switch {
	case err != nil:
		return redirect
	case u.Scheme != "https" && u.Scheme != "http":
		return "the app on this device (" + u.Scheme + ":)"
	case u.Scheme == "http":
		return u.Host + " (this device)"
	}
	return u.Host
}

// grantWords says in plain words what each scope lets an app do.
func grantWords() []struct{ scope, words string } {
	return []struct{ scope, words string }{
		{"tweet.read", "See your home timeline, and every tweet that you can see"},
		{"tweet.write", "Tweet, retweet and delete tweets for you"},
		{"users.read", "See your profile, and every account that you can see"},
		{"users.write", "Change your profile and your password"},
		{"follows.read", "See whom you follow and who follows you"},
		{"follows.write", "Follow and unfollow people for you, and answer follow requests"},
		{"like.read", "See what you like"},
		{"like.write", "Like tweets for you, and take likes back"},
		{"bookmark.read", "See your bookmarks, which nobody else sees"},
		{"bookmark.write", "Add bookmarks and take them away"},
		{"list.read", "See your lists, the private ones too"},
		{"list.write", "Make, change and delete your lists"},
		{"mute.read", "See whom you mute"},
		{"mute.write", "Mute and unmute people for you"},
		{"block.read", "See whom you block"},
		{"block.write", "Block and unblock people for you"},
		{"media.write", "Upload photos for you"},
		{"offline.access", "Stay connected for months, until you take it back"},
	}
}

func inWords(scopes httpx.Scopes) []string {
	var out []string
	names := " " + scopes.String() + " "
	for _, g := range grantWords() {
		if strings.Contains(names, " "+g.scope+" ") {
			out = append(out, g.words)
		}
	}
	return out
}
