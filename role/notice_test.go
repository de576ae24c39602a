package role_test

import (
	"testing"
	"time"
	"warble/role/read"
	"warble/role/write"

	"warble"
)

func (n *town) notices(r *read.Reader, viewer warble.UserID) []read.Notification {
	n.Helper()
	list, _, err := r.Notifications(n.ctx, viewer, warble.Page{})
	n.ok(err)
	return list
}

func TestAMentionThatAnEditTookOutIsNoLongerNoticed(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{})
	ann, ben := n.person("ann"), n.person("ben")
	tweet := n.say(ann, "hello @ben")
	n.carry(f)
	if got := n.notices(r, ben); len(got) != 1 || got[0].Kind != warble.NoticeMention {
		t.Fatalf("notices of a mention: %+v", got)
	}
	_, err := n.w.EditTweet(n.ctx, ann, tweet.ID, write.Draft{Text: "hello"})
	n.ok(err)
	if got := n.notices(r, ben); len(got) != 0 {
		t.Errorf("after the edit there are notices: %+v", got)
	}
}

func TestTheEndOfAPollIsNewsWhenItEnds(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{})
	ann, ben := n.person("ann"), n.person("ben")
	poll := n.post(ann, write.Draft{Text: "?", Poll: &write.PollDraft{Options: []string{"a", "b"}, Minutes: 60}})
	n.ok(n.w.Vote(n.ctx, ben, poll.ID, []int{1}))
	n.carry(f)
	n.later(30 * time.Minute)
	for _, user := range []warble.UserID{ann, ben} {
		_, err := n.w.Follow(n.ctx, n.person("fan"+user.String()[10:]), user)
		n.ok(err)
	}
	n.carry(f)
	n.later(45 * time.Minute)
	n.settle(f, func() bool { return len(n.notices(r, ann)) == 2 && len(n.notices(r, ben)) == 2 })
	for _, user := range []warble.UserID{ann, ben} {
		first := n.notices(r, user)[0]
		if first.Kind != warble.NoticePollEnded || first.At.UnixMilli() != poll.Poll.Ends {
			t.Errorf("the newest notice is %+v", first)
		}
	}
}

func TestARequestThatCameWhileTheAccountWentPublicIsAccepted(t *testing.T) {
	n := newTown(t, warble.Options{})
	_, f := n.roles(warble.Options{})
	ann, ben := n.person("ann"), n.person("ben")
	private, public := true, false
	_, err := n.w.EditProfile(n.ctx, ben, write.ProfileEdit{Protected: &private})
	n.ok(err)
	c, once := n.watch(), false
	c.before = func(ch *warble.Change) {
		if once || len(ch.Put) != 1 || ch.Put[0].Kind != warble.FollowRequest {
			return
		}
		once = true
		_, err := n.w.EditProfile(n.ctx, ben, write.ProfileEdit{Protected: &public})
		n.ok(err)
		n.carry(f)
	}
	_, err = n.w.Follow(n.ctx, ann, ben)
	n.ok(err)
	n.carry(f)
	if !n.has(warble.Follow, ann, ben) || n.has(warble.FollowRequest, ann, ben) {
		t.Error("the request waits for an account that is public")
	}
}
