// Package auth knows who asks: passwords, access tokens, OAuth 2 for apps,
// browser sessions, rate limits and idempotency keys. The edges share it.
//
// Every secret handed out is 256 random bits; only its SHA-256 is stored, in a
// document whose id is the hash's first 63 bits, so finding a secret is one
// look-up by id. What a process learnt about a token it believes for ten
// seconds, except that a revocation made in this process holds at once, and
// that the person behind it is looked at each time.
package auth

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"warble"
	"warble/internal/httpx"
	"warble/role/write"
)

// Options are what an operator may choose. The zero value is safe.
type Options struct {
	Dev     bool             // no rate limits and no throttling of sign-ins
	TLS     bool             // cookies are Secure and bound to the host
	Proxies int              // trusted proxies in front; see httpx.PeerAddr
	Clock   func() time.Time // default time.Now
	Cost    Cost             // of passwords; default DefaultCost
	Log     *slog.Logger     // default: nothing
}

// Service is the authority on who asks. One per process.
type Service struct {
	s     *warble.Stores
	w     *write.Writer
	opt   Options
	gate  *gate
	cache *tokenCache
	limit *limits
	tries *limits // of sign-ins
}

// NewService makes a Service over stores. w writes its documents.
func NewService(stores *warble.Stores, w *write.Writer, opt Options) *Service {
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Cost == (Cost{}) {
		opt.Cost = DefaultCost
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		s: stores, w: w, opt: opt,
		gate:  newGate(min(runtime.NumCPU(), runtime.GOMAXPROCS(0)), 64),
		cache: newTokenCache(),
		limit: newLimits(stores.Tally, opt.Clock, opt.Log),
		tries: newLimits(stores.Tally, opt.Clock, opt.Log),
	}
	return s
}

// Mux fills in the parts of a mux's options that are this package's.
func (s *Service) Mux(opt httpx.Options) httpx.Options {
	opt.Authenticate, opt.Take, opt.Once, opt.Proxies = s.Authenticate, s.Take, s.Once, s.opt.Proxies
	return opt
}

// Authenticate finds out who sent a request: by its bearer token or, where
// cookies count and there is no token, by its session. No credentials are the
// zero Caller; bad ones ErrUnauthorized, for a session too; somebody suspended
// or deleted ErrForbidden.
func (s *Service) Authenticate(r *http.Request, cookies bool) (httpx.Caller, error) {
	header := r.Header["Authorization"]
	if len(header) == 0 {
		if cookies {
			return s.sessionCaller(r)
		}
		return httpx.Caller{}, nil
	}
	if len(header) > 1 {
		return httpx.Caller{}, badToken()
	}
	secret, ok := bearer(header[0])
	if !ok {
		return httpx.Caller{}, warble.Fail(warble.ErrUnauthorized, "A bearer token is wanted here: Authorization: Bearer TOKEN.")
	}
	who, err := s.lookup(r.Context(), secret, warble.DocToken)
	if err != nil {
		return httpx.Caller{}, err
	}
	return who, s.active(r.Context(), who.User)
}

// bearer cuts the secret out of an Authorization header.
func bearer(header string) (string, bool) {
	const scheme = "bearer "
	if len(header) <= len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", false
	}
	return header[len(scheme):], true
}

func badToken() error {
	return warble.Fail(warble.ErrUnauthorized, "The access token is not known: it may have expired or been revoked.")
}

// active looks at the person behind a token; zero (an app's own token) passes.
func (s *Service) active(ctx context.Context, user warble.UserID) error {
	if user == 0 {
		return nil
	}
	if s.s.CatchUp != nil {
		s.s.CatchUp(ctx, user)
	}
	rows, err := s.s.Users.Get(ctx, user)
	switch {
	case err != nil:
		return err
	case rows[0] == nil || rows[0].Deleted:
		return badToken()
	case rows[0].Suspended:
		return warble.Fail(warble.ErrForbidden, "This account is suspended.")
	}
	return nil
}

// Take counts a request against its caller's rate limit.
func (s *Service) Take(ctx context.Context, c *httpx.Call, class httpx.Class, n int) (remaining int, reset int64, ok bool) {
	if s.opt.Dev {
		return n, s.limit.here.Reset(), true
	}
	return s.limit.take(ctx, subjectOf(&c.Who, c.Addr), class, n)
}

// subjectOf is on whose account a request goes.
func subjectOf(who *httpx.Caller, addr netip.Addr) Subject {
	switch {
	case who.User != 0:
		return Subject{kind: 'u', hi: uint64(who.User)}
	case who.App != 0:
		return Subject{kind: 'a', hi: uint64(who.App)}
	}
	return AddrSubject(addr)
}
