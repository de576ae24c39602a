package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"warble"
	"warble/internal/httpx"
)

// CodeLife is how long an authorization code may be turned in.
const CodeLife = 2 * time.Minute

// AuthorizeRequest is an app's wish to act for somebody, checked: the consent
// page shows App and Scopes, then calls Approve or Deny.
type AuthorizeRequest struct {
	App       *App
	Redirect  string
	Scopes    httpx.Scopes
	State     string
	Challenge string
}

// RedirectError is a refusal the app is to hear: send the browser to URL.
type RedirectError struct {
	URL    string
	Reason error
}

func (e *RedirectError) Error() string { return "authorize: " + e.Reason.Error() }
func (e *RedirectError) Unwrap() error { return e.Reason }

// grant is the Data of a DocGrant.
type grant struct {
	Hash      digest
	App       warble.DocID
	User      warble.UserID
	Scopes    httpx.Scopes
	Redirect  string
	Challenge string
	Expires   int64 // unix milliseconds
}

// Authorize checks the query of an authorization request. An app or redirect
// URI that is not right is an ErrInvalid to be shown here, never sent on;
// anything else wrong is a *RedirectError.
func (s *Service) Authorize(ctx context.Context, q url.Values) (*AuthorizeRequest, error) {
	for name, values := range q {
		if len(values) > 1 {
			return nil, warble.Invalid(name, "", "this parameter is there more than once")
		}
	}
	app, err := s.App(ctx, q.Get("client_id"))
	if err != nil {
		return nil, err
	}
	if app == nil {
		return nil, warble.Invalid("client_id", q.Get("client_id"), "there is no such app")
	}
	redirect := q.Get("redirect_uri")
	if redirect == "" && len(app.Redirects) == 1 {
		redirect = app.Redirects[0]
	}
	if !slices.Contains(app.Redirects, redirect) {
		return nil, warble.Invalid("redirect_uri", redirect, "this is not one of the app's redirect URIs")
	}
	req := &AuthorizeRequest{App: app, Redirect: redirect, State: q.Get("state"), Challenge: q.Get("code_challenge")}
	if len(req.State) > 1000 {
		return nil, warble.Invalid("state", "", "a state has at most 1000 bytes")
	}
	if q.Get("response_type") != "code" {
		return nil, req.refuse("unsupported_response_type", warble.Invalid("response_type", q.Get("response_type"), "only code is supported"))
	}
	if q.Get("code_challenge_method") != "S256" || !validChallenge(req.Challenge) {
		return nil, req.refuse("invalid_request", warble.Invalid("code_challenge", "", "PKCE with S256 is needed"))
	}
	if req.Scopes, err = httpx.ParseScopes(q.Get("scope")); err != nil || req.Scopes == 0 {
		return nil, req.refuse("invalid_scope", warble.Invalid("scope", q.Get("scope"), "name scopes that exist: "+httpx.AllScopes.String()))
	}
	return req, nil
}

func validChallenge(c string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(c)
	return err == nil && len(b) == sha256.Size
}

// refuse builds the way back to the app with an error code. What describes it
// holds nothing of what was sent: RFC 6749 allows only some characters there.
func (a *AuthorizeRequest) refuse(code string, reason error) *RedirectError {
	return &RedirectError{URL: a.back(url.Values{"error": {code}, "error_description": {httpx.ProblemOf(reason).Detail}}), Reason: reason}
}

