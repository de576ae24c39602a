// Package cached keeps rows of people and tweets in the process that reads them, for stores across a network.
//
// Nothing is kept longer than Options.Age, whatever is lost on the way. Sooner than that, whoever writes a row says so on
// the hub: the message raises the generation of the row's shard, so that a load begun before it is not kept. Messages of
// a process are numbered, and one is sent every second; who finds one missing forgets everything.
//
// A person's own writes are seen at once, whichever processes wrote and read: before it answers a writer leaves a mark in
// a store all share (Options.Mark), and a reader that finds another mark than last time (Stores.CatchUp) reads that person's
// rows from truth again.
package cached

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"sync"

	"time"

	"warble"
)

// Options bound a cache.
type Options struct {
	// Age is how long a row is kept at most. Default 10 s.
	Age time.Duration
	// Rows is about how many rows of tweets are kept; of people half as many. Default 200,000.
	Rows int
	// Mark leaves a mark that these people wrote; Marked returns somebody's newest mark, "" for none. Both nil where one
	// process sees every write.
	Mark   func(ctx context.Context, users []warble.UserID) error
	Marked func(ctx context.Context, user warble.UserID) (string, error)
	// Log gets what an operator should see. Default: nothing.
	Log *slog.Logger
}

// topic is the hub's, for what was written.
const topic = "rows"

// pulse is how often a process that writes nothing says so.
const pulse = time.Second

type cache struct {
	opt    Options
	stores warble.Stores // what is cached
	start  time.Time
	tweets *rows[*warble.Tweet]
	users  *rows[*warble.User]
	fresh  *warble.Memo[warble.UserID, mark]
	self   uint64 // tells publishers apart
	mu     sync.Mutex
	seq    uint64 // of the last message; changed and sent under mu
}

// mark is what a reader knows of somebody's writes: rows loaded before seen are not good enough for anybody.
type mark struct {
	token string
	seen  time.Duration
}

