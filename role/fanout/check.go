package fanout

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"warble"
)

// Breach is an invariant that does not hold for one thing.
type Breach struct {
	Rule  string // "counts", "edges", "tweets", "handles", "photos", "index", "timelines"
	Thing string // what breaks it, as "tweet 123"
	What  string // how
}

func (b Breach) String() string { return b.Rule + ": " + b.Thing + ": " + b.What }

// Checker walks a store and looks whether its invariants hold.
type Checker struct {
	s      *warble.Stores
	report func(Breach)
	// Settle, if not nil, waits until fan-out has caught up; a breach is looked
	// at again after it, up to three times, before it is reported. A store that
	// nobody else uses needs none.
	Settle func(context.Context) error
	// Progress, if not nil, hears now and then how many of the Shards are done
	// and how many rows have been looked at.
	Progress func(shards int, rows int64)

	mu   sync.Mutex
	rows atomic.Int64
	done atomic.Int64
}

// NewChecker makes a Checker that tells report of every breach.
func NewChecker(s *warble.Stores, report func(Breach)) *Checker {
	return &Checker{s: s, report: report}
}

// look is one thing to be checked; it returns "" or how it breaks the rule.
type look func(ctx context.Context) (string, error)

// hold runs a look, and again where it finds a breach, and reports what stays.
func (c *Checker) hold(ctx context.Context, rule, thing string, l look) error {
	c.rows.Add(1)
	what, err := l(ctx)
	for try := 0; err == nil && what != "" && c.Settle != nil && try < 3; try++ {
		if err = c.Settle(ctx); err == nil {
			what, err = l(ctx)
		}
	}
	if err == nil && what != "" {
		c.mu.Lock()
		c.report(Breach{rule, thing, what})
		c.mu.Unlock()
	}
	return err
}

