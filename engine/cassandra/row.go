package cassandra

import (
	"context"
	"errors"
	"slices"
	"sync"

	"warble"
	"warble/internal/codec"
)

// stmt names a statement that stores a row of truth. The numbers stand in the
// outbox for as long as it lives (3 days): never renumber, only add.
type stmt uint8

// Statements of users, tweets and documents; those of edges begin at stmtEdges.
const (
	stmtUser       stmt = 1
	stmtUserScan   stmt = 2
	stmtTweet      stmt = 3
	stmtTweetEmpty stmt = 4
	stmtTweetID    stmt = 5
	stmtTweetMonth stmt = 6
	stmtTweetScan  stmt = 7
	stmtScanSpan   stmt = 8
	stmtDoc        stmt = 9
	stmtDocListed  stmt = 10
	stmtEdges      stmt = 32
)

// cql is the statement's text, empty for one this program does not know. Its
// write time is given beside it, never inside.
func (s stmt) cql() string {
	switch s {
	case stmtUser:
		return `UPDATE users SET version = ?, data = ? WHERE id = ?`
	case stmtUserScan:
		return `INSERT INTO users_by_shard (shard, month, id) VALUES (?, ?, ?)`
	case stmtTweet:
		return `UPDATE tweets SET data = ? WHERE id = ? AND version = ?`
	case stmtTweetEmpty:
		return `UPDATE tweets SET data = 0x WHERE id = ? AND version = ?`
	case stmtTweetID:
		return `UPDATE tweet_ids SET gone = ? WHERE author = ? AND month = ? AND id = ?`
	case stmtTweetMonth:
		return `INSERT INTO author_months (author, month) VALUES (?, ?)`
	case stmtTweetScan:
		return `INSERT INTO tweets_by_hour (shard, hour, id) VALUES (?, ?, ?)`
	case stmtScanSpan:
		return `INSERT INTO scan_spans (what, shard, above, span) VALUES (?, ?, ?, ?)`
	case stmtDoc:
		return `UPDATE docs USING TTL ? SET owner = ?, kind = ?, version = ?, gone = ?, data = ? WHERE id = ?`
	case stmtDocListed:
		return `UPDATE docs_by_owner USING TTL ? SET gone = ? WHERE owner = ? AND kind = ? AND id = ?`
	}
	return edgeCQL(s)
}

// row is one statement that stores something, with its write time chosen: it
// may run now, again, or years of machine time later out of the outbox, and
// always stores the same.
type row struct {
	stmt stmt
	args []any // what its marks stand for: int64, []byte, bool or nil
	at   int64 // write time, microseconds
	note note  // not kept in the outbox
}

// The kinds of arguments in the outbox.
const (
	argNil = iota
	argInt
	argBytes
	argTrue
	argFalse
)

// appendRow writes a row for the outbox.
func appendRow(w *codec.Writer, r *row) {
	w.Byte(byte(r.stmt))
	w.Int(r.at)
	w.Uint(uint64(len(r.args)))
	for _, arg := range r.args {
		switch v := arg.(type) {
		case int64:
			w.Byte(argInt)
			w.Int(v)
		case []byte:
			w.Byte(argBytes)
			w.Text(string(v))
		case bool:
			if v {
				w.Byte(argTrue)
			} else {
				w.Byte(argFalse)
			}
		default:
			w.Byte(argNil)
		}
	}
}

// readRow reads what appendRow wrote.
func readRow(r *codec.Reader) row {
	out := row{stmt: stmt(r.Byte()), at: r.Int()}
	n := r.Length()
	for range n {
		switch r.Byte() {
		case argInt:
			out.args = append(out.args, r.Int())
		case argBytes:
			out.args = append(out.args, []byte(r.Text()))
		case argTrue:
			out.args = append(out.args, true)
		case argFalse:
			out.args = append(out.args, false)
		default:
			out.args = append(out.args, nil)
		}
	}
	return out
}

// store writes rows in parallel, and tries all of them whatever becomes of the
// others. The error is ErrUnavailable only where none of them was stored.
func (e *Engine) store(ctx context.Context, rows []row) error {
	var mu sync.Mutex
	var failed []error
	sure := true
	abreast(len(rows), func(i int) {
		err := e.write(ctx, rows[i].stmt.cql(), rows[i].args, rows[i].at)
		if err == nil {
			e.known.add(rows[i].note)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		failed = append(failed, err)
		sure = sure && errors.Is(err, warble.ErrUnavailable) && !errors.Is(err, warble.ErrUnknown)
	})
	switch {
	case len(failed) == 0:
		return nil
	case sure && len(failed) == len(rows):
		return failed[0]
	}
	return &warble.Error{Kind: warble.ErrUnknown, Detail: "the database did not confirm a write", Err: failed[0]}
}

// stageRows reads what is stored and returns what stores the users, tweets and
// documents of a change that differ from it. The caller holds their locks. Of
// two that replace each other only the later is stored.
func (e *Engine) stageRows(ctx context.Context, c *warble.Change) ([]row, error) {
	users := kept(c.Users, func(a, b *warble.User) bool { return a.ID == b.ID && a.Version >= b.Version })
	docs := kept(c.Docs, func(a, b *warble.Doc) bool { return a.ID == b.ID && a.Version >= b.Version })
	tweets := kept(c.Tweets, func(a, b *warble.Tweet) bool {
		return a.ID == b.ID && (a.Gone || !b.Gone && a.Version == b.Version)
	})
	staged := make([][]row, len(users)+len(tweets)+len(docs))
	err := together(ctx, len(staged), func(ctx context.Context, i int) (err error) {
		switch n := i - len(users); {
		case n < 0:
			staged[i], err = e.stageUser(ctx, users[i])
		case n < len(tweets):
			staged[i], err = e.stageTweet(ctx, tweets[n])
		default:
			staged[i], err = e.stageDoc(ctx, docs[n-len(tweets)])
		}
		return err
	})
	return slices.Concat(staged...), err
}

// kept leaves out the rows that another one beats; of two that beat each other
// the first stays.
func kept[T any](rows []T, beats func(a, b T) bool) []T {
	var out []T
	for i, b := range rows {
		beaten := false
		for j, a := range rows {
			beaten = beaten || i != j && beats(a, b) && (j < i || !beats(b, a))
		}
		if !beaten {
			out = append(out, b)
		}
	}
	return out
}