// Wrap returns the stores with Users and Tweets cached until ctx ends.
func Wrap(ctx context.Context, s *warble.Stores, opt Options) (*warble.Stores, error) {
	if opt.Age == 0 {
		opt.Age = 10 * time.Second
	}
	if opt.Rows == 0 {
		opt.Rows = 200_000
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	var self [8]byte
	rand.Read(self[:])
	c := &cache{
		opt: opt, stores: *s, start: time.Now(), self: binary.BigEndian.Uint64(self[:]),
		tweets: newRows[*warble.Tweet](opt.Rows), users: newRows[*warble.User](opt.Rows / 2),
		fresh: warble.NewMemo[warble.UserID, mark](1 << 16),
	}
	messages, err := s.Hub.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	go c.listen(messages)
	go c.beat(ctx)
	w := *s
	w.Users, w.Tweets, w.Commit = users{s.Users, c}, tweets{s.Tweets, c}, commit{s.Commit, c}
	if opt.Marked != nil {
		w.CatchUp = c.catchUp
	}
	return &w, nil
}

// now is the time since the cache began, by a clock that never goes back.
func (c *cache) now() time.Duration { return time.Since(c.start) }

// catchUp has rows of somebody who wrote elsewhere read from truth again. Where the marks cannot be read, all of
// that person's are.
func (c *cache) catchUp(ctx context.Context, user warble.UserID) {
	token, err := c.opt.Marked(ctx, user)
	if err == nil && token == "" {
		return
	}
	if known, ok := c.fresh.Get(user); err == nil && ok && known.token == token {
		return
	}
	c.fresh.Set(user, mark{token, c.now()})
}

// good says whether a row of owner's, loaded at a moment, may be handed out.
func (c *cache) good(owner warble.UserID, loaded time.Duration) bool {
	if c.now()-loaded >= c.opt.Age {
		return false
	}
	m, ok := c.fresh.Get(owner)
	return !ok || m.seen < loaded
}

type users struct {
	warble.Users
	c *cache
}

func (u users) Get(ctx context.Context, ids ...warble.UserID) ([]*warble.User, error) {
	good := func(row *warble.User, loaded time.Duration) bool { return u.c.good(row.ID, loaded) }
	return u.c.users.get(ctx, ids, u.c.now, good, u.Users.Get)
}

type tweets struct {
	warble.Tweets
	c *cache
}

func (t tweets) Get(ctx context.Context, ids ...warble.TweetID) ([]*warble.Tweet, error) {
	good := func(row *warble.Tweet, loaded time.Duration) bool { return t.c.good(row.Author, loaded) }
	return t.c.tweets.get(ctx, ids, t.c.now, good, t.Tweets.Get)
}

type commit struct {
	warble.Commit
	c *cache
}

// Apply tells of what it may have written also where it failed: it may be stored all the same.
func (k commit) Apply(ctx context.Context, ch *warble.Change) (bool, error) {
	changed, err := k.Commit.Apply(ctx, ch)
	if len(ch.Users)+len(ch.Tweets) == 0 {
		return changed, err
	}
	after := context.WithoutCancel(ctx)
	if k.c.opt.Mark != nil {
		if fault := k.c.opt.Mark(after, writers(ch)); fault != nil {
			k.c.opt.Log.Warn("own writes may be seen late", "error", fault)
		}
	}
	k.c.wrote(after, ch)
	return changed, err
}

func writers(ch *warble.Change) []warble.UserID {
	var of []warble.UserID
	for _, u := range ch.Users {
		of = append(of, u.ID)
	}
	for _, t := range ch.Tweets {
		of = append(of, t.Author)
	}
	return of
}

// wrote forgets rows here and has the others forget them.
func (c *cache) wrote(ctx context.Context, ch *warble.Change) {
	ids := make([]warble.ID, 0, len(ch.Users)+len(ch.Tweets))
	for _, u := range ch.Users {
		ids = append(ids, u.ID)
	}
	for _, t := range ch.Tweets {
		ids = append(ids, t.ID)
	}
	c.forget(ids)
	c.send(ctx, ids)
}

// forget forgets a row, whether a person's or a tweet's: an id is one of the two.
func (c *cache) forget(ids []warble.ID) {
	for _, id := range ids {
		c.users.forget(id)
		c.tweets.forget(id)
	}
}

// send sends the next message: publisher, number, ids. An empty one repeats the last number.
func (c *cache) send(ctx context.Context, ids []warble.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(ids) > 0 {
		c.seq++
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16+8*len(ids)), c.self)
	b = binary.BigEndian.AppendUint64(b, c.seq)
	for _, id := range ids {
		b = binary.BigEndian.AppendUint64(b, uint64(id))
	}
	if err := c.stores.Hub.Publish(ctx, topic, b); err != nil {
		c.opt.Log.Warn("others may see a write late", "error", err)
	}
}

func (c *cache) beat(ctx context.Context) {
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.send(ctx, nil)
		}
	}
}

// silent is after how long a publisher that says nothing is forgotten.
const silent = 10 * time.Minute

// publisher is the last number seen of one, and when.
type publisher struct {
	seq  uint64
	seen time.Duration
}

func (c *cache) listen(messages <-chan []byte) {
	last := map[uint64]publisher{}
	for m := range messages {
		c.heard(last, m)
	}
}

// heard obeys one message. A number out of turn means that some before it was lost.
func (c *cache) heard(last map[uint64]publisher, m []byte) {
	if len(m) < 16 || len(m)%8 != 0 {
		c.flush("a message that is none")
		return
	}
	from, seq := binary.BigEndian.Uint64(m), binary.BigEndian.Uint64(m[8:])
	if from == c.self {
		return
	}
	was, known := last[from]
	want := was.seq
	if len(m) > 16 {
		want++
	}
	if !known {
		c.sweep(last)
	}
	last[from] = publisher{seq, c.now()}
	if seq != want { // also of one never heard of: what it wrote before is not known
		c.flush("a message was lost")
		return
	}
	for at := 16; at < len(m); at += 8 {
		c.forget([]warble.ID{warble.ID(binary.BigEndian.Uint64(m[at:]))})
	}
}

func (c *cache) sweep(last map[uint64]publisher) {
	for from, p := range last {
		if c.now()-p.seen > silent {
			delete(last, from)
		}
	}
}

func (c *cache) flush(why string) {
	c.users.flush()
	c.tweets.flush()
	c.opt.Log.Info("cached rows are forgotten", "because", why)
}
