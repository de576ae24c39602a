package pebble

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	pdb "github.com/cockroachdb/pebble/v2"

	"warble"
	"warble/internal/key"
)

// newestPart is what the writer must know of the newest part of the edges into
// a thing. Only holders of the (kind, to) lock read the store for it, and they
// keep the lock until their batch can be read.
type newestPart struct {
	part      uint32
	size      int32     // edges that stand
	low, high warble.ID // all their Sinces lie between, inclusive
	none      bool      // there never was an edge, so nothing need be read to put the first
}

// stagedPart is a newest part as the change leaves it.
type stagedPart struct {
	at  end
	now newestPart
}

const newestBytes = 32

// newest is the newest part as the change has left it so far.
func (a *applier) newest(at end) (newestPart, error) {
	for i := range a.parts {
		if a.parts[i].at == at {
			return a.parts[i].now, nil
		}
	}
	if now, _, ok := a.Engine.parts.find(at); ok {
		return now, nil
	}
	return a.readNewest(at.kind, at.id)
}

func (a *applier) stagePart(at end, now newestPart) {
	for i := range a.parts {
		if a.parts[i].at == at {
			a.parts[i].now = now
			return
		}
	}
	a.parts = append(a.parts, stagedPart{at, now})
}

// choosePart says which part a new edge joins: the newest, or the next when
// that is full. A part has a row from its first edge on; closing it writes its
// bounds there.
func (a *applier) choosePart(e *warble.Edge, now newestPart) (uint32, error) {
	opens := now.none
	if now.size >= warble.PartSize {
		a.k = spanKey(a.k[:0], e.Kind, e.To, now.part)
		a.v = key.U64(key.U64(a.v[:0], now.low), now.high)
		if err := a.set(); err != nil {
			return 0, err
		}
		now, opens = newestPart{part: now.part + 1}, true
	}
	if opens {
		a.k, a.v = spanKey(a.k[:0], e.Kind, e.To, now.part), a.v[:0]
		if err := a.set(); err != nil {
			return 0, err
		}
	}
	if now.size == 0 {
		now.low, now.high = e.Since, e.Since
	}
	now.size++
	now.none = false
	now.low, now.high = min(now.low, e.Since), max(now.high, e.Since)
	a.stagePart(end{e.Kind, e.To}, now)
	return now.part, nil
}

// shrinkPart makes room in the newest part for one more.
func (a *applier) shrinkPart(e *warble.Edge) error {
	at := end{e.Kind, e.To}
	now, err := a.newest(at)
	if err == nil && now.part == e.Part && now.size > 0 {
		now.size--
		a.stagePart(at, now)
	}
	return err
}

// readNewest counts the newest part.
func (e *Engine) readNewest(kind warble.EdgeKind, to warble.ID) (now newestPart, err error) {
	var there bool
	if now.part, there, err = e.readNewestPart(kind, to); err != nil || !there {
		now.none = true
		return now, err
	}
	prefix := partPrefix(nil, kind, to, now.part)
	r, err := ranging(e.truth, prefix, key.End(prefix), false)
	if err != nil {
		return now, err
	}
	for ok := r.first(); ok; ok = r.next() {
		since := key.ReadDesc[warble.ID](r.it.Key()[len(prefix):])
		if now.size == 0 {
			now.high = since
		}
		now.low = since
		now.size++
	}
	return now, r.close(nil)
}

// newestPart answers from memory where a writer has been lately.
func (e *Engine) newestPart(kind warble.EdgeKind, to warble.ID) (uint32, error) {
	if now, _, ok := e.parts.find(end{kind, to}); ok {
		return now.part, nil
	}
	part, _, err := e.readNewestPart(kind, to)
	return part, err
}

// readNewestPart finds the highest part that has a row; there says whether there is one.
func (e *Engine) readNewestPart(kind warble.EdgeKind, to warble.ID) (part uint32, there bool, err error) {
	// One point read, answered by a filter, spares most things the range.
	err = e.get(spanKey(make([]byte, 0, 16), kind, to, 0), func([]byte) error { there = true; return nil })
	if err != nil || !there {
		return 0, false, err
	}
	prefix := spanPrefix(nil, kind, to)
	r, err := ranging(e.truth, prefix, key.End(prefix), false)
	if err != nil {
		return 0, false, err
	}
	if r.first() {
		part = key.ReadDesc32(r.it.Key()[len(prefix):])
	}
	return part, true, r.close(nil)
}

// span is a part and the bounds of its Sinces.
type span struct {
	part      uint32
	low, high warble.ID
}

