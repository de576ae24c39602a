package twitter

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestPostedTweetIsReadable(t *testing.T) {
	w := newWorld(t)
	ann := w.join("ann")
	r := ann.post("/2/tweets", map[string]any{"text": "hello #world", "geo": map[string]any{
		"name": "Boston", "coordinates": map[string]any{"type": "Point", "coordinates": []float64{-71.06, 42.36}}}}).want(201)
	id := r.str("data", "id")
	if r.str("data", "text") != "hello #world" || r.str("data", "edit_history_tweet_ids", 0) != id {
		t.Errorf("answer %s", r.body)
	}
	got := w.get("/2/tweets/" + id + "?tweet.fields=geo,entities,public_metrics&expansions=author_id").want(200)
	if got.str("data", "geo", "name") != "Boston" || got.at("data", "geo", "coordinates", "coordinates", 1) != 42.36 {
		t.Errorf("geo: %s", got.body)
	}
	if got.str("data", "geo", "place_id") == "" || got.str("data", "entities", "hashtags", 0, "tag") != "world" {
		t.Errorf("geo or entities: %s", got.body)
	}
	if got.str("includes", "users", 0, "username") != "ann" {
		t.Errorf("includes: %s", got.body)
	}
	if got := w.get("/2/tweets/" + id + "?post.fields=public_metrics").want(200); got.at("data", "public_metrics", "repost_count") != 0.0 {
		t.Errorf("post words: %s", got.body)
	}
}

