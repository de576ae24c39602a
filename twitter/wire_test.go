package twitter

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"warble"
	"warble/auth"
	"warble/internal/httpx"
	"warble/role/read"
)

// at is a fixed id: n milliseconds after the new year of 2026.
func at(n int64) warble.ID {
	return warble.MakeID(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli()+n, 1, 0)
}

// fixed is a page with everything there is, made of rows that never change.
func fixed() *read.Timeline {
	ann := &warble.User{
		ID: at(1), Version: 1, Handle: "ann", Name: `Ann "A" <b>`, Bio: "I like #go and https://go.dev", Location: "Oslo", URL: "https://ann.example",
		Avatar: &warble.Photo{Media: at(3), ID: warble.PhotoID{1}}, Header: &warble.Photo{Media: at(4), ID: warble.PhotoID{2}}, Pinned: at(10),
		Email: "never@shown.example", Born: "1990-01-01", LastLogin: "2026-01-01", Password: "$argon2id$never",
	}
	bob := &warble.User{ID: at(2), Version: 3, Handle: "bob", Name: "Bob", Protected: true}
	full := &warble.Tweet{
		ID: at(10), Author: ann.ID, Version: 2, Edited: at(11).Millis(), Lang: "en", ContentWarning: "loud", ReplySetting: warble.RepliesByFollowing,
		Text: "🎉 hi @bob, see #News & $GO at go.dev/x\n\x01", Conversation: at(5), ReplyTo: at(5), ReplyAuthor: bob.ID, QuoteOf: at(6), QuoteAuthor: bob.ID,
		Mentions: []warble.UserID{bob.ID},
		Photos:   []warble.Photo{{ID: warble.PhotoID{3}, Media: at(7), Width: 800, Height: 600, Alt: "a cat", Blurhash: "LEHV6n", MIME: "image/jpeg"}},
		Place:    &warble.Place{Name: "Boston", Point: true, Lon: -71.0589, Lat: 42.3601},
	}
	poll := &warble.Tweet{ID: at(20), Author: bob.ID, Version: 1, Text: "which?", Conversation: at(20),
		Poll: &warble.Poll{ID: at(20), Options: []string{"a", "b"}, Ends: at(20).Millis() + 5*60_000}}
	quoted := &warble.Tweet{ID: at(6), Author: bob.ID, Version: 1, Text: "quoted", Conversation: at(6)}
	retweet := &warble.Tweet{ID: at(30), Author: bob.ID, Version: 1, RetweetOf: full.ID, RetweetAuthor: ann.ID, Conversation: at(30)}
	item := read.Item{
		Tweet: full, Author: ann, Pos: full.ID, Counts: read.TweetCounts{Replies: 1, Retweets: 2, Quotes: 3, Likes: 4, Bookmarks: 5},
		Viewer: read.ViewerFlags{Liked: true, Bookmarked: true},
	}
	again := item
	again.Tweet, again.Author, again.Pos = retweet, bob, retweet.ID
	return &read.Timeline{
		Items: []read.Item{again, {Tweet: poll, Author: bob, Pos: poll.ID, Poll: &read.PollResult{Votes: []int64{7, 8}}}, item},
		Refs:  map[warble.TweetID]*read.Item{full.ID: &item, quoted.ID: {Tweet: quoted, Author: bob}},
		People: map[warble.UserID]*warble.User{
			ann.ID: ann, bob.ID: bob,
		},
		Next: full.ID,
	}
}

const everything = "max_results=20&tweet.fields=attachments,author_id,content_warning,conversation_id,created_at,edit_controls,entities,geo," +
	"in_reply_to_user_id,lang,possibly_sensitive,public_metrics,referenced_tweets,reply_settings,viewer" +
	"&user.fields=created_at,description,entities,location,pinned_tweet_id,profile_banner_url,profile_image_url,protected,url,verified" +
	"&media.fields=alt_text,blurhash,height,preview_image_url,url,width&poll.fields=duration_minutes,end_datetime,voting_status" +
	"&expansions=author_id,attachments.media_keys,attachments.poll_ids,entities.mentions.username,in_reply_to_user_id,referenced_tweets.id,referenced_tweets.id.author_id"

// TestWireShape holds the answers' bytes still. Twice: the second comes out of
// the cache of fragments and must be the same.
func TestWireShape(t *testing.T) {
	a := newAPI(Deps{BaseURL: "https://warble.test/", Clock: func() time.Time { return at(100).Time() }})
	posts := strings.NewReplacer("tweet.fields", "post.fields", "referenced_tweets.id", "referenced_posts.id", "referenced_tweets", "referenced_posts", "pinned_tweet_id", "pinned_post_id")
	for name, query := range map[string]string{"tweets.json": everything, "posts.json": posts.Replace(everything), "defaults.json": ""} {
		q, err := a.specs.home.parse(query)
		if err != nil {
			t.Fatal(err)
		}
		var first []byte
		for range 2 {
			rec := httptest.NewRecorder()
			if err := a.replyTweets(rec, httptest.NewRequest("GET", "/", nil), at(1), q, fixed(), byTweet); err != nil {
				t.Fatal(err)
			}
			if first != nil && !bytes.Equal(first, rec.Body.Bytes()) {
				t.Errorf("%s: out of the cache\n%s\nbefore\n%s", name, rec.Body, first)
			}
			first = rec.Body.Bytes()
		}
		if bytes.Contains(first, []byte("never")) || bytes.Contains(first, []byte("1990")) {
			t.Errorf("%s: private data: %s", name, first)
		}
		golden(t, name, first)
	}
}