// To merges the parts that can hold what the page asks for. Edges come nearly
// in the order of Since, so that is one part, or two where neighbours overlap.
func (s edgeStore) To(_ context.Context, kind warble.EdgeKind, to warble.ID, p warble.Page) (out []warble.Edge, err error) {
	if p.Before != 0 && p.Before <= p.After+1 {
		return nil, nil
	}
	prefix := spanPrefix(nil, kind, to)
	r, err := ranging(s.truth, prefix, key.End(prefix), false)
	if err != nil {
		return nil, err
	}
	m := merge{edgeStore: s, kind: kind, to: to, page: p, base: r.it}
	defer func() { err = m.close(r.close(err)) }()
	if err := m.spans(r); err != nil {
		return nil, err
	}
	for n := limitOf(p); n > 0; n-- {
		e, ok, err := m.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		out = append(out, e)
	}
	return turned(out, p), nil
}

// merge is a walk over several parts at once, in the order of Since.
type merge struct {
	edgeStore
	kind    warble.EdgeKind
	to      warble.ID
	page    warble.Page
	base    *pdb.Iterator // the view of the store all parts are read in
	pending []span        // parts not opened yet, the one that may come next first
	open    []opened
}

// opened is a part being read, at its next edge.
type opened struct {
	ranged
	since, from warble.ID
}

// spans lists the parts that reach into the page. The newest has no bounds yet.
func (m *merge) spans(r ranged) error {
	for ok := r.first(); ok; ok = r.next() {
		row, err := rowOf(r.it)
		if err != nil {
			return err
		}
		k := r.it.Key()
		sp := span{part: key.ReadDesc32(k[len(k)-4:]), high: warble.MaxID}
		if len(row) == 16 {
			sp.low, sp.high = key.ReadU64[warble.ID](row), key.ReadU64[warble.ID](row[8:])
		}
		if sp.high > m.page.After && sp.low < m.page.Upper() {
			m.pending = append(m.pending, sp)
		}
	}
	slices.SortFunc(m.pending, func(a, b span) int {
		if m.page.Oldest {
			return cmp.Compare(a.low, b.low)
		}
		return cmp.Compare(b.high, a.high)
	})
	return nil
}

// before says whether a comes before b in the walk.
func (m *merge) before(a, b opened) bool {
	c := cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.from, b.from))
	return c != 0 && (c < 0) == m.page.Oldest
}

// due says whether a part not opened yet may hold an edge that comes before, or with, the best.
func (m *merge) due(sp span, best int) bool {
	switch {
	case best < 0:
		return true
	case m.page.Oldest:
		return sp.low <= m.open[best].since
	default:
		return sp.high >= m.open[best].since
	}
}

func (m *merge) best() int {
	best := -1
	for i := range m.open {
		if best < 0 || m.before(m.open[i], m.open[best]) {
			best = i
		}
	}
	return best
}

func (m *merge) next() (warble.Edge, bool, error) {
	best := m.best()
	for len(m.pending) > 0 && m.due(m.pending[0], best) {
		if err := m.enter(m.pending[0].part); err != nil {
			return warble.Edge{}, false, err
		}
		m.pending = m.pending[1:]
		best = m.best()
	}
	if best < 0 {
		return warble.Edge{}, false, nil
	}
	o := &m.open[best]
	row, err := rowOf(o.it)
	if err != nil {
		return warble.Edge{}, false, err
	}
	e := inEdge(m.kind, m.to, o.it.Key(), row)
	if o.next() {
		o.at()
	} else {
		err = o.close(nil)
		m.open = slices.Delete(m.open, best, best+1)
	}
	return e, true, err
}

// enter begins to read a part.
func (m *merge) enter(part uint32) error {
	lower, upper := pageBounds(partPrefix(nil, m.kind, m.to, part), m.page)
	if bytes.Compare(lower, upper) >= 0 {
		return nil
	}
	it, err := m.base.Clone(pdb.CloneOptions{IterOptions: &pdb.IterOptions{LowerBound: lower, UpperBound: upper}})
	if err != nil {
		return unavailable(err)
	}
	o := opened{ranged: ranged{it, m.page.Oldest}}
	if !o.first() {
		return o.close(nil)
	}
	o.at()
	m.open = append(m.open, o)
	return nil
}

func (o *opened) at() {
	k := o.it.Key()
	o.since, o.from = key.ReadDesc[warble.ID](k[len(k)-16:]), tail(k)
}

func (m *merge) close(err error) error {
	for _, o := range m.open {
		err = o.close(err)
	}
	return err
}
