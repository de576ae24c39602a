package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"warble"
	"warble/internal/httpx"
	"warble/internal/photo"
	"warble/role/write"
)

func TestHomeIsOfWhoeverIsSignedInDownToTheOldest(t *testing.T) {
	w := newWorld(t)
	ann, bob, eve := w.person("ann", "Ann"), w.person("bob", "Bob"), w.person("eve", "Eve")
	b := w.browser()
	b.get("/home?before=7").leads(302, with("/login", "next", "/home?before=7"))
	b.signIn("ann")
	b.get("/home").has(200, "Signed in as", "@ann", "<h1", "Home", "Nobody you follow has tweeted yet")
	_, err := w.writer.Follow(context.Background(), ann.ID, bob.ID)
	w.no(err)
	w.tweets(bob, write.Draft{Text: "the first of all"})
	for range 20 {
		w.tweets(bob, write.Draft{Text: "a later one"})
	}
	w.tweets(eve, write.Draft{Text: "from a stranger"})
	w.until("home has them", func() bool { return strings.Contains(b.get("/home").page, "a later one") })
	first := b.get("/home").has(200, "a later one", `rel="next"`).hasNot("stranger", "the first of all")
	older := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(first.page)
	if older == nil {
		t.Fatalf("no way on in\n%s", first.page)
	}
	b.get(older[1]).has(200, "the first of all").hasNot("a later one")
}

func TestUnknownAddressesAreAPageForPeopleAndAProblemForPrograms(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, path := range []string{"/nobody", "/a/b/c", "/i/x"} {
		b.get(path).has(404, "<h1>", "nothing here", `href="/"`)
	}
	for _, path := range []string{"/2/nothing", "/2/tweets/1/nothing"} {
		if a := b.get(path).has(404, `"type":"https://api.x.com/2/problems/resource-not-found"`); !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s: %s", path, a.Header.Get("Content-Type"))
		}
	}
}

func TestErrorPagesShowWhoIsSignedIn(t *testing.T) {
	w := newWorld(t)
	w.person("ann", "Ann")
	b := w.browser()
	for path, status := range map[string]int{"/a/b/c": 404, "/@nobody": 404, "/?before=abc": 400} {
		b.get(path).has(status, "<h1>").hasNot("Signed in as")
	}
	b.signIn("ann")
	for path, status := range map[string]int{"/a/b/c": 404, "/@nobody": 404, "/?before=abc": 400} {
		b.get(path).has(status, `href="/home"`, "@ann", "<h1>").hasNot("9223372036854775807")
	}
	b.get("/metrics").has(404, "There is no page at this address.").hasNot("account.")
	b.get("/favicon.ico").has(200, "<svg")
}

func TestFrontPageShowsTheNewestPublicTweetsAndCommandsThatFindThem(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.person("ann", "Ann"), w.person("bob", "Bob")
	b := w.browser()
	b.get("/").has(200, "<h1>", "Nobody has tweeted yet")
	first := w.tweets(ann, write.Draft{Text: "Ahoy #sea and @bob at example.org/x", Place: &warble.Place{Name: "Boston"}})
	w.tweets(bob, write.Draft{Text: "So true", QuoteOf: first.ID})
	w.tweets(bob, write.Draft{Text: "It drowns", ContentWarning: "The end of the book"})
	a := b.get("/").has(200, slogan,
		"Content warning", "The end of the book", "It drowns",
		"So true", `aria-label="Quoted tweet by Ann"`, "Ahoy",
		`href="/@ann/status/`+first.ID.String()+`"`, `<time datetime="`+stamp(first.Created())+`"`,
		`<a href="/tags/sea">#sea</a>`, `<a href="/@bob">@bob</a>`, `<a href="http://example.org/x" rel="nofollow noopener ugc">example.org/x</a>`,
		"Boston",
		"curl -s &#39;"+w.server.URL+"/2/", "search/recent?", "query=%23sea")
	if a.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("content type %q", a.Header.Get("Content-Type"))
	}
}

