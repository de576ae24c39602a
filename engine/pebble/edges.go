package pebble

import (
	"context"

	pdb "github.com/cockroachdb/pebble/v2"

	"warble"
	"warble/internal/codec"
	"warble/internal/key"
)

// edgeRow is an edge that stands, or the memory of one that may never stand
// again; the zero row is neither.
type edgeRow struct {
	warble.Edge
	gone bool
}

func (r edgeRow) stands() bool { return r.Since != 0 && !r.gone }

// end is one end of the edges of a kind; with Inverse, the To end.
type end struct {
	kind warble.EdgeKind
	id   warble.ID
}

func (n end) hash() uint64 {
	return (n.id ^ warble.ID(n.kind)<<56).Hash() * 0x9fb21c651e98df25
}

func edgeHash(k warble.EdgeKey) uint64 {
	return end{k.Kind, k.From}.hash() ^ k.To.Hash()*0xd6e8feb86659fd93
}

// readEdgeRow reads an edge as it is stored.
func (e *Engine) readEdgeRow(k warble.EdgeKey) (r edgeRow, err error) {
	err = e.get(edgeKey(make([]byte, 0, 24), k), func(row []byte) (err error) {
		r.Edge, r.gone, err = readEdge(k, row)
		return err
	})
	return r, err
}

// edge answers from memory or the store, and keeps what it read, also that there is none.
func (e *Engine) edge(k warble.EdgeKey) (edgeRow, error) {
	r, gen, ok := e.edges.find(k)
	if ok {
		return r, nil
	}
	r, err := e.readEdgeRow(k)
	if err == nil {
		e.edges.loaded(k, r, edgeBytes(r), gen)
	}
	return r, err
}

func edgeBytes(r edgeRow) int { return 64 + len(r.Value) }

// current is the edge as the change has left it so far. It reads past the
// table: most edges written were never asked for.
func (a *applier) current(k warble.EdgeKey) (edgeRow, error) {
	for i := len(a.edges) - 1; i >= 0; i-- {
		if a.edges[i].now.Key() == k {
			return a.edges[i].now, nil
		}
	}
	if r, _, ok := a.Engine.edges.find(k); ok {
		return r, nil
	}
	return a.readEdgeRow(k)
}

func (a *applier) putEdge(e *warble.Edge) error {
	now, err := a.newest(end{e.Kind, e.To})
	if err != nil {
		return err
	}
	var old edgeRow
	if !now.none {
		if old, err = a.current(e.Key()); err != nil || old.gone && e.Kind.Once() {
			return err
		}
	}
	st := storedEdge{was: old, put: true, changed: true}
	if old.stands() {
		e.Since, e.Part = old.Since, old.Part
		st.changed = e.Value != old.Value
	} else if e.Part, err = a.choosePart(e, now); err != nil {
		return err
	}
	st.now = edgeRow{Edge: *e}
	a.edges = append(a.edges, st)
	if !st.changed {
		return nil
	}
	a.k, a.v = edgeKey(a.k[:0], e.Key()), appendEdge(a.v[:0], e, false)
	if err := a.set(); err != nil {
		return err
	}
	a.k, a.v = outKey(a.k[:0], e), appendOut(a.v[:0], e)
	if err := a.set(); err != nil {
		return err
	}
	a.k, a.v = inKey(a.k[:0], e), append(a.v[:0], e.Value...)
	return a.set()
}

func (a *applier) takeEdge(k warble.EdgeKey) error {
	old, err := a.current(k)
	if err != nil || !old.stands() {
		return err
	}
	st := storedEdge{was: old, changed: true}
	st.now.Kind, st.now.From, st.now.To = k.Kind, k.From, k.To
	a.k = edgeKey(a.k[:0], k)
	if k.Kind.Once() {
		st.now.gone = true
		a.v = appendEdge(a.v[:0], &st.now.Edge, true)
		err = a.set()
	} else {
		err = a.del()
	}
	a.edges = append(a.edges, st)
	if err != nil {
		return err
	}
	a.k = outKey(a.k[:0], &old.Edge)
	if err := a.del(); err != nil {
		return err
	}
	a.k = inKey(a.k[:0], &old.Edge)
	if err := a.del(); err != nil {
		return err
	}
	return a.shrinkPart(&old.Edge)
}

// publishEdge tells the tables of an edge that changed.
func (a *applier) publishEdge(st *storedEdge) {
	k := st.now.Key()
	s := a.Engine.edges.shard(k)
	s.mu.Lock()
	s.gen++
	if r := s.get(k); r != nil {
		s.weigh(k, len(st.now.Value)-len(r.Value))
		if r = s.get(k); r != nil {
			*r = st.now
			if !st.put && !st.now.gone {
				*r = edgeRow{}
			}
		}
	}
	s.mu.Unlock()
	if stood := st.was.stands(); stood != st.put {
		a.publishNeighbor(end{k.Kind, k.From}, k.To, st.put)
		a.publishNeighbor(end{k.Kind | warble.Inverse, k.To}, k.From, st.put)
	}
}

type edgeStore struct{ *Engine }

func (s edgeStore) Get(_ context.Context, kind warble.EdgeKind, from warble.ID, to ...warble.ID) ([]warble.Edge, error) {
	out := make([]warble.Edge, len(to))
	for i, id := range to {
		r, err := s.edge(warble.EdgeKey{Kind: kind, From: from, To: id})
		if err != nil {
			return nil, err
		}
		if r.stands() {
			out[i] = r.Edge
		}
	}
	return out, nil
}