func (a *AuthorizeRequest) back(answer url.Values) string {
	u, err := url.Parse(a.Redirect)
	if err != nil { // it was parsed when the app was registered
		return a.Redirect
	}
	if a.State != "" {
		answer.Set("state", a.State)
	}
	q := u.Query()
	for name, v := range answer {
		q[name] = v
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Deny is where to send somebody who said no.
func (s *Service) Deny(req *AuthorizeRequest) string {
	return req.back(url.Values{"error": {"access_denied"}, "error_description": {"The person did not allow it."}})
}

// Approve makes a code for somebody who said yes, and is where to send him.
func (s *Service) Approve(ctx context.Context, user warble.UserID, req *AuthorizeRequest) (string, error) {
	now := s.opt.Clock()
	if err := s.sweepGrants(ctx, user, now); err != nil {
		return "", err
	}
	code := newSecret()
	g := grant{
		Hash: digestOf(code), App: req.App.ID, User: user, Scopes: req.Scopes, Redirect: req.Redirect,
		Challenge: req.Challenge, Expires: now.Add(CodeLife).UnixMilli(),
	}
	data, err := json.Marshal(&g)
	if err != nil {
		return "", err
	}
	d := &warble.Doc{ID: g.Hash.id(), Owner: user, Kind: warble.DocGrant, Version: 1, Data: data}
	if err := s.w.SaveDoc(ctx, d); err != nil {
		return "", err
	}
	return req.back(url.Values{"code": {code}}), nil
}

// sweepGrants takes a person's old codes away, so that they never pile up.
func (s *Service) sweepGrants(ctx context.Context, user warble.UserID, now time.Time) error {
	docs, err := s.s.Docs.List(ctx, user, warble.DocGrant, warble.Page{Limit: 20})
	for _, d := range docs {
		var g grant
		if json.Unmarshal(d.Data, &g) != nil || now.UnixMilli() < g.Expires {
			continue
		}
		gone := &warble.Doc{ID: d.ID, Owner: d.Owner, Kind: d.Kind, Version: d.Version + 1, Gone: true}
		if err := s.w.SaveDoc(ctx, gone); err != nil {
			return err
		}
	}
	return err
}

// Issued is an answer of the token endpoint.
type Issued struct {
	Access  string
	Refresh string // empty without offline.access
	Scopes  httpx.Scopes
}

// Exchange turns a code in, once: a second attempt gets nothing, and ends what
// the first one got, because one of the two is a thief.
func (s *Service) Exchange(ctx context.Context, app *App, code, redirect, verifier string) (*Issued, error) {
	hash := digestOf(code)
	docs, err := s.s.Docs.Get(ctx, hash.id())
	if err != nil {
		return nil, err
	}
	var g grant
	d := docs[0]
	if d == nil || d.Kind != warble.DocGrant || len(code) > maxSecret || json.Unmarshal(d.Data, &g) != nil ||
		subtle.ConstantTimeCompare(g.Hash[:], hash[:]) != 1 || g.App != app.ID {
		return nil, errGrant
	}
	if s.opt.Clock().UnixMilli() >= g.Expires || g.Redirect != redirect || !verifies(g.Challenge, verifier) {
		return nil, errGrant
	}
	mine := warble.Claim{Holder: g.User, Data: newSecret()}
	stands, err := s.s.Claims.Swap(ctx, "code/"+d.ID.String(), warble.Claim{}, mine, 2*CodeLife)
	if err != nil {
		return nil, err
	}
	family := token{User: g.User, App: app.ID, Family: d.ID, Scopes: g.Scopes}
	if stands != mine {
		return nil, s.stolen(ctx, &family)
	}
	return s.issuePair(ctx, family)
}

// stolen ends a family of tokens; the caller gets the usual refusal.
func (s *Service) stolen(ctx context.Context, t *token) error {
	s.opt.Log.Warn("a code or refresh token was turned in twice: its tokens are revoked", "app", t.App, "user", t.User)
	if err := s.endFamily(ctx, t); err != nil {
		return err
	}
	return errGrant
}

// verifies holds a verifier (43 to 128 characters, RFC 7636) against its challenge.
func verifies(challenge, verifier string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// issuePair makes an access token and, with offline.access, a refresh token.
func (s *Service) issuePair(ctx context.Context, t token) (*Issued, error) {
	if err := s.sweepTokens(ctx, t.owner()); err != nil {
		return nil, err
	}
	out := &Issued{Scopes: t.Scopes}
	var err error
	t.Use = useAccess
	if out.Access, _, err = s.issue(ctx, t, AccessLife); err != nil {
		return nil, err
	}
	if t.User != 0 && t.Scopes.Has(httpx.OfflineAccess) {
		t.Use = useRefresh
		if out.Refresh, _, err = s.issue(ctx, t, RefreshLife); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sweepTokens takes some of an owner's expired tokens away; done whenever new
// ones are made, it keeps their number in bounds.
func (s *Service) sweepTokens(ctx context.Context, owner warble.ID) error {
	docs, err := s.s.Docs.List(ctx, owner, warble.DocToken, warble.Page{Limit: 50})
	now := s.opt.Clock()
	for _, d := range docs {
		var t token
		if json.Unmarshal(d.Data, &t) != nil || !t.expired(now) {
			continue
		}
		if err := s.end(ctx, d, t.Hash); err != nil {
			return err
		}
	}
	return err
}

// Refresh turns a refresh token in for a new pair. Twice ends the family.
// scopes may be fewer than before; zero keeps them.
func (s *Service) Refresh(ctx context.Context, app *App, secret string, scopes httpx.Scopes) (*Issued, error) {
	doc, t, err := s.find(ctx, digestOf(secret), warble.DocToken)
	if err != nil {
		return nil, err
	}
	if t == nil || len(secret) > maxSecret || t.Use != useRefresh || t.App != app.ID || t.expired(s.opt.Clock()) {
		return nil, errGrant
	}
	if !t.Scopes.Has(scopes) {
		return nil, errScope
	}
	if err := s.active(ctx, t.User); err != nil {
		return nil, errGrant
	}
	mine := warble.Claim{Holder: t.User, Data: newSecret()}
	stands, err := s.s.Claims.Swap(ctx, "refresh/"+doc.ID.String(), warble.Claim{}, mine, RefreshLife)
	if err != nil {
		return nil, err
	}
	if stands != mine || t.Used {
		return nil, s.stolen(ctx, t)
	}
	next := token{User: t.User, App: t.App, Family: t.Family, Scopes: t.Scopes}
	if scopes != 0 {
		next.Scopes = scopes | t.Scopes&httpx.OfflineAccess
	}
	err = s.endAll(ctx, t.User, warble.DocToken, func(o *token) bool { return o.Family == t.Family && o.Use == useAccess })
	if err != nil {
		return nil, err
	}
	used := *t
	used.Used = true
	data, err := json.Marshal(&used)
	if err != nil {
		return nil, err
	}
	err = s.w.SaveDoc(ctx, &warble.Doc{ID: doc.ID, Owner: doc.Owner, Kind: doc.Kind, Version: doc.Version + 1, Data: data})
	if err != nil {
		return nil, err
	}
	return s.issuePair(ctx, next)
}

// Credentials makes an app's own token: it reads what is public.
func (s *Service) Credentials(ctx context.Context, app *App, scopes httpx.Scopes) (*Issued, error) {
	if !app.Confidential() {
		return nil, errClient
	}
	if scopes == 0 {
		scopes = appScopes
	}
	if !appScopes.Has(scopes) {
		return nil, errScope
	}
	return s.issuePair(ctx, token{App: app.ID, Scopes: scopes})
}
