package auth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"time"

	"warble"
	"warble/internal/httpx"
)

// Lifetimes of what is handed out.
const (
	AccessLife  = 2 * time.Hour
	RefreshLife = 180 * 24 * time.Hour
	SessionLife = 30 * 24 * time.Hour
)

// tokenUse says what a token document's secret is good for.
type tokenUse string

const (
	useAccess  tokenUse = "access"
	useRefresh tokenUse = "refresh"
)

// token is the Data of a DocToken or DocSession. Its document's owner is the
// person, or the app for an app's own token.
type token struct {
	Hash    digest
	Use     tokenUse      `json:",omitempty"` // empty for a session
	User    warble.UserID `json:",omitempty"`
	App     warble.DocID  `json:",omitempty"`
	Scopes  httpx.Scopes  `json:",omitempty"`
	Name    string        `json:",omitempty"` // of a token made by hand
	Family  warble.DocID  `json:",omitempty"` // of the consent all its tokens descend from
	Expires int64         `json:",omitempty"` // unix milliseconds; zero: never
	Used    bool          `json:",omitempty"` // a refresh token that was turned in
}

func (t *token) owner() warble.ID {
	if t.User != 0 {
		return t.User
	}
	return t.App
}

func (t *token) caller(id warble.DocID) httpx.Caller {
	return httpx.Caller{User: t.User, App: t.App, Token: id, Scopes: t.Scopes}
}

// IssueToken makes an access token without an app and without an end, for
// `warble token`.
func (s *Service) IssueToken(ctx context.Context, user warble.UserID, scopes httpx.Scopes, name string) (string, error) {
	return s.IssueTokenFor(ctx, user, scopes, name, 0)
}

// IssueTokenFor makes an access token without an app that ends after life; 0: never.
func (s *Service) IssueTokenFor(ctx context.Context, user warble.UserID, scopes httpx.Scopes, name string, life time.Duration) (string, error) {
	secret, _, err := s.issue(ctx, token{Use: useAccess, User: user, Scopes: scopes, Name: name}, life)
	return secret, err
}

// issue stores a token for a fresh secret.
func (s *Service) issue(ctx context.Context, t token, life time.Duration) (secret string, d *warble.Doc, err error) {
	secret = newSecret()
	t.Hash = digestOf(secret)
	if life > 0 {
		t.Expires = s.opt.Clock().Add(life).UnixMilli()
	}
	kind := warble.DocToken
	if t.Use == "" {
		kind = warble.DocSession
	}
	d = &warble.Doc{ID: t.Hash.id(), Owner: t.owner(), Kind: kind, Version: 1}
	if d.Data, err = json.Marshal(&t); err != nil {
		return "", nil, err
	}
	if err := s.w.SaveDoc(ctx, d); err != nil {
		return "", nil, err
	}
	return secret, d, nil
}

// lookup is the hot path: who bears this secret.
func (s *Service) lookup(ctx context.Context, secret string, kind warble.DocKind) (httpx.Caller, error) {
	if len(secret) > maxSecret {
		return httpx.Caller{}, badToken()
	}
	d := digestOf(secret)
	now := s.opt.Clock()
	who, gen, ok := s.cache.get(&d, kind, now.UnixNano())
	if ok {
		return who, nil
	}
	return s.learn(ctx, d, kind, now, gen)
}

// learn reads a secret's document and remembers a good one.
func (s *Service) learn(ctx context.Context, d digest, kind warble.DocKind, now time.Time, gen uint64) (httpx.Caller, error) {
	doc, t, err := s.find(ctx, d, kind)
	if err != nil {
		return httpx.Caller{}, err
	}
	if t == nil || t.Use == useRefresh || t.expired(now) {
		return httpx.Caller{}, badToken()
	}
	who := t.caller(doc.ID)
	if kind == warble.DocSession {
		who.Token = 0
	}
	s.cache.put(&d, cached{who: who, kind: kind, learnt: now.UnixNano(), expires: t.Expires * int64(time.Millisecond)}, gen)
	return who, nil
}

func (t *token) expired(now time.Time) bool { return t.Expires != 0 && now.UnixMilli() >= t.Expires }

// find reads the document of a secret; t is nil when there is none.
func (s *Service) find(ctx context.Context, d digest, kind warble.DocKind) (doc *warble.Doc, t *token, err error) {
	docs, err := s.s.Docs.Get(ctx, d.id())
	if err != nil {
		return nil, nil, err
	}
	doc = docs[0]
	if doc == nil || doc.Kind != kind {
		return nil, nil, nil
	}
	t = new(token)
	if err := json.Unmarshal(doc.Data, t); err != nil {
		return nil, nil, err
	}
	if subtle.ConstantTimeCompare(t.Hash[:], d[:]) != 1 {
		return nil, nil, nil
	}
	return doc, t, nil
}

