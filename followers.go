package warble

import (
	"context"
	"slices"
	"sync"
)

// followerLists keeps the follower lists of active authors, packed. Only the
// owner of an author's log partition uses his list: on a follow it forgets the
// list before the follower's home is dropped, so a tweet pushed by an old list
// is one that the follower's next build pulls.
type followerLists struct {
	s     *Stores
	lists *memo[UserID, *followerList]
	pool  sync.Pool
}

// followerList is an author's followers where they fit one part; newest is the
// number of the newest part: above 0 the list is left to turns.
type followerList struct {
	ids    []UserID
	newest uint32
}

// followerListMax is how many lists one generation of the cache holds: at the
// most 65,536 × 8 KB.
const followerListMax = 1 << 16

func newFollowerLists(s *Stores) *followerLists {
	l := &followerLists{s: s, lists: newMemo[UserID, *followerList](followerListMax)}
	l.pool.New = func() any { b := make([]Pair, 0, 8192); return &b }
	return l
}

func (l *followerLists) of(ctx context.Context, author UserID) (*followerList, error) {
	if list, ok := l.lists.get(author); ok {
		return list, nil
	}
	edges, newest, err := l.s.Edges.Part(ctx, Follow, author, 0)
	if err != nil {
		return nil, err
	}
	list := &followerList{newest: newest}
	if newest == 0 {
		list.ids = make([]UserID, len(edges))
		for i, e := range edges {
			list.ids[i] = e.From
		}
		slices.Sort(list.ids)
	}
	l.lists.set(author, list)
	return list, nil
}

func (l *followerLists) forget(author UserID) { l.lists.drop(author) }

func (l *followerLists) buffer() *[]Pair {
	b, _ := l.pool.Get().(*[]Pair)
	return b
}

func (l *followerLists) giveBack(b *[]Pair) {
	*b = (*b)[:0]
	l.pool.Put(b)
}