func TestSampleCommandsTrustNoStrangeHost(t *testing.T) {
	s := newSite(Deps{URL: "https://warble.test"})
	for host, want := range map[string]string{
		"tides.example:8443":         "https://tides.example:8443",
		"[::1]:8080":                 "https://[::1]:8080",
		"x';rm -rf ~;'":              "https://warble.test",
		"$(id).example":              "https://warble.test",
		"a.example/../&amp;<script>": "https://warble.test",
	} {
		if got := s.base(&http.Request{Host: host}); got != want {
			t.Errorf("base for host %q = %q, want %q", host, got, want)
		}
	}
}

func TestOlderWalksToTheEndAndShowsEachTweetOnce(t *testing.T) {
	w := newWorld(t)
	ann := w.person("ann", "Ann")
	const n = 45
	for range n {
		w.tweets(ann, write.Draft{Text: "wave"})
	}
	b := w.browser()
	next := regexp.MustCompile(`rel="next" href="([^"]*)"`)
	link := regexp.MustCompile(`class="when" href="([^"]*)"`)
	for _, path := range []string{"/", "/@ann", "/search?q=wave"} {
		seen, pages := map[string]bool{}, 0
		for at := path; at != ""; pages++ {
			a := b.get(at).has(200)
			for _, m := range link.FindAllStringSubmatch(a.page, -1) {
				if seen[m[1]] {
					t.Fatalf("%s shows %s twice", path, m[1])
				}
				seen[m[1]] = true
			}
			at = ""
			if m := next.FindStringSubmatch(a.page); m != nil {
				at = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		if len(seen) != n || pages != 3 {
			t.Errorf("%s: %d tweets on %d pages, want %d on 3", path, len(seen), pages, n)
		}
	}
	b.get("/?before=x").has(400, "Begin again with the newest", `href="/"`)
}

func TestPollShowsSharesAndPhotosShowTheirText(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	ann, bob := w.person("ann", "Ann"), w.person("bob", "Bob")
	poll := w.tweets(ann, write.Draft{Text: "Which?", Poll: &write.PollDraft{Options: []string{"Sail", "Row"}, Minutes: 60}})
	w.no(w.writer.Vote(ctx, bob.ID, poll.ID, []int{1}))
	b := w.browser()
	b.signIn("bob")
	b.get("/").has(200, "Sail", "0%", "Row", "your vote", "100%", "1 vote", "ends in")

	pic, err := photo.New(1).Process(ctx, photo.Landscape(1, 640, 400))
	w.no(err)
	id, err := w.writer.NextID(ctx)
	w.no(err)
	_, err = w.writer.Upload(ctx, ann.ID, write.Upload{ID: id, Full: pic.Full, Small: pic.Small, MIME: pic.MIME, Blurhash: pic.Blurhash,
		Alt: `A "bay"`, Width: pic.Width, Height: pic.Height, SmallW: pic.SmallWidth, SmallH: pic.SmallHeight})
	w.no(err)
	shot := w.tweets(ann, write.Draft{Media: []warble.DocID{id}})
	b.get("/").has(200, photoURL(&shot.Photos[0], "full"), photoURL(&shot.Photos[0], "small"), `alt="A &#34;bay&#34;"`, `width="640"`, `height="400"`)
	b.get("/@ann/status/"+shot.ID.String()).has(200, "<title>Ann: “a photo”")
}

func TestProfileShowsThePersonAndWhatMayBeSeen(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	ann, bob := w.person("Ann", "Ann B."), w.person("bob", "Bob")
	bio, link, yes := "Tides & <b>maps</b>", "https://example.org/a?b=1&c", true
	pin := w.tweets(ann, write.Draft{Text: "on top"})
	_, err := w.writer.EditProfile(ctx, ann.ID, write.ProfileEdit{Bio: &bio, URL: &link, Pinned: &pin.ID})
	w.no(err)
	_, err = w.writer.Retweet(ctx, ann.ID, w.tweets(bob, write.Draft{Text: "by bob"}).ID)
	w.no(err)
	b := w.browser()
	b.get("/ann").leads(301, "/@Ann")
	b.get("/@ann?before=9").leads(301, "/@Ann?before=9")
	b.get("/@Ann").has(200, "Ann B.", "@Ann", "Tides &amp; &lt;b&gt;maps&lt;/b&gt;", `href="https://example.org/a?b=1&amp;c"`, "Pinned", "on top", "retweeted", "by bob")

	_, err = w.writer.EditProfile(ctx, ann.ID, write.ProfileEdit{Protected: &yes})
	w.no(err)
	b.get("/@Ann").has(200, "private", "approved followers only").hasNot("on top")
	b.get("/@Ann/status/"+pin.ID.String()).has(403, "approved followers only").hasNot("on top")
	b.signIn("ann")
	b.get("/@Ann").has(200, "on top")
	b.get("/@nobody").has(404, "There is nothing here")
	b.get("/@not.a.handle").has(404)
}

func TestTweetPageShowsWhatIsAboveAndBelow(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.person("ann", "Ann"), w.person("bob", "Bob")
	top := w.tweets(ann, write.Draft{Text: "top"})
	mid := w.tweets(bob, write.Draft{Text: "middle", ReplyTo: top.ID})
	w.tweets(ann, write.Draft{Text: "below it", ReplyTo: mid.ID})
	b := w.browser()
	at := "/@bob/status/" + mid.ID.String()
	b.get(at).has(200, `rel="canonical" href="`+at+`"`, ">top<", ">middle<", "Replies", "Replying to", ">@bob</a>", ">below it<")
	for _, other := range []string{"/@ann/status/", "/i/status/", "/bob/status/"} {
		b.get(other+mid.ID.String()).leads(302, at)
	}
	w.no(w.writer.DeleteTweet(context.Background(), bob.ID, mid.ID))
	b.get(at).has(404)
	b.get("/@bob/status/0").has(404)
	b.get("/@bob/status/99").has(404)
}

func TestSearchFindsTweetsAndPeopleAndExplainsABadQuery(t *testing.T) {
	w := newWorld(t)
	ann := w.person("ann", "Ann Harbour")
	w.tweets(ann, write.Draft{Text: "harbour lights #port"})
	b := w.browser()
	w.until("people are indexed", func() bool { return strings.Contains(b.get("/search?q=harbour").page, "Ann Harbour</strong> ") })
	b.get("/search?q=harbour").has(200, `value="harbour"`, "People", "@ann", "lights")
	b.get("/tags/port").has(200, "<h1", "#port", "harbour lights")
	b.get("/tags/po-rt").has(404)
	b.get("/search?q="+url.QueryEscape("from:ann lights")).has(200, "harbour lights")
	b.get("/search").has(200, "What a query can say")
	b.get("/search?q="+url.QueryEscape(`"open`)).has(400, `aria-invalid="true"`, `role="alert"`, "What a query can say")
	b.get("/search?q=nothingatall").has(200, "No tweet says that.")
}

// TestWhatPeopleWriteStaysText puts markup into every field that a person or
// an app fills, and asks every page that shows one.
func TestWhatPeopleWriteStaysText(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	const evil = `"'><script>x</script><img src=x onerror=x>`
	ann := w.person("ann", evil)
	bio, place, link := evil+" javascript:alert(1)", `<i onclick=x>`, "https://e.example/'onmouseover=x//"
	_, err := w.writer.EditProfile(ctx, ann.ID, write.ProfileEdit{Bio: &bio, Location: &place, URL: &link})
	w.no(err)
	w.tweets(ann, write.Draft{Text: evil + " https://e.example/\"onfocus=x", ContentWarning: evil, Place: &warble.Place{Name: evil}})
	poll := w.tweets(ann, write.Draft{Text: "?", Lang: "en", Poll: &write.PollDraft{Options: []string{`<script>x</script>`, `"><svg onload=x>`}, Minutes: 60}})
	quoting := w.tweets(ann, write.Draft{Text: "q", QuoteOf: poll.ID})
	reply := w.tweets(ann, write.Draft{Text: evil, ReplyTo: quoting.ID})
	app, _, err := w.auth.AddApp(ctx, 0, evil, []string{"https://app.example/cb"}, false)
	w.no(err)
	b := w.browser()
	markup := regexp.MustCompile(`(?i)<(script|img src=x|i onclick|svg onload)|href="\s*(javascript|data):|<[^>]*\son[a-z]+=|\sstyle=`)
	check := func(a *answer, status int) {
		t.Helper()
		a.has(status)
		// Attribute values are whole in quotes: take them out, then no handler may be left.
		bare := regexp.MustCompile(`="[^"]*"`).ReplaceAllString(a.page, "=")
		if m := markup.FindString(a.page); m != "" && (markup.MatchString(bare) || !strings.Contains(m, " on")) {
			t.Errorf("%s holds markup a person wrote: %q in\n%s", a.Request.URL, m, a.page)
		}
		if csp := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, policy) || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", a.Request.URL, csp)
		}
	}
	bad := url.QueryEscape(evil)
	for path, status := range map[string]int{
		"/": 200, "/@ann": 200, "/@ann/status/" + reply.ID.String(): 200, "/@ann/status/" + quoting.ID.String(): 200, "/search?q=script": 200,
		"/search?q=" + bad: 400, "/login?next=" + bad: 200, "/signup?next=" + bad: 200, "/tags/" + url.PathEscape(evil): 404,
		"/" + url.PathEscape(evil): 404, "/?before=" + bad: 400, "/a/b/c/" + url.PathEscape(evil): 404,
	} {
		check(b.get(path), status)
	}
	check(b.post("/login", url.Values{"login": {evil}, "password": {evil}, "next": {evil}}), 403)
	check(b.post("/signup", url.Values{"handle": {evil}, "name": {evil}, "email": {evil}, "password": {evil}, "date_of_birth": {evil}}), 400)
	b.signIn("ann")
	check(b.get(authorizePath(app, url.Values{"state": {evil}})), 200)
	check(b.get(authorizePath(app, url.Values{"redirect_uri": {evil}})), 400)
}

