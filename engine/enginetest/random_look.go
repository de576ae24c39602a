package enginetest

import (
	"context"
	"fmt"
	"testing"
	"warble/role/fanout"
	"warble/role/read"

	"warble"
)

// everything asks for all that an answer may hold.
func everything() read.Include {
	return read.Include{Counts: true, Flags: true, Refs: true, Replied: true, Mentioned: true}
}

// walk reads a list of tweets page by page to its end.
func walk(next func(read.TimelineQuery) (*read.Timeline, error)) (pages []*read.Timeline, err error) {
	q := read.TimelineQuery{Page: warble.Page{Limit: 20}, Include: everything()}
	for {
		tl, err := next(q)
		if err != nil {
			return nil, err
		}
		pages = append(pages, tl)
		if tl.Next == 0 {
			return pages, nil
		}
		q.Before = tl.Next
	}
}

func (a *actor) home(ctx context.Context, who int) ([]*read.Timeline, error) {
	return walk(func(q read.TimelineQuery) (*read.Timeline, error) {
		return a.r.GenerateTimeline(ctx, a.users[who], q)
	})
}

// lookAround compares everything a viewer can ask for, once all of it was carried on, and checks every invariant.
func (l *life) lookAround(t *testing.T, when string) {
	t.Helper()
	for _, a := range l.actors {
		a.drained(t)
	}
	for viewer := -1; viewer < people; viewer++ {
		l.lookAtTweets(t, fmt.Sprintf("%s, seen by %d", when, viewer), viewer)
		l.lookAtPeople(t, fmt.Sprintf("%s, seen by %d", when, viewer), viewer)
	}
	l.homes(t, when)
	for _, a := range l.actors {
		c := fanout.NewChecker(a.Stores, func(b fanout.Breach) { t.Errorf("%s, %s: %s", when, a.Name, b) })
		check(t, c.Run(t.Context()))
	}
}

// id is a viewer's id; viewer -1 is nobody signed in.
func (a *actor) id(viewer int) warble.UserID {
	if viewer < 0 {
		return 0
	}
	return a.users[viewer]
}

func (l *life) lookAtTweets(t *testing.T, when string, viewer int) {
	t.Helper()
	l.all(t, when+", all tweets", func(ctx context.Context, a *actor) (any, error) {
		tl, refused, err := a.r.Tweets(ctx, a.id(viewer), everything(), a.tweets...)
		var kinds []string
		for _, err := range refused {
			kinds = append(kinds, "")
			if err != nil {
				kinds[len(kinds)-1] = kindOf(err)
			}
		}
		return []any{tl, kinds}, err
	})
	for _, query := range []string{l.mark, l.vocabulary[0] + " " + l.vocabulary[1], l.mark + " -" + l.vocabulary[2], l.mark + " is:reply", "from:" + l.handle(1), l.mark + " OR #" + l.vocabulary[3]} {
		l.all(t, when+", search "+query, func(ctx context.Context, a *actor) (any, error) {
			return walk(func(q read.TimelineQuery) (*read.Timeline, error) { return a.r.Search(ctx, a.id(viewer), query, q) })
		})
	}
	for range 6 {
		which := l.intN(max(1, l.tweets))
		l.all(t, fmt.Sprintf("%s, around tweet %d", when, which), func(ctx context.Context, a *actor) (any, error) {
			u, tw := a.id(viewer), a.tweets[which]
			above, below, err := a.r.Thread(ctx, u, tw, everything())
			if err != nil {
				return nil, err
			}
			quotes, err1 := walk(func(q read.TimelineQuery) (*read.Timeline, error) { return a.r.QuotesOf(ctx, u, tw, q) })
			replies, err2 := walk(func(q read.TimelineQuery) (*read.Timeline, error) { return a.r.Replies(ctx, u, tw, q) })
			liked, err3 := a.r.LikedBy(ctx, u, tw, warble.Page{Limit: 50}, read.PeopleInclude{Relation: true})
			retweeted, err4 := a.r.RetweetedBy(ctx, u, tw, warble.Page{Limit: 50}, read.PeopleInclude{Counts: true})
			versions, err5 := a.r.History(ctx, u, tw)
			return []any{above, below, quotes, replies, liked, retweeted, versions, kinds(err1, err2, err3, err4, err5)}, nil
		})
	}
}

// kinds tells the kinds of several errors.
func kinds(errs ...error) (out []string) {
	for _, err := range errs {
		if err != nil {
			out = append(out, kindOf(err))
		} else {
			out = append(out, "")
		}
	}
	return out
}

