package fanout

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"warble"
)

// Rebuild restores what is derived from truth: the search index, every count;
// what either holds of things that are no more is removed. Stored homes are
// dropped and built again when they are read. It may run beside a serving process. progress, if not nil, is called now and then with
// how many of the Shards are done, and how many things have been read.
func (f *Fanout) Rebuild(ctx context.Context, progress func(shards int, things int64)) (err error) {
	defer warble.Wrap(&err, "Fanout.Rebuild")
	start := f.counter.moment()
	// First: an id that is found among both tweets and people is removed from
	// both, and what is rightly found is added again.
	if err := f.sweepIndex(ctx); err != nil {
		return err
	}
	if err := f.rebuildShards(ctx, progress); err != nil {
		return err
	}
	return f.s.Counts.Sweep(ctx, start)
}

// rebuildShards adds and counts everything there is.
func (f *Fanout) rebuildShards(ctx context.Context, progress func(shards int, things int64)) error {
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
				if shard >= warble.Shards {
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
		progress(warble.Shards, things.Load())
	}
	return failed
}

func (f *Fanout) rebuildShard(ctx context.Context, shard int, read func(int)) error {
	for p := (warble.Page{Limit: 500}); ; {
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
	for p := (warble.Page{Limit: 500}); ; {
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

// sweepIndex removes from search what is not there, or no longer.
func (f *Fanout) sweepIndex(ctx context.Context) error {
	err := eachFound(ctx, f.s, false, func(ids []warble.ID) error {
		rows, err := f.s.Tweets.Get(ctx, ids...)
		if err != nil {
			return err
		}
		return f.unfind(ctx, ids, func(i int) bool { return rows[i] != nil && !rows[i].Gone })
	})
	if err != nil {
		return err
	}
	return eachFound(ctx, f.s, true, func(ids []warble.ID) error {
		users, err := f.s.Users.Get(ctx, ids...)
		if err != nil {
			return err
		}
		return f.unfind(ctx, ids, func(i int) bool { return users[i].Active() })
	})
}

// unfind removes from search those of ids that do not stand.
func (f *Fanout) unfind(ctx context.Context, ids []warble.ID, stands func(int) bool) error {
	var gone []warble.ID
	for i, id := range ids {
		if !stands(i) {
			gone = append(gone, id)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return f.s.Index.Remove(ctx, gone...)
}

// eachFound visits everything that search can find among tweets or people.
func eachFound(ctx context.Context, s *warble.Stores, people bool, visit func([]warble.ID) error) error {
	for p := (warble.Page{Limit: 1000}); ; {
		ids, err := s.Index.Search(ctx, &warble.Query{Op: warble.QueryAll, People: people}, p)
		stop := (*warble.Unfinished)(nil)
		if err != nil && !errors.As(err, &stop) {
			return err
		}
		if len(ids) > 0 {
			if err := visit(ids); err != nil {
				return err
			}
		}
		switch {
		case stop != nil:
			p.Before = stop.Before
		case len(ids) < p.Limit:
			return nil
		default:
			p.Before = ids[len(ids)-1]
		}
	}
}

// eachList visits every list a person made.
func eachList(ctx context.Context, s *warble.Stores, owner warble.UserID, visit func(warble.DocID) error) error {
	for p := (warble.Page{Limit: 1000}); ; {
		docs, err := s.Docs.List(ctx, owner, warble.DocList, p)
		if err != nil {
			return err
		}
		for _, d := range docs {
			if err := visit(d.ID); err != nil {
				return err
			}
		}
		if len(docs) < p.Limit {
			return nil
		}
		p.Before = docs[len(docs)-1].ID
	}
}

func (f *Fanout) rebuildUsers(ctx context.Context, users []*warble.User) error {
	if len(users) == 0 {
		return nil
	}
	events := make([]warble.Event, len(users))
	owners := make([]warble.UserID, len(users))
	var keys []warble.CountKey
	for i, u := range users {
		events[i], owners[i] = warble.Event{Kind: warble.EventUser, Key: u.ID, ID: u.ID}, u.ID
		k, err := userParts(ctx, f.s, u.ID)
		if err != nil {
			return err
		}
		keys = append(keys, k...)
		err = eachList(ctx, f.s, u.ID, func(list warble.DocID) error {
			k, err := listParts(ctx, f.s, list)
			keys = append(keys, k...)
			return err
		})
		if err != nil {
			return err
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

func (f *Fanout) rebuildTweets(ctx context.Context, rows []*warble.Tweet) error {
	if len(rows) == 0 {
		return nil
	}
	var keys []warble.CountKey
	for _, t := range rows {
		if t.RetweetOf != 0 {
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
func partsIn(ctx context.Context, s *warble.Stores, kind warble.EdgeKind, id warble.ID, counts ...warble.CountKind) ([]warble.CountKey, error) {
	edges, newest, err := s.Edges.Part(ctx, kind, id, 0)
	if err != nil || newest == 0 && len(edges) == 0 {
		return nil, err
	}
	var keys []warble.CountKey
	for part := range newest + 1 {
		for _, c := range counts {
			keys = append(keys, warble.CountKey{Kind: c, ID: id, Part: part})
		}
	}
	return keys, nil
}

// monthStart is the first id of a month, as the bound of a page: never 0, which
// would mean no bound.
func monthStart(month uint32) warble.ID {
	first, _ := warble.MonthSpan(month)
	return max(first, 1)
}

// partsOut names the months in which id put edges of a kind.
func partsOut(ctx context.Context, s *warble.Stores, kind warble.EdgeKind, id warble.ID, count warble.CountKind) ([]warble.CountKey, error) {
	var keys []warble.CountKey
	for p := (warble.Page{Limit: 1}); ; {
		edges, err := s.Edges.From(ctx, kind, id, p)
		if err != nil || len(edges) == 0 {
			return keys, err
		}
		month := edges[0].Since.Month()
		keys = append(keys, warble.CountKey{Kind: count, ID: id, Part: month})
		p.Before = monthStart(month)
	}
}

// tweetParts names every part of every count of a tweet.
func tweetParts(ctx context.Context, s *warble.Stores, id warble.TweetID) ([]warble.CountKey, error) {
	var keys []warble.CountKey
	for _, c := range []warble.CountKind{warble.CountReplies, warble.CountRetweets, warble.CountQuotes, warble.CountLikes, warble.CountBookmarks} {
		k, err := partsIn(ctx, s, edgeCountedBy[c], id, c)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k...)
	}
	votes, err := partsIn(ctx, s, warble.Vote, id, warble.VoteKinds...)
	return append(keys, votes...), err
}

// listParts names every part of every count of a list.
func listParts(ctx context.Context, s *warble.Stores, id warble.DocID) ([]warble.CountKey, error) {
	keys, err := partsOut(ctx, s, warble.ListMember, id, warble.CountMembers)
	if err != nil {
		return nil, err
	}
	k, err := partsIn(ctx, s, warble.ListFollow, id, warble.CountListFollowers)
	return append(keys, k...), err
}

// userParts names every part of every count of a user.
func userParts(ctx context.Context, s *warble.Stores, id warble.UserID) ([]warble.CountKey, error) {
	keys, err := partsIn(ctx, s, warble.Follow, id, warble.CountFollowers)
	if err != nil {
		return nil, err
	}
	listed, err := partsIn(ctx, s, warble.ListMember, id, warble.CountListed)
	if err != nil {
		return nil, err
	}
	keys = append(keys, listed...)
	for _, out := range []struct {
		kind  warble.EdgeKind
		count warble.CountKind
	}{{warble.Follow, warble.CountFollowing}, {warble.Like, warble.CountLiked}} {
		k, err := partsOut(ctx, s, out.kind, id, out.count)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k...)
	}
	for p := (warble.Page{Limit: 1}); ; {
		ids, err := s.Tweets.By(ctx, id, p)
		if err != nil || len(ids) == 0 {
			return keys, err
		}
		month := ids[0].Month()
		keys = append(keys, warble.CountKey{Kind: warble.CountTweets, ID: id, Part: month}, warble.CountKey{Kind: warble.CountMedia, ID: id, Part: month})
		p.Before = monthStart(month)
	}
}
