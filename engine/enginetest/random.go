package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"warble"
)

// Engine is one of the engines that Compare and CompareRoles hold against each other. All are opened with one clock.
type Engine struct {
	Name   string
	Stores *warble.Stores
}

// Compare does the same random changes, claims, pushes, counts and index entries to every engine and holds all of
// them to the answers of the first, call by call and, every so often, in everything that can be read. The engines
// need not be empty. The same seed does the same.
func Compare(t *testing.T, seed uint64, steps int, clock *Clock, engines ...Engine) {
	t.Logf("seed %d", seed)
	r := &random{ids: newIDs(seed), clock: clock, engines: engines}
	r.world()
	for step := range steps {
		op := r.operation()
		r.each(t, fmt.Sprintf("step %d of seed %d", step, seed), op)
		if step%60 == 59 || step == steps-1 {
			r.readAll(t, fmt.Sprintf("after step %d of seed %d", step, seed))
		}
	}
	r.events(t)
}

// call is one call to an engine; what it returns has to be the same everywhere.
type call func(ctx context.Context, s *warble.Stores) (any, error)

// random is a small world in which everything meets everything.
type random struct {
	*ids
	clock   *Clock
	engines []Engine

	users, tweets, docs []warble.ID
	names, vocabulary   []string
	mark                string // a word in every text: it keeps queries to this world
	photos              []string
	version             uint64
	at                  time.Time
	claims              map[string]warble.Claim
	keys                map[warble.ID]bool // of events
}

func (r *random) world() {
	r.users, r.tweets, r.docs = r.idsUp(6), r.idsUp(24), r.idsUp(10)
	r.mark, r.at, r.claims, r.keys = r.word(), time.Now(), map[string]warble.Claim{}, map[warble.ID]bool{}
	for range 4 {
		r.names, r.vocabulary, r.photos = append(r.names, r.word()), append(r.vocabulary, r.word()), append(r.photos, r.photo().Full())
	}
}

func (r *random) one(list []warble.ID) warble.ID { return list[r.intN(len(list))] }
func (r *random) user() warble.UserID            { return r.one(r.users) }
func (r *random) tweet() warble.TweetID          { return r.one(r.tweets) }

// each makes one call to every engine and compares the answers, and the kinds of the errors.
func (r *random) each(t *testing.T, what string, op call) {
	t.Helper()
	var first string
	for i, e := range r.engines {
		out, err := op(t.Context(), e.Stores)
		got := form(out)
		if err != nil {
			got = kindOf(err)
		}
		if i == 0 {
			first = got
		} else if got != first {
			t.Fatalf("%s:\n%s answers %s\n%s answers %s", what, r.engines[0].Name, apart(first, got), e.Name, apart(got, first))
		}
	}
}

// apart is a long text from a little before the place where it leaves another.
func apart(text, other string) string {
	from := 0
	for from < min(len(text), len(other)) && text[from] == other[from] {
		from++
	}
	cut := text[max(0, from-300):min(len(text), from+300)]
	if len(cut) < len(text) {
		return fmt.Sprintf("(of %d bytes, from %d) …%s…", len(text), max(0, from-300), cut)
	}
	return cut
}

func kindOf(err error) string {
	for _, kind := range []error{warble.ErrInvalid, warble.ErrNotFound, warble.ErrForbidden, warble.ErrGone, warble.ErrConflict, warble.ErrLimit, warble.ErrUnauthorized} {
		if errors.Is(err, kind) {
			return "error: " + kind.Error()
		}
	}
	return "error: " + err.Error()
}

// operation is one random write.
func (r *random) operation() call {
	switch n := r.intN(100); {
	case n < 55:
		return r.change()
	case n < 65:
		return r.claimSwap()
	case n < 75:
		return r.timeline()
	case n < 83:
		return r.count()
	case n < 93:
		return r.index()
	case n < 97:
		return r.blob()
	}
	return func(context.Context, *warble.Stores) (any, error) { return nil, nil }
}