func (s edgeStore) From(_ context.Context, kind warble.EdgeKind, from warble.ID, p warble.Page) (out []warble.Edge, err error) {
	err = s.walk(outPrefix(nil, kind, from), p, func(k, row []byte) error {
		r := codec.Take(row)
		e := warble.Edge{Kind: kind, From: from, Part: uint32(r.Uint())}
		e.Since, e.To = key.ReadDesc[warble.ID](k[len(k)-16:]), tail(k)
		e.Value = r.Rest()
		out = append(out, e)
		return r.Err()
	})
	return turned(out, p), err
}

// inEdge reads an in row; its key ends with ^part ^since ^from.
func inEdge(kind warble.EdgeKind, to warble.ID, k, row []byte) warble.Edge {
	end := k[len(k)-20:]
	return warble.Edge{
		Kind: kind, To: to, Part: key.ReadDesc32(end),
		Since: key.ReadDesc[warble.ID](end[4:]), From: key.ReadDesc[warble.ID](end[12:]), Value: string(row),
	}
}

func (s edgeStore) Part(_ context.Context, kind warble.EdgeKind, to warble.ID, part uint32) (out []warble.Edge, newest uint32, err error) {
	if newest, err = s.newestPart(kind, to); err != nil {
		return nil, 0, err
	}
	if part > newest {
		return nil, newest, nil
	}
	prefix := partPrefix(nil, kind, to, part)
	r, err := ranging(s.truth, prefix, key.End(prefix), false)
	if err != nil {
		return nil, 0, err
	}
	out = make([]warble.Edge, 0, 64)
	for ok := r.first(); ok; ok = r.next() {
		row, err := r.it.ValueAndErr()
		if err != nil {
			return nil, 0, r.close(unavailable(err))
		}
		out = append(out, inEdge(kind, to, r.it.Key(), row))
	}
	return out, newest, r.close(nil)
}

// Tally answers from memory for the newest part of edges into a thing that a
// writer has touched lately, and for the month of edges out of one that was
// asked for last.
func (s edgeStore) Tally(_ context.Context, kind warble.EdgeKind, id warble.ID, out bool, part uint32, mask byte) (int64, error) {
	at := end{kind, id}
	switch {
	case mask != 0:
	case out:
		return s.tallyMonth(at, part)
	default:
		if now, _, ok := s.parts.find(at); ok && now.part == part {
			return int64(now.size), nil
		}
	}
	return s.readTally(at, out, part, mask)
}

// month is how many edges out of a thing are of one month.
type month struct {
	part uint32
	n    int64
}

const monthBytes = 16

func (s edgeStore) tallyMonth(at end, part uint32) (int64, error) {
	m, gen, ok := s.months.find(at)
	if ok && m.part == part {
		return m.n, nil
	}
	n, err := s.readTally(at, true, part, 0)
	if err == nil {
		s.months.loaded(at, month{part, n}, monthBytes, gen)
	}
	return n, err
}

// announceMonths says that edges are about to come or go, before they can be
// read: a month counted from here on, until they are told, may hold them or not.
func (a *applier) announceMonths() {
	a.eachMonth(func(s *shard[end, month], _ *storedEdge) { s.flying++ })
}

// publishMonths tells the months kept of the edges that came or went.
func (a *applier) publishMonths() {
	a.eachMonth(func(s *shard[end, month], st *storedEdge) {
		s.flying--
		since, by := st.now.Since, int64(1)
		if !st.put {
			since, by = st.was.Since, -1
		}
		if m := s.get(end{st.now.Kind, st.now.From}); m != nil && m.part == since.Month() {
			m.n += by
		}
	})
}

// withdrawMonths says that nothing came of what was announced.
func (a *applier) withdrawMonths() {
	a.eachMonth(func(s *shard[end, month], _ *storedEdge) { s.flying-- })
}

func (a *applier) eachMonth(do func(*shard[end, month], *storedEdge)) {
	for i := range a.edges {
		st := &a.edges[i]
		if !st.changed || st.was.stands() == st.put {
			continue
		}
		s := a.months.shard(end{st.now.Kind, st.now.From})
		s.mu.Lock()
		s.gen++
		do(s, st)
		s.mu.Unlock()
	}
}

// readTally counts rows.
func (s edgeStore) readTally(at end, out bool, part uint32, mask byte) (n int64, err error) {
	var lower, upper []byte
	if out {
		from, to := warble.MonthSpan(part)
		lower, upper = pageBounds(outPrefix(nil, at.kind, at.id), warble.Page{Before: max(to, 1), After: max(from, 1) - 1})
	} else {
		lower = partPrefix(nil, at.kind, at.id, part)
		upper = key.End(lower)
	}
	r, err := ranging(s.truth, lower, upper, false)
	if err != nil {
		return 0, err
	}
	for ok := r.first(); ok; ok = r.next() {
		if mask == 0 {
			n++
			continue
		}
		row, err := r.it.ValueAndErr()
		if err != nil {
			return 0, r.close(unavailable(err))
		}
		if v := valueOf(row, out); len(v) > 0 && v[0]&mask != 0 {
			n++
		}
	}
	return n, r.close(nil)
}

// valueOf finds an edge's value in an index row; an out row begins with the part.
func valueOf(row []byte, out bool) []byte {
	for out && len(row) > 0 {
		out = row[0] >= 0x80
		row = row[1:]
	}
	return row
}

// reading an iterator's row, with its error in the house's form.
func rowOf(it *pdb.Iterator) ([]byte, error) {
	row, err := it.ValueAndErr()
	if err != nil {
		return nil, unavailable(err)
	}
	return row, nil
}
