package enginetest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"

	"warble"
)

// CompareRoles lets people live a random life through Writer on every engine, with a Fanout at work, and holds what
// Reader answers to the answers of the first engine: call by call, and every so often in everything a viewer can ask
// for. On each engine a home that was pushed together must read the same after it was pulled anew, and after a
// rebuild. Things are named by the order in which they were made, so that two engines may give other ids.
//
// The engines need not be empty; their clocks must be the machine's. The same seed does the same.
func CompareRoles(t *testing.T, seed uint64, steps int, engines ...Engine) {
	t.Logf("seed %d", seed)
	l := newLife(seed)
	for _, e := range engines {
		l.actors = append(l.actors, newActor(t, e))
	}
	for i := range people {
		l.all(t, "register", l.register(i))
	}
	for step := range steps {
		what, op := l.act()
		l.all(t, fmt.Sprintf("step %d of seed %d, %s", step, seed, what), op)
		if step%100 == 99 || step == steps-1 {
			l.lookAround(t, fmt.Sprintf("after step %d of seed %d", step, seed))
		}
	}
}

const people = 8

// life is the plan all engines live by; things are numbers in the order they were made.
type life struct {
	*random
	actors        []*actor
	tweets, lists int
}

func newLife(seed uint64) *life {
	l := &life{random: &random{ids: newIDs(seed)}}
	l.mark = l.word()[:8]
	for range 4 {
		l.vocabulary = append(l.vocabulary, l.word())
	}
	return l
}

// actor is one engine with its roles and the ids of what was made there.
type actor struct {
	Engine
	w *write.Writer
	r *read.Reader
	f *fanout.Fanout

	users, tweets, lists []warble.ID
	names                map[string]string // of ids, in decimal
}

func newActor(t *testing.T, e Engine) *actor {
	ids, err := warble.NewIDs(t.Context(), e.Stores.Claims, time.Now)
	check(t, err)
	opt := warble.Options{MaxFollowing: -1, TweetsPerDay: -1, CountTick: 2 * time.Millisecond}
	a := &actor{Engine: e, names: map[string]string{}}
	a.w, a.r, a.f = write.NewWriter(e.Stores, ids, opt), read.NewReader(e.Stores, opt), fanout.NewFanout(e.Stores, ids, opt)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%s: fan-out: %v", e.Name, err)
		}
		if err := ids.Close(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("%s: ids: %v", e.Name, err)
		}
	})
	return a
}

func (a *actor) made(list *[]warble.ID, prefix string, id warble.ID) {
	if id != 0 && a.names[id.String()] == "" {
		a.names[id.String()] = fmt.Sprintf("%s%d", prefix, len(*list))
		*list = append(*list, id)
	}
}

// drained waits until fan-out has carried everything on.
func (a *actor) drained(t *testing.T) {
	t.Helper()
	within(t, 30*time.Second, a.Name+": fan-out has caught up", func() bool {
		p, err := a.f.Lag(t.Context())
		check(t, err)
		return p.Behind == 0
	})
}

// patterns of what differs between engines that lived the same life.
type patterns struct{ id, moment, date *regexp.Regexp }

func differs() patterns {
	return patterns{
		regexp.MustCompile(`\b[0-9]{16,19}\b`), regexp.MustCompile(`"(Edited|Ends)":[1-9][0-9]*`),
		regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*"`),
	}
}

// named is a value as text with ids told by name: a place in a list that is no thing's id becomes a question mark.
func (a *actor) named(v any) string {
	p := differs()
	text := p.date.ReplaceAllString(p.moment.ReplaceAllString(form(v), `"$1":"later"`), `"then"`)
	return p.id.ReplaceAllStringFunc(text, func(id string) string {
		if name := a.names[id]; name != "" {
			return name
		}
		return "?"
	})
}

// deed is one call to a role; what it returns has to be the same everywhere.
type deed func(ctx context.Context, a *actor) (any, error)

