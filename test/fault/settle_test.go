//go:build cluster

package fault

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"warble"
)

// settled reads everything when the load has stopped and the log has caught up:
// lists to their ends, each by its owner, and the last word on every key.
func (c *crew) settled(ctx context.Context) (*ending, error) {
	n := len(c.people)
	e := &ending{
		Profiles: make([][]seen, n), Homes: make([][]seen, n), Following: make([][]int, n), Followers: make([][]int, n),
		People: make([]peopleCounts, n), Liked: make([]map[warble.TweetID]bool, n), LikedLists: make([]map[warble.TweetID]bool, n),
		Likes: map[warble.TweetID]int{},
	}
	sessions := make([]*session, n)
	for i := range sessions {
		sessions[i] = c.session(i, 0)
		sessions[i].n = -1
	}
	for _, part := range []func(*session, context.Context, *ending) error{(*session).lists, (*session).marks} {
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(8)
		for _, s := range sessions {
			g.Go(func() error { return part(s, gctx, e) })
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
	}
	return e, sessions[0].claimed(ctx)
}

// patience is for a last read: nothing is broken any more.
const patience = 5

// whole reads a list to its end.
func whole[T any](ctx context.Context, s *session, path string, size int, query url.Values, f func(*T) error) error {
	q := url.Values{"max_results": {fmt.Sprint(size)}}
	for k, v := range query {
		q[k] = v
	}
	for {
		var got page[T]
		if err := s.surely(ctx, path, q, &got); err != nil {
			return err
		}
		for i := range got.Data {
			if err := f(&got.Data[i]); err != nil {
				return err
			}
		}
		if got.Meta.Next == "" {
			return nil
		}
		q.Set("pagination_token", got.Meta.Next)
	}
}

// surely reads, again where it must.
func (s *session) surely(ctx context.Context, path string, q url.Values, into any) error {
	var a answer
	for range patience {
		if a = s.read(ctx, path, q, into); a.outcome() == happened {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return fmt.Errorf("GET %s?%s: %d %s", path, q.Encode(), a.status, a.body)
}

// lists reads the lists of the session's person.
func (s *session) lists(ctx context.Context, e *ending) error {
	me, own := s.who.n, "/2/users/"+s.who.id.String()
	e.LikedLists[me] = map[warble.TweetID]bool{}
	numbers := map[warble.UserID]int{}
	for _, p := range s.people {
		numbers[p.id] = p.n
	}
	tweets := func(into *[]seen) func(*wireTweet) error {
		return func(t *wireTweet) error { *into = append(*into, seen{t.ID, t.label()}); return nil }
	}
	people := func(into *[]int) func(*wirePerson) error {
		return func(p *wirePerson) error {
			n, ok := numbers[p.ID]
			if !ok {
				return fmt.Errorf("user %d is not of this run", p.ID)
			}
			*into = append(*into, n)
			return nil
		}
	}
	liked := func(t *wireTweet) error { e.LikedLists[me][t.ID] = true; return nil }
	for _, read := range []func() error{
		func() error { return whole(ctx, s, own+"/tweets", 100, nil, tweets(&e.Profiles[me])) },
		func() error {
			return whole(ctx, s, own+"/timelines/reverse_chronological", 100, nil, tweets(&e.Homes[me]))
		},
		func() error { return whole(ctx, s, own+"/following", 1000, nil, people(&e.Following[me])) },
		func() error { return whole(ctx, s, own+"/followers", 1000, nil, people(&e.Followers[me])) },
		func() error { return whole(ctx, s, own+"/liked_tweets", 100, nil, liked) },
	} {
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

// marks reads the person's flags on every tweet and person there is, and the counts.
func (s *session) marks(ctx context.Context, e *ending) error {
	me := s.who.n
	e.Liked[me] = map[warble.TweetID]bool{}
	var tweets []warble.TweetID
	for _, profile := range e.Profiles {
		for _, t := range profile {
			tweets = append(tweets, t.ID)
		}
	}
	for ids := range slices.Chunk(tweets, 100) {
		var got page[wireTweet]
		if err := s.surely(ctx, "/2/tweets", url.Values{"ids": {joinIDs(ids)}, "tweet.fields": {"viewer,public_metrics"}}, &got); err != nil {
			return err
		}
		for i := range got.Data {
			t := &got.Data[i]
			e.Liked[me][t.ID] = t.Viewer.Liked
			if me == 0 {
				e.Likes[t.ID] = t.Metrics.Likes
			}
			s.lastly(fmt.Sprintf("like %d>%d", me, t.ID), word(t.Viewer.Liked))
		}
	}
	for _, to := range s.people {
		var got struct{ Data wirePerson }
		if err := s.surely(ctx, "/2/users/"+to.id.String(), url.Values{"user.fields": {"connection_status,public_metrics,description"}}, &got); err != nil {
			return err
		}
		if p := &got.Data; to == s.who {
			e.People[me] = peopleCounts{p.Metrics.Followers, p.Metrics.Following, p.Metrics.Tweets}
			s.lastly(fmt.Sprint("bio ", me), p.Description)
		} else {
			s.lastly(fmt.Sprintf("follow %d>%d", me, to.n), word(p.follows()))
		}
	}
	return nil
}

// claimed reads who has the handles that were asked for.
func (s *session) claimed(ctx context.Context) error {
	handles := map[string]bool{}
	for _, c := range s.h.calls {
		if handle, ok := strings.CutPrefix(c.Key, "handle "); ok {
			handles[handle] = true
		}
	}
	for handle := range handles {
		var a answer
		var got struct{ Data wirePerson }
		for range patience {
			if a = s.read(ctx, "/2/users/by/username/"+handle, nil, &got); a.outcome() != unknown {
				break
			}
		}
		if a.outcome() == unknown {
			return fmt.Errorf("who has the handle %s: %d %s", handle, a.status, a.body)
		}
		s.lastly("handle "+handle, got.Data.Name)
	}
	return nil
}

// lastly adds the last word on a key.
func (s *session) lastly(key, value string) {
	s.h.add(&call{Session: -1, User: s.who.n, Kind: get, Key: key, Value: value, Begin: never, End: never, Outcome: happened})
}
