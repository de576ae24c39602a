package mem

import (
	"context"
	"time"

	"warble"
)

// claim is a stored claim; until is zero for one that lasts for ever.
type claim struct {
	warble.Claim
	until time.Time
}

type claimStore struct{ *engine }

// claimed returns the claim that stands; one that ran out does not.
func (e *engine) claimed(name string) warble.Claim {
	c, ok := e.claims[name]
	if ok && !c.until.IsZero() && !e.now().Before(c.until) {
		delete(e.claims, name)
		return warble.Claim{}
	}
	return c.Claim
}

func (s claimStore) Swap(_ context.Context, name string, old, next warble.Claim, ttl time.Duration) (warble.Claim, error) {
	if len(next.Data) > 256 {
		return warble.Claim{}, warble.Invalid("claim", name, "a claim holds at most 256 bytes")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.claimed(name); now != old {
		return now, nil
	}
	switch {
	case next == warble.Claim{}:
		delete(s.claims, name)
	case ttl > 0:
		s.claims[name] = claim{next, s.now().Add(ttl)}
	default:
		s.claims[name] = claim{Claim: next}
	}
	return next, nil
}

func (s claimStore) Get(_ context.Context, name string) (warble.Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claimed(name), nil
}

type userStore struct{ *engine }

func (s userStore) Get(_ context.Context, ids ...warble.UserID) ([]*warble.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*warble.User, len(ids))
	for i, id := range ids {
		out[i] = s.users[id]
	}
	return out, nil
}

func (s userStore) ByHandle(_ context.Context, handle string) (*warble.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	folded := warble.FoldHandle(handle)
	u := s.users[s.claimed("handle/"+folded).Holder]
	if u == nil || warble.FoldHandle(u.Handle) != folded {
		return nil, nil
	}
	return u, nil
}

func (s userStore) Scan(_ context.Context, shard int, p warble.Page) ([]*warble.User, error) {
	if shard < 0 || shard >= warble.Shards {
		return nil, warble.Invalid("shard", "", "there are 64 shards, counted from 0")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*warble.User
	for _, r := range page(s.userShards[shard], p) {
		out = append(out, s.users[r.id])
	}
	return out, nil
}

type tweetStore struct{ *engine }

// newest returns the newest version of a tweet, nil where there is none.
func (e *engine) newest(id warble.TweetID) *warble.Tweet {
	if v := e.tweets[id]; len(v) > 0 {
		return v[len(v)-1]
	}
	return nil
}

func (s tweetStore) Get(_ context.Context, ids ...warble.TweetID) ([]*warble.Tweet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*warble.Tweet, len(ids))
	for i, id := range ids {
		out[i] = s.newest(id)
	}
	return out, nil
}

func (s tweetStore) Versions(_ context.Context, id warble.TweetID) ([]*warble.Tweet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*warble.Tweet(nil), s.tweets[id]...), nil
}

func (s tweetStore) By(_ context.Context, author warble.UserID, p warble.Page) ([]warble.TweetID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return idsOf(page(s.by[author], p)), nil
}

func (s tweetStore) Scan(_ context.Context, shard int, p warble.Page) ([]*warble.Tweet, error) {
	if shard < 0 || shard >= warble.Shards {
		return nil, warble.Invalid("shard", "", "there are 64 shards, counted from 0")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*warble.Tweet
	for _, r := range page(s.tweetShards[shard], p) {
		out = append(out, s.newest(r.id))
	}
	return out, nil
}

// docList is what documents are listed by.
type docList struct {
	owner warble.ID
	kind  warble.DocKind
}

type docStore struct{ *engine }

func (s docStore) Get(_ context.Context, ids ...warble.DocID) ([]*warble.Doc, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*warble.Doc, len(ids))
	for i, id := range ids {
		if d := s.docs[id]; d != nil && !d.Gone {
			out[i] = d
		}
	}
	return out, nil
}

func (s docStore) List(_ context.Context, owner warble.ID, kind warble.DocKind, p warble.Page) ([]*warble.Doc, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*warble.Doc
	for _, r := range page(s.lists[docList{owner, kind}], p) {
		out = append(out, s.docs[r.id])
	}
	return out, nil
}