func (r *random) change() call {
	var c warble.Change
	for range 1 + r.intN(6) {
		r.row(&c)
	}
	return func(ctx context.Context, s *warble.Stores) (any, error) {
		mine := c
		mine.Put = slices.Clone(c.Put)
		mine.Events = slices.Clone(c.Events)
		changed, err := s.Commit.Apply(ctx, &mine)
		return []any{changed, mine.Put, mine.Events}, err
	}
}

// row adds one row to a change, with its event. Versions rise and fall, so that late ones come too.
func (r *random) row(c *warble.Change) {
	r.version++
	version := max(1, int(r.version)-r.intN(40))
	switch n := r.intN(20); {
	case n < 2:
		u := &warble.User{ID: r.user(), Version: uint64(version), Handle: r.names[r.intN(4)], Name: r.vocabulary[r.intN(4)]}
		c.Users = append(c.Users, u)
		r.event(c, warble.Event{Kind: warble.EventUser, Key: u.ID, ID: u.ID})
	case n < 6:
		tw := r.tweetOf(r.tweet(), uint32(version))
		c.Tweets = append(c.Tweets, tw)
		r.event(c, warble.Event{Kind: warble.EventTweet, Key: tw.Author, ID: tw.ID})
	case n < 8:
		d := &warble.Doc{ID: r.one(r.docs), Version: uint64(version), Data: []byte(r.vocabulary[r.intN(4)])}
		d.Owner, d.Kind = r.users[int(d.ID)%2], warble.DocList
		if r.intN(4) == 0 {
			d.Gone, d.Data = true, nil
		}
		c.Docs = append(c.Docs, d)
		r.event(c, warble.Event{Kind: warble.EventDoc, Key: d.Owner, ID: d.ID})
	case n < 15:
		e := r.edgeOf()
		if !r.twice(c, e.Key()) {
			c.Put = append(c.Put, e)
			r.event(c, warble.Event{Kind: warble.EventEdge, Key: e.To, Edges: []warble.Edge{e}})
		}
	default:
		e := r.edgeOf()
		if !r.twice(c, e.Key()) {
			c.Gone = append(c.Gone, e.Key())
			r.event(c, warble.Event{Kind: warble.EventEdgeGone, Key: e.To, Edges: []warble.Edge{{Kind: e.Kind, From: e.From, To: e.To}}})
		}
	}
}

// twice says whether a change would name an edge twice, which has no meaning.
func (r *random) twice(c *warble.Change, key warble.EdgeKey) bool {
	return slices.Contains(c.Gone, key) || slices.ContainsFunc(c.Put, func(e warble.Edge) bool { return e.Key() == key })
}

func (r *random) event(c *warble.Change, e warble.Event) {
	r.keys[e.Key] = true
	c.Events = append(c.Events, e)
}

func (r *random) tweetOf(id warble.TweetID, version uint32) *warble.Tweet {
	tw := &warble.Tweet{ID: id, Author: r.users[int(id)%len(r.users)], Version: version, Conversation: id}
	tw.Text = fmt.Sprintf("%s %s %s #%s", r.mark, r.vocabulary[r.intN(4)], r.vocabulary[r.intN(4)], r.vocabulary[r.intN(4)])
	switch r.intN(8) {
	case 0:
		return &warble.Tweet{ID: id, Author: tw.Author, Gone: true}
	case 1:
		tw.ReplyTo, tw.ReplyAuthor, tw.Conversation = r.tweet(), r.user(), r.tweet()
	case 2:
		tw.QuoteOf, tw.QuoteAuthor, tw.Lang = r.tweet(), r.user(), "en"
	}
	return tw
}

