package cassandra

import (
	"context"

	"warble"
)

// Statements of edges.
const (
	stmtEdge       stmt = stmtEdges
	stmtEdgeOut    stmt = stmtEdges + 1
	stmtEdgeIn     stmt = stmtEdges + 2
	stmtEdgeBucket stmt = stmtEdges + 3
	stmtEdgePart   stmt = stmtEdges + 4
)

func edgeCQL(s stmt) string {
	switch s {
	case stmtEdge:
		return `UPDATE edges USING TTL ? SET since = ?, part = ?, gone = ?, value = ? WHERE kind = ? AND src = ? AND bucket = ? AND dst = ?`
	case stmtEdgeOut:
		return `UPDATE edges_out USING TTL ? SET part = ?, gone = ?, value = ? WHERE kind = ? AND src = ? AND bucket = ? AND since = ? AND dst = ?`
	case stmtEdgeIn:
		return `UPDATE edges_in USING TTL ? SET gone = ?, value = ? WHERE kind = ? AND dst = ? AND part = ? AND since = ? AND src = ?`
	case stmtEdgeBucket:
		return `INSERT INTO out_buckets (kind, src, bucket) VALUES (?, ?, ?)`
	case stmtEdgePart:
		return `UPDATE in_parts SET low = ?, high = ? WHERE kind = ? AND dst = ? AND part = ? AND node = ?`
	}
	return ""
}

// goneTTL is how long an edge or document that is gone is remembered, seconds:
// longer than the outbox may write it again.
const goneTTL = 7 * 24 * 60 * 60

// edgeRow is an edge as its canonical row has it, with the row's write time. The
// zero row: there is none.
type edgeRow struct {
	warble.Edge
	gone bool
	at   int64
}

func (r edgeRow) stands() bool { return r.Since != 0 && !r.gone }

// end is one end of the edges of a kind.
type end struct {
	kind warble.EdgeKind
	id   warble.ID
}

// hourly says whether the edges out of a thing lie in buckets of an hour, not of
// a month: what others do makes a person's notices, and nothing bounds them.
func hourly(kind warble.EdgeKind) bool { return kind == warble.Notice }

// bucketOf is the bucket of an id. A canonical row lies in that of the other
// end, so that the flags of a page of recent tweets are one or two partitions; a
// row of the list out of a thing lies in that of its Since.
func bucketOf(kind warble.EdgeKind, id warble.ID) int64 {
	if hourly(kind) {
		return hourOf(id)
	}
	return int64(id.Month())
}

// bucketIDs are the ids of a bucket, both inclusive.
func bucketIDs(kind warble.EdgeKind, bucket int64) (low, high warble.ID) {
	if hourly(kind) {
		return hourIDs(bucket)
	}
	return monthIDs(bucket)
}

// stagedEdge is an edge as a change finds it and leaves it.
type stagedEdge struct {
	was, now edgeRow
	touched  bool
	put      bool // the last that touched it put it
}

// stagedEdges are the edges a change names.
type stagedEdges struct {
	*writer
	rows   map[warble.EdgeKey]*stagedEdge
	bounds []stagedBounds
}

// stageEdges reads the edges a change and its events name, carries out its
// removals and then its puts, and fills in the Since and Part of both. The
// caller holds the locks of the edges put and gone.
func (w *writer) stageEdges(ctx context.Context, c *warble.Change) (*stagedEdges, error) {
	var keys []warble.EdgeKey
	keys = append(keys, c.Gone...)
	for i := range c.Put {
		keys = append(keys, c.Put[i].Key())
	}
	for i := range c.Events {
		for j := range c.Events[i].Edges {
			keys = append(keys, c.Events[i].Edges[j].Key())
		}
	}
	stored, err := w.edgeRows(ctx, keys)
	if err != nil {
		return nil, err
	}
	s := &stagedEdges{writer: w, rows: make(map[warble.EdgeKey]*stagedEdge, len(keys))}
	for i, k := range keys {
		if s.rows[k] == nil {
			s.rows[k] = &stagedEdge{was: stored[i], now: stored[i]}
		}
	}
	for _, k := range c.Gone {
		s.take(k)
	}
	for i := range c.Put {
		if err := s.put(ctx, &c.Put[i]); err != nil {
			return nil, err
		}
	}
	for i := range c.Events {
		s.fill(&c.Events[i])
	}
	return s, nil
}

func (s *stagedEdges) take(k warble.EdgeKey) {
	if st := s.rows[k]; st.now.stands() {
		st.now.gone, st.touched, st.put = true, true, false
	}
}

