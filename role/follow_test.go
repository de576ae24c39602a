package role_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
	"warble/role/write"

	"warble"
)

// withHome gives a person a stored home; home says whether it stands.
func (n *town) withHome(users ...warble.UserID) {
	n.Helper()
	for _, user := range users {
		n.ok(n.Timelines.Build(n.ctx, user, func(context.Context) ([]warble.TweetID, warble.TweetID, error) { return nil, 0, nil }))
	}
}

func (n *town) home(user warble.UserID) bool {
	n.Helper()
	_, _, ok, err := n.Timelines.Read(n.ctx, user, warble.Page{})
	n.ok(err)
	return ok
}

func (n *town) follow(user, target warble.UserID) write.FollowState {
	n.Helper()
	state, err := n.w.Follow(n.ctx, user, target)
	n.ok(err)
	return state
}

func TestFollowsThatBreakARuleNameTheParameter(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob, cat := n.person("ann"), n.person("bob"), n.person("cat")
	n.ok(n.w.DeleteAccount(n.ctx, cat))
	_, err := n.w.Follow(n.ctx, ann, ann)
	wantError(t, err, warble.ErrInvalid, "target")
	_, err = n.w.Follow(n.ctx, ann, 99)
	wantError(t, err, warble.ErrNotFound, "target")
	_, err = n.w.Follow(n.ctx, ann, cat)
	wantError(t, err, warble.ErrNotFound, "target")
	n.ok(n.w.Block(n.ctx, ann, bob))
	_, err = n.w.Follow(n.ctx, ann, bob)
	wantError(t, err, warble.ErrForbidden, "target")
	_, err = n.w.Follow(n.ctx, bob, ann)
	wantError(t, err, warble.ErrForbidden, "target")
}

func TestFollowTwiceKeepsItsMoment(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	n.follow(ann, bob)
	first := n.edge(warble.Follow, ann, bob)
	if n.follow(ann, bob) != write.Following || n.edge(warble.Follow, ann, bob) != first {
		t.Error("the second follow changed something")
	}
	n.ok(n.w.Unfollow(n.ctx, ann, bob))
	n.ok(n.w.Unfollow(n.ctx, ann, bob))
	n.follow(ann, bob)
	if again := n.edge(warble.Follow, ann, bob); again.Since <= first.Since {
		t.Errorf("since %v, before the removal %v", again.Since, first.Since)
	}
}

func TestFollowAndUnfollowDropTheFollowersHome(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	n.withHome(ann, bob)
	n.follow(ann, bob)
	if n.home(ann) || !n.home(bob) {
		t.Error("after the follow")
	}
	n.withHome(ann)
	n.ok(n.w.Unfollow(n.ctx, ann, bob))
	if n.home(ann) {
		t.Error("after the unfollow")
	}
}

func TestAProtectedAccountIsAsked(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob, cat := n.person("ann"), n.person("bob"), n.person("cat")
	_, err := n.w.EditProfile(n.ctx, bob, write.ProfileEdit{Protected: ptr(true)})
	n.ok(err)
	first, second := n.follow(ann, bob), n.follow(ann, bob)
	if first != write.Requested || second != write.Requested || n.has(warble.Follow, ann, bob) {
		t.Fatal("a protected account was followed without asking")
	}
	n.withHome(ann)
	c := n.watch()
	n.ok(n.w.AcceptFollow(n.ctx, bob, ann))
	if len(c.changes) != 1 || !n.has(warble.Follow, ann, bob) || n.has(warble.FollowRequest, ann, bob) || n.home(ann) {
		t.Error("accepting is not one change with its effects")
	}
	n.ok(n.w.AcceptFollow(n.ctx, bob, ann))
	n.follow(cat, bob)
	n.ok(n.w.RejectFollow(n.ctx, bob, cat))
	wantError(t, n.w.RejectFollow(n.ctx, bob, cat), warble.ErrNotFound, "from")
	wantError(t, n.w.AcceptFollow(n.ctx, bob, cat), warble.ErrNotFound, "from")
	n.follow(cat, bob)
	n.ok(n.w.Unfollow(n.ctx, cat, bob))
	if n.has(warble.FollowRequest, cat, bob) {
		t.Error("unfollowing did not withdraw the request")
	}
	n.ok(n.w.RemoveFollower(n.ctx, bob, ann))
	if n.has(warble.Follow, ann, bob) {
		t.Error("the follower is still there")
	}
}