func (l *life) lookAtPeople(t *testing.T, when string, viewer int) {
	t.Helper()
	inc := read.PeopleInclude{Counts: true, Relation: true}
	l.all(t, when+", all people", func(ctx context.Context, a *actor) (any, error) {
		all, err1 := a.r.People(ctx, a.id(viewer), inc, a.users...)
		found, err2 := a.r.SearchPeople(ctx, a.id(viewer), l.mark, warble.Page{Limit: 50}, inc)
		notices, _, err3 := a.r.Notifications(ctx, a.id(viewer), warble.Page{Limit: 200})
		requests, err4 := a.r.FollowRequests(ctx, a.id(viewer), warble.Page{Limit: 50}, inc)
		blocked, err5 := a.r.Blocked(ctx, a.id(viewer), warble.Page{Limit: 50}, inc)
		muted, err6 := a.r.Muted(ctx, a.id(viewer), warble.Page{Limit: 50}, inc)
		marked, err7 := walk(func(q read.TimelineQuery) (*read.Timeline, error) { return a.r.Bookmarks(ctx, a.id(viewer), q) })
		return []any{all, found, notices, requests, blocked, muted, marked, kinds(err1, err2, err3, err4, err5, err6, err7)}, nil
	})
	for whom := range people {
		l.all(t, fmt.Sprintf("%s, person %d", when, whom), func(ctx context.Context, a *actor) (any, error) {
			u, v := a.id(viewer), a.users[whom]
			tweets, err1 := walk(func(q read.TimelineQuery) (*read.Timeline, error) { return a.r.UserTimeline(ctx, u, v, q) })
			named, err2 := walk(func(q read.TimelineQuery) (*read.Timeline, error) { return a.r.Mentions(ctx, u, v, q) })
			liked, err3 := walk(func(q read.TimelineQuery) (*read.Timeline, error) { return a.r.Liked(ctx, u, v, q) })
			followers, err4 := a.r.Followers(ctx, u, v, warble.Page{Limit: 50}, inc)
			following, err5 := a.r.Following(ctx, u, v, warble.Page{Limit: 50}, inc)
			owned, err6 := a.r.OwnedLists(ctx, u, v, warble.Page{Limit: 50})
			byHandle, err7 := a.r.PersonByHandle(ctx, u, inc, l.handle(whom))
			return []any{tweets, named, liked, followers, following, owned, byHandle, kinds(err1, err2, err3, err4, err5, err6, err7)}, nil
		})
	}
	for which := range l.lists {
		l.all(t, fmt.Sprintf("%s, list %d", when, which), func(ctx context.Context, a *actor) (any, error) {
			u, list := a.id(viewer), a.lists[which]
			row, n, err1 := a.r.List(ctx, u, list)
			tweets, err2 := walk(func(q read.TimelineQuery) (*read.Timeline, error) { return a.r.ListTimeline(ctx, u, list, q) })
			members, err3 := a.r.ListMembers(ctx, u, list, warble.Page{Limit: 50}, inc)
			followers, err4 := a.r.ListFollowers(ctx, u, list, warble.Page{Limit: 50}, inc)
			return []any{row, n, tweets, members, followers, kinds(err1, err2, err3, err4)}, nil
		})
	}
}

// homes compares what every home holds as pushed together, as pulled anew, and after a rebuild: between engines and
// on each engine.
func (l *life) homes(t *testing.T, when string) {
	t.Helper()
	pushed := map[string]string{}
	for _, how := range []string{"pushed", "pulled", "rebuilt"} {
		for _, a := range l.actors {
			switch how {
			case "pulled":
				check(t, a.Stores.Timelines.Drop(t.Context(), a.users...))
			case "rebuilt":
				check(t, a.f.Rebuild(t.Context(), nil))
			}
		}
		for who := range people {
			what := fmt.Sprintf("%s, home of %d as %s", when, who, how)
			l.all(t, what, func(ctx context.Context, a *actor) (any, error) {
				pages, err := a.home(ctx, who)
				key := fmt.Sprint(a.Name, who)
				got := a.named(pages) + fmt.Sprint(err)
				if pushed[key] == "" {
					pushed[key] = got
				} else if got != pushed[key] {
					t.Fatalf("%s: on %s it reads\n%s\nand as pushed\n%s", what, a.Name, apart(got, pushed[key]), apart(pushed[key], got))
				}
				return pages, err
			})
		}
	}
}