func (l *life) all(t *testing.T, what string, do deed) {
	t.Helper()
	var first string
	for i, a := range l.actors {
		out, err := do(t.Context(), a)
		got := a.named(out)
		if err != nil {
			got = kindOf(err)
			if e, ok := errors.AsType[*warble.Error](err); ok {
				got += " " + e.Param
			}
		}
		if i == 0 {
			first = got
		} else if got != first {
			t.Fatalf("%s:\n%s answers %s\n%s answers %s", what, l.actors[0].Name, apart(first, got), a.Name, apart(got, first))
		}
	}
	l.tweets, l.lists = len(l.actors[0].tweets), len(l.actors[0].lists)
}

func (l *life) handle(i int) string { return fmt.Sprintf("%s_%d", l.mark, i) }

func (l *life) register(i int) deed {
	return func(ctx context.Context, a *actor) (any, error) {
		u, err := a.w.Register(ctx, write.Registration{Handle: l.handle(i), Name: "Ann " + l.mark, Email: l.handle(i) + "@example.org"})
		if err == nil {
			a.made(&a.users, "user", u.ID)
		}
		return u, err
	}
}

// text is a few words, with now and then a mention and a hashtag.
func (l *life) text() string {
	words := []string{l.mark, l.vocabulary[l.intN(4)], l.vocabulary[l.intN(4)]}
	if l.intN(4) == 0 {
		words = append(words, "@"+l.handle(l.intN(people)))
	}
	if l.intN(4) == 0 {
		words = append(words, "#"+l.vocabulary[l.intN(4)])
	}
	return strings.Join(words, " ")
}

// act chooses what somebody does next.
func (l *life) act() (what string, do deed) {
	who, whom, n := l.intN(people), l.intN(people), l.intN(100)
	if l.tweets == 0 || n < 30 {
		return "post", l.post(who)
	}
	switch {
	case n < 62:
		return "something with a tweet", l.withTweet(who, l.intN(l.tweets))
	case n < 88:
		return "something with a person", l.withPerson(who, whom)
	case n < 94:
		return "something with a list", l.withList(who, whom)
	}
	return "read a home", func(ctx context.Context, a *actor) (any, error) {
		a.drainedQuietly(ctx)
		return a.home(ctx, who)
	}
}

func (a *actor) drainedQuietly(ctx context.Context) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		if p, err := a.f.Lag(ctx); err != nil || p.Behind == 0 {
			return
		}
		<-tick.C
	}
}

func (l *life) post(who int) deed {
	d := write.Draft{Text: l.text()}
	reply, quote := -1, -1
	if l.tweets > 0 && l.intN(3) == 0 {
		reply = l.intN(l.tweets)
	}
	if l.tweets > 0 && l.intN(5) == 0 {
		quote = l.intN(l.tweets)
	}
	if l.intN(10) == 0 {
		d.Poll = &write.PollDraft{Options: []string{"yes", "no"}, Minutes: 60}
	}
	if l.intN(6) == 0 {
		d.ReplySetting = warble.ReplySetting(l.intN(3))
	}
	return func(ctx context.Context, a *actor) (any, error) {
		d := d
		if reply >= 0 {
			d.ReplyTo = a.tweets[reply]
		}
		if quote >= 0 {
			d.QuoteOf = a.tweets[quote]
		}
		tw, err := a.w.PostTweet(ctx, a.users[who], d)
		if err == nil {
			a.made(&a.tweets, "tweet", tw.ID)
		}
		return tw, err
	}
}