func TestHomeWalksEveryTweetOnce(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	ann.follow(bob)
	var want []string
	for i := range 23 {
		want = append(want, bob.tweet(fmt.Sprint("tweet ", i)))
	}
	slices.Reverse(want)
	var got []string
	path := ann.own("/timelines/reverse_chronological?max_results=5")
	for token := ""; ; {
		r := ann.get(path + token).want(200)
		got = append(got, r.ids()...)
		next, _ := r.at("meta", "next_token").(string)
		if next == "" {
			break
		}
		token = "&pagination_token=" + next
		if len(got) == 10 {
			bob.tweet("comes while walking")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("walk gave %v, want %v", got, want)
	}
}

func TestPreviousTokenLeadsBack(t *testing.T) {
	w := newWorld(t)
	ann := w.join("ann")
	for i := range 15 {
		ann.tweet(fmt.Sprint("tweet ", i))
	}
	path := ann.own("/tweets?max_results=5")
	first := ann.get(path).want(200)
	second := ann.get(path + "&pagination_token=" + first.str("meta", "next_token")).want(200)
	back := ann.get(path + "&pagination_token=" + second.str("meta", "previous_token")).want(200)
	if !slices.Equal(back.ids(), first.ids()) {
		t.Errorf("back gave %v, want %v", back.ids(), first.ids())
	}
}

func TestRetweetShowsOriginal(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	id := ann.tweet("the original")
	r := bob.post(bob.own("/retweets"), map[string]string{"tweet_id": id}).want(200)
	if again := bob.post(bob.own("/retweets"), map[string]string{"tweet_id": id}).want(200); string(again.body) != string(r.body) {
		t.Errorf("second retweet %s, first %s", again.body, r.body)
	}
	got := w.get(bob.own("/tweets?tweet.fields=referenced_tweets&expansions=referenced_tweets.id.author_id")).want(200)
	if got.str("data", 0, "text") != "RT @ann: the original" || got.str("data", 0, "id") != r.str("data", "rest_id") {
		t.Errorf("retweet: %s", got.body)
	}
	if got.str("includes", "tweets", 0, "id") != id || got.str("includes", "users", 0, "username") != "ann" {
		t.Errorf("includes: %s", got.body)
	}
	bob.delete(bob.own("/retweets/" + id)).want(200)
	if got := w.get(bob.own("/tweets")).want(200); len(got.list("data")) != 0 || got.at("meta", "result_count") != 0.0 {
		t.Errorf("after taking back: %s", got.body)
	}
}

func TestEngagementShowsAtOnce(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	id := ann.tweet("like me")
	body := map[string]string{"tweet_id": id}
	if r := bob.post(bob.own("/likes"), body).want(200); r.at("data", "liked") != true {
		t.Errorf("like: %s", r.body)
	}
	bob.post(bob.own("/bookmarks"), body).want(200)
	r := bob.get("/2/tweets/" + id + "?tweet.fields=viewer,public_metrics").want(200)
	if r.at("data", "viewer", "liked") != true || r.at("data", "viewer", "bookmarked") != true || r.at("data", "viewer", "retweeted") != false {
		t.Errorf("viewer: %s", r.body)
	}
	if r.at("data", "public_metrics", "like_count") != 1.0 {
		t.Errorf("a count is below what the viewer's own flag implies: %s", r.body)
	}
	eventually(t, "like counted", func() bool {
		return w.get("/2/tweets/"+id+"?tweet.fields=public_metrics").at("data", "public_metrics", "like_count") == 1.0
	})
	if r := ann.get("/2/tweets/" + id + "/liking_users").want(200); r.str("data", 0, "username") != "bob" {
		t.Errorf("liking users: %s", r.body)
	}
	if r := bob.get(bob.own("/bookmarks")).want(200); !slices.Equal(r.ids(), []string{id}) {
		t.Errorf("bookmarks: %s", r.body)
	}
	if r := bob.delete(bob.own("/likes/" + id)).want(200); r.at("data", "liked") != false {
		t.Errorf("unlike: %s", r.body)
	}
	if r := bob.get(bob.own("/liked_tweets")).want(200); len(r.ids()) != 0 {
		t.Errorf("liked after unlike: %s", r.body)
	}
}

func TestMissingAmongSeveralComesInErrors(t *testing.T) {
	w := newWorld(t)
	ann := w.join("ann")
	id := ann.tweet("here")
	r := w.get("/2/tweets?ids=" + id + ",12345").want(200)
	if !slices.Equal(r.ids(), []string{id}) || r.str("errors", 0, "resource_id") != "12345" || r.str("errors", 0, "parameter") != "ids" {
		t.Errorf("answer %s", r.body)
	}
	if r.str("errors", 0, "type") != "https://api.x.com/2/problems/resource-not-found" {
		t.Errorf("type: %s", r.body)
	}
	r = w.get("/2/users/by?usernames=ann,nobody").want(200)
	if r.str("data", 0, "username") != "ann" || r.str("errors", 0, "value") != "nobody" {
		t.Errorf("answer %s", r.body)
	}
	w.get("/2/tweets/12345").want(404)
	w.get("/2/users/12345").want(404)
	w.get("/2/users/by/username/nobody").want(404)
}

func TestBadInputNamesParameter(t *testing.T) {
	w := newWorld(t)
	ann := w.join("ann")
	gone := ann.tweet("soon gone")
	ann.delete("/2/tweets/" + gone).want(200)
	five := []string{"1", "2", "3", "4", "5"}
	for _, c := range []struct {
		name, method, path string
		body               any
		status             int
		param              string
	}{
		{"text too long", "POST", "/2/tweets", map[string]any{"text": strings.Repeat("a", 281)}, 400, "text"},
		{"empty", "POST", "/2/tweets", map[string]any{"text": " "}, 400, "text"},
		{"five photos", "POST", "/2/tweets", map[string]any{"text": "a", "media": map[string]any{"media_ids": five}}, 400, "media.media_ids"},
		{"foreign photo", "POST", "/2/tweets", map[string]any{"text": "a", "media": map[string]any{"media_ids": five[:1]}}, 404, "media.media_ids"},
		{"reply to deleted", "POST", "/2/tweets", map[string]any{"text": "a", "reply": map[string]any{"in_reply_to_tweet_id": gone}}, 404, "reply.in_reply_to_tweet_id"},
		{"like unknown", "POST", ann.own("/likes"), map[string]string{"tweet_id": "77"}, 404, "tweet_id"},
		{"follow self", "POST", ann.own("/following"), map[string]string{"target_user_id": ann.id.String()}, 400, "target_user_id"},
		{"bad quote", "POST", "/2/tweets", `{"text":"a","quote_tweet_id":"x"}`, 400, "quote_tweet_id"},
		{"bad reply", "POST", "/2/tweets", `{"text":"a","reply":{"in_reply_to_tweet_id":"-1"}}`, 400, "reply.in_reply_to_tweet_id"},
		{"bad photo", "POST", "/2/tweets", `{"text":"a","media":{"media_ids":[""]}}`, 400, "media.media_ids"},
		{"photo of no id", "POST", "/2/media/metadata", `{"id":"x"}`, 400, "id"},
		{"unknown member", "POST", "/2/tweets", `{"txt":"a"}`, 400, "txt"},
		{"wrong type", "POST", "/2/tweets", `{"text":5}`, 400, "text"},
		{"two documents", "POST", "/2/tweets", `{"text":"a"}{}`, 400, "body"},
		{"no JSON", "POST", "/2/tweets", `hello`, 400, "body"},
		{"poll of one", "POST", "/2/tweets", map[string]any{"text": "a", "poll": map[string]any{"options": five[:1], "duration_minutes": 5}}, 400, "poll.options"},
		{"reply settings", "POST", "/2/tweets", map[string]any{"text": "a", "reply_settings": "nobody"}, 400, "reply_settings"},
		{"unknown field", "GET", "/2/tweets/" + gone + "?tweet.fields=nope", nil, 400, "tweet.fields"},
		{"unknown expansion", "GET", "/2/tweets/" + gone + "?expansions=nope", nil, 400, "expansions"},
		{"unknown parameter", "GET", "/2/tweets/" + gone + "?nope=1", nil, 400, "nope"},
		{"no ids", "GET", "/2/tweets", nil, 400, "ids"},
		{"bad ids", "GET", "/2/tweets?ids=1,x", nil, 400, "ids"},
		{"too few results", "GET", ann.own("/tweets?max_results=4"), nil, 400, "max_results"},
		{"too many results", "GET", ann.own("/tweets?max_results=101"), nil, 400, "max_results"},
		{"foreign token", "GET", ann.own("/tweets?pagination_token=AAAA"), nil, 400, "pagination_token"},
		{"bad time", "GET", ann.own("/tweets?start_time=yesterday"), nil, 400, "start_time"},
		{"times crossed", "GET", ann.own("/tweets?start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z"), nil, 400, "start_time"},
		{"long query", "GET", "/2/tweets/search/recent?query=" + strings.Repeat("a", 513), nil, 400, "query"},
		{"no query", "GET", "/2/tweets/search/recent", nil, 400, "query"},
		{"bad id", "GET", "/2/tweets/abc", nil, 400, "id"},
		{"bad username", "GET", "/2/users/by/username/a-b", nil, 400, "username"},
		{"short password", "POST", "/2/users", map[string]string{"username": "carl", "name": "C", "email": "c@warble.test", "password": "short"}, 400, "password"},
		{"handle taken", "POST", "/2/users", map[string]string{"username": "ANN", "name": "C", "email": "c@warble.test", "password": "long enough"}, 409, "username"},
		{"own id only", "POST", "/2/users/1/likes", map[string]string{"tweet_id": "77"}, 403, "id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := w.call(ann.token, c.method, c.path, c.body)
			r.t = t
			r.want(c.status)
			if got := r.str("errors", 0, "parameter"); got != c.param {
				t.Errorf("parameter %q, want %q: %s", got, c.param, r.body)
			}
			if r.str("title") == "" || r.str("type") == "" || r.at("status") != float64(c.status) {
				t.Errorf("not a problem document: %s", r.body)
			}
		})
	}
}

