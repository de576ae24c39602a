package role_test

import (
	"encoding/json"
	"testing"
	"warble/role/read"
	"warble/role/write"

	"warble"
)

// TestAKeptHomeShowsEveryWriteAtOnce reads one home again after every kind of
// write that can change it, and holds it against what a reader makes that keeps nothing yet.
func TestAKeptHomeShowsEveryWriteAtOnce(t *testing.T) {
	n := newTown(t, warble.Options{})
	me, ann, bob, cat := n.person("eve"), n.person("ann"), n.person("bob"), n.person("cat")
	n.follow(me, ann)
	n.follow(me, bob)
	n.follow(cat, ann) // for her to see ann's tweets when they are private
	ann1 := n.say(ann, "first")
	cat1 := n.say(cat, "quoted")
	bob1 := n.post(bob, write.Draft{Text: "look", QuoteOf: cat1.ID})
	poll := n.post(bob, write.Draft{Text: "tea?", Poll: &write.PollDraft{Options: []string{"yes", "no"}, Minutes: 5}})
	n.post(ann, write.Draft{Text: "to bob", ReplyTo: bob1.ID})
	var retweet warble.TweetID
	r, f := n.roles(warble.Options{})
	q := read.TimelineQuery{Page: warble.Page{Limit: 20}, Include: read.Include{Counts: true, Flags: true, Refs: true, Mentioned: true}}
	seen := func(r *read.Reader) string {
		tl, err := r.GenerateTimeline(n.ctx, me, q)
		n.ok(err)
		b, err := json.Marshal(tl)
		n.ok(err)
		return string(b)
	}
	n.carry(f)
	last := ""
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"like", func() error { return n.w.RecordUserTweetLike(n.ctx, me, ann1.ID) }},
		{"like taken back", func() error { return n.w.RemoveLike(n.ctx, me, ann1.ID) }},
		{"bookmark", func() error { return n.w.Bookmark(n.ctx, me, ann1.ID) }},
		{"like of another, counted", func() error {
			err := n.w.RecordUserTweetLike(n.ctx, cat, ann1.ID)
			n.carry(f)
			return err
		}},
		{"vote", func() error { return n.w.Vote(n.ctx, me, poll.ID, []int{1}) }},
		{"vote of another, counted", func() error {
			err := n.w.Vote(n.ctx, cat, poll.ID, []int{1})
			n.carry(f)
			return err
		}},
		{"edit", func() error {
			_, err := n.w.EditTweet(n.ctx, ann, ann1.ID, write.Draft{Text: "first, edited"})
			return err
		}},
		{"edit of what is quoted", func() error {
			_, err := n.w.EditTweet(n.ctx, cat, cat1.ID, write.Draft{Text: "quoted, edited"})
			return err
		}},
		{"new name", func() error {
			_, err := n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Name: ptr("Ann the Second")})
			return err
		}},
		{"retweet", func() (err error) {
			retweet, err = n.w.Retweet(n.ctx, bob, cat1.ID)
			n.carry(f)
			return err
		}},
		{"retweet taken back", func() error { return n.w.RemoveRetweet(n.ctx, bob, cat1.ID) }},
		{"quoted one blocks", func() error { return n.w.Block(n.ctx, cat, me) }},
		{"quoted one unblocks", func() error { return n.w.Unblock(n.ctx, cat, me) }},
		{"quoted one goes private", func() error {
			_, err := n.w.EditProfile(n.ctx, cat, write.ProfileEdit{Protected: ptr(true)})
			return err
		}},
		{"mute", func() error { return n.w.Mute(n.ctx, me, ann) }},
		{"unmute", func() error { return n.w.Unmute(n.ctx, me, ann) }},
		{"suspension", func() error { return n.w.Suspend(n.ctx, ann, true) }},
		{"its end", func() error { return n.w.Suspend(n.ctx, ann, false) }},
		{"own tweet", func() error { _, err := n.w.PostTweet(n.ctx, me, write.Draft{Text: "mine"}); return err }},
		{"deletion", func() error { return n.w.DeleteTweet(n.ctx, ann, ann1.ID) }},
		{"account deleted", func() error { return n.w.DeleteAccount(n.ctx, ann) }},
		{"unfollow", func() error { return n.w.Unfollow(n.ctx, me, bob) }},
	} {
		before := seen(r)
		if again := seen(r); again != before { // from here on the page is kept
			t.Fatalf("before %s: two reads differ", step.name)
		}
		n.ok(step.do())
		fresh, _ := n.roles(warble.Options{})
		after, want := seen(r), seen(fresh)
		if after != want {
			t.Errorf("after %s the kept home is\n%s\nand anew\n%s", step.name, after, want)
		}
		if after == before {
			t.Errorf("%s changed nothing in the home", step.name)
		}
		last = after
	}
	if retweet == 0 || last == "" {
		t.Error("a step was left out")
	}
}
