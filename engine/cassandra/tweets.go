package cassandra

import (
	"context"
	"slices"

	"warble"
	"warble/internal/codec"
)

type tweetStore struct{ *Engine }

// tombstone is the version of the row that says that a tweet is gone: above every version there can be.
const tombstone = int64(1) << 32

// stageTweet returns what stores a version, or a tombstone; nothing where what is stored is as new.
func (e *Engine) stageTweet(ctx context.Context, t *warble.Tweet) ([]row, error) {
	versions, err := e.versions(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	var top *version
	if n := len(versions); n > 0 {
		top = &versions[n-1]
	}
	switch {
	case top != nil && (top.n == tombstone || !t.Gone && int64(t.Version) <= top.n):
		return nil, nil
	case t.Gone:
		return e.bury(t, versions)
	}
	rows := []row{{stmt: stmtTweet, at: ownTime(t.ID), args: []any{codec.AppendTweet(nil, t), int64(t.ID), int64(t.Version)}}}
	if top != nil {
		return rows, nil
	}
	return e.listTweet(rows, t.ID, t.Author, false), nil
}

// bury stores a tombstone in a row of its own, which stands whatever the clocks, and empties the versions.
func (e *Engine) bury(t *warble.Tweet, versions []version) ([]row, error) {
	grave := &warble.Tweet{ID: t.ID, Author: t.Author, Version: t.Version, Gone: true}
	var rows []row
	for _, v := range versions {
		old, err := codec.ReadTweet(t.ID, v.data)
		if err != nil {
			return nil, damaged(err)
		}
		grave.Author = old.Author
		rows = append(rows, row{stmt: stmtTweetEmpty, at: e.after(v.at), args: []any{int64(t.ID), v.n}})
	}
	rows = append(rows, row{stmt: stmtTweet, at: ownTime(t.ID), args: []any{codec.AppendTweet(nil, grave), int64(t.ID), tombstone}})
	return e.listTweet(rows, t.ID, grave.Author, true), nil
}

// listTweet appends the rows that let a tweet be found by its author and by a scan.
func (e *Engine) listTweet(rows []row, id warble.TweetID, author warble.UserID, gone bool) []row {
	at, month := ownTime(id), int64(id.Month())
	listed := at
	if gone {
		listed = e.after(at)
	}
	rows = append(rows, row{stmt: stmtTweetID, at: listed, args: []any{gone, int64(author), month, int64(id)}})
	if n := (note{stmtTweetMonth, uint64(author), month}); !gone && !e.known.has(n) {
		rows = append(rows, row{stmt: stmtTweetMonth, at: 1, args: []any{int64(author), month}, note: n})
	}
	shard, hour, year := int64(id.Shard()), hourOf(id), yearOf(id)
	rows = append(rows, row{stmt: stmtTweetScan, at: at, args: []any{shard, hour, int64(id)}})
	rows = e.appendSpan(rows, scanTweets, shard, year, hour)
	return e.appendSpan(rows, scanTweets, shard, 0, year)
}

// version is one row of a tweet.
type version struct {
	n, at int64
	data  []byte
}

// versions reads all rows of a tweet, oldest first. Versions that a tombstone emptied are left out.
func (e *Engine) versions(ctx context.Context, id warble.TweetID) (out []version, err error) {
	err = e.read(ctx, `SELECT version, data, WRITETIME(data) FROM tweets WHERE id = ?`, []any{int64(id)}, func(row scanner) error {
		var v version
		err := row.Scan(&v.n, &v.data, &v.at)
		if len(v.data) > 0 {
			out = append(out, v)
		}
		return err
	})
	slices.Reverse(out)
	return out, err
}

func (s tweetStore) Get(ctx context.Context, ids ...warble.TweetID) ([]*warble.Tweet, error) {
	out := make([]*warble.Tweet, len(ids))
	err := together(ctx, len(ids), func(ctx context.Context, i int) error {
		var data []byte
		found, err := s.first(ctx, `SELECT data FROM tweets WHERE id = ? LIMIT 1`, []any{int64(ids[i])}, &data)
		if err != nil || !found {
			return err
		}
		out[i], err = codec.ReadTweet(ids[i], data)
		return damaged(err)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s tweetStore) Versions(ctx context.Context, id warble.TweetID) ([]*warble.Tweet, error) {
	versions, err := s.versions(ctx, id)
	if err != nil {
		return nil, err
	}
	if n := len(versions); n > 0 && versions[n-1].n == tombstone {
		versions = versions[n-1:]
	}
	var out []*warble.Tweet
	for _, v := range versions {
		t, err := codec.ReadTweet(id, v.data)
		if err != nil {
			return nil, damaged(err)
		}
		out = append(out, t)
	}
	return out, nil
}

func (s tweetStore) By(ctx context.Context, author warble.UserID, p warble.Page) ([]warble.TweetID, error) {
	months := func(ctx context.Context, take func(idSpan) (bool, error)) error {
		var all []idSpan
		err := s.read(ctx, `SELECT month FROM author_months WHERE author = ?`, []any{int64(author)}, func(row scanner) error {
			var month int32
			err := row.Scan(&month)
			sp := idSpan{n: int64(month)}
			sp.low, sp.high = monthIDs(sp.n)
			all = append(all, sp)
			return err
		})
		if p.Oldest {
			slices.Reverse(all)
		}
		for _, sp := range all {
			more, failed := take(sp)
			if failed != nil || !more {
				return failed
			}
		}
		return err
	}
	return s.idPage(ctx, p, months, func(ctx context.Context, month int64, at idStretch) ([]listedID, error) {
		return s.ids(ctx, `SELECT id, gone FROM tweet_ids WHERE author = ? AND month = ?`, []any{int64(author), month}, at)
	})
}

func (s tweetStore) Scan(ctx context.Context, shard int, p warble.Page) ([]*warble.Tweet, error) {
	if shard < 0 || shard >= warble.Shards {
		return nil, warble.Invalid("shard", "", "there are 64 shards, counted from 0")
	}
	hours := func(ctx context.Context, take func(idSpan) (bool, error)) error {
		return s.spans(ctx, p, scanTweets, int64(shard), 0, yearIDs, func(year idSpan) (bool, error) {
			enough := false
			err := s.spans(ctx, p, scanTweets, int64(shard), year.n, hourIDs, func(hour idSpan) (bool, error) {
				more, err := take(hour)
				enough = !more
				return more, err
			})
			return !enough, err
		})
	}
	ids, err := s.idPage(ctx, p, hours, func(ctx context.Context, hour int64, at idStretch) ([]listedID, error) {
		return s.ids(ctx, `SELECT id FROM tweets_by_hour WHERE shard = ? AND hour = ?`, []any{int64(shard), hour}, at)
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, ids...)
}