func TestBlockEndsFollowsAndRequestsBothWaysInOneChange(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	n.follow(ann, bob)
	_, err := n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Protected: ptr(true)})
	n.ok(err)
	n.follow(bob, ann)
	n.withHome(ann, bob)
	c := n.watch()
	n.ok(n.w.Block(n.ctx, ann, bob))
	if len(c.changes) != 1 || n.has(warble.Follow, ann, bob) || n.has(warble.FollowRequest, bob, ann) || !n.has(warble.Block, ann, bob) {
		t.Errorf("%d changes", len(c.changes))
	}
	if n.home(ann) || n.home(bob) {
		t.Error("a home still stands")
	}
	n.ok(n.w.Unblock(n.ctx, ann, bob))
	if n.has(warble.Block, ann, bob) || n.has(warble.Follow, ann, bob) {
		t.Error("after the unblock")
	}
	wantError(t, n.w.Block(n.ctx, ann, ann), warble.ErrInvalid, "target")
	wantError(t, n.w.Mute(n.ctx, ann, ann), warble.ErrInvalid, "target")
	n.ok(n.w.Mute(n.ctx, ann, bob))
	if !n.has(warble.Mute, ann, bob) {
		t.Error("not muted")
	}
	n.ok(n.w.Unmute(n.ctx, ann, bob))
	if n.has(warble.Mute, ann, bob) {
		t.Error("still muted")
	}
}

func TestAFollowThatCrossesABlockDoesNotOutliveIt(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	other := write.NewWriter(n.Stores, n.ids, warble.Options{Clock: n.now})
	c := n.watch()
	c.before = func(*warble.Change) { // after the follow looked for blocks, before it is stored
		c.before = nil
		n.ok(other.Block(n.ctx, bob, ann))
	}
	_, err := n.w.Follow(n.ctx, ann, bob)
	wantError(t, err, warble.ErrForbidden, "target")
	if n.has(warble.Follow, ann, bob) {
		t.Error("the follow stands beside the block")
	}
}

func TestFollowsStopAtTheLimitAndImportsDoNot(t *testing.T) {
	n := newTown(t, warble.Options{MaxFollowing: 5})
	ann := n.person("ann")
	var people []warble.UserID
	for i := range 8 {
		people = append(people, n.person(fmt.Sprintf("u%d", i)))
	}
	var wg sync.WaitGroup
	for _, p := range people[:6] {
		wg.Go(func() { n.w.Follow(n.ctx, ann, p) })
	}
	wg.Wait()
	edges, err := n.Edges.From(n.ctx, warble.Follow, ann, warble.Page{})
	n.ok(err)
	if len(edges) != 5 {
		t.Errorf("follows %d", len(edges))
	}
	_, err = n.w.Follow(n.ctx, ann, people[7])
	wantError(t, err, warble.ErrLimit, "target")
	n.ok(n.w.Unfollow(n.ctx, ann, edges[0].To))
	n.follow(ann, people[7])
	added, err := n.w.ImportFollows(n.ctx, [][2]warble.UserID{{ann, people[6]}})
	n.ok(err)
	if added != 1 {
		t.Errorf("imported %d", added)
	}
}

func TestImportedFollowsAreOneQuietChange(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob, cat := n.person("ann"), n.person("bob"), n.person("cat")
	n.follow(ann, bob)
	n.withHome(ann)
	c := n.watch()
	pairs := [][2]warble.UserID{{ann, bob}, {ann, cat}, {bob, cat}, {ann, cat}}
	added, err := n.w.ImportFollows(n.ctx, pairs)
	n.ok(err)
	if added != 2 || len(c.changes) != 1 || n.home(ann) {
		t.Errorf("added %d in %d changes", added, len(c.changes))
	}
	for _, ev := range c.changes[0].Events {
		if !ev.Quiet || ev.Kind != warble.EventEdge || len(ev.Edges) != 1 || ev.Key != ev.Edges[0].To || ev.Edges[0].Since == 0 {
			t.Errorf("event %+v", ev)
		}
	}
	if added, err = n.w.ImportFollows(n.ctx, pairs); err != nil || added != 0 {
		t.Errorf("again: %d, %v", added, err)
	}
	_, err = n.w.ImportFollows(n.ctx, [][2]warble.UserID{{ann, ann}})
	wantError(t, err, warble.ErrInvalid, "pairs")
	_, err = n.w.ImportFollows(n.ctx, make([][2]warble.UserID, 21))
	wantError(t, err, warble.ErrInvalid, "pairs")
}

