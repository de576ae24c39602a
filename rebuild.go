package warble

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Rebuild restores what is derived from truth: the search index, every count;
// stored homes are dropped and built again when they are read. It may run
// beside a serving process. progress, if not nil, is called now and then with
// how many of the Shards are done, and how many things have been read.
func (f *Fanout) Rebuild(ctx context.Context, progress func(shards int, things int64)) (err error) {
	defer wrap(&err, "Fanout.Rebuild")
	var (
		next, done atomic.Int64
		things     atomic.Int64
		mu         sync.Mutex
		wg         sync.WaitGroup
		failed     error
	)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				shard := int(next.Add(1)) - 1
				if shard >= Shards {
					return
				}
				err := f.rebuildShard(ctx, shard, func(n int) {
					things.Add(int64(n))
					if progress != nil {
						progress(int(done.Load()), things.Load())
					}
				})
				done.Add(1)
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	if failed == nil && progress != nil {
		progress(Shards, things.Load())
	}
	return failed
}

func (f *Fanout) rebuildShard(ctx context.Context, shard int, read func(int)) error {
	for p := (Page{Limit: 500}); ; {
		users, err := f.s.Users.Scan(ctx, shard, p)
		if err != nil {
			return err
		}
		if err := f.rebuildUsers(ctx, users); err != nil {
			return err
		}
		read(len(users))
		if len(users) < p.Limit {
			break
		}
		p.Before = users[len(users)-1].ID
	}
	for p := (Page{Limit: 500}); ; {
		rows, err := f.s.Tweets.Scan(ctx, shard, p)
		if err != nil {
			return err
		}
		if err := f.rebuildTweets(ctx, rows); err != nil {
			return err
		}
		read(len(rows))
		if len(rows) < p.Limit {
			return nil
		}
		p.Before = rows[len(rows)-1].ID
	}
}

func (f *Fanout) rebuildUsers(ctx context.Context, users []*User) error {
	if len(users) == 0 {
		return nil
	}
	events := make([]Event, len(users))
	owners := make([]UserID, len(users))
	var keys []CountKey
	for i, u := range users {
		events[i], owners[i] = Event{Kind: EventUser, Key: u.ID, ID: u.ID}, u.ID
		k, err := userParts(ctx, f.s, u.ID)
		if err != nil {
			return err
		}
		keys = append(keys, k...)
		docs, err := f.s.Docs.List(ctx, u.ID, DocList, Page{Limit: 1000})
		if err != nil {
			return err
		}
		for _, d := range docs {
			k, err := listParts(ctx, f.s, d.ID)
			if err != nil {
				return err
			}
			keys = append(keys, k...)
		}
	}
	if err := f.index(ctx, events, nil); err != nil {
		return err
	}
	if err := f.s.Timelines.Drop(ctx, owners...); err != nil {
		return err
	}
	return f.counter.count(ctx, keys)
}

func (f *Fanout) rebuildTweets(ctx context.Context, rows []*Tweet) error {
	if len(rows) == 0 {
		return nil
	}
	var keys []CountKey
	for _, t := range rows {
		if t.Gone || t.RetweetOf != 0 {
			continue
		}
		k, err := tweetParts(ctx, f.s, t.ID)
		if err != nil {
			return err
		}
		keys = append(keys, k...)
	}
	if err := f.index(ctx, nil, rows); err != nil {
		return err
	}
	return f.counter.count(ctx, keys)
}

// partsIn names the parts of a count of edges into id. A thing without edges has none.
func partsIn(ctx context.Context, s *Stores, kind EdgeKind, id ID, counts ...CountKind) ([]CountKey, error) {
	edges, newest, err := s.Edges.Part(ctx, kind, id, 0)
	if err != nil || newest == 0 && len(edges) == 0 {
		return nil, err
	}
	var keys []CountKey
	for part := range newest + 1 {
		for _, c := range counts {
			keys = append(keys, CountKey{c, id, part})
		}
	}
	return keys, nil
}

// monthStart is the first id of a month, as the bound of a page: never 0, which
// would mean no bound.
func monthStart(month uint32) ID {
	first, _ := MonthSpan(month)
	return max(first, 1)
}

// partsOut names the months in which id put edges of a kind.
func partsOut(ctx context.Context, s *Stores, kind EdgeKind, id ID, count CountKind) ([]CountKey, error) {
	var keys []CountKey
	for p := (Page{Limit: 1}); ; {
		edges, err := s.Edges.From(ctx, kind, id, p)
		if err != nil || len(edges) == 0 {
			return keys, err
		}
		month := edges[0].Since.Month()
		keys = append(keys, CountKey{count, id, month})
		p.Before = monthStart(month)
	}
}

// tweetParts names every part of every count of a tweet.
func tweetParts(ctx context.Context, s *Stores, id TweetID) ([]CountKey, error) {
	var keys []CountKey
	for _, c := range []CountKind{CountReplies, CountRetweets, CountQuotes, CountLikes, CountBookmarks} {
		k, err := partsIn(ctx, s, edgeCountedBy[c], id, c)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k...)
	}
	votes, err := partsIn(ctx, s, Vote, id, voteKinds...)
	return append(keys, votes...), err
}

// listParts names every part of every count of a list.
func listParts(ctx context.Context, s *Stores, id DocID) ([]CountKey, error) {
	keys, err := partsOut(ctx, s, ListMember, id, CountMembers)
	if err != nil {
		return nil, err
	}
	k, err := partsIn(ctx, s, ListFollow, id, CountListFollowers)
	return append(keys, k...), err
}

// userParts names every part of every count of a user.
func userParts(ctx context.Context, s *Stores, id UserID) ([]CountKey, error) {
	keys, err := partsIn(ctx, s, Follow, id, CountFollowers)
	if err != nil {
		return nil, err
	}
	listed, err := partsIn(ctx, s, ListMember, id, CountListed)
	if err != nil {
		return nil, err
	}
	keys = append(keys, listed...)
	for _, out := range []struct {
		kind  EdgeKind
		count CountKind
	}{{Follow, CountFollowing}, {Like, CountLiked}} {
		k, err := partsOut(ctx, s, out.kind, id, out.count)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k...)
	}
	for p := (Page{Limit: 1}); ; {
		ids, err := s.Tweets.By(ctx, id, p)
		if err != nil || len(ids) == 0 {
			return keys, err
		}
		month := ids[0].Month()
		keys = append(keys, CountKey{CountTweets, id, month}, CountKey{CountMedia, id, month})
		p.Before = monthStart(month)
	}
}
