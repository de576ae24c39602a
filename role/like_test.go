package role_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
	"warble/role/write"

	"warble"
)

func TestLikeTwiceCountsOnce(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	tweet := n.say(ann, "like me")
	c := n.watch()
	n.ok(n.w.RecordUserTweetLike(n.ctx, bob, tweet.ID))
	first := n.edge(warble.Like, bob, tweet.ID)
	n.ok(n.w.RecordUserTweetLike(n.ctx, bob, tweet.ID))
	if n.edge(warble.Like, bob, tweet.ID) != first {
		t.Error("the second like changed the first")
	}
	if ev := c.changes[0].Events[0]; len(c.changes[0].Events) != 1 || ev.Key != ann || ev.Edges[0] != first {
		t.Errorf("event %+v", ev)
	}
	if n, err := n.Edges.Tally(n.ctx, warble.Like, tweet.ID, false, first.Part, 0); err != nil || n != 1 {
		t.Errorf("%d likes, %v", n, err)
	}
	n.ok(n.w.RemoveLike(n.ctx, bob, tweet.ID))
	n.ok(n.w.RemoveLike(n.ctx, bob, tweet.ID))
	if n.has(warble.Like, bob, tweet.ID) {
		t.Error("still liked")
	}
	wantError(t, n.w.RecordUserTweetLike(n.ctx, bob, 99), warble.ErrNotFound, "tweet")
	wantError(t, n.w.RemoveLike(n.ctx, bob, 99), warble.ErrNotFound, "tweet")
}

func TestLikeOfARetweetIsTheOriginals(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob, cat := n.person("ann"), n.person("bob"), n.person("cat")
	tweet := n.say(ann, "original")
	row, err := n.w.Retweet(n.ctx, bob, tweet.ID)
	n.ok(err)
	n.ok(n.w.RecordUserTweetLike(n.ctx, cat, row))
	n.ok(n.w.Bookmark(n.ctx, cat, row))
	if !n.has(warble.Like, cat, tweet.ID) || n.has(warble.Like, cat, row) || !n.has(warble.Bookmark, cat, tweet.ID) {
		t.Error("the like stands at the retweet")
	}
	n.ok(n.w.RemoveLike(n.ctx, cat, row))
	n.ok(n.w.RemoveBookmark(n.ctx, cat, row))
	if n.has(warble.Like, cat, tweet.ID) || n.has(warble.Bookmark, cat, tweet.ID) {
		t.Error("still marked")
	}
}

func TestRetweetTwiceGivesTheFirst(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob, cat := n.person("ann"), n.person("bob"), n.person("cat")
	tweet := n.say(ann, "original")
	first, err := n.w.Retweet(n.ctx, bob, tweet.ID)
	n.ok(err)
	second, err := n.w.Retweet(n.ctx, bob, tweet.ID)
	n.ok(err)
	viaRow, err := n.w.Retweet(n.ctx, cat, first)
	n.ok(err)
	if second != first || n.edge(warble.Retweet, bob, tweet.ID).Since != first {
		t.Errorf("retweets %v and %v", first, second)
	}
	if row := n.tweet(viaRow); row.RetweetOf != tweet.ID || row.RetweetAuthor != ann || row.Text != "" {
		t.Errorf("row %+v", row)
	}
	n.ok(n.w.RemoveRetweet(n.ctx, bob, tweet.ID))
	n.ok(n.w.RemoveRetweet(n.ctx, bob, tweet.ID))
	if n.has(warble.Retweet, bob, tweet.ID) || !n.tweet(first).Gone {
		t.Error("the retweet is half there")
	}
	third, err := n.w.Retweet(n.ctx, bob, tweet.ID)
	n.ok(err)
	if third <= first {
		t.Errorf("a new retweet got %v", third)
	}
	n.ok(n.w.DeleteTweet(n.ctx, bob, third)) // taken back through its row
	if n.has(warble.Retweet, bob, tweet.ID) || !n.tweet(third).Gone {
		t.Error("deleting the row left its edge")
	}
	n.ok(n.w.RemoveRetweet(n.ctx, cat, tweet.ID))
}