func TestFilesAreServedWithTheirVersions(t *testing.T) {
	b := newWorld(t).browser()
	page := b.get("/").has(200)
	href := regexp.MustCompile(`href="(/style\.css\?v=[^"]+)"`).FindStringSubmatch(page.page)
	if href == nil {
		t.Fatal("the page links no style sheet")
	}
	css := b.get(href[1]).has(200, ":root")
	if !strings.Contains(href[1], strings.Trim(css.Header.Get("ETag"), `"`)) || !strings.HasPrefix(css.Header.Get("Cache-Control"), "public, max-age=") {
		t.Errorf("style sheet %s has ETag %s, %s", href[1], css.Header.Get("ETag"), css.Header.Get("Cache-Control"))
	}
	r, err := http.NewRequest(http.MethodGet, b.server.URL+"/style.css", nil)
	b.no(err)
	r.Header.Set("If-None-Match", css.Header.Get("ETag"))
	b.do(r).has(304)
	b.get("/favicon.svg").has(200, "<svg")
	b.get("/robots.txt").has(200, "Disallow: /2/")
}

func TestUnknownAddressesAnswerInTheFormOfWhoAsks(t *testing.T) {
	b := newWorld(t).browser()
	b.get("/no/such/page/here").has(404, "<!doctype html>", "There is nothing here")
	b.get("/2/nothing").has(404, `"title":"`, "There is nothing at this address.").hasNot("<html")
	r, err := http.NewRequest(http.MethodGet, b.server.URL+"/no/such/page/here", nil)
	b.no(err)
	if a := b.do(r).has(404); !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
		t.Errorf("a program got %s", a.Header.Get("Content-Type"))
	}
}

func TestEveryFormRouteMindsWhereItIsSentFrom(t *testing.T) {
	w := newWorld(t)
	w.person("ann", "Ann")
	b := w.browser()
	for _, route := range Routes(Deps{}) {
		if route.Method != http.MethodPost {
			continue
		}
		if !route.Cookie || route.Role != httpx.Writer || route.Limit.N == 0 {
			t.Errorf("%s: %+v", route.Name(), route)
		}
		r, err := http.NewRequest(http.MethodPost, w.server.URL+route.Pattern, strings.NewReader("login=ann&password="+url.QueryEscape(password)))
		w.no(err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Accept", "text/html")
		if a := b.do(r).has(403, "another site"); len(a.Cookies()) != 0 {
			t.Errorf("%s set a cookie for another site's form", route.Name())
		}
	}
}
