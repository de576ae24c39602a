package role_test

import (
	"testing"
	"warble/role/write"

	"warble"
)

// elsewhere is a writer of another process, which shares no lock with the town's.
func (n *town) elsewhere() *write.Writer {
	s := *n.Stores // without what is watched from here on
	return write.NewWriter(&s, n.ids, warble.Options{Clock: n.now})
}

func (n *town) protect(user warble.UserID, on bool) {
	n.Helper()
	_, err := n.elsewhere().EditProfile(n.ctx, user, write.ProfileEdit{Protected: &on})
	n.ok(err)
}

// first runs do before the next change is stored.
func (c *watched) first(do func()) {
	c.before = func(*warble.Change) { c.before = nil; do() }
}

func TestARequestWithdrawnWhileItIsAcceptedMakesNoFollow(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	other := n.elsewhere()
	n.protect(bob, true)
	accept := map[string]func() error{
		"by its owner": func() error { return n.w.AcceptFollow(n.ctx, bob, ann) },
		"by the job": func() error {
			return warble.AcceptRequest(n.ctx, n.Stores, n.ids, n.edge(warble.FollowRequest, ann, bob))
		},
	}
	for name, accept := range accept {
		t.Run(name, func(t *testing.T) {
			n.follow(ann, bob)
			n.watch().first(func() { n.ok(other.Unfollow(n.ctx, ann, bob)) })
			if err := accept(); name == "by its owner" {
				wantError(t, err, warble.ErrNotFound, "from")
			} else {
				n.ok(err)
			}
			if n.has(warble.Follow, ann, bob) || n.has(warble.FollowRequest, ann, bob) {
				t.Error("a follow or a request that nobody wants stands")
			}
		})
	}
}

func TestARequestAcceptedTwiceAtOnceIsAFollow(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	other := n.elsewhere()
	n.protect(bob, true)
	n.follow(ann, bob)
	n.watch().first(func() { n.ok(other.AcceptFollow(n.ctx, bob, ann)) })
	n.ok(n.w.AcceptFollow(n.ctx, bob, ann))
	if !n.has(warble.Follow, ann, bob) {
		t.Error("the follow was taken back")
	}
}

func TestAFollowThatCrossesGoingPrivateBecomesARequest(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	n.watch().first(func() { n.protect(bob, true) })
	if state := n.follow(ann, bob); state != write.Requested || n.has(warble.Follow, ann, bob) || !n.has(warble.FollowRequest, ann, bob) {
		t.Errorf("state %v", state)
	}
}

func TestGoingPrivateKeepsAFollowThatIsPutAgain(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	other := n.elsewhere()
	n.watch().first(func() {
		_, err := other.Follow(n.ctx, ann, bob)
		n.ok(err)
		n.protect(bob, true)
	})
	if state := n.follow(ann, bob); state != write.Following || !n.has(warble.Follow, ann, bob) {
		t.Errorf("state %v", state)
	}
}

func TestWhatCrossesAFollowBecomingARequestHolds(t *testing.T) {
	for name, meanwhile := range map[string]func(n *town, w *write.Writer, ann, bob warble.UserID) error{
		"a block":     func(n *town, w *write.Writer, ann, bob warble.UserID) error { return w.Block(n.ctx, bob, ann) },
		"an unfollow": func(n *town, w *write.Writer, ann, bob warble.UserID) error { return w.Unfollow(n.ctx, ann, bob) },
	} {
		t.Run(name, func(t *testing.T) {
			n := newTown(t, warble.Options{})
			ann, bob := n.person("ann"), n.person("bob")
			other, seen := n.elsewhere(), n.watch()
			seen.first(func() {
				n.protect(bob, true)
				seen.first(func() { n.ok(meanwhile(n, other, ann, bob)) })
			})
			if _, err := n.w.Follow(n.ctx, ann, bob); name == "a block" {
				wantError(t, err, warble.ErrForbidden, "target")
			} else {
				n.ok(err)
			}
			if n.has(warble.Follow, ann, bob) || n.has(warble.FollowRequest, ann, bob) {
				t.Error("a follow or a request stands")
			}
		})
	}
}
