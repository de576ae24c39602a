package role_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"

	"warble"
)

// roles adds the other two roles to a town.
func (n *town) roles(opt warble.Options) (*read.Reader, *fanout.Fanout) {
	opt.Clock = n.now
	if opt.CountTick == 0 {
		opt.CountTick = 5 * time.Millisecond
	}
	return read.NewReader(n.Stores, opt), fanout.NewFanout(n.Stores, n.ids, opt)
}

// carry runs fan-out until the log is empty and no turn is left.
func (n *town) carry(f *fanout.Fanout) {
	n.Helper()
	ctx, stop := context.WithTimeout(n.ctx, 20*time.Second)
	defer stop()
	ran := make(chan error, 1)
	go func() { ran <- f.Run(ctx) }()
	n.until(ctx, func() bool {
		pos, err := f.Lag(ctx)
		n.ok(err)
		turns, err := n.Docs.List(ctx, 1, warble.DocTurn, warble.Page{Limit: 1})
		n.ok(err)
		return pos.Behind == 0 && len(turns) == 0
	})
	stop()
	n.ok(<-ran)
}

// settle runs fan-out until done holds.
func (n *town) settle(f *fanout.Fanout, done func() bool) {
	n.Helper()
	ctx, stop := context.WithTimeout(n.ctx, 20*time.Second)
	defer stop()
	ran := make(chan error, 1)
	go func() { ran <- f.Run(ctx) }()
	n.until(ctx, done)
	stop()
	n.ok(<-ran)
}

func (n *town) until(ctx context.Context, done func() bool) {
	n.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			n.Fatal("waited in vain")
		case <-tick.C:
		}
	}
}

// scroll reads a home to the end in pages of size.
func (n *town) scroll(r *read.Reader, viewer warble.UserID, size int) []warble.TweetID {
	n.Helper()
	var all []warble.TweetID
	q := read.TimelineQuery{Page: warble.Page{Limit: size}}
	for {
		tl, err := r.GenerateTimeline(n.ctx, viewer, q)
		n.ok(err)
		for _, it := range tl.Items {
			all = append(all, it.Tweet.ID)
		}
		if tl.Next == 0 {
			return all
		}
		if len(tl.Items) != size {
			n.Fatalf("a page of %d has %d tweets though older ones exist", size, len(tl.Items))
		}
		q.Before = tl.Next
	}
}

// recompute is home by its rules, from nothing but truth read row by row.
func (n *town) recompute(viewer warble.UserID, everyone []warble.UserID) []warble.TweetID {
	n.Helper()
	follows := func(id warble.UserID) bool { return id == viewer || n.has(warble.Follow, viewer, id) }
	sees := func(t *warble.Tweet) bool {
		if t == nil || t.Gone {
			return false
		}
		u := n.user(t.Author)
		if !u.Active() {
			return false
		}
		if t.Author == viewer {
			return true
		}
		return (!u.Protected || follows(t.Author)) && !n.has(warble.Block, t.Author, viewer) &&
			!n.has(warble.Block, viewer, t.Author) && !n.has(warble.Mute, viewer, t.Author)
	}
	var standing []*warble.Tweet
	for _, author := range everyone {
		if !follows(author) {
			continue
		}
		ids, err := n.Tweets.By(n.ctx, author, warble.Page{Limit: 1 << 20})
		n.ok(err)
		for _, id := range ids {
			if t := n.tweet(id); t.RetweetOf == 0 || n.edge(warble.Retweet, author, t.RetweetOf).Since == id {
				standing = append(standing, t)
			}
		}
	}
	slices.SortFunc(standing, func(a, b *warble.Tweet) int { return int(int64(b.ID) - int64(a.ID)) })
	var home []warble.TweetID
	for i, t := range standing {
		shown := sees(t)
		if t.RetweetOf != 0 {
			shown = shown && sees(n.tweet(t.RetweetOf))
			for _, above := range standing[max(0, i-40):i] {
				shown = shown && above.Original() != t.RetweetOf
			}
		} else if t.ReplyTo != 0 && t.ReplyAuthor != t.Author {
			shown = shown && follows(t.ReplyAuthor)
		}
		if shown {
			home = append(home, t.ID)
		}
	}
	return home
}

