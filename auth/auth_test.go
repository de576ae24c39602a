package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"warble"
	"warble/internal/httpx"
	"warble/role/write"
)

func TestPasswordIsStoredAsArgon2id(t *testing.T) {
	w := newWorld(t, Options{Cost: DefaultCost})
	if !strings.HasPrefix(w.ann.Password, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored as %q", w.ann.Password)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct Horse": false, "": false} {
		if ok, weak, err := w.verify(context.Background(), w.ann.Password, password); ok != want || weak || err != nil {
			t.Errorf("%q: %v %v %v", password, ok, weak, err)
		}
	}
	for _, stored := range []string{"", "plain", "$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43)} {
		if ok, _, err := w.verify(context.Background(), stored, ""); ok || err != nil {
			t.Errorf("%q fits: %v", stored, err)
		}
	}
}

func TestWeakHashIsMadeAnewAtSignIn(t *testing.T) {
	w := newWorld(t, Options{})
	weak := Cost{Memory: 16, Time: 1, Threads: 1}.hash("correct horse", []byte("saltsaltsaltsalt"))
	if _, err := w.w.EditProfile(t.Context(), w.ann.ID, write.ProfileEdit{PasswordHash: &weak}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SignIn(t.Context(), "@Ann", "correct horse", netip.Addr{}); err != nil {
		t.Fatal(err)
	}
	rows, err := w.s.Users.Get(t.Context(), w.ann.ID)
	if err != nil || !strings.Contains(rows[0].Password, "m=8,") || rows[0].LastLogin == "" {
		t.Errorf("row %+v, %v", rows[0], err)
	}
}

func TestFailedSignInsAreThrottled(t *testing.T) {
	w := newWorld(t, Options{})
	here, there := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range failsPerAccount {
		if _, err := w.SignIn(t.Context(), "ann", "wrong", here); !errors.Is(err, warble.ErrUnauthorized) {
			t.Fatal(err)
		}
	}
	if _, err := w.SignIn(t.Context(), "ann", "correct horse", there); !errors.Is(err, warble.ErrLimit) {
		t.Errorf("the account is not throttled: %v", err)
	}
	w.clock.pass(httpx.Window)
	if _, err := w.SignIn(t.Context(), "ann", "correct horse", there); err != nil {
		t.Errorf("after the window: %v", err)
	}
	for i := range failsPerAddress {
		_, _ = w.SignIn(t.Context(), "nobody"+strings.Repeat("x", i), "wrong", here)
	}
	if _, err := w.SignIn(t.Context(), "ann", "correct horse", here); !errors.Is(err, warble.ErrLimit) {
		t.Errorf("the address is not throttled: %v", err)
	}
}

func TestFullGateRefusesAtOnce(t *testing.T) {
	g := newGate(1, 1)
	if err := g.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() { waiting <- g.enter(ctx) }()
	for len(g.room) < 2 { // until the second one waits
		select {
		case err := <-waiting:
			t.Fatal(err)
		default:
		}
	}
	if err := g.enter(t.Context()); !errors.Is(err, warble.ErrUnavailable) {
		t.Errorf("third: %v", err)
	}
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("second: %v", err)
	}
	g.leave()
	if err := g.enter(t.Context()); err != nil {
		t.Errorf("after all left: %v", err)
	}
}

