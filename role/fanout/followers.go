package fanout

import (
	"context"
	"slices"
	"sync"
	"warble"
)

// followerLists keeps the follower lists of active authors, packed. Only the
// owner of an author's log partition uses his list: on a follow it forgets the
// list before the follower's home is dropped, so a tweet pushed by an old list
// is one that the follower's next build pulls. A list belongs to an epoch of the
// partition's ownership: what came between two of them nobody here has seen.
type followerLists struct {
	s     *warble.Stores
	lists *warble.Memo[warble.UserID, *followerList]
	pool  sync.Pool
}

// followerList is an author's followers where they fit one part; newest is the
// number of the newest part: above 0 the list is left to turns.
type followerList struct {
	ids    []warble.UserID
	newest uint32
	epoch  uint64
}

// followerListMax is how many lists one generation of the cache holds: at the
// most 65,536 × 8 KB.
const followerListMax = 1 << 16

func newFollowerLists(s *warble.Stores) *followerLists {
	l := &followerLists{s: s, lists: warble.NewMemo[warble.UserID, *followerList](followerListMax)}
	l.pool.New = func() any { b := make([]warble.Pair, 0, 8192); return &b }
	return l
}

func (l *followerLists) of(ctx context.Context, author warble.UserID, epoch uint64) (*followerList, error) {
	if list, ok := l.lists.Get(author); ok && list.epoch == epoch {
		return list, nil
	}
	edges, newest, err := l.s.Edges.Part(ctx, warble.Follow, author, 0)
	if err != nil {
		return nil, err
	}
	list := &followerList{newest: newest, epoch: epoch}
	if newest == 0 {
		list.ids = make([]warble.UserID, len(edges))
		for i, e := range edges {
			list.ids[i] = e.From
		}
		slices.Sort(list.ids)
	}
	l.lists.Set(author, list)
	return list, nil
}

func (l *followerLists) forget(author warble.UserID) { l.lists.Drop(author) }

func (l *followerLists) buffer() *[]warble.Pair {
	b, _ := l.pool.Get().(*[]warble.Pair)
	return b
}

func (l *followerLists) giveBack(b *[]warble.Pair) {
	*b = (*b)[:0]
	l.pool.Put(b)
}