// stir does one random thing.
func (n *town) stir(rnd *rand.Rand, people []warble.UserID, tweets *[]warble.TweetID) {
	n.Helper()
	pick := func() warble.UserID { return people[rnd.IntN(len(people))] }
	some := func() warble.TweetID {
		if len(*tweets) == 0 {
			return 1
		}
		return (*tweets)[len(*tweets)-1-rnd.IntN(min(len(*tweets), 60))]
	}
	who, other := pick(), pick()
	var err error
	switch d := (write.Draft{Text: fmt.Sprint("tweet ", len(*tweets))}); rnd.IntN(20) {
	case 0, 1, 2:
		d.ReplyTo = some()
		fallthrough
	case 3, 4, 5, 6:
		var t *warble.Tweet
		if t, err = n.w.PostTweet(n.ctx, who, d); err == nil {
			*tweets = append(*tweets, t.ID)
		}
	case 7, 8, 9:
		_, err = n.w.Retweet(n.ctx, who, some())
	case 10:
		err = n.w.RemoveRetweet(n.ctx, who, some())
	case 11:
		if t := n.tweet(some()); t != nil {
			err = n.w.DeleteTweet(n.ctx, t.Author, t.ID)
		}
	case 12, 13, 14, 15:
		_, err = n.w.Follow(n.ctx, who, other)
	case 16:
		err = n.w.Unfollow(n.ctx, who, other)
	case 17:
		if err = n.w.Mute(n.ctx, who, other); rnd.IntN(2) == 0 {
			err = n.w.Unmute(n.ctx, who, other)
		}
	case 18:
		if err = n.w.Block(n.ctx, who, other); rnd.IntN(3) > 0 {
			err = n.w.Unblock(n.ctx, who, other)
		}
	case 19:
		private := rnd.IntN(2) == 0
		_, err = n.w.EditProfile(n.ctx, who, write.ProfileEdit{Protected: &private})
	}
	if err != nil && !isRefusal(err) {
		n.Fatal(err)
	}
}

func TestHomeIsWhatItsRulesSayWhateverHappened(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			n := newTown(t, warble.Options{})
			rnd := rand.New(rand.NewPCG(seed, 1))
			r, f := n.roles(warble.Options{})
			var people []warble.UserID
			for i := range 8 {
				people = append(people, n.person(fmt.Sprint("p", i)))
			}
			var tweets []warble.TweetID
			for round := range 6 {
				for range 60 {
					n.stir(rnd, people, &tweets)
				}
				n.carry(f)
				for i, viewer := range people {
					want := n.recompute(viewer, people)
					if got := n.scroll(r, viewer, 1+rnd.IntN(25)); !slices.Equal(got, want) {
						t.Fatalf("round %d, home of person %d:\n got %v\nwant %v", round, i, got, want)
					}
				}
				if round == 3 { // built anew it is the same
					n.ok(n.Timelines.Drop(n.ctx, people...))
				}
			}
		})
	}
}

func isRefusal(err error) bool {
	e, ok := errors.AsType[*warble.Error](err)
	return ok && !errors.Is(e, warble.ErrUnavailable) && !errors.Is(e, warble.ErrUnknown)
}

