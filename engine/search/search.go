package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"warble"
	"warble/internal/words"
)

// Options of an index. The zero value is right for a server.
type Options struct {
	Budget      int // postings after which a search stops; default 4,000,000
	PrefixTerms int // words a prefix stands for in sealed segments; default 512
	CacheDocs   int // segments whose ids are kept in memory, 128 KB each; default 256

	// CompactEvery is how often Compact looks whether there is something to do.
	// Default: never.
	CompactEvery time.Duration
	Log          *slog.Logger // hears of a Compact that failed; default: nothing
}

// Index is the search index of one store. It keeps tweets and people apart.
type Index struct {
	db     *pebble.DB
	opt    Options
	spaces [2]*space
	cuts   sync.Pool

	stop    context.CancelFunc
	working sync.WaitGroup
}

// Open reads the index from a store that holds no other keys beginning with s,
// and makes the documents of its open segments findable again. The store stays
// the caller's; it must outlive the index.
func Open(db *pebble.DB, opt Options) (*Index, error) {
	if opt.Budget == 0 {
		opt.Budget = 4_000_000
	}
	if opt.PrefixTerms == 0 {
		opt.PrefixTerms = 512
	}
	if opt.CacheDocs == 0 {
		opt.CacheDocs = 256
	}
	x := &Index{db: db, opt: opt}
	x.cuts.New = func() any { return new(cut) }
	for i, name := range []byte{'t', 'u'} {
		s, err := openSpace(x, name)
		if err != nil {
			return nil, fmt.Errorf("search index: %w", err)
		}
		x.spaces[i] = s
	}
	ctx, stop := context.WithCancel(context.Background())
	x.stop = stop
	if opt.CompactEvery > 0 {
		x.working.Go(func() { x.keepCompact(ctx) })
	}
	return x, nil
}

func (x *Index) keepCompact(ctx context.Context) {
	tick := time.NewTicker(x.opt.CompactEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := x.Compact(ctx); err != nil && ctx.Err() == nil && x.opt.Log != nil {
				x.opt.Log.Warn("the search index was not compacted", "error", err)
			}
		}
	}
}

// cut is the memory in which documents are taken apart.
type cut struct {
	words.Cutter
	records []byte
}

// Add makes documents findable before it returns; adding one again replaces
// it. A tombstone is removed. What was added survives a crash from the next
// Sync on.
func (x *Index) Add(ctx context.Context, docs []warble.IndexDoc) error {
	c := x.cuts.Get().(*cut)
	defer x.cuts.Put(c)
	for _, d := range docs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.Tweet != nil && d.Tweet.Gone {
			if err := x.Remove(ctx, d.Tweet.ID); err != nil {
				return err
			}
			continue
		}
		c.Reset()
		c.Doc(d)
		id, in := docID(d.ID()), x.spaces[0]
		if d.User != nil {
			in = x.spaces[1]
		} else if d.Tweet.Conversation == d.Tweet.ID {
			c.Drop(words.Operator(&warble.Query{Op: warble.QueryThread, ID: d.Tweet.ID}))
			id |= begins
		}
		c.records = appendRecord(c.records[:0], id, &c.Cutter)
		if err := in.add(id, c.records); err != nil {
			return unavailable(err)
		}
	}
	return nil
}

// Remove makes documents unfindable. It is idempotent, and survives a crash
// from the next Sync on.
func (x *Index) Remove(ctx context.Context, ids ...warble.ID) error {
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, s := range x.spaces {
			if err := s.remove(id); err != nil {
				return unavailable(err)
			}
		}
	}
	return nil
}

// Sync writes all that was added and removed before it was called into the
// store, unsynced: whatever the caller writes to the same store afterwards
// survives a crash only together with it.
func (x *Index) Sync(ctx context.Context) error {
	for _, s := range x.spaces {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.sync(); err != nil {
			return unavailable(err)
		}
	}
	return nil
}

// Close is a last Sync; the caller flushes the store. Nothing may be called afterwards.
func (x *Index) Close() error {
	x.stop()
	x.working.Wait()
	return x.Sync(context.Background())
}

func unavailable(err error) error {
	return &warble.Error{Kind: warble.ErrUnavailable, Detail: "search cannot be reached", Err: err}
}

var errDamaged = errors.New("a row of the search index is damaged; rebuild it")