func TestListRules(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob, cat := n.person("ann"), n.person("bob"), n.person("cat")
	for param, e := range map[string]write.ListEdit{
		"name":        {Name: ptr("")},
		"description": {Name: ptr("x"), Description: ptr(fmt.Sprintf("%0101d", 1))},
	} {
		_, err := n.w.CreateList(n.ctx, ann, 0, e)
		wantError(t, err, warble.ErrInvalid, param)
	}
	l, err := n.w.CreateList(n.ctx, ann, 0, write.ListEdit{Name: ptr("friends"), Private: ptr(true)})
	n.ok(err)
	again, err := n.w.CreateList(n.ctx, ann, l.ID, write.ListEdit{Name: ptr("friends"), Private: ptr(true)})
	n.ok(err)
	if *again != *l {
		t.Errorf("the same key made %+v", again)
	}
	_, err = n.w.EditList(n.ctx, bob, l.ID, write.ListEdit{Name: ptr("mine")})
	wantError(t, err, warble.ErrNotFound, "list")
	wantError(t, n.w.FollowList(n.ctx, bob, l.ID), warble.ErrNotFound, "list")
	l, err = n.w.EditList(n.ctx, ann, l.ID, write.ListEdit{Private: ptr(false)})
	n.ok(err)
	if l.Name != "friends" || l.Private || l.Version != 2 {
		t.Errorf("list %+v", l)
	}
	wantError(t, n.w.AddMember(n.ctx, bob, l.ID, cat), warble.ErrForbidden, "list")
	n.ok(n.w.Block(n.ctx, cat, ann))
	wantError(t, n.w.AddMember(n.ctx, ann, l.ID, cat), warble.ErrForbidden, "member")
	wantError(t, n.w.AddMember(n.ctx, ann, l.ID, 99), warble.ErrNotFound, "member")
	n.ok(n.w.AddMember(n.ctx, ann, l.ID, bob))
	n.ok(n.w.AddMember(n.ctx, ann, l.ID, ann))
	n.ok(n.w.RemoveMember(n.ctx, ann, l.ID, bob))
	if n.has(warble.ListMember, l.ID, bob) || !n.has(warble.ListMember, l.ID, ann) {
		t.Error("members")
	}
	n.ok(n.w.FollowList(n.ctx, bob, l.ID))
	n.ok(n.w.PinList(n.ctx, bob, l.ID))
	n.ok(n.w.PinList(n.ctx, bob, l.ID))
	n.ok(n.w.DeleteList(n.ctx, ann, l.ID))
	wantError(t, n.w.DeleteList(n.ctx, ann, l.ID), warble.ErrNotFound, "list")
	n.ok(n.w.UnpinList(n.ctx, bob, l.ID))
	n.ok(n.w.UnfollowList(n.ctx, bob, l.ID))
	if n.has(warble.ListFollow, bob, l.ID) || n.has(warble.ListPin, bob, l.ID) {
		t.Error("a deleted list cannot be left")
	}
	_, err = n.w.CreateList(n.ctx, ann, l.ID, write.ListEdit{Name: ptr("friends")})
	wantError(t, err, warble.ErrGone, "id")
}

func TestPinnedListsStopAtFive(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	for i := range 6 {
		l, err := n.w.CreateList(n.ctx, ann, 0, write.ListEdit{Name: ptr(fmt.Sprint("list ", i))})
		n.ok(err)
		if err := n.w.PinList(n.ctx, ann, l.ID); i < 5 {
			n.ok(err)
		} else {
			wantError(t, err, warble.ErrLimit, "list")
		}
	}
}

func TestAFullListRefusesAnotherMember(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	l, err := n.w.CreateList(n.ctx, ann, 0, write.ListEdit{Name: ptr("big")})
	n.ok(err)
	first := warble.IDAt(n.now().Add(-time.Hour))
	for i := range warble.MaxListMembers {
		_, err := n.Commit.Apply(n.ctx, &warble.Change{Put: []warble.Edge{{Kind: warble.ListMember, From: l.ID, To: warble.ID(1000 + i), Since: first + warble.ID(i)}}})
		n.ok(err)
	}
	n.ok(n.Counts.Put(n.ctx, []warble.Count{{Kind: warble.CountMembers, ID: l.ID, N: warble.MaxListMembers, At: n.now()}}))
	wantError(t, n.w.AddMember(n.ctx, ann, l.ID, bob), warble.ErrLimit, "list")
}
