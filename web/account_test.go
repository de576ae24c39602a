package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"warble/auth"
	"warble/internal/httpx"
)

const verifier = "a-verifier-that-is-long-enough-to-be-one-0123456789"

// authorizePath is where an app sends people; with may change or (empty)
// remove parameters.
func authorizePath(app *auth.App, with url.Values) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {app.ClientID()}, "redirect_uri": {app.Redirects[0]}, "scope": {"tweet.read users.read offline.access"},
		"state": {"s t&te"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for name, v := range with {
		q[name] = v
		if v[0] == "" {
			delete(q, name)
		}
	}
	return "/i/oauth2/authorize?" + q.Encode()
}

func (w *world) app(redirect string) *auth.App {
	w.Helper()
	app, _, err := w.auth.AddApp(context.Background(), 0, "Tidewatch", []string{redirect}, false)
	w.no(err)
	return app
}

// hidden reads the hidden fields of the consent form, as a browser would send them.
func hidden(a *answer) url.Values {
	form := url.Values{}
	_, body, _ := strings.Cut(a.page, `class="choice"`)
	body, _, _ = strings.Cut(body, "</form>")
	for _, m := range regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if m[1] != "answer" {
			form.Set(m[1], strings.NewReplacer("&amp;", "&", "&#34;", `"`, "&#39;", "'").Replace(m[2]))
		}
	}
	return form
}

func TestSignUpThenSignInThenConsentGivesAWorkingToken(t *testing.T) {
	w := newWorld(t)
	app := w.app("https://app.example/cb?keep=1")
	wish := authorizePath(app, nil)
	b := w.browser()
	b.get(wish).leads(302, with("/login", "next", wish))
	b.get("/signup?next="+url.QueryEscape(wish)).has(200, `name="next" value="/i/oauth2/authorize?`)
	b.post("/signup", url.Values{"handle": {"@ann"}, "name": {"Ann"}, "email": {"ann@warble.test"}, "password": {password}, "date_of_birth": {"1990-05-06"}, "next": {wish}}).leads(303, wish)
	b.post("/logout", url.Values{"next": {wish}}).leads(303, wish)
	b.get(wish).leads(302, with("/login", "next", wish))
	b.post("/login", url.Values{"login": {"ann@warble.test"}, "password": {password}, "next": {wish}}).leads(303, wish)

	page := b.get(wish).has(200, "Tidewatch", "wants to act for", "@ann", "See your profile", "Stay connected", "app.example")
	if csp := page.Header.Get("Content-Security-Policy"); csp != policy+" https://app.example" {
		t.Errorf("policy of the consent page: %s", csp)
	}
	form := hidden(page)
	form.Set("answer", "allow")
	to, err := b.post("/i/oauth2/authorize", form).Location()
	w.no(err)
	q := to.Query()
	if to.Host != "app.example" || q.Get("keep") != "1" || q.Get("state") != "s t&te" || q.Get("code") == "" {
		t.Fatalf("sent back to %s", to)
	}
	a := b.post("/2/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {app.ClientID()}, "code": {q.Get("code")},
		"redirect_uri": {app.Redirects[0]}, "code_verifier": {verifier}}).has(200)
	var tokens struct{ Access_token, Refresh_token, Scope string }
	w.no(json.Unmarshal([]byte(a.page), &tokens))
	r, err := http.NewRequest(http.MethodGet, w.server.URL, nil)
	w.no(err)
	r.Header.Set("Authorization", "Bearer "+tokens.Access_token)
	who, err := w.auth.Authenticate(r, false)
	w.no(err)
	ann, err := w.stores.Users.ByHandle(context.Background(), "ann")
	w.no(err)
	if who.User != ann.ID || who.Scopes.String() != "tweet.read users.read offline.access" || tokens.Refresh_token == "" {
		t.Errorf("the token is for %+v", who)
	}
}

