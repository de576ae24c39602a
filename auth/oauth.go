package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"warble"
	"warble/internal/httpx"
)

// oauthError is an error in the words of RFC 6749.
type oauthError struct {
	status int
	code   string
	detail string
}

func (e *oauthError) Error() string { return "oauth: " + e.code + ": " + e.detail }

// Unwrap gives the status to whoever logs the answer.
func (e *oauthError) Unwrap() error { return &httpx.StatusError{Status: e.status, Detail: e.detail} }

var (
	errGrant  = &oauthError{400, "invalid_grant", "The code or refresh token is not valid: it may have expired, been used, or belong to another app or redirect URI."}
	errScope  = &oauthError{400, "invalid_scope", "The scope is unknown or more than was granted."}
	errClient = &oauthError{401, "invalid_client", "The app is not known, or its secret is not right."}
	errType   = &oauthError{400, "unsupported_grant_type", "Use authorization_code, refresh_token or client_credentials."}
	errForm   = &oauthError{400, "invalid_request", "Send one of each parameter as application/x-www-form-urlencoded."}
)

// appScopes are what an app may have on its own account.
const appScopes httpx.Scopes = 1<<0 | 1<<2 | 1<<4 | 1<<6 | 1<<10 // tweet.read users.read follows.read like.read list.read

// Routes are the endpoints that programs, not people, use. The pages belong to package web.
func (s *Service) Routes() []httpx.Route {
	limit := httpx.Limit{Class: "oauth", N: 900}
	return []httpx.Route{
		{Method: "POST", Pattern: "/2/oauth2/token", Role: httpx.Writer, Access: httpx.NoIdentity, Limit: limit, Handler: s.serveToken, NoKey: true, Error: writeOAuthError},
		{Method: "POST", Pattern: "/2/oauth2/revoke", Role: httpx.Writer, Access: httpx.NoIdentity, Limit: limit, Handler: s.serveRevoke, NoKey: true, Error: writeOAuthError},
	}
}

// client reads the form and finds out which app sends it: by HTTP Basic, or
// client_id and client_secret in the form, never both.
func (s *Service) client(w http.ResponseWriter, r *http.Request) (url.Values, *App, error) {
	if httpx.MediaType(r) != "application/x-www-form-urlencoded" {
		return nil, nil, errForm
	}
	body, err := httpx.ReadBody(w, r, 16<<10)
	if err != nil {
		return nil, nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, nil, errForm
	}
	for _, v := range form {
		if len(v) > 1 {
			return nil, nil, errForm
		}
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, pass, ok := r.BasicAuth(); ok {
		basicID, err1 := url.QueryUnescape(user)
		basicSecret, err2 := url.QueryUnescape(pass)
		if err1 != nil || err2 != nil || secret != "" || id != "" && id != basicID {
			return nil, nil, errForm
		}
		id, secret = basicID, basicSecret
	}
	app, err := s.App(r.Context(), id)
	if err != nil {
		return nil, nil, err
	}
	if app == nil || !app.knows(secret) {
		return nil, nil, errClient
	}
	return form, app, nil
}

func (s *Service) serveToken(w http.ResponseWriter, r *http.Request, _ *httpx.Call) error {
	form, app, err := s.client(w, r)
	if err != nil {
		return err
	}
	scopes, err := httpx.ParseScopes(form.Get("scope"))
	if err != nil {
		return &oauthError{400, errScope.code, "The scope is unknown. There are: " + httpx.AllScopes.String() + "."}
	}
	var out *Issued
	switch form.Get("grant_type") {
	case "authorization_code":
		out, err = s.Exchange(r.Context(), app, form.Get("code"), form.Get("redirect_uri"), form.Get("code_verifier"))
	case "refresh_token":
		out, err = s.Refresh(r.Context(), app, form.Get("refresh_token"), scopes)
	case "client_credentials":
		out, err = s.Credentials(r.Context(), app, scopes)
	default:
		err = errType
	}
	if err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		Type    string `json:"token_type"`
		Expires int    `json:"expires_in"`
		Access  string `json:"access_token"`
		Scope   string `json:"scope"`
		Refresh string `json:"refresh_token,omitempty"`
	}{"bearer", int(AccessLife / time.Second), out.Access, out.Scopes.String(), out.Refresh})
	if err != nil {
		return err
	}
	w.Header().Set("Pragma", "no-cache")
	httpx.ReplyJSON(w, r, http.StatusOK, body)
	return nil
}

func (s *Service) serveRevoke(w http.ResponseWriter, r *http.Request, _ *httpx.Call) error {
	form, app, err := s.client(w, r)
	if err != nil {
		return err
	}
	if form.Get("token") == "" {
		return errForm
	}
	if err := s.Revoke(r.Context(), app.ID, form.Get("token")); err != nil {
		return err
	}
	httpx.ReplyJSON(w, r, http.StatusOK, []byte(`{"revoked":true}`))
	return nil
}

// writeOAuthError answers as RFC 6749 §5.2 says; what it has no word for is a
// problem document with the same two members added.
func writeOAuthError(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*oauthError](err)
	if !ok {
		p := httpx.ProblemOf(err)
		switch {
		case p.Status == 429 || p.Status >= 500:
			httpx.WriteProblem(w, r, p)
			return
		case errors.Is(err, warble.ErrForbidden):
			e = errGrant
		default:
			e = &oauthError{p.Status, "invalid_request", p.Detail}
		}
	}
	if e.status == http.StatusUnauthorized && strings.HasPrefix(r.Header.Get("Authorization"), "Basic") {
		w.Header().Set("Www-Authenticate", `Basic realm="warble"`)
	}
	body, merr := json.Marshal(map[string]string{"error": e.code, "error_description": e.detail})
	if merr != nil {
		body = []byte(`{"error":"server_error"}`)
	}
	httpx.ReplyJSON(w, r, e.status, body)
}