func (l *life) withTweet(who, which int) deed {
	n, text, choice := l.intN(32), l.text(), l.intN(2)
	return func(ctx context.Context, a *actor) (any, error) {
		u, tw := a.users[who], a.tweets[which]
		switch {
		case n < 8:
			return nil, a.w.RecordUserTweetLike(ctx, u, tw)
		case n < 10:
			return nil, a.w.RemoveLike(ctx, u, tw)
		case n < 17:
			id, err := a.w.Retweet(ctx, u, tw)
			a.made(&a.tweets, "tweet", id)
			return id, err
		case n < 19:
			return nil, a.w.RemoveRetweet(ctx, u, tw)
		case n < 21:
			return nil, a.w.Bookmark(ctx, u, tw)
		case n < 22:
			return nil, a.w.RemoveBookmark(ctx, u, tw)
		case n < 25:
			return nil, a.w.DeleteTweet(ctx, a.author(ctx, tw, u), tw)
		case n < 28:
			return a.w.EditTweet(ctx, a.author(ctx, tw, u), tw, write.Draft{Text: text})
		case n < 30:
			_, err := a.w.EditProfile(ctx, u, write.ProfileEdit{Pinned: &tw})
			return nil, err
		}
		return nil, a.w.Vote(ctx, u, tw, []int{choice})
	}
}

// author is who wrote a tweet, so that deletes and edits are not all refused.
func (a *actor) author(ctx context.Context, id warble.TweetID, other warble.UserID) warble.UserID {
	if rows, err := a.Stores.Tweets.Get(ctx, id); err == nil && rows[0] != nil {
		return rows[0].Author
	}
	return other
}

func (l *life) withPerson(who, whom int) deed {
	n, on, name := l.intN(34), l.intN(3) == 0, "Ann "+l.mark+" "+l.vocabulary[l.intN(4)]
	return func(ctx context.Context, a *actor) (any, error) {
		u, v := a.users[who], a.users[whom]
		switch {
		case n < 14:
			return a.w.Follow(ctx, u, v)
		case n < 17:
			return nil, a.w.Unfollow(ctx, u, v)
		case n < 20:
			return nil, a.w.AcceptFollow(ctx, u, v)
		case n < 21:
			return nil, a.w.RejectFollow(ctx, u, v)
		case n < 22:
			return nil, a.w.RemoveFollower(ctx, u, v)
		case n < 23:
			return nil, a.w.Block(ctx, u, v)
		case n < 25:
			return nil, a.w.Unblock(ctx, u, v)
		case n < 26:
			return nil, a.w.Mute(ctx, u, v)
		case n < 28:
			return nil, a.w.Unmute(ctx, u, v)
		case n < 30:
			_, err := a.w.EditProfile(ctx, u, write.ProfileEdit{Protected: &on})
			return nil, err
		case n < 32:
			return nil, a.w.Suspend(ctx, u, on)
		}
		return a.w.EditProfile(ctx, u, write.ProfileEdit{Name: &name})
	}
}

func (l *life) withList(who, whom int) deed {
	n, which, name, private := l.intN(12), 0, l.vocabulary[l.intN(4)], l.intN(4) == 0
	if l.lists == 0 || n == 0 {
		return func(ctx context.Context, a *actor) (any, error) {
			list, err := a.w.CreateList(ctx, a.users[who], 0, write.ListEdit{Name: &name, Private: &private})
			if err == nil {
				a.made(&a.lists, "list", list.ID)
			}
			return list, err
		}
	}
	which = l.intN(l.lists)
	return func(ctx context.Context, a *actor) (any, error) {
		u, v, list := a.users[who], a.users[whom], a.lists[which]
		owner := u
		if docs, err := a.Stores.Docs.Get(ctx, list); err == nil && docs[0] != nil {
			owner = docs[0].Owner
		}
		switch {
		case n < 6:
			return nil, a.w.AddMember(ctx, owner, list, v)
		case n < 7:
			return nil, a.w.RemoveMember(ctx, owner, list, v)
		case n < 9:
			return nil, a.w.FollowList(ctx, u, list)
		case n < 10:
			return nil, a.w.PinList(ctx, u, list)
		case n < 11:
			return a.w.EditList(ctx, owner, list, write.ListEdit{Private: &private})
		}
		return nil, a.w.UnfollowList(ctx, u, list)
	}
}
