package auth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/url"
	"strings"

	"warble"
)

// App is a program that acts for people, or for itself.
type App struct {
	ID        warble.DocID `json:"-"`
	Owner     warble.ID    `json:"-"` // who registered it; zero: the operator
	Name      string
	Secret    digest   // the zero digest: a public client, which has none
	Redirects []string // compared byte by byte
}

// Confidential says whether the app has a secret.
func (a *App) Confidential() bool { return a.Secret != digest{} }

// ClientID is the app's public name.
func (a *App) ClientID() string { return a.ID.String() }

// MaxRedirects is how many redirect URIs an app may have.
const MaxRedirects = 10

// AddApp registers an app. secret is empty for a public client, and never
// shown again otherwise.
func (s *Service) AddApp(ctx context.Context, owner warble.ID, name string, redirects []string, confidential bool) (app *App, secret string, err error) {
	if name = strings.TrimSpace(name); name == "" || len(name) > 100 {
		return nil, "", warble.Invalid("name", name, "an app's name has 1 to 100 bytes")
	}
	if len(redirects) > MaxRedirects {
		return nil, "", warble.Invalid("redirect_uris", "", "an app has at most 10 redirect URIs")
	}
	for _, uri := range redirects {
		if !validRedirect(uri) {
			return nil, "", warble.Invalid("redirect_uris", uri, "a redirect URI is absolute, without a fragment, and https: or for this machine alone")
		}
	}
	id, err := s.w.NextID(ctx)
	if err != nil {
		return nil, "", err
	}
	app = &App{ID: id, Owner: owner, Name: name, Redirects: redirects}
	if confidential {
		secret = newSecret()
		app.Secret = digestOf(secret)
	}
	data, err := json.Marshal(app)
	if err != nil {
		return nil, "", err
	}
	return app, secret, s.w.SaveDoc(ctx, &warble.Doc{ID: id, Owner: owner, Kind: warble.DocApp, Version: 1, Data: data})
}

// validRedirect takes https anywhere, http on this machine, and an app's own
// scheme; never one a browser would run.
func validRedirect(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || !u.IsAbs() || u.Fragment != "" || strings.Contains(uri, "#") || len(uri) > 2000 || u.User != nil {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Host != ""
	case "http":
		h := u.Hostname()
		return h == "localhost" || h == "127.0.0.1" || h == "::1" || strings.HasSuffix(h, ".localhost")
	case "javascript", "data", "vbscript", "file", "blob", "about":
		return false
	}
	return strings.Contains(u.Scheme, ".") || u.Host != "" || u.Path != ""
}

// App finds an app by its client id; nil when there is none.
func (s *Service) App(ctx context.Context, clientID string) (*App, error) {
	id, err := warble.ParseID(clientID)
	if err != nil {
		return nil, nil
	}
	docs, err := s.s.Docs.Get(ctx, id)
	if err != nil || docs[0] == nil || docs[0].Kind != warble.DocApp {
		return nil, err
	}
	return appOf(docs[0])
}

func appOf(d *warble.Doc) (*App, error) {
	a := new(App)
	if err := json.Unmarshal(d.Data, a); err != nil {
		return nil, err
	}
	a.ID, a.Owner = d.ID, d.Owner
	return a, nil
}

// Apps lists the apps an owner registered, newest first; zero: the operator's.
func (s *Service) Apps(ctx context.Context, owner warble.ID) ([]*App, error) {
	var apps []*App
	for p := (warble.Page{Limit: 100}); ; {
		docs, err := s.s.Docs.List(ctx, owner, warble.DocApp, p)
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			a, err := appOf(d)
			if err != nil {
				return nil, err
			}
			apps = append(apps, a)
		}
		if len(docs) < p.Limit {
			return apps, nil
		}
		p.Before = docs[len(docs)-1].ID
	}
}

// knows compares a secret in constant time; a public client knows only the empty one.
func (a *App) knows(secret string) bool {
	if !a.Confidential() {
		return secret == ""
	}
	d := digestOf(secret)
	return len(secret) <= maxSecret && subtle.ConstantTimeCompare(d[:], a.Secret[:]) == 1
}
