package cassandra

import (
	"context"
	"slices"
	"sync"
	"time"

	"warble"
)

const (
	// partsKept is how many newest parts a process knows before it forgets those that are old.
	partsKept = 1 << 16
	// partFresh is how long what was read of a newest part is gone by. Another
	// writer may have filled it meanwhile: then it grows longer than PartSize.
	partFresh = 10 * time.Second
	// spanSlack is the least by which a part's bounds are widened: a second of ids.
	spanSlack = warble.ID(1000 << 16)
)

// parts is what this process knows of the newest parts it puts edges into.
type parts struct {
	mu sync.Mutex
	of map[end]*newestPart
}

// newestPart is the newest part of the edges into one thing. Its row of bounds
// in in_parts is this node's alone, so that no two writers' bounds overwrite each other.
type newestPart struct {
	mu     sync.Mutex
	read   time.Time // when the store was asked; zero: never
	part   uint32
	size   int  // rows in it, those gone not yet forgotten among them
	chosen span // bounds of all that this node put there, or is about to
	stored span // bounds that surely stand in this node's row
	at     int64
	sure   int64 // the write time at which stored was stored
}

// stagedBounds is a row of bounds on its way.
type stagedBounds struct {
	row  row
	of   *newestPart
	span span
}

func (p *parts) find(at end, now time.Time) *newestPart {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.of[at]; n != nil {
		return n
	}
	if p.of == nil {
		p.of = map[end]*newestPart{}
	}
	if len(p.of) >= partsKept {
		p.forget(now)
	}
	n := &newestPart{}
	p.of[at] = n
	return n
}

// forget drops what would be read again anyway. What is in use is kept: its
// bounds may be on their way.
func (p *parts) forget(now time.Time) {
	for at, n := range p.of {
		if n.mu.TryLock() {
			if now.Sub(n.read) > partFresh && n.at == n.sure {
				delete(p.of, at)
			}
			n.mu.Unlock()
		}
	}
}

// choosePart says which part a new edge joins: the newest, or the next where
// that is full. bounds is the row that lets readers find it there, nil where one stands that does.
func (w *writer) choosePart(ctx context.Context, edge *warble.Edge) (part uint32, bounds *stagedBounds, err error) {
	at, now := end{edge.Kind, edge.To}, time.Now()
	p := w.parts.find(at, now)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.read.IsZero() || now.Sub(p.read) > partFresh {
		if err := w.readNewest(ctx, at, p); err != nil {
			return 0, nil, err
		}
		p.read = now
	}
	if p.size >= warble.PartSize {
		p.open(p.part + 1)
	}
	p.size++
	if p.stored.holds(edge.Since) {
		return p.part, nil, nil
	}
	p.chosen = p.chosen.widened(edge.Since)
	p.at = w.after(p.at)
	return p.part, &stagedBounds{of: p, span: p.chosen, row: row{stmt: stmtEdgePart, at: p.at, args: []any{
		int64(p.chosen.low), int64(p.chosen.high), int64(edge.Kind), int64(edge.To), int64(p.part), int64(w.node),
	}}}, nil
}

func (p *newestPart) open(part uint32) {
	p.part, p.size, p.at, p.sure = part, 0, 0, 0
	p.chosen, p.stored = span{part: part}, span{part: part}
}

// stands notes that a row of bounds was stored.
func (b *stagedBounds) stands() {
	b.of.mu.Lock()
	defer b.of.mu.Unlock()
	if b.of.part == b.span.part && b.row.at > b.of.sure {
		b.of.stored, b.of.sure = b.span, b.row.at
	}
}

// readNewest brings p to what is stored. What this process knows of a part
// beyond that stays.
func (w *writer) readNewest(ctx context.Context, at end, p *newestPart) error {
	part, there, err := w.newestPart(ctx, at)
	if err != nil || !there || (!p.read.IsZero() && part < p.part) {
		return err
	}
	if p.read.IsZero() || part != p.part {
		p.open(part)
	}
	args := []any{int64(at.kind), int64(at.id), int64(part)}
	return together(ctx, 2, func(ctx context.Context, i int) error {
		if i == 0 {
			var n int64
			_, err := w.first(ctx, `SELECT COUNT(*) FROM edges_in WHERE kind = ? AND dst = ? AND part = ?`, args, &n)
			p.size = int(n)
			return err
		}
		s, stored := span{part: part}, int64(0)
		mine := slices.Concat(args, []any{int64(w.node)})
		found, err := w.first(ctx, `SELECT low, high, WRITETIME(high) FROM in_parts WHERE kind = ? AND dst = ? AND part = ? AND node = ?`, mine, &s.low, &s.high, &stored)
		if found && err == nil && stored > p.sure {
			p.stored, p.sure = s, stored
			p.chosen, p.at = p.chosen.joined(s), max(p.at, stored)
		}
		return err
	})
}

// newestPart finds the highest part that has a row; there says whether there is one.
func (e *Engine) newestPart(ctx context.Context, at end) (part uint32, there bool, err error) {
	var n int32
	there, err = e.first(ctx, `SELECT part FROM in_parts WHERE kind = ? AND dst = ? LIMIT 1`, []any{int64(at.kind), int64(at.id)}, &n)
	return uint32(n), there, err
}

// partSpans reads the bounds of all parts: of a thing with twenty million edges
// twenty thousand, about half a megabyte.
func (e *Engine) partSpans(ctx context.Context, at end) (spans []span, err error) {
	err = e.read(ctx, `SELECT part, low, high FROM in_parts WHERE kind = ? AND dst = ?`, []any{int64(at.kind), int64(at.id)}, func(row scanner) error {
		var part int32
		var s span
		err := row.Scan(&part, &s.low, &s.high)
		s.part = uint32(part)
		if n := len(spans); n > 0 && spans[n-1].part == s.part {
			spans[n-1] = spans[n-1].joined(s)
		} else {
			spans = append(spans, s)
		}
		return err
	})
	return spans, err
}

func (s span) empty() bool { return s.high == 0 }

func (s span) holds(since warble.ID) bool { return !s.empty() && s.low <= since && since <= s.high }

// joined holds what either holds.
func (s span) joined(o span) span {
	if s.empty() {
		return o
	}
	if !o.empty() {
		s.low, s.high = min(s.low, o.low), max(s.high, o.high)
	}
	return s
}

// widened holds since too, and a quarter of its length more: so a part that
// fills over years changes its bounds some eighty times, not a thousand, and
// reaches little into its neighbours.
func (s span) widened(since warble.ID) span {
	switch {
	case s.empty():
		s.low, s.high = since, min(since+spanSlack, warble.MaxID)
	case since > s.high:
		s.high = min(since+max(spanSlack, (since-s.low)/4), warble.MaxID)
	case since < s.low:
		s.low = since - min(since-1, max(spanSlack, (s.high-since)/4))
	}
	return s
}