func TestUnknownPathAndMethodAreProblems(t *testing.T) {
	w := newWorld(t)
	if r := w.get("/2/nothing").want(404); r.str("title") != "Not Found Error" {
		t.Errorf("404: %s", r.body)
	}
	r := w.call("", "PUT", "/2/tweets", "{}").want(405)
	if !strings.Contains(r.header.Get("Allow"), "POST") || r.at("status") != 405.0 {
		t.Errorf("405: %v %s", r.header, r.body)
	}
}

func TestFollowPrivateAccountByRequest(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	w.call(ann.token, "PATCH", "/2/users/me", map[string]any{"protected": true}).want(200)
	r := bob.post(bob.own("/following"), map[string]string{"target_user_id": ann.id.String()}).want(200)
	if r.at("data", "following") != false || r.at("data", "pending_follow") != true {
		t.Errorf("follow: %s", r.body)
	}
	if r := bob.get("/2/users/" + ann.id.String() + "?user.fields=connection_status").want(200); r.str("data", "connection_status", 0) != "follow_request_sent" {
		t.Errorf("connection: %s", r.body)
	}
	if r := ann.get(ann.own("/follow_requests")).want(200); r.str("data", 0, "username") != "bob" {
		t.Errorf("requests: %s", r.body)
	}
	ann.post(ann.own("/follow_requests/"+bob.id.String()+"/accept"), nil).want(200)
	id := ann.tweet("for followers")
	bob.get("/2/tweets/" + id).want(200)
	if r := w.get("/2/tweets/" + id); r.status == 200 {
		t.Errorf("anonymous reads a private tweet: %s", r.body)
	}
}