// Run checks everything. It fails only where a store does.
func (c *Checker) Run(ctx context.Context) (err error) {
	defer warble.Wrap(&err, "Checker.Run")
	var (
		wg   sync.WaitGroup
		next atomic.Int64
		errs = make([]error, runtime.GOMAXPROCS(0))
	)
	for w := range errs {
		wg.Go(func() {
			for errs[w] == nil {
				shard := int(next.Add(1)) - 1
				if shard >= warble.Shards {
					return
				}
				errs[w] = errors.Join(c.usersOf(ctx, shard), c.tweetsOf(ctx, shard))
				n := int(c.done.Add(1))
				if c.Progress != nil {
					c.Progress(n, c.rows.Load())
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errors.Join(errs...), c.index(ctx))
}

func (c *Checker) usersOf(ctx context.Context, shard int) error {
	for p := (warble.Page{Limit: 500}); ; {
		users, err := c.s.Users.Scan(ctx, shard, p)
		if err != nil {
			return err
		}
		for _, u := range users {
			if err := c.user(ctx, u); err != nil {
				return err
			}
		}
		if len(users) < p.Limit {
			return nil
		}
		p.Before = users[len(users)-1].ID
	}
}

// Kinds of edges by what they start from and point at.
var (
	edgesFromUsers = []warble.EdgeKind{warble.Follow, warble.FollowRequest, warble.Like, warble.Retweet, warble.Bookmark, warble.Mute, warble.Block, warble.ListFollow, warble.ListPin, warble.Vote, warble.FollowTag, warble.Notice, warble.Note}
	edgesToUsers   = []warble.EdgeKind{warble.Follow, warble.FollowRequest, warble.Mute, warble.Block, warble.ListMember, warble.Mention, warble.Note}
	edgesToTweets  = []warble.EdgeKind{warble.Like, warble.Retweet, warble.Bookmark, warble.Reply, warble.Quote, warble.Vote}
	edgesOfTweets  = []warble.EdgeKind{warble.Reply, warble.Quote, warble.Mention}
)

func (c *Checker) user(ctx context.Context, u *warble.User) error {
	thing := "user " + u.ID.String()
	err := c.hold(ctx, "handles", thing, func(ctx context.Context) (string, error) {
		claim, err := c.s.Claims.Get(ctx, warble.HandleClaim(u.Handle))
		if err != nil || claim.Holder == u.ID {
			return "", err
		}
		return fmt.Sprintf("bears the handle %s, which user %s holds", u.Handle, claim.Holder), nil
	})
	if err != nil {
		return err
	}
	if err := c.edges(ctx, u.ID, edgesFromUsers, edgesToUsers); err != nil {
		return err
	}
	err = eachList(ctx, c.s, u.ID, func(list warble.DocID) error {
		if err := c.edges(ctx, list, []warble.EdgeKind{warble.ListMember}, []warble.EdgeKind{warble.ListFollow, warble.ListPin}); err != nil {
			return err
		}
		return c.counts(ctx, list, "list "+list.String(), listParts)
	})
	if err != nil {
		return err
	}
	if err := c.authored(ctx, u.ID, thing); err != nil {
		return err
	}
	if err := c.counts(ctx, u.ID, thing, userParts); err != nil {
		return err
	}
	return c.timeline(ctx, u.ID, thing)
}

// edges checks that every edge out of and into id is the same from both ends
// and by its key.
func (c *Checker) edges(ctx context.Context, id warble.ID, out, in []warble.EdgeKind) error {
	for _, kind := range out {
		if err := c.walk(ctx, kind, id, c.s.Edges.From, c.sameInto); err != nil {
			return err
		}
	}
	for _, kind := range in {
		if err := c.walk(ctx, kind, id, c.s.Edges.To, c.sameOutOf); err != nil {
			return err
		}
	}
	return nil
}

// walk goes through one list of edges. same says of some of them which are as
// they should be at a glance; the others are looked at closely.
func (c *Checker) walk(ctx context.Context, kind warble.EdgeKind, id warble.ID, list edgeList, same func(context.Context, []warble.Edge) ([]bool, error)) error {
	for p := (warble.Page{Limit: 1000}); ; {
		edges, err := list(ctx, kind, id, p)
		if err != nil || len(edges) == 0 {
			return err
		}
		fine, err := same(ctx, edges)
		if err != nil {
			return err
		}
		for i, e := range edges {
			if fine[i] {
				c.rows.Add(1)
			} else if err := c.edge(ctx, e); err != nil {
				return err
			}
		}
		if len(edges) < p.Limit {
			return nil
		}
		p.Before = edges[len(edges)-1].Since
	}
}

type edgeList = func(context.Context, warble.EdgeKind, warble.ID, warble.Page) ([]warble.Edge, error)

// sameInto looks at edges out of one thing: by their keys, and in the lists of
// the things they point at.
func (c *Checker) sameInto(ctx context.Context, edges []warble.Edge) ([]bool, error) {
	to := make([]warble.ID, len(edges))
	for i, e := range edges {
		to[i] = e.To
	}
	got, err := c.s.Edges.Get(ctx, edges[0].Kind, edges[0].From, to...)
	if err != nil {
		return nil, err
	}
	fine := make([]bool, len(edges))
	for i, e := range edges {
		if got[i] != e {
			continue
		}
		into, err := c.s.Edges.To(ctx, e.Kind, e.To, only(e.Since))
		if err != nil {
			return nil, err
		}
		fine[i] = slices.Contains(into, e)
	}
	return fine, nil
}

// sameOutOf looks at edges into one thing: in the lists of the things they come
// from, where sameInto has looked at them by their keys.
func (c *Checker) sameOutOf(ctx context.Context, edges []warble.Edge) ([]bool, error) {
	fine := make([]bool, len(edges))
	for i, e := range edges {
		out, err := c.s.Edges.From(ctx, e.Kind, e.From, only(e.Since))
		if err != nil {
			return nil, err
		}
		fine[i] = slices.Contains(out, e)
	}
	return fine, nil
}

// only is the page that holds just what has one Since.
func only(since warble.ID) warble.Page {
	return warble.Page{Before: since + 1, After: since - 1, Limit: 100}
}

// edge looks at one edge closely.
func (c *Checker) edge(ctx context.Context, e warble.Edge) error {
	thing := fmt.Sprintf("edge %d %s → %s", e.Kind, e.From, e.To)
	return c.hold(ctx, "edges", thing, func(ctx context.Context) (string, error) {
		got, err := c.s.Edges.Get(ctx, e.Kind, e.From, e.To)
		switch {
		case err != nil:
			return "", err
		case got[0].Since == 0:
			return "listed, but not there by its key", nil
		case got[0].Since != e.Since:
			return "listed with another moment than it has by its key", nil
		}
		from, err := c.s.Edges.From(ctx, e.Kind, e.From, only(e.Since))
		if err != nil || !slices.Contains(from, e) {
			return "missing among the edges out of " + e.From.String(), err
		}
		to, err := c.s.Edges.To(ctx, e.Kind, e.To, only(e.Since))
		if err != nil || !slices.Contains(to, e) {
			return "missing among the edges into " + e.To.String(), err
		}
		return "", nil
	})
}

// authored checks that what is listed as a person's tweets is that.
func (c *Checker) authored(ctx context.Context, id warble.UserID, thing string) error {
	for p := (warble.Page{Limit: 1000}); ; {
		ids, err := c.s.Tweets.By(ctx, id, p)
		if err != nil {
			return err
		}
		rows, err := c.s.Tweets.Get(ctx, ids...)
		if err != nil {
			return err
		}
		for i, t := range rows {
			if t != nil && !t.Gone && t.Author == id {
				continue
			}
			err := c.hold(ctx, "tweets", thing, func(ctx context.Context) (string, error) {
				at := warble.Page{Before: ids[i] + 1, After: ids[i] - 1, Limit: 1}
				still, err := c.s.Tweets.By(ctx, id, at)
				if err != nil || len(still) == 0 {
					return "", err
				}
				rows, err := c.s.Tweets.Get(ctx, ids[i])
				if err == nil && (rows[0] == nil || rows[0].Gone || rows[0].Author != id) {
					return "lists tweet " + ids[i].String() + ", which is not there or not theirs", nil
				}
				return "", err
			})
			if err != nil {
				return err
			}
		}
		if len(ids) < p.Limit {
			return nil
		}
		p.Before = ids[len(ids)-1]
	}
}

// counts checks that every number shown equals the rows counted now.
func (c *Checker) counts(ctx context.Context, id warble.ID, thing string, parts func(context.Context, *warble.Stores, warble.ID) ([]warble.CountKey, error)) error {
	return c.hold(ctx, "counts", thing, func(ctx context.Context) (string, error) {
		keys, err := parts(ctx, c.s, id)
		if err != nil {
			return "", err
		}
		var want [warble.MaxCountKind + 1]int64
		for _, k := range keys {
			n, err := recount(ctx, c.s, k)
			if err != nil {
				return "", err
			}
			want[k.Kind] += n
		}
		kinds := make([]warble.CountKind, warble.MaxCountKind)
		for i := range kinds {
			kinds[i] = warble.CountKind(i + 1)
		}
		got, err := c.s.Counts.Get(ctx, kinds, []warble.ID{id})
		if err != nil {
			return "", err
		}
		for i, k := range kinds {
			if got[i] != want[k] {
				return fmt.Sprintf("%s says %d, there are %d", countName(k), got[i], want[k]), nil
			}
		}
		return "", nil
	})
}

// countName is what people call a count.
func countName(k warble.CountKind) string {
	names := [warble.MaxCountKind + 1]string{
		warble.CountReplies: "replies", warble.CountRetweets: "retweets", warble.CountQuotes: "quotes",
		warble.CountLikes: "likes", warble.CountBookmarks: "bookmarks", warble.CountFollowers: "followers",
		warble.CountFollowing: "following", warble.CountTweets: "tweets", warble.CountLiked: "liked",
		warble.CountListed: "listed", warble.CountMembers: "members", warble.CountListFollowers: "list followers",
		warble.CountVote0: "votes for choice 1", warble.CountVote1: "votes for choice 2",
		warble.CountVote2: "votes for choice 3", warble.CountVote3: "votes for choice 4", warble.CountMedia: "tweets with photos",
	}
	return names[k]
}

// timeline checks that a stored home names only tweets that are or were there.
func (c *Checker) timeline(ctx context.Context, id warble.UserID, thing string) error {
	return c.hold(ctx, "timelines", thing, func(ctx context.Context) (string, error) {
		ids, _, ok, err := c.s.Timelines.Read(ctx, id, warble.Page{Limit: warble.TimelineTrim})
		if err != nil || !ok || len(ids) == 0 {
			return "", err
		}
		rows, err := c.s.Tweets.Get(ctx, ids...)
		for i, t := range rows {
			if t == nil {
				return "home holds " + ids[i].String() + ", which never was", err
			}
		}
		return "", err
	})
}

func (c *Checker) tweetsOf(ctx context.Context, shard int) error {
	for p := (warble.Page{Limit: 500}); ; {
		rows, err := c.s.Tweets.Scan(ctx, shard, p)
		if err != nil {
			return err
		}
		for _, t := range rows {
			if err := c.tweet(ctx, t); err != nil {
				return err
			}
		}
		if len(rows) < p.Limit {
			return nil
		}
		p.Before = rows[len(rows)-1].ID
	}
}

func (c *Checker) tweet(ctx context.Context, t *warble.Tweet) error {
	thing := "tweet " + t.ID.String()
	if !t.Gone {
		err := c.hold(ctx, "tweets", thing, func(ctx context.Context) (string, error) { return c.whole(ctx, t.ID) })
		if err != nil {
			return err
		}
	}
	if err := c.edges(ctx, t.ID, edgesOfTweets, edgesToTweets); err != nil {
		return err
	}
	if t.Gone || t.RetweetOf != 0 {
		return nil
	}
	return c.counts(ctx, t.ID, thing, tweetParts)
}

// whole checks that everything a tweet's change wrote is there.
func (c *Checker) whole(ctx context.Context, id warble.TweetID) (string, error) {
	rows, err := c.s.Tweets.Get(ctx, id)
	if err != nil || rows[0] == nil || rows[0].Gone {
		return "", err
	}
	t := rows[0]
	users, err := c.s.Users.Get(ctx, t.Author)
	if err != nil || users[0] == nil {
		return "its author is not there", err
	}
	ids, err := c.s.Tweets.By(ctx, t.Author, warble.Page{Before: id + 1, After: id - 1, Limit: 1})
	if err != nil || len(ids) == 0 {
		return "its author's tweets do not list it", err
	}
	for _, want := range warble.TweetEdges(t) {
		got, err := c.s.Edges.Get(ctx, want.Kind, want.From, want.To)
		if err != nil || got[0].Since == 0 {
			return fmt.Sprintf("its edge of kind %d to %s is not there", want.Kind, want.To), err
		}
	}
	return c.photos(ctx, t)
}

func (c *Checker) photos(ctx context.Context, t *warble.Tweet) (string, error) {
	for i := range t.Photos {
		p := &t.Photos[i]
		docs, err := c.s.Docs.Get(ctx, p.Media)
		if err != nil || docs[0] == nil {
			return "photo " + p.ID.String() + " has no document", err
		}
		for _, name := range []string{p.Full(), p.Small()} {
			b, err := c.s.Blobs.Open(ctx, name)
			if errors.Is(err, warble.ErrNotFound) {
				return "photo file " + name + " is not there", nil
			}
			if err != nil {
				return "", err
			}
			if err := b.Close(); err != nil {
				return "", err
			}
		}
	}
	return "", nil
}
