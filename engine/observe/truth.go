package observe

import (
	"context"
	"time"

	"warble"
)

// wrapTruth measures the stores it finds.
func (m meters) wrapTruth(s *warble.Stores) {
	if s.Claims != nil {
		s.Claims = claims{s.Claims, m.of("claims", "Swap"), m.of("claims", "Get")}
	}
	if s.Commit != nil {
		s.Commit = commit{s.Commit, m.of("commit", "Apply")}
	}
	if s.Users != nil {
		s.Users = users{s.Users, m.of("users", "Get"), m.of("users", "ByHandle"), m.of("users", "Scan")}
	}
	if s.Tweets != nil {
		s.Tweets = tweets{s.Tweets, m.of("tweets", "Get"), m.of("tweets", "Versions"), m.of("tweets", "By"), m.of("tweets", "Scan")}
	}
	if s.Edges != nil {
		s.Edges = edges{s.Edges, m.of("edges", "Get"), m.of("edges", "From"), m.of("edges", "To"), m.of("edges", "Part"), m.of("edges", "Among"), m.of("edges", "Tally")}
	}
	if s.Docs != nil {
		s.Docs = docs{s.Docs, m.of("docs", "Get"), m.of("docs", "List")}
	}
	if s.Blobs != nil {
		s.Blobs = blobs{s.Blobs, m.of("blobs", "Put"), m.of("blobs", "Open"), m.of("blobs", "Delete")}
	}
}

type claims struct {
	warble.Claims
	swap, get meter
}

func (s claims) Swap(ctx context.Context, name string, old, next warble.Claim, ttl time.Duration) (warble.Claim, error) {
	start := time.Now()
	now, err := s.Claims.Swap(ctx, name, old, next, ttl)
	s.swap.done(start, err)
	return now, err
}

func (s claims) Get(ctx context.Context, name string) (warble.Claim, error) {
	start := time.Now()
	now, err := s.Claims.Get(ctx, name)
	s.get.done(start, err)
	return now, err
}

type commit struct {
	warble.Commit
	apply meter
}

func (s commit) Apply(ctx context.Context, c *warble.Change) (bool, error) {
	start := time.Now()
	changed, err := s.Commit.Apply(ctx, c)
	s.apply.done(start, err)
	return changed, err
}

type users struct {
	warble.Users
	get, byHandle, scan meter
}

func (s users) Get(ctx context.Context, ids ...warble.UserID) ([]*warble.User, error) {
	start := time.Now()
	out, err := s.Users.Get(ctx, ids...)
	s.get.done(start, err)
	return out, err
}

func (s users) ByHandle(ctx context.Context, handle string) (*warble.User, error) {
	start := time.Now()
	u, err := s.Users.ByHandle(ctx, handle)
	s.byHandle.done(start, err)
	return u, err
}

func (s users) Scan(ctx context.Context, shard int, p warble.Page) ([]*warble.User, error) {
	start := time.Now()
	out, err := s.Users.Scan(ctx, shard, p)
	s.scan.done(start, err)
	return out, err
}

type tweets struct {
	warble.Tweets
	get, versions, by, scan meter
}

func (s tweets) Get(ctx context.Context, ids ...warble.TweetID) ([]*warble.Tweet, error) {
	start := time.Now()
	out, err := s.Tweets.Get(ctx, ids...)
	s.get.done(start, err)
	return out, err
}

func (s tweets) Versions(ctx context.Context, id warble.TweetID) ([]*warble.Tweet, error) {
	start := time.Now()
	out, err := s.Tweets.Versions(ctx, id)
	s.versions.done(start, err)
	return out, err
}

func (s tweets) By(ctx context.Context, author warble.UserID, p warble.Page) ([]warble.TweetID, error) {
	start := time.Now()
	out, err := s.Tweets.By(ctx, author, p)
	s.by.done(start, err)
	return out, err
}

func (s tweets) Scan(ctx context.Context, shard int, p warble.Page) ([]*warble.Tweet, error) {
	start := time.Now()
	out, err := s.Tweets.Scan(ctx, shard, p)
	s.scan.done(start, err)
	return out, err
}

type edges struct {
	warble.Edges
	get, from, to, part, among, tally meter
}

func (s edges) Get(ctx context.Context, kind warble.EdgeKind, from warble.ID, to ...warble.ID) ([]warble.Edge, error) {
	start := time.Now()
	out, err := s.Edges.Get(ctx, kind, from, to...)
	s.get.done(start, err)
	return out, err
}

func (s edges) From(ctx context.Context, kind warble.EdgeKind, from warble.ID, p warble.Page) ([]warble.Edge, error) {
	start := time.Now()
	out, err := s.Edges.From(ctx, kind, from, p)
	s.from.done(start, err)
	return out, err
}

func (s edges) To(ctx context.Context, kind warble.EdgeKind, to warble.ID, p warble.Page) ([]warble.Edge, error) {
	start := time.Now()
	out, err := s.Edges.To(ctx, kind, to, p)
	s.to.done(start, err)
	return out, err
}

func (s edges) Part(ctx context.Context, kind warble.EdgeKind, to warble.ID, part uint32) ([]warble.Edge, uint32, error) {
	start := time.Now()
	out, newest, err := s.Edges.Part(ctx, kind, to, part)
	s.part.done(start, err)
	return out, newest, err
}

func (s edges) Among(ctx context.Context, viewer warble.ID, kinds []warble.EdgeKind, ids []warble.ID) ([]uint16, error) {
	start := time.Now()
	out, err := s.Edges.Among(ctx, viewer, kinds, ids)
	s.among.done(start, err)
	return out, err
}

func (s edges) Tally(ctx context.Context, kind warble.EdgeKind, id warble.ID, out bool, part uint32, mask byte) (int64, error) {
	start := time.Now()
	n, err := s.Edges.Tally(ctx, kind, id, out, part, mask)
	s.tally.done(start, err)
	return n, err
}

type docs struct {
	warble.Docs
	get, list meter
}

func (s docs) Get(ctx context.Context, ids ...warble.DocID) ([]*warble.Doc, error) {
	start := time.Now()
	out, err := s.Docs.Get(ctx, ids...)
	s.get.done(start, err)
	return out, err
}

func (s docs) List(ctx context.Context, owner warble.ID, kind warble.DocKind, p warble.Page) ([]*warble.Doc, error) {
	start := time.Now()
	out, err := s.Docs.List(ctx, owner, kind, p)
	s.list.done(start, err)
	return out, err
}

type blobs struct {
	warble.Blobs
	put, open, delete meter
}

func (s blobs) Put(ctx context.Context, name, contentType string, data []byte) error {
	start := time.Now()
	err := s.Blobs.Put(ctx, name, contentType, data)
	s.put.done(start, err)
	return err
}

func (s blobs) Open(ctx context.Context, name string) (warble.Blob, error) {
	start := time.Now()
	b, err := s.Blobs.Open(ctx, name)
	s.open.done(start, err)
	return b, err
}

func (s blobs) Delete(ctx context.Context, name string) error {
	start := time.Now()
	err := s.Blobs.Delete(ctx, name)
	s.delete.done(start, err)
	return err
}