// end makes a document gone and its secret worthless, in this process at once.
func (s *Service) end(ctx context.Context, doc *warble.Doc, hash digest) error {
	gone := &warble.Doc{ID: doc.ID, Owner: doc.Owner, Kind: doc.Kind, Version: doc.Version + 1, Gone: true}
	err := s.w.SaveDoc(ctx, gone)
	s.cache.remove(&hash)
	return err
}

// TokenInfo is a token as an operator may see it: without its secret.
type TokenInfo struct {
	ID      warble.DocID
	Name    string       // of a token made by hand
	App     warble.DocID // 0: made by hand
	Refresh bool
	Expires time.Time // zero: never
}

// Tokens lists the tokens that work in somebody's name.
func (s *Service) Tokens(ctx context.Context, user warble.UserID) ([]TokenInfo, error) {
	var list []TokenInfo
	err := s.eachToken(ctx, user, warble.DocToken, func(d *warble.Doc, t *token) error {
		if t.Used || t.expired(s.opt.Clock()) {
			return nil
		}
		info := TokenInfo{ID: d.ID, Name: t.Name, App: t.App, Refresh: t.Use == useRefresh}
		if t.Expires != 0 {
			info.Expires = time.UnixMilli(t.Expires)
		}
		list = append(list, info)
		return nil
	})
	return list, err
}

// RevokeID ends one of somebody's tokens and, for one that came from a consent,
// all that descend from the same. ErrNotFound: they have none with this id.
func (s *Service) RevokeID(ctx context.Context, user warble.UserID, id warble.DocID) error {
	found := false
	err := s.eachToken(ctx, user, warble.DocToken, func(d *warble.Doc, t *token) error {
		if d.ID != id {
			return nil
		}
		found = true
		if t.Family != 0 {
			return s.endFamily(ctx, t)
		}
		return s.end(ctx, d, t.Hash)
	})
	if err == nil && !found {
		return warble.Fail(warble.ErrNotFound, "there is no token %s of theirs", id)
	}
	return err
}

// RevokeAll ends every token that works in somebody's name, apps' included,
// those too that are issued meanwhile. One that cannot be ended does not save
// the others.
func (s *Service) RevokeAll(ctx context.Context, user warble.UserID) error {
	for {
		var faults []error
		found := false
		err := s.eachToken(ctx, user, warble.DocToken, func(d *warble.Doc, t *token) error {
			found = true
			faults = append(faults, s.end(ctx, d, t.Hash))
			return ctx.Err()
		})
		if err = errors.Join(append(faults, err)...); err != nil || !found {
			return err
		}
	}
}

// endAll ends an owner's tokens or sessions that pick chooses.
func (s *Service) endAll(ctx context.Context, owner warble.ID, kind warble.DocKind, pick func(*token) bool) error {
	return s.eachToken(ctx, owner, kind, func(d *warble.Doc, t *token) error {
		if !pick(t) {
			return nil
		}
		return s.end(ctx, d, t.Hash)
	})
}

// eachToken shows an owner's tokens or sessions; what cannot be read is left out.
func (s *Service) eachToken(ctx context.Context, owner warble.ID, kind warble.DocKind, show func(*warble.Doc, *token) error) error {
	for p := (warble.Page{Limit: 100}); ; {
		docs, err := s.s.Docs.List(ctx, owner, kind, p)
		if err != nil {
			return err
		}
		for _, d := range docs {
			var t token
			if err := json.Unmarshal(d.Data, &t); err != nil {
				continue
			}
			if err := show(d, &t); err != nil {
				return err
			}
		}
		if len(docs) < p.Limit {
			return nil
		}
		p.Before = docs[len(docs)-1].ID
	}
}

// Revoke ends a token and, for one that came from a consent, all that descend
// from the same. app must be the token's; an unknown secret is no error (RFC 7009).
func (s *Service) Revoke(ctx context.Context, app warble.DocID, secret string) error {
	doc, t, err := s.find(ctx, digestOf(secret), warble.DocToken)
	if err != nil || t == nil || t.App != app {
		return err
	}
	if t.Family != 0 {
		return s.endFamily(ctx, t)
	}
	return s.end(ctx, doc, t.Hash)
}

func (s *Service) endFamily(ctx context.Context, of *token) error {
	return s.endAll(ctx, of.owner(), warble.DocToken, func(t *token) bool { return t.Family == of.Family })
}

// EndSessions signs a person out of every browser, as after a new password.
func (s *Service) EndSessions(ctx context.Context, user warble.UserID) error {
	return s.endAll(ctx, user, warble.DocSession, func(*token) bool { return true })
}