func (r *random) edgeOf() warble.Edge {
	kinds := []warble.EdgeKind{warble.Follow, warble.Follow, warble.Like, warble.Block, warble.Notice, warble.Vote}
	e := warble.Edge{Kind: kinds[r.intN(len(kinds))], From: r.user(), To: r.user(), Since: r.id()}
	if e.Kind == warble.Like || e.Kind == warble.Vote {
		e.To = r.tweet()
	}
	if e.Kind == warble.Vote || e.Kind == warble.Notice {
		e.Value = string([]byte{byte(1 + r.intN(7))})
	}
	return e
}

func (r *random) claimSwap() call {
	name, next := "handle/"+r.names[r.intN(4)], warble.Claim{Holder: r.user(), Epoch: uint64(r.intN(3))}
	old, ttl := r.claims[name], time.Duration(r.intN(3))*10*time.Second
	switch r.intN(5) {
	case 0:
		next = warble.Claim{}
	case 1:
		old = warble.Claim{Holder: r.user()}
	case 2:
		if r.clock != nil {
			r.clock.Advance(4 * time.Second)
		}
	}
	return func(ctx context.Context, s *warble.Stores) (any, error) {
		now, err := s.Claims.Swap(ctx, name, old, next, ttl)
		r.claims[name] = now
		return now, err
	}
}

func (r *random) timeline() call {
	owner, n := r.user(), r.intN(10)
	var pairs []warble.Pair
	for range 1 + r.intN(30) {
		pairs = append(pairs, warble.Pair{Owner: r.user(), Entry: r.tweet() - warble.ID(r.intN(40)*r.intN(40))})
	}
	floor := r.tweet()
	return func(ctx context.Context, s *warble.Stores) (any, error) {
		switch n {
		case 0:
			return nil, s.Timelines.Drop(ctx, owner)
		case 1, 2, 3:
			return nil, s.Timelines.Build(ctx, owner, pulled(floor, r.tweets...))
		case 4:
			return nil, s.Timelines.Build(ctx, owner, func(ctx context.Context) ([]warble.TweetID, warble.TweetID, error) {
				return r.tweets[:3], 0, s.Timelines.Push(ctx, warble.Turn{}, pairs)
			})
		}
		return nil, s.Timelines.Push(ctx, warble.Turn{}, pairs)
	}
}

func (r *random) count() call {
	var counts []warble.Count
	for range 1 + r.intN(5) {
		r.at = r.at.Add(time.Second) // never twice the same: which of two stands is not said
		at := r.at.Add(-time.Duration(r.intN(60)) * time.Second).Add(time.Duration(len(counts)+1) * time.Nanosecond)
		counts = append(counts, warble.Count{
			Kind: warble.CountKind(1 + r.intN(3)), ID: r.tweet(), Part: uint32(r.intN(3)), N: int64(r.intN(100)), At: at.Add(time.Duration(r.intN(1e6)) * time.Microsecond),
		})
	}
	return func(ctx context.Context, s *warble.Stores) (any, error) { return nil, s.Counts.Put(ctx, counts) }
}

func (r *random) index() call {
	var docs []warble.IndexDoc
	for range 1 + r.intN(4) {
		tw := r.tweetOf(r.tweet(), 1)
		if tw.Gone {
			tw = &warble.Tweet{ID: tw.ID, Author: tw.Author, Text: r.mark}
		}
		docs = append(docs, warble.IndexDoc{Tweet: tw})
	}
	gone := r.intN(4) == 0
	return func(ctx context.Context, s *warble.Stores) (any, error) {
		if gone {
			return nil, s.Index.Remove(ctx, docs[0].ID())
		}
		return nil, s.Index.Add(ctx, docs)
	}
}

func (r *random) blob() call {
	name, data, gone := r.photos[r.intN(4)], []byte(r.word()), r.intN(3) == 0
	return func(ctx context.Context, s *warble.Stores) (any, error) {
		if gone {
			return nil, s.Blobs.Delete(ctx, name)
		}
		return nil, s.Blobs.Put(ctx, name, "image/jpeg", data)
	}
}
