package cassandra

import (
	"context"
	"slices"

	"warble"
)

// maxIn bounds how many keys one statement names.
const maxIn = 50

type edgeStore struct{ *Engine }

const readEdges = `SELECT kind, src, dst, since, part, gone, value, WRITETIME(gone) FROM edges`

// scanEdge takes a row that readEdges selected.
func scanEdge(row scanner) (r edgeRow, err error) {
	var kind int32
	var part int32
	var value []byte
	err = row.Scan(&kind, &r.From, &r.To, &r.Since, &part, &r.gone, &value, &r.at)
	r.Kind, r.Part, r.Value = warble.EdgeKind(kind), uint32(part), string(value)
	return r, err
}

// canonical is a set of edges that one statement reads.
type canonical struct {
	kind   warble.EdgeKind
	id     warble.ID // the end they share
	bucket int64
	in     bool // they share To, which is in that bucket; else From
}

// edgeRows reads the canonical rows of edges, zero for what is missing. Those
// out of one thing, or into one, are read together.
func (e *Engine) edgeRows(ctx context.Context, keys []warble.EdgeKey) ([]edgeRow, error) {
	into := len(keys) > 1 && !slices.ContainsFunc(keys, func(k warble.EdgeKey) bool { return k.Kind != keys[0].Kind || k.To != keys[0].To })
	groups := map[canonical][]int64{}
	for _, k := range keys {
		g, other := canonical{k.Kind, k.From, bucketOf(k.Kind, k.To), false}, int64(k.To)
		if into {
			g, other = canonical{k.Kind, k.To, g.bucket, true}, int64(k.From)
		}
		groups[g] = append(groups[g], other)
	}
	var reads []canonical
	var others [][]int64
	for g, ids := range groups {
		slices.Sort(ids)
		for chunk := range slices.Chunk(slices.Compact(ids), maxIn) {
			reads, others = append(reads, g), append(others, chunk)
		}
	}
	found := make([][]edgeRow, len(reads))
	err := together(ctx, len(reads), func(ctx context.Context, i int) error {
		g := reads[i]
		cql, args := readEdges+` WHERE kind = ? AND src = ? AND bucket = ? AND dst IN ?`, []any{int64(g.kind), int64(g.id), g.bucket, others[i]}
		if g.in {
			cql, args = readEdges+` WHERE kind = ? AND src IN ? AND bucket = ? AND dst = ?`, []any{int64(g.kind), others[i], g.bucket, int64(g.id)}
		}
		return e.read(ctx, cql, args, func(row scanner) error {
			r, err := scanEdge(row)
			found[i] = append(found[i], r)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	rows := make(map[warble.EdgeKey]edgeRow, len(keys))
	for _, some := range found {
		for _, r := range some {
			rows[r.Key()] = r
		}
	}
	out := make([]edgeRow, len(keys))
	for i, k := range keys {
		out[i] = rows[k]
		out[i].Kind, out[i].From, out[i].To = k.Kind, k.From, k.To
	}
	return out, nil
}

func (s edgeStore) Get(ctx context.Context, kind warble.EdgeKind, from warble.ID, to ...warble.ID) ([]warble.Edge, error) {
	keys := make([]warble.EdgeKey, len(to))
	for i, id := range to {
		keys[i] = warble.EdgeKey{Kind: kind, From: from, To: id}
	}
	rows, err := s.edgeRows(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := make([]warble.Edge, len(to))
	for i := range rows {
		if rows[i].stands() {
			out[i] = rows[i].Edge
		}
	}
	return out, nil
}

// listRow is an edge as the rows of a list have it.
type listRow struct {
	warble.Edge
	gone bool
}

func outPlace(r *listRow) place { return placeOf(r.Since, r.To) }
func inPlace(r *listRow) place  { return placeOf(r.Since, r.From) }

func (s edgeStore) From(ctx context.Context, kind warble.EdgeKind, from warble.ID, p warble.Page) ([]warble.Edge, error) {
	low, high := bucketOf(kind, p.After), bucketOf(kind, p.Upper())
	more := func(ctx context.Context) ([]span, bool, error) {
		spans, err := s.outSpans(ctx, end{kind, from}, low, high, p.Oldest)
		if n := len(spans); n > 0 && p.Oldest {
			low = int64(spans[n-1].part) + 1
		} else if n > 0 {
			high = int64(spans[n-1].part) - 1
		}
		return spans, len(spans) == spanBatch, err
	}
	return s.page(ctx, p, walk{place: outPlace, more: more, fetch: func(ctx context.Context, bucket uint32, at stretch) ([]listRow, error) {
		return s.outRows(ctx, kind, from, bucket, at)
	}})
}

// outSpans reads which buckets have edges out of a thing, both bounds inclusive,
// at most spanBatch of them: newest first or, upwards, oldest first.
func (e *Engine) outSpans(ctx context.Context, of end, low, high int64, upwards bool) (spans []span, err error) {
	cql := `SELECT bucket FROM out_buckets WHERE kind = ? AND src = ? AND bucket >= ? AND bucket <= ?`
	if upwards {
		cql += ` ORDER BY bucket ASC`
	}
	err = e.read(ctx, cql+` LIMIT ?`, []any{int64(of.kind), int64(of.id), low, high, int64(spanBatch)}, func(row scanner) error {
		var bucket int32
		err := row.Scan(&bucket)
		sp := span{part: uint32(bucket)}
		sp.low, sp.high = bucketIDs(of.kind, int64(bucket))
		spans = append(spans, sp)
		return err
	})
	return spans, err
}

const (
	readOut = `SELECT since, dst, part, gone, value FROM edges_out WHERE kind = ? AND src = ? AND bucket = ?` +
		` AND (since, dst) > (?, ?) AND (since, dst) < (?, ?)`
	readIn = `SELECT since, src, gone, value FROM edges_in WHERE kind = ? AND dst = ? AND part = ?` +
		` AND (since, src) > (?, ?) AND (since, src) < (?, ?)`
)

func (e *Engine) outRows(ctx context.Context, kind warble.EdgeKind, from warble.ID, bucket uint32, at stretch) (out []listRow, err error) {
	cql, args := at.cql(readOut, `since ASC, dst ASC`), at.args(kind, from, bucket)
	err = e.read(ctx, cql, args, func(row scanner) error {
		r := listRow{Edge: warble.Edge{Kind: kind, From: from}}
		var part int32
		var value []byte
		err := row.Scan(&r.Since, &r.To, &part, &r.gone, &value)
		r.Part, r.Value = uint32(part), string(value)
		out = append(out, r)
		return err
	})
	return out, err
}

func (s edgeStore) To(ctx context.Context, kind warble.EdgeKind, to warble.ID, p warble.Page) ([]warble.Edge, error) {
	spans, err := s.partSpans(ctx, end{kind, to})
	if err != nil {
		return nil, err
	}
	return s.page(ctx, p, walk{place: inPlace, pending: spans, fetch: func(ctx context.Context, part uint32, at stretch) ([]listRow, error) {
		return s.inRows(ctx, kind, to, part, at)
	}})
}

func (e *Engine) inRows(ctx context.Context, kind warble.EdgeKind, to warble.ID, part uint32, at stretch) (out []listRow, err error) {
	cql, args := at.cql(readIn, `since ASC, src ASC`), at.args(kind, to, part)
	err = e.read(ctx, cql, args, func(row scanner) error {
		r := listRow{Edge: warble.Edge{Kind: kind, To: to, Part: part}}
		var value []byte
		err := row.Scan(&r.Since, &r.From, &r.gone, &value)
		r.Value = string(value)
		out = append(out, r)
		return err
	})
	return out, err
}

// Part trusts the rows of the list: only where an edge appears twice, as after
// two processes put it at once, is its canonical row asked.
func (s edgeStore) Part(ctx context.Context, kind warble.EdgeKind, to warble.ID, part uint32) (edges []warble.Edge, newest uint32, err error) {
	err = together(ctx, 2, func(ctx context.Context, i int) (err error) {
		if i == 0 {
			newest, _, err = s.newestPart(ctx, end{kind, to})
			return err
		}
		rows, err := s.inRows(ctx, kind, to, part, whole())
		if err != nil {
			return err
		}
		edges, err = s.once(ctx, rows, inPlace)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return edges, newest, nil
}

// Tally trusts the rows as Part does.
func (s edgeStore) Tally(ctx context.Context, kind warble.EdgeKind, id warble.ID, out bool, part uint32, mask byte) (n int64, err error) {
	read, at := s.inRows, inPlace
	if out {
		read, at = s.monthRows, outPlace
	}
	rows, err := read(ctx, kind, id, part, whole())
	if err != nil {
		return 0, err
	}
	edges, err := s.once(ctx, rows, at)
	for i := range edges {
		if v := edges[i].Value; mask == 0 || (v != "" && v[0]&mask != 0) {
			n++
		}
	}
	return n, err
}

// monthRows reads the edges out of a thing whose Since is of one month.
func (e *Engine) monthRows(ctx context.Context, kind warble.EdgeKind, from warble.ID, month uint32, at stretch) ([]listRow, error) {
	if !hourly(kind) {
		return e.outRows(ctx, kind, from, month, at)
	}
	first, last := monthIDs(int64(month))
	low, high := bucketOf(kind, first), bucketOf(kind, last)
	var rows []listRow
	for {
		spans, err := e.outSpans(ctx, end{kind, from}, low, high, true)
		if err != nil {
			return nil, err
		}
		found := make([][]listRow, len(spans))
		err = together(ctx, len(spans), func(ctx context.Context, i int) (err error) {
			found[i], err = e.outRows(ctx, kind, from, spans[i].part, at)
			return err
		})
		rows = append(rows, slices.Concat(found...)...)
		if err != nil || len(spans) < spanBatch {
			return rows, err
		}
		low = int64(spans[len(spans)-1].part) + 1
	}
}

// once leaves out what is gone, and of what appears twice what its canonical row does not name.
func (s edgeStore) once(ctx context.Context, rows []listRow, at func(*listRow) place) ([]warble.Edge, error) {
	out := make([]warble.Edge, 0, len(rows))
	seen := make(map[int64]int, len(rows))
	var twice []listRow
	for i := range rows {
		if r := &rows[i]; !r.gone {
			seen[at(r)[1]]++
		}
	}
	for i := range rows {
		if r := &rows[i]; !r.gone && seen[at(r)[1]] > 1 {
			twice = append(twice, *r)
		}
	}
	stand, err := s.standing(ctx, twice)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		r := &rows[i]
		if r.gone {
			continue
		}
		if seen[at(r)[1]] > 1 {
			ok := stand[0]
			stand = stand[1:]
			if !ok {
				continue
			}
		}
		out = append(out, r.Edge)
	}
	return out, nil
}

// standing says of each row of a list whether the canonical row agrees with it,
// and cleans away those that were overtaken.
func (s edgeStore) standing(ctx context.Context, rows []listRow) ([]bool, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	keys := make([]warble.EdgeKey, len(rows))
	for i := range rows {
		keys[i] = rows[i].Key()
	}
	stored, err := s.edgeRows(ctx, keys)
	if err != nil {
		return nil, err
	}
	stand, stale := overtaken(rows, stored)
	for i := range rows {
		if stand[i] {
			rows[i].Value = stored[i].Value
		}
	}
	s.tidy(ctx, stale)
	return stand, nil
}

// overtaken says which rows of a list their canonical rows agree with, and what cleans the others away.
func overtaken(rows []listRow, stored []edgeRow) (stand []bool, stale []row) {
	stand = make([]bool, len(rows))
	for i := range rows {
		r, c := &rows[i], &stored[i]
		stand[i] = c.stands() && c.Since == r.Since && c.Part == r.Part
		// At the canonical row's own write time: what it overtook is older and
		// goes; what is still on its way to overtake it is younger and stays.
		if stand[i] || c.at == 0 {
			continue
		}
		if !c.stands() || c.Since != r.Since {
			stale = append(stale, outRow(&r.Edge, true, c.at))
		}
		stale = append(stale, inRow(&r.Edge, true, c.at))
	}
	return stand, stale
}

// settle cleans away what other changes overtook of edges that were stored late:
// they could not see them, and nobody else looks for them.
func (e *Engine) settle(ctx context.Context, rows []row) error {
	var late []listRow
	var keys []warble.EdgeKey
	for i := range rows {
		if r := &rows[i]; r.stmt == stmtEdge {
			if edge, gone := edgeOf(r); !gone {
				late, keys = append(late, listRow{Edge: edge}), append(keys, edge.Key())
			}
		}
	}
	if len(late) == 0 {
		return nil
	}
	stored, err := e.edgeRows(ctx, keys)
	if err != nil {
		return err
	}
	_, stale := overtaken(late, stored)
	return e.store(ctx, stale)
}

// tidy writes rows for which it does not matter if they come to nothing.
func (e *Engine) tidy(ctx context.Context, rows []row) {
	if len(rows) == 0 {
		return
	}
	if err := e.store(ctx, rows); err != nil {
		e.log.Debug("rows of a list that were overtaken could not be cleaned", "rows", len(rows), "error", err)
	}
}
