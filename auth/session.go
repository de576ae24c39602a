package auth

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"warble"
	"warble/internal/httpx"
	"warble/role/write"
)

// How many sign-ins may fail in 15 minutes.
const (
	failsPerAccount = 10
	failsPerAddress = 50
)

var (
	classAccount = httpx.Class{N: 1, Name: "sign-in account"}
	classAddress = httpx.Class{N: 2, Name: "sign-in address"}
)

// SignIn checks a handle or e-mail and a password. Everything that does not
// fit is the same ErrUnauthorized at the same cost, so nobody learns which
// accounts there are; too many failures for the account or from the address
// are ErrLimit.
func (s *Service) SignIn(ctx context.Context, login, password string, addr netip.Addr) (*warble.User, error) {
	login = strings.ToLower(strings.TrimSpace(login))
	account := Subject{kind: 'l', hi: hash64(login)}
	from := AddrSubject(addr)
	if !s.opt.Dev && (s.tries.used(ctx, account, classAccount) >= failsPerAccount || s.tries.used(ctx, from, classAddress) >= failsPerAddress) {
		return nil, warble.Fail(warble.ErrLimit, "Too many sign-ins have failed: try again in a quarter of an hour.")
	}
	u, err := s.byLogin(ctx, login)
	if err != nil {
		return nil, err
	}
	stored := ""
	if u.Active() {
		stored = u.Password
	}
	ok, weak, err := s.verify(ctx, stored, password)
	if err != nil {
		return nil, err
	}
	if !ok {
		s.tries.take(ctx, account, classAccount, failsPerAccount)
		s.tries.take(ctx, from, classAddress, failsPerAddress)
		return nil, warble.Fail(warble.ErrUnauthorized, "The name or the password is not right.")
	}
	s.tries.forget(ctx, account, classAccount)
	if weak {
		s.rehash(ctx, u.ID, password)
	}
	if err := s.w.RecordLogin(ctx, u.ID); err != nil {
		s.opt.Log.Warn("sign-in not recorded", "user", u.ID, "err", err)
	}
	return u, nil
}

// rehash stores a password under today's cost. That it fails changes nothing
// for who signs in.
func (s *Service) rehash(ctx context.Context, user warble.UserID, password string) {
	hash, err := s.HashPassword(ctx, password)
	if err == nil {
		_, err = s.w.EditProfile(ctx, user, write.ProfileEdit{PasswordHash: &hash})
	}
	if err != nil {
		s.opt.Log.Warn("password not hashed anew", "user", user, "err", err)
	}
}

// byLogin finds an account by handle or e-mail; nil for nobody.
func (s *Service) byLogin(ctx context.Context, login string) (*warble.User, error) {
	if !strings.Contains(login, "@") {
		return s.s.Users.ByHandle(ctx, login)
	}
	if handle, ok := strings.CutPrefix(login, "@"); ok {
		return s.s.Users.ByHandle(ctx, handle)
	}
	c, err := s.s.Claims.Get(ctx, "email/"+login)
	if err != nil || c.Holder == 0 {
		return nil, err
	}
	rows, err := s.s.Users.Get(ctx, c.Holder)
	if err != nil || rows[0] == nil || !strings.EqualFold(rows[0].Email, login) {
		return nil, err
	}
	return rows[0], nil
}

// hash64 is FNV-1a.
func hash64(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

func (s *Service) cookieName() string {
	if s.opt.TLS {
		return "__Host-warble"
	}
	return "warble"
}

// StartSession signs somebody in at this browser.
func (s *Service) StartSession(w http.ResponseWriter, r *http.Request, user warble.UserID) error {
	secret, _, err := s.issue(r.Context(), token{User: user, Scopes: httpx.AllScopes}, SessionLife)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(secret, int(SessionLife.Seconds())))
	return nil
}

// EndSession signs this browser out.
func (s *Service) EndSession(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, s.cookie("", -1))
	secret := s.sessionSecret(r)
	if secret == "" {
		return nil
	}
	doc, t, err := s.find(r.Context(), digestOf(secret), warble.DocSession)
	if err != nil || t == nil {
		return err
	}
	return s.end(r.Context(), doc, t.Hash)
}

func (s *Service) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.opt.TLS,
	}
}

func (s *Service) sessionSecret(r *http.Request) string {
	c, err := r.Cookie(s.cookieName())
	if err != nil || len(c.Value) > maxSecret {
		return ""
	}
	return c.Value
}

// sessionCaller is who is signed in at this browser. A session that has ended
// is nobody, not an error: the browser would send the cookie for ever.
func (s *Service) sessionCaller(r *http.Request) (httpx.Caller, error) {
	secret := s.sessionSecret(r)
	if secret == "" {
		return httpx.Caller{}, nil
	}
	who, err := s.lookup(r.Context(), secret, warble.DocSession)
	if httpx.StatusOf(err) == http.StatusUnauthorized {
		return httpx.Caller{}, nil
	}
	if err == nil {
		err = s.active(r.Context(), who.User)
	}
	if httpx.StatusOf(err) < 500 && err != nil {
		return httpx.Caller{}, nil
	}
	return who, err
}
