package role_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"

	"warble"
)

func (n *town) counts(r *read.Reader, user warble.UserID) read.UserCounts {
	n.Helper()
	people, err := r.People(n.ctx, 0, read.PeopleInclude{Counts: true}, user)
	n.ok(err)
	return people[0].Counts
}

func TestPhotosThatAnEditBringsAreCounted(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{})
	ann := n.person("ann")
	tweet := n.say(ann, "no photo yet")
	n.carry(f)
	_, err := n.w.EditTweet(n.ctx, ann, tweet.ID, write.Draft{Text: "here", Media: []warble.DocID{n.upload(ann)}})
	n.ok(err)
	n.carry(f)
	if got := n.counts(r, ann).Media; got != 1 {
		t.Errorf("tweets with photos: %d, want 1", got)
	}
}

func TestWhatIsCountedAfterTheClockWasSetBackWins(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, _ := n.roles(warble.Options{})
	back := time.Duration(0)
	f := fanout.NewFanout(n.Stores, n.ids, warble.Options{
		CountTick: 5 * time.Millisecond,
		Clock:     func() time.Time { return n.now().Add(-back) },
	})
	ann := n.person("ann")
	n.say(ann, "one")
	n.carry(f)
	back = time.Hour
	n.say(ann, "two")
	n.carry(f)
	if got := n.counts(r, ann).Tweets; got != 2 {
		t.Errorf("tweets counted: %d, want 2", got)
	}
}

func TestEventsAreDoneThoughBigCountsComeDueInTurns(t *testing.T) {
	n := newTown(t, warble.Options{TweetsPerDay: -1})
	r, f := n.roles(warble.Options{})
	ann, ben, eve := n.person("ann"), n.person("ben"), n.person("eve")
	for i := range 4000 { // from here on their months are big
		n.say(ann, fmt.Sprint(i))
		n.say(ben, fmt.Sprint(i))
	}
	n.carry(f)
	ctx, stop := context.WithTimeout(n.ctx, 20*time.Second)
	defer stop()
	ran := make(chan error, 1)
	go func() { ran <- f.Run(ctx) }()
	n.later(2 * time.Second)
	for _, user := range []warble.UserID{ann, ben} { // half a second apart
		n.say(user, "counted now")
		n.until(ctx, func() bool { return n.counts(r, user).Tweets == 4001 })
		n.later(500 * time.Millisecond)
	}
	for i := range 30 {
		n.say(ann, "again")
		n.say(ben, "again")
		n.say(eve, "small")
		n.until(ctx, func() bool { return n.counts(r, eve).Tweets == int64(i+1) }) // a tick has passed
		n.later(200 * time.Millisecond)
	}
	pos, err := f.Lag(ctx)
	n.ok(err)
	if !pos.Oldest.IsZero() && n.now().Sub(pos.Oldest) > 3*time.Second {
		t.Errorf("%d events are not done after up to %v", pos.Behind, n.now().Sub(pos.Oldest))
	}
	stop()
	n.ok(<-ran)
}

func TestRebuildCountsTheFirstMonthOfTime(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{})
	ann := n.person("ann")
	_, _, err := n.w.ImportTweet(n.ctx, write.ImportedTweet{Author: n.user(ann), Text: "epoch", Created: time.Unix(86400, 0)})
	n.ok(err)
	n.carry(f)
	n.ok(f.Rebuild(n.ctx, nil))
	if got := n.counts(r, ann).Tweets; got != 1 {
		t.Errorf("tweets counted: %d, want 1", got)
	}
}

// deafDocs cannot list at first.
type deafDocs struct {
	warble.Docs
	deaf atomic.Int32 // for so many calls
}

func (d *deafDocs) List(ctx context.Context, owner warble.ID, kind warble.DocKind, p warble.Page) ([]*warble.Doc, error) {
	if d.deaf.Add(-1) >= 0 {
		return nil, warble.Fail(warble.ErrUnavailable, "not now")
	}
	return d.Docs.List(ctx, owner, kind, p)
}

func TestFanoutOutlivesAStoreThatDoesNotServeAtItsStart(t *testing.T) {
	n := newTown(t, warble.Options{})
	docs := &deafDocs{Docs: n.Docs}
	docs.deaf.Store(2) // turns and scheduled work each ask for a list
	s := *n.Stores
	s.Docs = docs
	f := fanout.NewFanout(&s, n.ids, warble.Options{Clock: n.now, CountTick: 5 * time.Millisecond})
	n.say(n.person("ann"), "hello")
	n.settle(f, func() bool {
		pos, err := f.Lag(n.ctx)
		n.ok(err)
		return pos.Behind == 0 && docs.deaf.Load() < -1
	})
}