func (s *stagedEdges) put(ctx context.Context, edge *warble.Edge) error {
	st := s.rows[edge.Key()]
	switch {
	case st.now.gone && edge.Kind.Once():
		return nil
	case st.now.stands():
		edge.Since, edge.Part = st.now.Since, st.now.Part
		if edge.Value == st.now.Value {
			return nil
		}
	default:
		part, bounds, err := s.choosePart(ctx, edge)
		if err != nil {
			return err
		}
		edge.Part = part
		if bounds != nil {
			s.bounds = append(s.bounds, *bounds)
		}
	}
	st.now.Edge, st.now.gone, st.touched, st.put = *edge, false, true, true
	return nil
}

// fill writes into an event the edges as they are after the change, or, of a removal,
// as they were before it.
func (s *stagedEdges) fill(ev *warble.Event) {
	edges := make([]warble.Edge, 0, len(ev.Edges))
	for i := range ev.Edges {
		st := s.rows[ev.Edges[i].Key()]
		switch removal := ev.Kind == warble.EventEdgeGone; {
		case removal && st.touched && st.was.stands() && (!st.put || st.now.Since != st.was.Since):
			edges = append(edges, st.was.Edge)
		case !removal && st.now.stands():
			edges = append(edges, st.now.Edge)
		}
	}
	ev.Edges = edges
}

// stored returns the rows that bring what is stored to what is staged.
func (s *stagedEdges) stored() (rows []row) {
	for _, st := range s.rows {
		if st.touched {
			rows = st.append(rows, s.after(st.was.at))
			if r := bucketRow(&st.now.Edge); !st.now.gone && !s.known.has(r.note) {
				rows = append(rows, r)
			}
		}
	}
	for _, b := range s.bounds {
		rows = append(rows, b.row)
	}
	return rows
}

// append appends an edge's rows. Those of the lists that it leaves are marked
// gone; all of what says gone runs out, or a row would come back in part.
func (st *stagedEdge) append(rows []row, at int64) []row {
	was, now := &st.was, &st.now
	if was.stands() {
		outGone := now.gone || now.Since != was.Since
		if outGone {
			rows = append(rows, outRow(&was.Edge, true, at))
		}
		if outGone || now.Part != was.Part {
			rows = append(rows, inRow(&was.Edge, true, at))
		}
	}
	ttl := int64(0)
	if now.gone && !now.Kind.Once() {
		ttl = goneTTL
	}
	value := []byte(now.Value)
	if now.gone {
		value = []byte{}
	}
	k := now.Key()
	rows = append(rows, row{stmt: stmtEdge, at: at, args: []any{ // see edgeOf
		ttl, int64(now.Since), int64(now.Part), now.gone, value, int64(k.Kind), int64(k.From), bucketOf(k.Kind, k.To), int64(k.To),
	}})
	if now.gone {
		return rows
	}
	return append(rows, outRow(&now.Edge, false, at), inRow(&now.Edge, false, at))
}

// edgeOf is what a canonical row says; of its value nothing.
func edgeOf(r *row) (edge warble.Edge, gone bool) {
	n := func(i int) int64 { v, _ := r.args[i].(int64); return v }
	gone, _ = r.args[3].(bool)
	return warble.Edge{
		Kind: warble.EdgeKind(n(5)), From: warble.ID(n(6)), To: warble.ID(n(8)), Since: warble.ID(n(1)), Part: uint32(n(2)),
	}, gone
}

func outRow(e *warble.Edge, gone bool, at int64) row {
	ttl, value := listed(e, gone)
	return row{stmt: stmtEdgeOut, at: at, args: []any{
		ttl, int64(e.Part), gone, value, int64(e.Kind), int64(e.From), bucketOf(e.Kind, e.Since), int64(e.Since), int64(e.To),
	}}
}

func inRow(e *warble.Edge, gone bool, at int64) row {
	ttl, value := listed(e, gone)
	return row{stmt: stmtEdgeIn, at: at, args: []any{
		ttl, gone, value, int64(e.Kind), int64(e.To), int64(e.Part), int64(e.Since), int64(e.From),
	}}
}

func listed(e *warble.Edge, gone bool) (ttl int64, value []byte) {
	if gone {
		return goneTTL, []byte{}
	}
	return 0, []byte(e.Value)
}

// bucketRow says that there is, or was, an edge in that bucket: it is never
// taken back, so any write time does.
func bucketRow(e *warble.Edge) row {
	bucket := bucketOf(e.Kind, e.Since)
	return row{
		stmt: stmtEdgeBucket, at: 1, args: []any{int64(e.Kind), int64(e.From), bucket},
		note: note{stmtEdgeBucket, uint64(e.From), int64(e.Kind)<<32 | bucket},
	}
}