func TestOfConcurrentRetweetsTheOneOfTheEdgeStands(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	tweet := n.say(ann, "original")
	other := write.NewWriter(n.Stores, n.ids, warble.Options{Clock: n.now}) // no lock in common
	c := n.watch()
	var theirs warble.TweetID
	c.before = func(*warble.Change) { // after the first looked, before it stores
		c.before = nil
		var err error
		theirs, err = other.Retweet(n.ctx, bob, tweet.ID)
		n.ok(err)
	}
	ours, err := n.w.Retweet(n.ctx, bob, tweet.ID)
	n.ok(err)
	if ours != theirs || n.edge(warble.Retweet, bob, tweet.ID).Since != theirs {
		t.Errorf("answers %v and %v, edge %v", ours, theirs, n.edge(warble.Retweet, bob, tweet.ID).Since)
	}
	if list, _ := n.Tweets.By(n.ctx, bob, warble.Page{}); !slices.Equal(list, []warble.TweetID{theirs}) {
		t.Errorf("rows that stand: %v", list)
	}
}

func TestTweetsOfAProtectedAccountAreRetweetedByTheirAuthorOnly(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	n.follow(bob, ann)
	tweet := n.say(ann, "for friends")
	_, err := n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Protected: ptr(true)})
	n.ok(err)
	n.ok(n.w.RecordUserTweetLike(n.ctx, bob, tweet.ID))
	_, err = n.w.Retweet(n.ctx, bob, tweet.ID)
	wantError(t, err, warble.ErrForbidden, "tweet")
	_, err = n.w.Retweet(n.ctx, ann, tweet.ID)
	n.ok(err)
}

func TestAPersonVotesOnceWhileThePollIsOpen(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob, cat := n.person("ann"), n.person("bob"), n.person("cat")
	tweet := n.post(ann, write.Draft{Text: "tea?", Poll: &write.PollDraft{Options: []string{"yes", "no", "both"}, Minutes: 5}})
	if p := tweet.Poll; p.Ends != tweet.ID.Millis()+5*60_000 || len(p.Options) != 3 {
		t.Errorf("poll %+v", p)
	}
	for _, choices := range [][]int{nil, {3}, {-1}, {0, 1}} {
		wantError(t, n.w.Vote(n.ctx, bob, tweet.ID, choices), warble.ErrInvalid, "choices")
	}
	n.ok(n.w.Vote(n.ctx, bob, tweet.ID, []int{2}))
	n.ok(n.w.Vote(n.ctx, bob, tweet.ID, []int{2}))
	wantError(t, n.w.Vote(n.ctx, bob, tweet.ID, []int{1}), warble.ErrConflict, "choices")
	if e := n.edge(warble.Vote, bob, tweet.ID); e.Value != "\x04" {
		t.Errorf("vote %q", e.Value)
	}
	wantError(t, n.w.Vote(n.ctx, bob, n.say(ann, "no poll").ID, []int{0}), warble.ErrInvalid, "tweet")
	n.later(6 * time.Minute)
	wantError(t, n.w.Vote(n.ctx, cat, tweet.ID, []int{0}), warble.ErrForbidden, "tweet")
	n.ok(n.w.Vote(n.ctx, bob, tweet.ID, []int{2}))
}

func TestConcurrentVotesOfOnePersonAreOne(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	tweet := n.post(ann, write.Draft{Text: "?", Poll: &write.PollDraft{Options: []string{"a", "b", "c", "d"}, Minutes: 60}})
	var mu sync.Mutex
	won := 0
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			err := n.w.Vote(n.ctx, ann, tweet.ID, []int{i})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, warble.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d votes", won)
	}
}
