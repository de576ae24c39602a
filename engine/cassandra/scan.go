package cassandra

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"warble"
)

// What a row of scan_spans is of.
const (
	scanTweets = 1
	scanUsers  = 2
)

// appendSpan appends the row that says that a span has something, unless it stands for sure.
func (e *Engine) appendSpan(rows []row, what, shard, above, span int64) []row {
	n := note{stmtScanSpan, uint64(what)<<40 | uint64(shard)<<32 | uint64(above), span}
	if e.known.has(n) {
		return rows
	}
	return append(rows, row{stmt: stmtScanSpan, at: 1, args: []any{what, shard, above, span}, note: n})
}

// idSpan is one partition of a list of ids, and which ids may lie in it: low and high inclusive.
type idSpan struct {
	n         int64
	low, high warble.ID
}

// idStretch is what of a partition is wanted: ids between low and high, both exclusive.
type idStretch struct {
	low, high int64
	limit     int
	oldest    bool
}

// listedID is a row of a list of ids.
type listedID struct {
	id   warble.ID
	gone bool
}

// idPage reads a page of ids that lie in partitions. spans hands them to take in the order of the page, until take
// says that this was enough; fetch reads of one.
func (e *Engine) idPage(ctx context.Context, p warble.Page, spans func(ctx context.Context, take func(idSpan) (bool, error)) error,
	fetch func(ctx context.Context, n int64, at idStretch) ([]listedID, error),
) ([]warble.ID, error) {
	limit := p.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	at := idStretch{low: int64(p.After), high: math.MaxInt64, oldest: p.Oldest}
	if p.Before != 0 {
		at.high = int64(p.Before)
	}
	var out []warble.ID
	err := spans(ctx, func(sp idSpan) (bool, error) {
		if int64(sp.high) <= at.low || int64(sp.low) >= at.high {
			return true, nil
		}
		for len(out) < limit {
			at.limit = limit - len(out) + ahead
			rows, err := fetch(ctx, sp.n, at)
			if err != nil {
				return false, err
			}
			for _, r := range rows {
				if at.oldest {
					at.low = int64(r.id)
				} else {
					at.high = int64(r.id)
				}
				if !r.gone && len(out) < limit {
					out = append(out, r.id)
				}
			}
			if len(rows) < at.limit {
				return true, nil
			}
		}
		return len(out) < limit, nil
	})
	if p.Oldest {
		slices.Reverse(out)
	}
	return out, err
}

// ids reads rows of a partition whose clustering is id, newest first: the id and, where it is selected, whether it is gone.
func (e *Engine) ids(ctx context.Context, cql string, args []any, at idStretch) (out []listedID, err error) {
	cql += ` AND id > ? AND id < ?`
	if at.oldest {
		cql += ` ORDER BY id ASC`
	}
	err = e.read(ctx, cql+` LIMIT ?`, append(args, at.low, at.high, int64(at.limit)), func(row scanner) error {
		var r listedID
		dest := []any{&r.id, &r.gone}
		if !strings.Contains(cql, "gone") {
			dest = dest[:1]
		}
		err := row.Scan(dest...)
		out = append(out, r)
		return err
	})
	return out, err
}

// monthIDs are the ids of a month.
func monthIDs(month int64) (low, high warble.ID) {
	first, next := warble.MonthSpan(uint32(month))
	return first, next - 1
}

const hourMillis = int64(time.Hour / time.Millisecond)

func hourOf(id warble.ID) int64 { return id.Millis() / hourMillis }

func yearOf(id warble.ID) int64 { return int64(id.Time().Year()) }

func hourIDs(hour int64) (low, high warble.ID) {
	return warble.MakeID(hour*hourMillis, 0, 0), warble.MakeID((hour+1)*hourMillis, 0, 0) - 1
}

func yearIDs(year int64) (low, high warble.ID) {
	at := func(y int64) warble.ID { return warble.IDAt(time.Date(int(y), 1, 1, 0, 0, 0, 0, time.UTC)) }
	return at(year), at(year+1) - 1
}

// spanBatch is how many spans are read at once.
const spanBatch = 200

// spans hands the spans of a shard that may hold ids of the page to take, in the page's order.
func (e *Engine) spans(ctx context.Context, p warble.Page, what, shard, above int64, idsOf func(int64) (low, high warble.ID), take func(idSpan) (bool, error)) error {
	low, high := int64(math.MinInt32), int64(math.MaxInt32)
	for {
		cql, args := `SELECT span FROM scan_spans WHERE what = ? AND shard = ? AND above = ? AND span > ? AND span < ?`, []any{what, shard, above, low, high}
		if p.Oldest {
			cql += ` ORDER BY span ASC`
		}
		var batch []int64
		err := e.read(ctx, cql+` LIMIT ?`, append(args, int64(spanBatch)), func(row scanner) error {
			var span int32
			err := row.Scan(&span)
			batch = append(batch, int64(span))
			return err
		})
		if err != nil {
			return err
		}
		for _, n := range batch {
			sp := idSpan{n: n}
			sp.low, sp.high = idsOf(n)
			if sp.high <= p.After || p.Before != 0 && sp.low >= p.Before {
				continue
			}
			if more, err := take(sp); err != nil || !more {
				return err
			}
		}
		if len(batch) < spanBatch {
			return nil
		}
		if p.Oldest {
			low = batch[len(batch)-1]
		} else {
			high = batch[len(batch)-1]
		}
	}
}