func TestHomeScrollsBelowItsFloorToTheOldestTweetBothWays(t *testing.T) {
	n := newTown(t, warble.Options{TweetsPerDay: -1})
	r, f := n.roles(warble.Options{})
	viewer := n.person("viewer")
	var people []warble.UserID
	for i := range 5 {
		p := n.person(fmt.Sprint("p", i))
		people = append(people, p)
		if _, err := n.w.Follow(n.ctx, viewer, p); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 600 { // before the first read: pulled
		n.say(people[i%5], fmt.Sprint("old ", i))
	}
	n.scroll(r, viewer, 100)
	for i := range 1400 { // after it: pushed, past the trim
		author := people[i%5]
		if i%7 == 0 {
			rows, err := n.Tweets.By(n.ctx, people[(i+1)%5], warble.Page{Limit: 9})
			n.ok(err)
			_, err = n.w.Retweet(n.ctx, author, n.tweet(rows[len(rows)-1]).Original())
			n.ok(err)
		} else {
			n.say(author, fmt.Sprint("new ", i))
		}
	}
	n.carry(f)
	want := n.recompute(viewer, append(people, viewer))
	if got := n.scroll(r, viewer, 37); !slices.Equal(got, want) {
		t.Fatalf("scrolled home has %d entries, want %d", len(got), len(want))
	}
	var up []warble.TweetID // and upwards from the oldest
	q := read.TimelineQuery{Page: warble.Page{After: 1, Limit: 53, Oldest: true}}
	for {
		tl, err := r.GenerateTimeline(n.ctx, viewer, q)
		n.ok(err)
		if len(tl.Items) == 0 {
			break
		}
		for i := len(tl.Items) - 1; i >= 0; i-- {
			up = append(up, tl.Items[i].Tweet.ID)
		}
		q.After = up[len(up)-1]
	}
	slices.Reverse(up)
	if !slices.Equal(up, want) {
		t.Fatalf("scrolled upwards home has %d entries, want %d", len(up), len(want))
	}
}

func TestOwnWritesAreInHomeBeforeFanoutRan(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, _ := n.roles(warble.Options{})
	ann, ben := n.person("ann"), n.person("ben")
	old := n.say(ben, "before the follow")
	n.scroll(r, ann, 20)
	own := n.say(ann, "mine")
	if got := n.scroll(r, ann, 20); !slices.Equal(got, []warble.TweetID{own.ID}) {
		t.Errorf("after an own tweet home is %v", got)
	}
	if _, err := n.w.Follow(n.ctx, ann, ben); err != nil {
		t.Fatal(err)
	}
	if got := n.scroll(r, ann, 20); !slices.Equal(got, []warble.TweetID{own.ID, old.ID}) {
		t.Errorf("after a follow home is %v", got)
	}
	n.ok(n.w.RecordUserTweetLike(n.ctx, ann, old.ID))
	tl, err := r.GenerateTimeline(n.ctx, ann, read.TimelineQuery{Include: read.Include{Counts: true, Flags: true}})
	n.ok(err)
	if it := tl.Items[1]; !it.Viewer.Liked || it.Counts.Likes != 1 {
		t.Errorf("after a like the tweet shows %+v %+v", it.Viewer, it.Counts)
	}
	n.ok(n.w.DeleteTweet(n.ctx, ann, own.ID))
	n.ok(n.w.Unfollow(n.ctx, ann, ben))
	if got := n.scroll(r, ann, 20); len(got) != 0 {
		t.Errorf("after a delete and an unfollow home is %v", got)
	}
}

func TestABigAccountReachesEveryFollowerInTurns(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{})
	star := n.person("star")
	const followers = 2500
	var readers []warble.UserID
	for i := range followers {
		p := n.person(fmt.Sprint("f", i))
		_, err := n.w.Follow(n.ctx, p, star)
		n.ok(err)
		if i%100 == 0 {
			readers = append(readers, p)
		}
	}
	n.carry(f)
	for _, p := range readers {
		n.scroll(r, p, 20) // now they have stored homes
	}
	tweet := n.say(star, "to all of you")
	n.carry(f)
	for _, p := range readers {
		ids, _, ok, err := n.Timelines.Read(n.ctx, p, warble.Page{Limit: 5})
		n.ok(err)
		if !ok || !slices.Equal(ids, []warble.TweetID{tweet.ID}) {
			t.Fatalf("the stored home of follower %v is %v (stored: %v)", p, ids, ok)
		}
	}
	people, err := r.People(n.ctx, 0, read.PeopleInclude{Counts: true}, star)
	n.ok(err)
	if got := people[0].Counts.Followers; got != followers {
		t.Errorf("followers counted: %d, want %d", got, followers)
	}
}

func TestAPulledAuthorIsReadWithoutBeingPushed(t *testing.T) {
	opt := warble.Options{PushLine: 1000, TweetsPerDay: -1}
	n := newTown(t, opt)
	r, f := n.roles(opt)
	star, fan := n.person("star"), n.person("fan")
	for i := range 1100 {
		p := n.person(fmt.Sprint("f", i))
		_, err := n.w.Follow(n.ctx, p, star)
		n.ok(err)
	}
	_, err := n.w.Follow(n.ctx, fan, star)
	n.ok(err)
	n.carry(f)
	n.scroll(r, fan, 20)
	first := n.say(star, "pushed")
	ctx, stop := context.WithTimeout(n.ctx, 20*time.Second)
	defer stop()
	ran := make(chan error, 1)
	go func() { ran <- f.Run(ctx) }()
	n.until(ctx, func() bool { // the valve has put the author into the pull set
		docs, err := n.Docs.Get(n.ctx, 1)
		n.ok(err)
		return docs[0] != nil
	})
	stop()
	n.ok(<-ran)
	n.later(time.Minute)
	second := n.say(star, "pulled")
	n.carry(f)
	stored, _, _, err := n.Timelines.Read(n.ctx, fan, warble.Page{Limit: 50})
	n.ok(err)
	if slices.Contains(stored, second.ID) {
		t.Error("a tweet inside the author's pull interval was pushed")
	}
	if got := n.scroll(r, fan, 20); !slices.Equal(got, []warble.TweetID{second.ID, first.ID}) {
		t.Errorf("home is %v, want %v", got, []warble.TweetID{second.ID, first.ID})
	}
}
