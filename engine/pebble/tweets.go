package pebble

import (
	"context"
	"slices"
	"sort"

	"warble"
	"warble/internal/codec"
)

type tweetStore struct{ *Engine }

func (s tweetStore) Get(_ context.Context, ids ...warble.TweetID) ([]*warble.Tweet, error) {
	out := make([]*warble.Tweet, len(ids))
	for i, id := range ids {
		t, err := s.tweet(id)
		if err != nil {
			return nil, err
		}
		out[i] = t
	}
	return out, nil
}

func (s tweetStore) Versions(_ context.Context, id warble.TweetID) ([]*warble.Tweet, error) {
	newest, err := s.tweet(id)
	if err != nil || newest == nil {
		return nil, err
	}
	if newest.Gone || newest.Version <= 1 {
		return []*warble.Tweet{newest}, nil
	}
	r, err := ranging(s.truth, versionPrefix(nil, id), versionPrefix(nil, id+1), false)
	if err != nil {
		return nil, err
	}
	var out []*warble.Tweet
	for ok := r.first(); ok; ok = r.next() {
		row, err := r.it.ValueAndErr()
		var t *warble.Tweet
		if err == nil {
			t, err = codec.ReadTweet(id, row)
		}
		if err != nil {
			return nil, r.close(unavailable(err))
		}
		out = append(out, t)
	}
	if len(out) == 0 { // stored with a version above 1 from the start
		out = append(out, newest)
	}
	return out, r.close(nil)
}

func (s tweetStore) By(_ context.Context, author warble.UserID, p warble.Page) ([]warble.TweetID, error) {
	list, gen, ok := s.recent.find(author)
	if !ok {
		ids, err := s.readBy(author, warble.Page{Limit: recentKeep})
		if err != nil {
			return nil, err
		}
		list = recent{ids: slices.Clip(ids)}
		if len(ids) == recentKeep {
			list.floor = ids[len(ids)-1]
		}
		s.recent.loaded(author, list, list.bytes(), gen)
	}
	if out, ok := list.page(p); ok {
		return out, nil
	}
	return s.readBy(author, p)
}

func (s tweetStore) readBy(author warble.UserID, p warble.Page) (out []warble.TweetID, err error) {
	err = s.walk(authorPrefix(nil, author), p, func(k, _ []byte) error {
		out = append(out, tail(k))
		return nil
	})
	return turned(out, p), err
}

func (s tweetStore) Scan(_ context.Context, shard int, p warble.Page) ([]*warble.Tweet, error) {
	return scan(s.Engine, rowTweet, shard, p, codec.ReadTweet)
}

// recentKeep is how many of an author's newest ids are kept in memory: what
// building a home asks of each person followed.
const recentKeep = 64

// recent is an author's newest ids, newest first, complete at and above floor.
// The slice is never changed, so readers need no lock.
type recent struct {
	ids   []warble.TweetID
	floor warble.TweetID
}

func (r recent) bytes() int { return 8*cap(r.ids) + 32 }

// page cuts a page out; ok is false when it may reach below the floor.
func (r recent) page(p warble.Page) (out []warble.TweetID, ok bool) {
	lo := 0
	if p.Before != 0 {
		lo = sort.Search(len(r.ids), func(i int) bool { return r.ids[i] < p.Before })
	}
	hi := len(r.ids)
	if p.After != 0 {
		hi = sort.Search(len(r.ids), func(i int) bool { return r.ids[i] <= p.After })
	}
	hi = max(lo, hi)
	limit := limitOf(p)
	below := r.floor != 0 && p.After < r.floor // the page's range reaches below the floor
	switch {
	case p.Oldest && below:
		return nil, false
	case p.Oldest:
		lo = max(lo, hi-limit)
	case hi-lo >= limit:
		hi = lo + limit
	case below:
		return nil, false
	}
	return slices.Clone(r.ids[lo:hi]), true
}

// publishRecent tells the author's list of a tweet that came or went.
func (e *Engine) publishRecent(author warble.UserID, id warble.TweetID, came bool) {
	s := e.recent.shard(author)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gen++
	if list := s.get(author); list != nil {
		was := list.bytes()
		*list = list.with(id, came)
		s.weigh(author, list.bytes()-was)
	}
}

func (r recent) with(id warble.TweetID, came bool) recent {
	if id < r.floor {
		return r
	}
	i, there := slices.BinarySearchFunc(r.ids, id, func(a, b warble.TweetID) int {
		return int(min(1, max(-1, int64(b)-int64(a))))
	})
	if there == came {
		return r
	}
	if !came {
		return recent{slices.Concat(r.ids[:i], r.ids[i+1:]), r.floor}
	}
	ids := slices.Concat(r.ids[:i], []warble.TweetID{id}, r.ids[i:])
	if len(ids) > recentKeep {
		ids = ids[:recentKeep]
		r.floor = ids[recentKeep-1]
	}
	return recent{ids, r.floor}
}

// findHighest reads the highest tweet id of each shard: a tweet above it is new,
// and storing it needs no look at what is there.
func (e *Engine) findHighest() error {
	for shard := range warble.Shards {
		err := e.walk([]byte{rowTweet, byte(shard)}, warble.Page{Limit: 1}, func(k, _ []byte) error {
			e.highest[shard].Store(uint64(tail(k)))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
