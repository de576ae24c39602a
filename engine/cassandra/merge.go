package cassandra

import (
	"cmp"
	"context"
	"math"
	"slices"

	"warble"
)

// defaultLimit is the length of a page that does not say one.
const defaultLimit = 100

// place is where a row stands in a list: its Since and its other end.
type place [2]int64

func placeOf(since, other warble.ID) place { return place{int64(since), int64(other)} }

func (p place) compare(o place) int { return cmp.Or(cmp.Compare(p[0], o[0]), cmp.Compare(p[1], o[1])) }

// stretch is what lies between two places, both exclusive.
type stretch struct {
	low, high place
	limit     int
	oldest    bool // walks upwards, else downwards
}

// whole is everything.
func whole() stretch { return stretch{high: place{math.MaxInt64, math.MaxInt64}, limit: math.MaxInt32} }

func stretchOf(p warble.Page) stretch {
	s := whole()
	s.low = place{int64(p.After), math.MaxInt64}
	if p.Before != 0 {
		s.high = place{int64(p.Before), 0}
	}
	s.oldest = p.Oldest
	return s
}

// cql completes a statement that reads the stretch of a partition; the rows of
// every list are stored newest first.
func (s stretch) cql(cql, upwards string) string {
	if s.oldest {
		cql += ` ORDER BY ` + upwards
	}
	return cql + ` LIMIT ?`
}

func (s stretch) args(kind warble.EdgeKind, id warble.ID, part uint32) []any {
	return []any{int64(kind), int64(id), int64(part), s.low[0], s.low[1], s.high[0], s.high[1], int64(s.limit)}
}

// span is one part of a list, and bounds of the Sinces in it.
type span struct {
	part      uint32
	low, high warble.ID
}

// walk goes through the parts of a list in the order of the page, several at
// once where their spans overlap.
type walk struct {
	fetch   func(ctx context.Context, part uint32, at stretch) ([]listRow, error)
	place   func(*listRow) place
	at      stretch
	pending []span // parts not opened yet, the one that may come next first
	// more hands out further parts, in the order of the page, that overlap none
	// before them, and says whether to ask again; nil: there are none.
	more  func(context.Context) (spans []span, again bool, err error)
	open  []opened
	width int // parts to open at once: more, the more of them were short
}

// maxWidth bounds the parts opened at once.
const maxWidth = 16

// opened is a part being read.
type opened struct {
	part uint32
	rows []listRow
	more bool
}

// ahead is how many rows beyond those wanted are read: some may be gone.
const ahead = 4

// page reads one page of a list that lies in the parts given, and leaves out what is gone or overtaken.
func (s edgeStore) page(ctx context.Context, p warble.Page, w walk) (out []warble.Edge, err error) {
	limit := p.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	w.begin(p)
	for len(out) < limit {
		w.at.limit = limit - len(out) + ahead
		var rows []listRow
		for len(rows) < limit-len(out) {
			r, ok, err := w.next(ctx)
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
			if !r.gone {
				rows = append(rows, r)
			}
		}
		if len(rows) == 0 {
			break
		}
		stand, err := s.standing(ctx, rows)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if stand[i] {
				out = append(out, rows[i].Edge)
			}
		}
	}
	if p.Oldest {
		slices.Reverse(out)
	}
	return out, nil
}

// begin chooses the parts that reach into the page.
func (w *walk) begin(p warble.Page) {
	w.at, w.width = stretchOf(p), 1
	w.pending = slices.DeleteFunc(w.pending, func(sp span) bool {
		return sp.high <= p.After || p.Before != 0 && sp.low >= p.Before
	})
	slices.SortFunc(w.pending, func(a, b span) int {
		if p.Oldest {
			return cmp.Compare(a.low, b.low)
		}
		return cmp.Compare(b.high, a.high)
	})
}

// best is the open part whose next row comes first, -1 for none.
func (w *walk) best() int {
	best := -1
	for i := range w.open {
		if best < 0 {
			best = i
			continue
		}
		c := w.place(&w.open[i].rows[0]).compare(w.place(&w.open[best].rows[0]))
		if c != 0 && (c < 0) == w.at.oldest {
			best = i
		}
	}
	return best
}

// due says whether a part not opened yet may hold a row that comes before, or with, the best.
func (w *walk) due(sp span, best int) bool {
	switch {
	case best < 0:
		return true
	case w.at.oldest:
		return sp.low <= w.open[best].rows[0].Since
	default:
		return sp.high >= w.open[best].rows[0].Since
	}
}

func (w *walk) next(ctx context.Context) (r listRow, ok bool, err error) {
	best := w.best()
	for {
		if len(w.pending) == 0 && best < 0 && w.more != nil {
			spans, again, err := w.more(ctx)
			if err != nil {
				return r, false, err
			}
			w.pending = spans
			if !again {
				w.more = nil
			}
		}
		if len(w.pending) == 0 || !w.due(w.pending[0], best) {
			break
		}
		if err := w.openSome(ctx); err != nil {
			return r, false, err
		}
		best = w.best()
	}
	if best < 0 {
		return r, false, nil
	}
	o := &w.open[best]
	r = o.rows[0]
	if o.rows = o.rows[1:]; len(o.rows) == 0 && o.more {
		at := w.at
		if at.oldest {
			at.low = w.place(&r)
		} else {
			at.high = w.place(&r)
		}
		if err := w.fill(ctx, o, at); err != nil {
			return r, false, err
		}
	}
	if len(o.rows) == 0 {
		w.open = slices.Delete(w.open, best, best+1)
	}
	return r, true, nil
}

// openSome opens the next parts.
func (w *walk) openSome(ctx context.Context) error {
	some := make([]opened, min(w.width, len(w.pending)))
	err := together(ctx, len(some), func(ctx context.Context, i int) error {
		some[i].part = w.pending[i].part
		return w.fill(ctx, &some[i], w.at)
	})
	w.pending, w.width = w.pending[len(some):], min(2*w.width, maxWidth)
	for _, o := range some {
		if len(o.rows) > 0 {
			w.open = append(w.open, o)
		}
	}
	return err
}

func (w *walk) fill(ctx context.Context, o *opened, at stretch) (err error) {
	o.rows, err = w.fetch(ctx, o.part, at)
	o.more = len(o.rows) == at.limit
	return err
}
