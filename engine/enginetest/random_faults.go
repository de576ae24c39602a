package enginetest

import (
	"testing"

	"warble"
)

// BreakRoles lets people live a random life through Writer while stores break by a plan, and a Fanout works through
// the same broken stores. Then the stores are mended, fan-out catches up, and everything is looked at: what was
// acknowledged is there, no invariant is broken, and every home reads the same pushed, pulled and rebuilt.
//
// The engine need not be empty; its clock must be the machine's.
func BreakRoles(t *testing.T, plan Plan, steps int, e Engine) {
	t.Logf("seed %d", plan.Seed)
	faults := NewFaults(plan)
	faults.Mend()
	whole := e.Stores
	e.Stores = faults.Stores(whole)
	l := newLife(plan.Seed)
	a := newActor(t, e)
	l.actors = []*actor{a}
	for i := range people {
		l.all(t, "register", l.register(i))
	}
	faults.Break()
	for range steps {
		what, op := l.act()
		l.all(t, what, op)
	}
	faults.Mend()
	if n := faults.Count(); (plan.Refused > 0) != (n.Refused > 0) || (plan.Lost > 0) != (n.Lost > 0) || (plan.Derived > 0) != (n.Derived > 0) {
		t.Fatalf("%d steps broke %+v by the plan %+v: nothing was tried", steps, n, plan)
	}
	rows, err := whole.Tweets.Get(t.Context(), a.tweets...)
	check(t, err)
	for i, row := range rows {
		if row == nil {
			t.Errorf("tweet %d of %d was acknowledged and is not there", i, len(rows))
		}
	}
	users, err := whole.Users.Get(t.Context(), a.users...)
	check(t, err)
	for i, u := range users {
		if got, err := whole.Users.ByHandle(t.Context(), l.handle(i)); err != nil || got == nil || u == nil || got.ID != u.ID {
			t.Errorf("account %d was acknowledged and is not found by its handle: %v", i, err)
		}
	}
	l.lookAround(t, "after the faults")
	a.liked(t, whole)
}

// liked looks whether every like is counted once, over and above what the checker does: by a recount of its own.
func (a *actor) liked(t *testing.T, s *warble.Stores) {
	t.Helper()
	got, err := s.Counts.Get(t.Context(), []warble.CountKind{warble.CountLikes}, a.tweets)
	check(t, err)
	for i, tw := range a.tweets {
		edges, err := s.Edges.To(t.Context(), warble.Like, tw, warble.Page{Limit: 1000})
		check(t, err)
		if got[i] != int64(len(edges)) {
			t.Errorf("tweet %d has %d likes and counts %d", i, len(edges), got[i])
		}
	}
}
