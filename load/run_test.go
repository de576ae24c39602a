package load_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"warble/client"
	"warble/internal/httpx"
	"warble/load"
	"warble/role/write"
	"warble/server"
)

// serve starts a server on a store in memory, with some people.
func serve(t *testing.T, handles ...string) (url string, callers []load.Caller) {
	t.Helper()
	srv, err := server.Start(t.Context(), server.Config{Data: "mem:", Listen: "127.0.0.1:0", Target: "all", Dev: true, Quiet: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Stop(); err != nil {
			t.Error(err)
		}
	})
	for _, h := range handles {
		u, err := srv.App.Writer.Register(t.Context(), write.Registration{Handle: h, Email: h + "@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		token, err := srv.App.Auth.IssueToken(t.Context(), u.ID, httpx.AllScopes, "test")
		if err != nil {
			t.Fatal(err)
		}
		callers = append(callers, load.Caller{ID: u.ID, Token: token})
	}
	return srv.URL, callers
}

func TestLoadMakesEveryKindOfRequestWithoutAFailure(t *testing.T) {
	url, callers := serve(t, "ann", "bob", "carol")
	callers[1].ID = 0 // to be asked for
	got, err := load.Run(t.Context(), load.RunOptions{
		URL: url, Callers: callers, Mix: "home=4,post=2,like=2,search=2,profile=2,follow=1", Rate: 400, Duration: 500 * time.Millisecond, Connections: 8,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Failed) > 0 || len(got.Kinds) != len(load.Kinds())+1 {
		t.Fatalf("failed %v, kinds %+v", got.Failed, got.Kinds)
	}
	if all := got.Kinds[len(got.Kinds)-1]; all.Requests != got.Requests || got.Requests < 150 || got.Requests > 201 || !(0 < all.P50 && all.P50 <= all.P99 && all.P99 <= all.Max) {
		t.Errorf("came to %+v, want about 200 requests", got)
	}
}

// TestLatencyCountsFromTheIntendedStart: one request is held up for long and all later
// ones wait behind it on the only connection, which their latencies must show.
func TestLatencyCountsFromTheIntendedStart(t *testing.T) {
	var n atomic.Int64
	const held = 400 * time.Millisecond
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 5 {
			select {
			case <-time.After(held):
			case <-r.Context().Done():
			}
		}
		_, _ = w.Write([]byte(`{"data":{"id":"1"}}`))
	}))
	defer slow.Close()
	got, err := load.Run(t.Context(), load.RunOptions{
		URL: slow.URL, Callers: []load.Caller{{ID: 1, Token: "x"}}, Mix: "profile=1", Rate: 100, Duration: 500 * time.Millisecond, Connections: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if p50 := got.Kinds[0].P50; p50 < 100 {
		t.Errorf("half of the requests waited less than %.0f ms, though nearly all were meant to start while one was held up", p50)
	}
}

func TestLoadRefusesOtherMachinesAndMixesItDoesNotKnow(t *testing.T) {
	ok := load.RunOptions{URL: "http://127.0.0.1:1", Callers: []load.Caller{{ID: 1, Token: "x"}}, Mix: "home=1", Duration: time.Second}
	for name, change := range map[string]func(*load.RunOptions){
		"not this machine": func(o *load.RunOptions) { o.URL = "https://example.org" },
		"no address":       func(o *load.RunOptions) { o.URL = "example" },
		"mix":              func(o *load.RunOptions) { o.Mix = "home=1,dance=2" },
		"weight":           func(o *load.RunOptions) { o.Mix = "home=0" },
		"token":            func(o *load.RunOptions) { o.Callers = nil },
	} {
		o := ok
		change(&o)
		if _, err := load.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want an error that says so", name, err)
		}
	}
}

func TestTheClientSpeaksTheNativeAPI(t *testing.T) {
	url, callers := serve(t, "ann", "bob")
	ann, bob := client.New(url, callers[0].Token), client.New(url, "").As(callers[1].Token)
	ctx := t.Context()
	posted, err := bob.Post(ctx, client.NewTweet{Text: "the harbour at dawn", Key: "k1"})
	again, err2 := bob.Post(ctx, client.NewTweet{Text: "the harbour at dawn", Key: "k1"})
	if err := errors.Join(err, err2); err != nil || posted.ID == 0 || posted.ID != again.ID {
		t.Fatalf("posted %d, then %d under the same key, %v", posted.ID, again.ID, err)
	}
	answer, err := ann.Post(ctx, client.NewTweet{Text: "lovely", ReplyTo: posted.ID})
	if err := errors.Join(err, ann.Follow(ctx, callers[0].ID, callers[1].ID), ann.Like(ctx, callers[0].ID, posted.ID)); err != nil {
		t.Fatal(err)
	}
	home, err := ann.Home(ctx, callers[0].ID, client.PageQuery{Max: 10, Fields: "author_id,created_at,referenced_tweets", Expand: "author_id"})
	if err != nil || len(home.Tweets) != 2 || home.Tweets[0].ID != answer.ID || len(home.Tweets[0].Referenced) != 1 || home.Tweets[1].AuthorID != callers[1].ID || len(home.Users) != 2 {
		t.Fatalf("home is %+v, %v", home, err)
	}
	until(t, func(ctx context.Context) bool {
		found, err := ann.Search(ctx, "harbour", client.PageQuery{Max: 10})
		one, err2 := ann.Tweet(ctx, posted.ID, "public_metrics")
		who, err3 := ann.User(ctx, "bob")
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
		return len(found.Tweets) == 1 && one.Metrics.Likes == 1 && one.Metrics.Replies == 1 && who.Metrics.Followers == 1
	})
	if err := bob.Delete(ctx, posted.ID); err != nil {
		t.Fatal(err)
	}
	var e *client.Error
	if _, err := ann.Tweet(ctx, posted.ID, ""); err == nil {
		t.Error("a deleted tweet was given")
	}
	if _, err := client.New(url, "wrong").Me(ctx); !errors.As(err, &e) || e.Status != http.StatusUnauthorized {
		t.Errorf("a wrong token gave %v", err)
	}
}

// until waits for a condition that comes about behind the answer.
func until(t *testing.T, ok func(context.Context) bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			t.Fatal("it did not come about in 10 s")
		case <-tick.C:
		}
	}
}