func TestTokenStandsForItsPerson(t *testing.T) {
	w := newWorld(t, Options{})
	token, err := w.IssueToken(t.Context(), w.ann.ID, httpx.AllScopes, "laptop")
	if err != nil {
		t.Fatal(err)
	}
	who, err := w.who(token)
	if err != nil || who.User != w.ann.ID || who.Scopes != httpx.AllScopes {
		t.Errorf("%+v %v", who, err)
	}
	for _, bad := range []string{token + "x", token[1:], strings.Repeat("a", 4000), "%"} {
		if _, err := w.who(bad); !errors.Is(err, warble.ErrUnauthorized) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Basic abc")
	if _, err := w.Authenticate(r, true); !errors.Is(err, warble.ErrUnauthorized) {
		t.Errorf("Basic: %v", err)
	}
	if err := w.w.Suspend(t.Context(), w.ann.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := w.who(token); !errors.Is(err, warble.ErrForbidden) {
		t.Errorf("suspended: %v", err)
	}
}

func TestRevocationElsewhereHoldsWithinTenSeconds(t *testing.T) {
	w := newWorld(t, Options{})
	token, err := w.IssueToken(t.Context(), w.ann.ID, httpx.AllScopes, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.who(token); err != nil {
		t.Fatal(err)
	}
	other := NewService(w.s, w.w, w.opt)
	if err := other.Revoke(t.Context(), 0, token); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(maxStale + time.Millisecond)
	if _, err := w.who(token); !errors.Is(err, warble.ErrUnauthorized) {
		t.Errorf("after ten seconds: %v", err)
	}
}

func TestCodeIsTurnedInOnce(t *testing.T) {
	w := newWorld(t, Options{})
	app, secret, err := w.AddApp(t.Context(), 0, "Bot", []string{redirect}, true)
	if err != nil {
		t.Fatal(err)
	}
	code := w.consent(app, "tweet.read offline.access")
	for name, change := range map[string]func(url.Values){
		"verifier": func(v url.Values) { v.Set("code_verifier", strings.Repeat("b", 50)) },
		"redirect": func(v url.Values) { v.Set("redirect_uri", redirect+"2") },
		"code":     func(v url.Values) { v.Set("code", code+"x") },
	} {
		form := exchange(code)
		change(form)
		if status, doc := w.post("/2/oauth2/token", form, app.ClientID(), secret); status != 400 || doc["error"] != "invalid_grant" {
			t.Errorf("wrong %s: %d %v", name, status, doc)
		}
	}
	if status, doc := w.post("/2/oauth2/token", exchange(code), app.ClientID(), "guess"); status != 401 || doc["error"] != "invalid_client" {
		t.Errorf("wrong secret: %d %v", status, doc)
	}
	status, doc := w.post("/2/oauth2/token", exchange(code), app.ClientID(), secret)
	if status != 200 || doc["token_type"] != "bearer" || doc["scope"] != "tweet.read offline.access" || doc["refresh_token"] == nil {
		t.Fatalf("exchange: %d %v", status, doc)
	}
	access := doc["access_token"].(string)
	if who, err := w.who(access); err != nil || who.User != w.ann.ID || who.App != app.ID {
		t.Errorf("%+v %v", who, err)
	}
	if status, _ := w.post("/2/oauth2/token", exchange(code), app.ClientID(), secret); status != 400 {
		t.Errorf("second exchange: %d", status)
	}
	if _, err := w.who(access); !errors.Is(err, warble.ErrUnauthorized) {
		t.Errorf("a stolen code's token still works: %v", err)
	}
}

func TestCodeExpires(t *testing.T) {
	w := newWorld(t, Options{})
	app, _, err := w.AddApp(t.Context(), 0, "Bot", []string{redirect}, false)
	if err != nil {
		t.Fatal(err)
	}
	form := exchange(w.consent(app, "tweet.read"))
	form.Set("client_id", app.ClientID())
	w.clock.pass(CodeLife)
	if status, doc := w.post("/2/oauth2/token", form); status != 400 {
		t.Errorf("late: %d %v", status, doc)
	}
}

func TestRefreshTokenRotates(t *testing.T) {
	w := newWorld(t, Options{})
	app, _, err := w.AddApp(t.Context(), 0, "Bot", []string{redirect}, false)
	if err != nil {
		t.Fatal(err)
	}
	form := exchange(w.consent(app, "tweet.read like.read offline.access"))
	form.Set("client_id", app.ClientID())
	_, first := w.post("/2/oauth2/token", form)
	refresh := func(token any, scope string) (int, map[string]any) {
		return w.post("/2/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.(string)}, "client_id": {app.ClientID()}, "scope": {scope}})
	}
	if status, doc := refresh(first["refresh_token"], "tweet.write"); status != 400 || doc["error"] != "invalid_scope" {
		t.Errorf("more scopes: %d %v", status, doc)
	}
	status, second := refresh(first["refresh_token"], "tweet.read")
	if status != 200 || second["scope"] != "tweet.read offline.access" {
		t.Fatalf("refresh: %d %v", status, second)
	}
	if _, err := w.who(first["access_token"].(string)); !errors.Is(err, warble.ErrUnauthorized) {
		t.Errorf("the old access token still works: %v", err)
	}
	if _, err := w.who(second["access_token"].(string)); err != nil {
		t.Error(err)
	}
	if _, err := w.who(second["refresh_token"].(string)); !errors.Is(err, warble.ErrUnauthorized) {
		t.Errorf("a refresh token is taken for an access token: %v", err)
	}
	if status, _ := refresh(first["refresh_token"], ""); status != 400 {
		t.Errorf("reuse: %d", status)
	}
	if _, err := w.who(second["access_token"].(string)); !errors.Is(err, warble.ErrUnauthorized) {
		t.Errorf("after a reuse the family lives on: %v", err)
	}
	if status, _ := refresh(second["refresh_token"], ""); status != 400 {
		t.Errorf("after a reuse the newest refresh token works: %d", status)
	}
}

func TestRevokeEndsTheFamily(t *testing.T) {
	w := newWorld(t, Options{})
	app, _, err := w.AddApp(t.Context(), 0, "Bot", []string{redirect}, false)
	if err != nil {
		t.Fatal(err)
	}
	form := exchange(w.consent(app, "tweet.read offline.access"))
	form.Set("client_id", app.ClientID())
	_, doc := w.post("/2/oauth2/token", form)
	if status, out := w.post("/2/oauth2/revoke", url.Values{"client_id": {app.ClientID()}, "token": {doc["refresh_token"].(string)}}); status != 200 || out["revoked"] != true {
		t.Errorf("revoke: %d %v", status, out)
	}
	if _, err := w.who(doc["access_token"].(string)); !errors.Is(err, warble.ErrUnauthorized) {
		t.Errorf("after the revocation: %v", err)
	}
}

func TestATokenIsListedUntilItEndsOrIsRevoked(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	one, err1 := w.IssueToken(ctx, w.ann.ID, httpx.AllScopes, "one")
	two, err2 := w.IssueToken(ctx, w.ann.ID, httpx.AllScopes, "two")
	_, err3 := w.IssueTokenFor(ctx, w.ann.ID, httpx.AllScopes, "brief", time.Hour)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	names := func() (list []string, ids map[string]warble.DocID) {
		tokens, err := w.Tokens(ctx, w.ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		ids = map[string]warble.DocID{}
		for _, tk := range tokens {
			list, ids[tk.Name] = append(list, tk.Name), tk.ID
		}
		slices.Sort(list)
		return list, ids
	}
	list, ids := names()
	if !slices.Equal(list, []string{"brief", "one", "two"}) {
		t.Fatalf("listed %v", list)
	}
	w.clock.pass(2 * time.Hour)
	if err := w.RevokeID(ctx, w.ann.ID+1, ids["one"]); !errors.Is(err, warble.ErrNotFound) {
		t.Errorf("somebody else's token: %v, want ErrNotFound", err)
	}
	if err := w.RevokeID(ctx, w.ann.ID, ids["one"]); err != nil {
		t.Fatal(err)
	}
	if list, _ := names(); !slices.Equal(list, []string{"two"}) {
		t.Errorf("after one ended and one was revoked: %v", list)
	}
	_, err1 = w.who(one)
	_, err2 = w.who(two)
	if !errors.Is(err1, warble.ErrUnauthorized) || err2 != nil {
		t.Errorf("the revoked token says %v, the other %v", err1, err2)
	}
	if err := w.RevokeAll(ctx, w.ann.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.who(two); !errors.Is(err, warble.ErrUnauthorized) {
		t.Errorf("after all were revoked: %v", err)
	}
}

func TestRevokeAllEndsMoreTokensThanAPageHolds(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	for range 205 {
		if _, err := w.IssueToken(ctx, w.ann.ID, httpx.AllScopes, "one of many"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.RevokeAll(ctx, w.ann.ID); err != nil {
		t.Fatal(err)
	}
	if left, err := w.Tokens(ctx, w.ann.ID); err != nil || len(left) != 0 {
		t.Errorf("%d are left, %v", len(left), err)
	}
}

func TestAppsOwnTokenHasNoPerson(t *testing.T) {
	w := newWorld(t, Options{})
	app, secret, err := w.AddApp(t.Context(), 0, "Bot", nil, true)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {app.ClientID()}, "client_secret": {secret}}
	status, doc := w.post("/2/oauth2/token", form)
	if status != 200 || doc["refresh_token"] != nil {
		t.Fatalf("%d %v", status, doc)
	}
	who, err := w.who(doc["access_token"].(string))
	if err != nil || who.User != 0 || who.App != app.ID {
		t.Errorf("%+v %v", who, err)
	}
	form.Set("scope", "tweet.write")
	if status, doc := w.post("/2/oauth2/token", form); status != 400 || doc["error"] != "invalid_scope" {
		t.Errorf("write scope: %d %v", status, doc)
	}
}

func TestAuthorizationRequestIsChecked(t *testing.T) {
	w := newWorld(t, Options{})
	app, _, err := w.AddApp(t.Context(), 0, "Bot", []string{redirect}, false)
	if err != nil {
		t.Fatal(err)
	}
	good := url.Values{
		"response_type": {"code"}, "client_id": {app.ClientID()}, "redirect_uri": {redirect}, "scope": {"tweet.read"},
		"state": {"s"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for _, c := range []struct {
		param, value string
		back         string // the error sent back; empty: never sent on
	}{
		{"client_id", "1", ""}, {"redirect_uri", "https://evil.example/", ""}, {"redirect_uri", redirect + "&y=1", ""},
		{"response_type", "token", "unsupported_response_type"}, {"code_challenge_method", "plain", "invalid_request"},
		{"code_challenge", "short", "invalid_request"}, {"scope", "everything", "invalid_scope"}, {"scope", "", "invalid_scope"},
	} {
		q := url.Values{}
		for k, v := range good {
			q[k] = v
		}
		q.Set(c.param, c.value)
		_, err := w.Authorize(t.Context(), q)
		back, sent := errors.AsType[*RedirectError](err)
		if err == nil || sent != (c.back != "") || sent && !strings.Contains(back.URL, "error="+c.back) {
			t.Errorf("%s=%s: %v %+v", c.param, c.value, err, back)
		}
	}
	q := good
	q["state"] = []string{"a", "b"}
	if _, err := w.Authorize(t.Context(), q); !errors.Is(err, warble.ErrInvalid) {
		t.Errorf("two states: %v", err)
	}
	for _, uri := range []string{"http://bot.example/", "javascript:alert(1)", "/back", "https://a.example/#f", "data:text/html,x", "https://u:p@a.example/"} {
		if _, _, err := w.AddApp(t.Context(), 0, "Bot", []string{uri}, false); err == nil {
			t.Errorf("%s is taken", uri)
		}
	}
	for _, uri := range []string{"http://localhost:3000/cb", "http://127.0.0.1/cb", "org.example.app:/cb"} {
		if _, _, err := w.AddApp(t.Context(), 0, "Bot", []string{uri}, false); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func TestSessionLivesUntilSignOut(t *testing.T) {
	w := newWorld(t, Options{TLS: true})
	out := httptest.NewRecorder()
	if err := w.StartSession(out, httptest.NewRequest("POST", "/", nil), w.ann.ID); err != nil {
		t.Fatal(err)
	}
	c := out.Result().Cookies()[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Name != "__Host-warble" {
		t.Errorf("cookie %+v", c)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(c)
	if who, err := w.Authenticate(r, true); err != nil || who.User != w.ann.ID {
		t.Errorf("session of %v: %v", who.User, err)
	}
	if who, _ := w.Authenticate(r, false); who.User != 0 {
		t.Error("a cookie counts where cookies do not")
	}
	if _, err := w.who(c.Value); !errors.Is(err, warble.ErrUnauthorized) {
		t.Errorf("a session is taken for a token: %v", err)
	}
	if err := w.EndSession(httptest.NewRecorder(), r); err != nil {
		t.Fatal(err)
	}
	if who, err := w.Authenticate(r, true); who.User != 0 || err != nil {
		t.Errorf("after signing out: %v %v", who.User, err)
	}
}

func TestLimiterCountsPerWindow(t *testing.T) {
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	l := NewLimiter(c.time)
	s := AddrSubject(netip.MustParseAddr("192.0.2.1"))
	for i := range 3 {
		if left, reset, ok := l.Take(s, 1, 3); !ok || left != 2-i || reset != 1_800_000_900 {
			t.Errorf("use %d: %d %d %v", i, left, reset, ok)
		}
	}
	if left, _, ok := l.Take(s, 1, 3); ok || left != 0 {
		t.Error("a fourth use passes")
	}
	if _, _, ok := l.Take(s, 2, 3); !ok {
		t.Error("another class shares the count")
	}
	if _, _, ok := l.Take(AddrSubject(netip.MustParseAddr("192.0.2.2")), 1, 3); !ok {
		t.Error("another address shares the count")
	}
	c.pass(httpx.Window)
	if _, _, ok := l.Take(s, 1, 3); !ok {
		t.Error("a new window does not begin anew")
	}
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	if AddrSubject(a) != AddrSubject(b) {
		t.Error("two addresses of one /64 are two subjects")
	}
}

func TestLimiterMemoryIsBounded(t *testing.T) {
	l := NewLimiter(time.Now)
	for i := range uint64(limitShards * limitPerShard * 2) {
		l.Take(Subject{kind: 'u', hi: i}, 1, 10)
	}
	n := 0
	for i := range l.shards {
		n += len(l.shards[i].n)
	}
	if n > limitShards*limitPerShard {
		t.Errorf("%d counters", n)
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	w := newWorld(t, Options{})
	token, err := w.IssueToken(t.Context(), w.ann.ID, httpx.AllScopes, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = w.lookup(ctx, token, warble.DocToken) }); n != 0 {
		t.Errorf("a look-up of a token allocates %v times", n)
	}
	s := Subject{kind: 'u', hi: 1}
	if n := testing.AllocsPerRun(100, func() { w.limit.take(ctx, s, httpx.Class{N: 1}, 1000) }); n != 0 {
		t.Errorf("a limit allocates %v times", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	w := newWorld(b, Options{})
	w.opt.Clock = time.Now
	token, err := w.IssueToken(b.Context(), w.ann.ID, httpx.AllScopes, "")
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	for b.Loop() {
		if _, err := w.lookup(ctx, token, warble.DocToken); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(400/(float64(b.Elapsed().Nanoseconds())/float64(b.N)), "of-400ns")
}

func BenchmarkLimiter(b *testing.B) {
	l := NewLimiter(time.Now)
	s := Subject{kind: 'u', hi: 1}
	for b.Loop() {
		l.Take(s, 1, 1<<30)
	}
	b.ReportMetric(100/(float64(b.Elapsed().Nanoseconds())/float64(b.N)), "of-100ns")
}