func TestListsOfPeopleAndTheirTweets(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	id := bob.tweet("on the list")
	list := ann.post("/2/lists", map[string]any{"name": "Friends", "description": "d"}).want(201).str("data", "id")
	ann.post("/2/lists/"+list+"/members", map[string]string{"user_id": bob.id.String()}).want(200)
	if r := w.get("/2/lists/" + list + "/tweets").want(200); !slices.Equal(r.ids(), []string{id}) {
		t.Errorf("tweets: %s", r.body)
	}
	if r := w.get("/2/lists/" + list + "/members").want(200); r.str("data", 0, "username") != "bob" {
		t.Errorf("members: %s", r.body)
	}
	eventually(t, "members counted", func() bool {
		r := w.get("/2/lists/" + list + "?list.fields=member_count,owner_id&expansions=owner_id")
		return r.at("data", "member_count") == 1.0 && r.at("includes", "users", 0, "username") == "ann"
	})
	bob.post(bob.own("/followed_lists"), map[string]string{"list_id": list}).want(200)
	ann.post(ann.own("/pinned_lists"), map[string]string{"list_id": list}).want(200)
	for path, who := range map[string]*someone{"/owned_lists": ann, "/pinned_lists": ann, "/followed_lists": bob, "/list_memberships": bob} {
		if r := who.get(who.own(path)).want(200); !slices.Equal(r.ids(), []string{list}) {
			t.Errorf("%s: %s", path, r.body)
		}
	}
	if r := w.call(ann.token, "PUT", "/2/lists/"+list, map[string]any{"private": true}).want(200); r.at("data", "updated") != true {
		t.Errorf("update: %s", r.body)
	}
	w.get("/2/lists/" + list).want(404)
	ann.delete("/2/lists/" + list).want(200)
	ann.get("/2/lists/" + list).want(404)
}

func TestSearchFindsNewestFirst(t *testing.T) {
	w := newWorld(t)
	ann := w.join("ann")
	first := ann.tweet("a rare pangolin")
	second := ann.tweet("another pangolin #zoo")
	eventually(t, "both are found", func() bool {
		return slices.Equal(w.get("/2/tweets/search/recent?query=pangolin").want(200).ids(), []string{second, first})
	})
	if r := w.get("/2/tweets/search/all?query=%23zoo&max_results=500").want(200); !slices.Equal(r.ids(), []string{second}) {
		t.Errorf("tag: %s", r.body)
	}
	r := w.get("/2/tweets/counts/recent?query=pangolin&granularity=day").want(200)
	if r.at("meta", "total_tweet_count") != 2.0 {
		t.Errorf("counts: %s", r.body)
	}
	eventually(t, "ann is found", func() bool {
		return w.get("/2/users/search?query=ann").want(200).at("data", 0, "username") == "ann"
	})
}

func TestNotificationsSayWhoAndWhat(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	id := ann.tweet("hi")
	bob.post(bob.own("/likes"), map[string]string{"tweet_id": id}).want(200)
	bob.follow(ann)
	eventually(t, "two notices", func() bool { return len(ann.get("/2/users/me/notifications").want(200).list("data")) == 2 })
	r := ann.get("/2/users/me/notifications")
	if r.str("data", 0, "type") != "follow" || r.str("data", 1, "type") != "like" || r.str("data", 1, "tweet_id") != id {
		t.Errorf("notices: %s", r.body)
	}
	if r.str("includes", "users", 0, "username") != "bob" || r.str("includes", "tweets", 0, "id") != id {
		t.Errorf("includes: %s", r.body)
	}
}

func TestEditKeepsHistory(t *testing.T) {
	w := newWorld(t)
	ann := w.join("ann")
	id := ann.tweet("frist")
	r := ann.post("/2/tweets", map[string]any{"text": "first", "edit_options": map[string]string{"previous_post_id": id}}).want(201)
	if r.str("data", "id") != id || r.str("data", "text") != "first" {
		t.Errorf("edit: %s", r.body)
	}
	if got := w.get("/2/tweets/" + id).want(200); got.str("data", "text") != "first" {
		t.Errorf("read: %s", got.body)
	}
	h := w.get("/2/tweets/" + id + "/history").want(200)
	if h.str("data", 0, "text") != "first" || h.str("data", 1, "text") != "frist" || h.at("data", 0, "version") != 2.0 {
		t.Errorf("history: %s", h.body)
	}
}

func TestRegisteredPersonSignsIn(t *testing.T) {
	w := newWorld(t)
	r := w.call("", "POST", "/2/users", map[string]string{
		"username": "dora", "name": "Dora", "email": "dora@warble.test", "password": "correct horse", "date_of_birth": "1990-05-06"}).want(201)
	if strings.Contains(string(r.body), "1990") || strings.Contains(string(r.body), "dora@") {
		t.Errorf("private data in the answer: %s", r.body)
	}
	u, err := w.auth.SignIn(t.Context(), "DORA@warble.test", "correct horse", noAddr)
	if err != nil || u.ID.String() != r.str("data", "id") {
		t.Errorf("sign in: %v %v", u, err)
	}
	if _, err := w.auth.SignIn(t.Context(), "dora", "wrong horse", noAddr); err == nil {
		t.Error("a wrong password signs in")
	}
}
