package role_test

import (
	"slices"
	"testing"
	"time"

	"warble"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"
)

// breaches are the things a check complains of.
func (n *town) breaches() []string {
	n.Helper()
	var got []string
	n.ok(fanout.NewChecker(n.Stores, func(b fanout.Breach) { got = append(got, b.Rule+" "+b.Thing) }).Run(n.ctx))
	slices.Sort(got)
	return got
}

func (n *town) found(people bool) []warble.ID {
	n.Helper()
	ids, err := n.Index.Search(n.ctx, &warble.Query{Op: warble.QueryAll, People: people}, warble.Page{Limit: 100})
	n.ok(err)
	return ids
}

func TestRebuildRemovesWhatStandsForNothing(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{})
	ann, ben := n.person("ann"), n.person("ben")
	tw, gone := n.say(ann, "harbour"), n.say(ann, "gone harbour")
	n.ok(n.w.DeleteTweet(n.ctx, ann, gone.ID))
	n.follow(ben, ann)
	n.carry(f)
	tweets, people := n.found(false), n.found(true)

	const never, nobody warble.ID = 5 << 16, 6 << 16
	n.ok(n.Index.Add(n.ctx, []warble.IndexDoc{
		{Tweet: &warble.Tweet{ID: never, Author: ann, Version: 1, Text: "ghost"}},
		{Tweet: gone},
		{Tweet: &warble.Tweet{ID: ann, Author: ann, Version: 1, Text: "a person's id"}},
		{User: &warble.User{ID: nobody, Version: 1, Handle: "ghost"}},
	}))
	now := n.now()
	stale := []warble.Count{
		{Kind: warble.CountLikes, ID: tw.ID, Part: 0, N: 7, At: now},      // nobody likes it
		{Kind: warble.CountFollowers, ID: ann, Part: 3, N: 9, At: now},    // a part there is not
		{Kind: warble.CountTweets, ID: ben, Part: 24_000, N: 1, At: now},  // a month without tweets
		{Kind: warble.CountLikes, ID: never, Part: 0, N: 4, At: now},      // of nothing
		{Kind: warble.CountFollowers, ID: nobody, Part: 0, N: 2, At: now}, // of nobody
	}
	n.ok(n.Counts.Put(n.ctx, stale))
	likes := func() int64 {
		tl, err := r.GenerateTimeline(n.ctx, ben, read.TimelineQuery{Include: read.Include{Counts: true}})
		n.ok(err)
		return tl.Items[0].Counts.Likes
	}
	for range 2 { // the second time as it was kept
		if n := likes(); n != 7 {
			t.Fatalf("home shows %d likes of the 7 planted", n)
		}
	}
	if got := n.breaches(); len(got) < 4 {
		t.Fatalf("a check sees only %q", got)
	}
	n.later(time.Second)
	n.ok(f.Rebuild(n.ctx, nil))
	for _, c := range stale {
		got, err := n.Counts.Get(n.ctx, []warble.CountKind{c.Kind}, []warble.ID{c.ID})
		n.ok(err)
		want := int64(0)
		if c.ID == ann {
			want = 1 // ben
		}
		if got[0] != want {
			t.Errorf("count %d of %d is %d, want %d", c.Kind, c.ID, got[0], want)
		}
	}
	if got := likes(); got != 0 {
		t.Errorf("a home that was read before shows %d likes", got)
	}
	if got := n.counts(r, ann); got.Tweets != 1 || got.Followers != 1 {
		t.Errorf("what stands is no longer counted: %+v", got)
	}
	if got := n.found(false); !slices.Equal(got, tweets) {
		t.Errorf("search finds the tweets %v, want %v", got, tweets)
	}
	if got := n.found(true); !slices.Equal(got, people) {
		t.Errorf("search finds the people %v, want %v", got, people)
	}
	if got := n.breaches(); len(got) != 0 {
		t.Errorf("after a rebuild: %q", got)
	}
}

func TestEveryListIsCheckedHoweverMany(t *testing.T) {
	n := newTown(t, warble.Options{})
	_, f := n.roles(warble.Options{})
	ann := n.person("ann")
	n.carry(f)
	const lists = 2100
	var c warble.Change
	for i := range warble.ID(lists) {
		c.Docs = append(c.Docs, &warble.Doc{ID: 100<<16 + i, Owner: ann, Kind: warble.DocList, Version: 1, Data: []byte(`{}`)})
		if len(c.Docs) == warble.MaxChangeRows || i == lists-1 {
			_, err := n.Commit.Apply(n.ctx, &c)
			n.ok(err)
			c.Docs = nil
		}
	}
	oldest := warble.ID(100 << 16)
	n.ok(n.Counts.Put(n.ctx, []warble.Count{{Kind: warble.CountMembers, ID: oldest, N: 3, At: n.now()}}))
	if got := n.breaches(); !slices.Equal(got, []string{"counts list " + oldest.String()}) {
		t.Errorf("a check finds %q", got)
	}
	_, err := n.Commit.Apply(n.ctx, &warble.Change{Put: []warble.Edge{{Kind: warble.ListMember, From: oldest, To: ann, Since: warble.IDAt(n.now())}}})
	n.ok(err)
	n.ok(f.Rebuild(n.ctx, nil))
	if got := n.breaches(); len(got) != 0 {
		t.Errorf("after a rebuild a check finds %q", got)
	}
}

func TestAListsMembersAreCountedWithinTicks(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{CountTick: 10 * time.Millisecond})
	ann := n.person("ann")
	name := "friends"
	l, err := n.w.CreateList(n.ctx, ann, 0, write.ListEdit{Name: &name})
	n.ok(err)
	members := make([]warble.UserID, 30)
	for i := range members {
		members[i] = n.person("m" + string(rune('a'+i%26)) + string(rune('a'+i/26)))
	}
	n.carry(f)
	for i, m := range members {
		n.ok(n.w.AddMember(n.ctx, ann, l.ID, m))
		n.settle(f, func() bool {
			_, c, err := r.List(n.ctx, ann, l.ID)
			n.ok(err)
			return c.Members == int64(i+1)
		})
	}
}