// TestAKeptPageIsTheSameAnswer asks for a page that is kept with one query after
// the other, each twice, and holds the answers against those of the page made anew.
func TestAKeptPageIsTheSameAnswer(t *testing.T) {
	a := newAPI(Deps{BaseURL: "https://warble.test/", Clock: func() time.Time { return at(100).Time() }})
	kept := fixed()
	kept.Kept = new(atomic.Value)
	answer := func(query string, tl *read.Timeline) string {
		q, err := a.specs.home.parse(query)
		if err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		if err := a.replyTweets(rec, httptest.NewRequest("GET", "/", nil), at(1), q, tl, byTweet); err != nil {
			t.Fatal(err)
		}
		return rec.Body.String()
	}
	for _, query := range []string{
		"", "expansions=author_id", "tweet.fields=public_metrics,viewer,entities", "tweet.fields=public_metrics&expansions=author_id&user.fields=created_at", everything,
	} {
		want := answer(query, fixed())
		for range 2 {
			if got := answer(query, kept); got != want {
				t.Errorf("%s: kept\n%s\nanew\n%s", query, got, want)
			}
		}
	}
	if _, ok := kept.Kept.Load().(*spliced); !ok {
		t.Error("nothing was kept beside the page")
	}
}

func TestEveryFieldHasOneRendering(t *testing.T) {
	for _, names := range []fieldNames{tweetFields, userFields, mediaFields, pollFields, listFields, expansionNames} {
		for name := range names {
			if m, bad := names.parse(name); bad != "" || m != names[name] {
				t.Errorf("%s: %v %q", name, m, bad)
			}
		}
	}
}

func TestTokenOfAnotherListIsRefused(t *testing.T) {
	s := string(appendToken(nil, position{order: byTweet, newer: true, id: at(1)}))
	s = strings.Trim(s, `"`)
	if p, err := parseToken(s, byTweet); err != nil || !p.newer || p.id != at(1) {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := parseToken(s, byLike); err == nil {
		t.Error("a token of tweets is taken for likes")
	}
}

func FuzzToken(f *testing.F) {
	f.Add(strings.Trim(string(appendToken(nil, position{order: byTweet, id: at(1)})), `"`))
	f.Add("AQEAAAAAAAAAAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseToken(s, byTweet)
		if err != nil {
			return
		}
		if back := strings.Trim(string(appendToken(nil, p)), `"`); back != s || p.id == 0 || p.id > warble.MaxID {
			t.Errorf("%q reads as %+v, which writes as %q", s, p, back)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{everything, "max_results=5&exclude=replies", "since_id=1&until_id=2", "start_time=2026-01-01T00:00:00Z", "expansions=%zz", "a=b;c", "tweet.fields=", "end_time=1970-01-01T00:00:00Z"} {
		f.Add(s)
	}
	s := newSpecs()
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := s.user.parse(raw)
		if err != nil {
			if httpx.StatusOf(err) != 400 {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		if q.page.Limit < 5 || q.page.Limit > 100 || q.page.Before > warble.MaxID {
			t.Errorf("%q: %+v", raw, q)
		}
	})
}

func FuzzTweetBody(f *testing.F) {
	for _, s := range []string{
		`{"text":"a"}`, `{"text":"a","geo":{"coordinates":{"type":"Point","coordinates":[1,2]}}}`, `{"geo":{"coordinates":{"coordinates":[1]}}}`,
		`{"reply":{"in_reply_to_tweet_id":"1","exclude_reply_user_ids":["2"]}}`, `{"poll":{"options":["a","b"],"duration_minutes":-1}}`,
		`{"media":{"media_ids":["1","2","3","4","5"]}}`, `{"edit_options":{"previous_post_id":"0"}}`, `{"geo":null,"reply":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var b tweetBody
		err := httpx.DecodeBytes(body, &b)
		if err == nil {
			_, err = b.draft()
		}
		if err != nil && httpx.StatusOf(err) != 400 {
			t.Errorf("%q: %v", body, err)
		}
	})
}

func FuzzMultipart(f *testing.F) {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	_ = m.SetBoundary("xx")
	_ = m.WriteField("segment_index", "1")
	_ = m.WriteField("media", "bytes")
	_ = m.Close()
	f.Add(b.Bytes())
	f.Add([]byte("--xx\r\nContent-Disposition: form-data; name=media\r\n\r\n"))
	f.Add([]byte("--xx--"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=xx")
		if _, err := readFile(httptest.NewRecorder(), r); err != nil && httpx.StatusOf(err) != 400 {
			t.Errorf("%q: %v", body, err)
		}
	})
}

func FuzzString(f *testing.F) {
	f.Add("a\"\\\n\r\t\x00\x1f\xff\u2028é🎉")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") && !strings.Contains(back, "\ufffd") {
			t.Errorf("%q reads back as %q: %v", s, back, err)
		}
	})
}

func TestRateLimitEndsIn429(t *testing.T) {
	w := newWorldWith(t, auth.Options{})
	for i := range signUp.N {
		if r := w.call("", "POST", "/2/users", "{}"); r.status != 400 || r.header.Get("X-Rate-Limit-Remaining") == "" {
			t.Fatalf("request %d: %d %v", i, r.status, r.header)
		}
	}
	r := w.call("", "POST", "/2/users", "{}").want(429)
	if r.header.Get("Retry-After") == "" || r.header.Get("X-Rate-Limit-Remaining") != "0" {
		t.Errorf("headers %v", r.header)
	}
}