func TestDenyTellsTheApp(t *testing.T) {
	w := newWorld(t)
	w.person("ann", "Ann")
	app := w.app("com.example.tides:/back")
	b := w.browser()
	b.signIn("ann")
	page := b.get(authorizePath(app, nil)).has(200, "the app on this device")
	if !strings.HasSuffix(page.Header.Get("Content-Security-Policy"), "form-action 'self' com.example.tides:") {
		t.Errorf("policy %q", page.Header.Get("Content-Security-Policy"))
	}
	form := hidden(page)
	for _, answer := range []string{"deny", "", "anything"} {
		form.Set("answer", answer)
		b.post("/i/oauth2/authorize", form).leads(303, "com.example.tides:/back?error=access_denied&error_description=The+person+did+not+allow+it.&state=s+t%26te")
	}
}

// TestConsentFollowsTheRulesOfOAuth shows what is wrong here where the app is
// not to be trusted, and tells the app everything else.
func TestConsentFollowsTheRulesOfOAuth(t *testing.T) {
	w := newWorld(t)
	w.person("ann", "Ann")
	app := w.app("https://app.example/cb")
	b := w.browser()
	b.signIn("ann")
	shown := []url.Values{
		{"client_id": {""}}, {"client_id": {"99"}}, {"client_id": {"<x>"}}, {"redirect_uri": {"https://evil.example/cb"}},
		{"redirect_uri": {"https://app.example/cb/../x"}}, {"redirect_uri": {"https://app.example/cb", "https://app.example/cb"}}, {"scope": {"a", "b"}},
	}
	for _, change := range shown {
		if a := b.get(authorizePath(app, change)).has(400); a.Header.Get("Location") != "" {
			t.Errorf("%v leads to %s", change, a.Header.Get("Location"))
		}
		q, err := url.ParseQuery(strings.SplitN(authorizePath(app, change), "?", 2)[1])
		w.no(err)
		if a := b.post("/i/oauth2/authorize", q); a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" {
			t.Errorf("posting %v: %d, leads to %q", change, a.StatusCode, a.Header.Get("Location"))
		}
	}
	for _, c := range []struct {
		change     url.Values
		code, says string
	}{
		{url.Values{"response_type": {"token"}}, "unsupported_response_type", "response_type%3A+only+code+is+supported"},
		{url.Values{"code_challenge": {""}}, "invalid_request", "code_challenge%3A+PKCE+with+S256+is+needed"},
		{url.Values{"code_challenge_method": {"plain"}}, "invalid_request", "code_challenge%3A+PKCE+with+S256+is+needed"},
		{url.Values{"scope": {"everything"}}, "invalid_scope", "scope%3A+name+scopes+that+exist%3A+" + url.QueryEscape(httpx.AllScopes.String()) + ""},
	} {
		b.get(authorizePath(app, c.change)).leads(302, "https://app.example/cb?error="+c.code+"&error_description="+c.says+"&state=s+t%26te")
	}
}

// TestTokenCannotConsent shows that a token with few scopes cannot make
// itself one with more, nor read as its person.
func TestTokenCannotConsent(t *testing.T) {
	w := newWorld(t)
	ann := w.person("ann", "Ann")
	token, err := w.auth.IssueToken(context.Background(), ann.ID, httpx.AllScopes, "mine")
	w.no(err)
	app := w.app("https://app.example/cb")
	b := w.browser()
	q, err := url.ParseQuery(strings.SplitN(authorizePath(app, nil), "?", 2)[1])
	w.no(err)
	q.Set("answer", "allow")
	r, err := http.NewRequest(http.MethodPost, w.server.URL+"/i/oauth2/authorize", strings.NewReader(q.Encode()))
	w.no(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+token)
	a := b.do(r).has(303)
	if !strings.HasPrefix(a.Header.Get("Location"), "/login?next=") {
		t.Errorf("a token got through to %s", a.Header.Get("Location"))
	}
	r, err = http.NewRequest(http.MethodGet, w.server.URL+"/", nil)
	w.no(err)
	r.Header.Set("Authorization", "Bearer "+token)
	b.do(r).has(200, "Sign in").hasNot("Sign out")
}

func TestEveryScopeHasPlainWords(t *testing.T) {
	names := strings.Fields(httpx.AllScopes.String())
	if got := inWords(httpx.AllScopes); len(got) != len(names) {
		t.Errorf("%d scopes, words for %d", len(names), len(got))
	}
	one, err := httpx.ParseScopes("like.write")
	if err != nil {
		t.Fatal(err)
	}
	if got := inWords(one); len(got) != 1 || !strings.Contains(got[0], "Like") {
		t.Errorf("like.write: %q", got)
	}
}

