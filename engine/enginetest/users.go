package enginetest

import (
	"strings"
	"testing"

	"warble"
)

func userTests() []test {
	return []test{
		{"GetKeepsOrderAndIsNilForMissing", userGet},
		{"EveryFieldIsKept", userFields},
		{"AVersionNeverGoesBack", userVersions},
		{"ByHandleIgnoresCase", userByHandle},
		{"ByHandleNeedsTheClaimAndTheRow", userByHandleNeedsBoth},
		{"ByHandleFollowsAChangeOfHandle", userByHandleChanges},
		{"ScanWalksShards", userScan},
	}
}

func (s *suite) userRow(t *testing.T, id warble.UserID) *warble.User {
	t.Helper()
	got, err := s.Users.Get(t.Context(), id)
	check(t, err)
	return got[0]
}

func (s *suite) byHandle(t *testing.T, handle string) warble.UserID {
	t.Helper()
	u, err := s.Users.ByHandle(t.Context(), handle)
	check(t, err)
	if u == nil {
		return 0
	}
	return u.ID
}

func userGet(t *testing.T, s *suite) {
	a, b, missing := s.user(), s.user(), s.id()
	s.applies(t, &warble.Change{Users: []*warble.User{a, b}})
	got, err := s.Users.Get(t.Context(), b.ID, missing, a.ID, b.ID)
	check(t, err)
	same(t, "users", got, []*warble.User{b, nil, a, b})
	got, err = s.Users.Get(t.Context())
	check(t, err)
	same(t, "users of no ids", got, []*warble.User{})
}

func userFields(t *testing.T, s *suite) {
	u := s.fullUser()
	s.applies(t, &warble.Change{Users: []*warble.User{u}})
	same(t, "user", s.userRow(t, u.ID), u)
	bare := &warble.User{ID: s.id(), Version: 1}
	s.applies(t, &warble.Change{Users: []*warble.User{bare}})
	same(t, "user", s.userRow(t, bare.ID), bare)
}

func userVersions(t *testing.T, s *suite) {
	u := s.user()
	at := func(version uint64, name string) *warble.User {
		v := *u
		v.Version, v.Name = version, name
		return &v
	}
	s.applies(t, &warble.Change{Users: []*warble.User{at(3, "third")}})
	s.idle(t, &warble.Change{Users: []*warble.User{at(2, "second")}})
	s.idle(t, &warble.Change{Users: []*warble.User{at(3, "another third")}})
	if got := s.userRow(t, u.ID); got.Name != "third" || got.Version != 3 {
		t.Fatalf("the row is %q, version %d", got.Name, got.Version)
	}
	s.applies(t, &warble.Change{Users: []*warble.User{at(5, "fifth")}})
	if got := s.userRow(t, u.ID); got.Name != "fifth" || got.Version != 5 {
		t.Fatalf("the row is %q, version %d", got.Name, got.Version)
	}
}

func (s *suite) takeHandle(t *testing.T, handle string, u warble.UserID) {
	t.Helper()
	next := warble.Claim{Holder: u}
	if got := s.swap(t, "handle/"+warble.FoldHandle(handle), warble.Claim{}, next, 0); got != next {
		t.Fatalf("handle %q is taken: %+v", handle, got)
	}
}

func userByHandle(t *testing.T, s *suite) {
	u := s.user()
	u.Handle = "Ann_" + s.word()
	s.takeHandle(t, u.Handle, u.ID)
	s.applies(t, &warble.Change{Users: []*warble.User{u}})
	for _, handle := range []string{u.Handle, strings.ToLower(u.Handle), strings.ToUpper(u.Handle)} {
		got, err := s.Users.ByHandle(t.Context(), handle)
		check(t, err)
		same(t, "holder of "+handle, got, u)
	}
	if got := s.byHandle(t, u.Handle+"x"); got != 0 {
		t.Fatalf("nobody's handle is held by %v", got)
	}
}

func userByHandleNeedsBoth(t *testing.T, s *suite) {
	u, other := s.user(), s.user()
	s.applies(t, &warble.Change{Users: []*warble.User{u, other}})
	if got := s.byHandle(t, u.Handle); got != 0 {
		t.Fatalf("a row without a claim holds its handle: %v", got)
	}
	s.takeHandle(t, u.Handle, other.ID)
	if got := s.byHandle(t, u.Handle); got != 0 {
		t.Fatalf("a claim for one whose row bears another handle holds it: %v", got)
	}
	s.swap(t, "handle/"+u.Handle, warble.Claim{Holder: other.ID}, warble.Claim{Holder: u.ID}, 0)
	if got := s.byHandle(t, u.Handle); got != u.ID {
		t.Fatalf("handle held by %v, want %v", got, u.ID)
	}
	s.swap(t, "handle/"+u.Handle, warble.Claim{Holder: u.ID}, warble.Claim{}, 0)
	if got := s.byHandle(t, u.Handle); got != 0 {
		t.Fatalf("a handle given up is held by %v", got)
	}
	unborn := s.word()
	s.takeHandle(t, unborn, s.id())
	if got := s.byHandle(t, unborn); got != 0 {
		t.Fatalf("a claim without a row is held by %v", got)
	}
}

func userByHandleChanges(t *testing.T, s *suite) {
	u := s.user()
	old := u.Handle
	s.takeHandle(t, old, u.ID)
	s.applies(t, &warble.Change{Users: []*warble.User{u}})
	if got := s.byHandle(t, old); got != u.ID {
		t.Fatalf("handle held by %v, want %v", got, u.ID)
	}
	renamed := *u
	renamed.Version, renamed.Handle = 2, s.word()
	s.takeHandle(t, renamed.Handle, u.ID)
	s.applies(t, &warble.Change{Users: []*warble.User{&renamed}})
	if got := s.byHandle(t, old); got != 0 {
		t.Fatalf("the old handle is still held by %v", got)
	}
	if got := s.byHandle(t, renamed.Handle); got != u.ID {
		t.Fatalf("the new handle is held by %v, want %v", got, u.ID)
	}
}

// shardIDs returns n fresh ids of one shard that lie close together.
func (g *ids) shardIDs(n int) (shard int, out []warble.ID) {
	first := g.id()
	shard = first.Shard()
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := first; len(out) < n; id++ {
		if id.Shard() == shard {
			out = append(out, id)
		}
		g.last = max(g.last, id)
	}
	return shard, out
}

func userScan(t *testing.T, s *suite) {
	shard, ids := s.shardIDs(12)
	for _, id := range shuffled(s.ids, ids) {
		u := s.user()
		u.ID = id
		s.applies(t, &warble.Change{Users: []*warble.User{u}})
		v := *u
		v.Version = 2
		s.applies(t, &warble.Change{Users: []*warble.User{&v}})
	}
	other := s.user()
	other.ID = ids[0] + 1
	for other.ID.Shard() == shard {
		other.ID++
	}
	s.applies(t, &warble.Change{Users: []*warble.User{other}})
	paged(t, s.ids, down(ids), true, func(p warble.Page) (got []warble.ID, err error) {
		users, err := s.Users.Scan(t.Context(), shard, p)
		for _, u := range users {
			if u.Version != 2 {
				t.Fatalf("scan gave version %d", u.Version)
			}
			got = append(got, u.ID)
		}
		return got, err
	})
}
