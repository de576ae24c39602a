package opensearch

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"warble"
)

const (
	// rangesEvery is how often the ranges are read, and rangesAgain how soon after that failed.
	rangesEvery = 5 * time.Second
	rangesAgain = time.Second
	// rangesKnown is how old what is known of the ranges may be where a document is put.
	rangesKnown = 20 * time.Second
	// rangeLead is how far ahead of the clock a new range begins: longer than rangesKnown and a write's deadline, so
	// that nobody puts a tweet of it elsewhere.
	rangeLead = 30 * time.Second
)

const tweetsInfix = "-tweets-"

// ranges are the indices of tweets, by the first id of each, as they were when they were read.
type ranges struct {
	read time.Time
	from []warble.ID // rising; the first is 0
}

// tweets is the index of a range: its name says where it begins, so the table of ranges is the list of names.
func (e *Engine) tweets(from warble.ID) string {
	return e.conf.Index + tweetsInfix + strconv.FormatUint(uint64(from), 10)
}

// indexOf is the index that a tweet belongs to.
func (e *Engine) indexOf(r *ranges, id warble.TweetID) string {
	i, there := slices.BinarySearch(r.from, id)
	if !there {
		i--
	}
	return e.tweets(r.from[i])
}

// known returns the ranges for a write. Where they could not be read for so long that there may be one more, it fails.
func (e *Engine) known(ctx context.Context) (*ranges, error) {
	r := e.ranges.Load()
	if time.Since(r.read) > rangesKnown {
		if err := e.readRanges(ctx); err != nil {
			return nil, err
		}
		r = e.ranges.Load()
	}
	return r, nil
}

// keepRanges reads the ranges again and again until ctx ends, and begins a new one where the newest is full.
func (e *Engine) keepRanges(ctx context.Context) {
	failing := false
	for wait := rangesEvery; warble.Pause(ctx, wait) == nil; {
		err := e.readRanges(ctx)
		if err == nil {
			err = e.beginIfFull(ctx)
		}
		if wait = rangesEvery; err != nil {
			wait = rangesAgain
		}
		if ctx.Err() == nil && (err != nil) != failing {
			failing = err != nil
			e.opt.Log.Warn("whether the ranges of the search index can be read has changed", "failing", failing, "error", err)
		}
	}
}

// readRanges lists the ranges, and makes the first one if it is not there.
func (e *Engine) readRanges(ctx context.Context) error {
	began := time.Now()
	var list map[string]struct{}
	prefix := e.conf.Index + tweetsInfix
	if err := e.get(ctx, request{method: http.MethodGet, path: "/" + prefix + "*/_alias"}, &list); err != nil {
		return err
	}
	r := &ranges{read: began, from: []warble.ID{0}}
	for index := range list {
		first, err := strconv.ParseUint(strings.TrimPrefix(index, prefix), 10, 63)
		if err == nil && first != 0 {
			r.from = append(r.from, warble.ID(first))
		}
	}
	if _, there := list[e.tweets(0)]; !there {
		if err := e.create(ctx, e.tweets(0)); err != nil {
			return err
		}
	}
	slices.Sort(r.from)
	e.ranges.Store(r)
	return nil
}

// beginIfFull makes the next range, so far ahead of the clock that all know it in time. Those who do it at once mostly
// agree on where; two ranges are as good as one.
func (e *Engine) beginIfFull(ctx context.Context) error {
	newest := e.ranges.Load().from[len(e.ranges.Load().from)-1]
	now := warble.IDAt(e.opt.Clock())
	if newest > now { // nobody has put anything there yet
		return nil
	}
	var full struct{ Count int64 }
	if err := e.get(ctx, request{method: http.MethodGet, path: "/" + e.tweets(newest) + "/_count"}, &full); err != nil || full.Count < e.opt.RangeDocs {
		return err
	}
	first := warble.IDAt(e.opt.Clock().Add(rangeLead).Truncate(rangeLead).Add(rangeLead))
	if err := e.create(ctx, e.tweets(first)); err != nil {
		return err
	}
	e.opt.Log.Info("a new range of the search index begins", "from", first.Time())
	return e.readRanges(ctx)
}