func TestSignInSendsOnOnlyWithinThisSite(t *testing.T) {
	w := newWorld(t)
	w.person("ann", "Ann")
	for next, want := range map[string]string{
		"/@ann?x=1":           "/@ann?x=1",
		"":                    "/home",
		"//evil.example":      "/home",
		"/\\evil.example":     "/home",
		"\\\\evil.example":    "/home",
		"/\t/evil.example":    "/home",
		"/\n/evil.example":    "/home",
		"https://evil.test":   "/home",
		"javascript:alert()":  "/home",
		" /x":                 "/home",
		"/x\r\nSet-Cookie: a": "/home",
		"@evil.example":       "/home",
		"///evil.example":     "/home",
		"/%zz":                "/home",
	} {
		b := w.browser()
		b.post("/login", url.Values{"login": {"ann"}, "password": {password}, "next": {next}}).leads(303, want)
		b.get("/login?next="+url.QueryEscape(next)).leads(303, want)
		if want == "/home" {
			want = "/" // for whoever has left
		}
		b.post("/logout", url.Values{"next": {next}}).leads(303, want)
	}
}

func TestSignInShowsWhatIsWrongAndNeverThePassword(t *testing.T) {
	w := newWorld(t)
	w.person("ann", "Ann")
	b := w.browser()
	const guess = "not-the-password"
	b.post("/login", url.Values{"login": {"ann"}, "password": {guess}, "next": {"/@ann"}}).
		has(403, `role="alert"`, "not right", `name="next" value="/@ann"`, `value="ann"`).hasNot(guess)
	b.post("/login", url.Values{"login": {"ann"}}).has(400, `aria-describedby="password-wrong"`, "Your password is needed.")
	b.post("/login", url.Values{"login": {"ann", "bob"}, "password": {password}}).has(400)
	b.get("/").has(200, "Sign in")
	b.signIn("@ANN")
	b.get("/").has(200, "Signed in as", "@ann", "Sign out").hasNot(`href="/signup"`)
	b.post("/logout", url.Values{}).leads(303, "/")
	b.get("/").has(200, "Sign in")
}

func TestSignInStopsAfterTooManyFailures(t *testing.T) {
	w := newWorld(t)
	w.person("ann", "Ann")
	b := w.browser()
	status := 0
	for range 20 {
		if status = b.post("/login", url.Values{"login": {"ann"}, "password": {"wrong wrong"}}).StatusCode; status == 429 {
			break
		}
	}
	if status != 429 {
		t.Fatalf("after 20 failures: status %d", status)
	}
	b.post("/login", url.Values{"login": {"ann"}, "password": {password}}).has(429, `role="alert"`)
}

func TestSignUpPutsEachErrorBesideItsField(t *testing.T) {
	w := newWorld(t)
	w.person("ann", "Ann")
	good := url.Values{"handle": {"bob"}, "name": {"Bob Ö"}, "email": {"bob@warble.test"}, "password": {password}, "date_of_birth": {"1990-05-06"}, "next": {"/@ann"}}
	for _, c := range []struct {
		field, value string
		status       int
		says         string
	}{
		{"handle", "no spaces", 400, "A handle has"},
		{"handle", "", 400, "A handle has"},
		{"handle", "ANN", 409, "Somebody has this handle"},
		{"handle", "settings", 400, "reserved"},
		{"name", strings.Repeat("x", 51), 400, "at most 50"},
		{"email", "nowhere", 400, "e-mail address"},
		{"email", "ann@warble.test", 409, "exists already"},
		{"password", "short", 400, "at least 8"},
		{"date_of_birth", "2999-01-01", 400, "at least 13"},
	} {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		form.Set(c.field, c.value)
		a := w.browser().post("/signup", form).has(c.status, `id="`+c.field+`"`, `aria-invalid="true"`, `id="`+c.field+`-wrong"`, c.says)
		a.has(c.status, `name="next" value="/@ann"`).hasNot(password)
		if c.field != "name" {
			a.has(c.status, `value="Bob Ö"`)
		}
	}
	b := w.browser()
	b.post("/signup", good).leads(303, "/@ann")
	b.get("/").has(200, "@bob")
}
