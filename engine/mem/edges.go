package mem

import (
	"context"
	"slices"

	"warble"
)

// edgeRow is an edge that stands, or the memory of one that may never stand again.
type edgeRow struct {
	warble.Edge
	gone bool
}

func (r edgeRow) stands() bool { return r.Since != 0 && !r.gone }

// end is one end of the edges of a kind.
type end struct {
	kind warble.EdgeKind
	id   warble.ID
}

// putEdge stores an edge and writes its stored Since and Part back into it.
func (e *engine) putEdge(edge *warble.Edge) (changed bool) {
	key := edge.Key()
	old := e.edges[key]
	if old.gone {
		return false
	}
	if old.stands() {
		edge.Since, edge.Part = old.Since, old.Part
		e.edges[key] = edgeRow{Edge: *edge}
		return edge.Value != old.Value
	}
	from, to := end{edge.Kind, edge.From}, end{edge.Kind, edge.To}
	parts := e.parts[to]
	if n := len(parts); n == 0 || parts[n-1] >= warble.PartSize {
		parts = append(parts, 0)
	}
	parts[len(parts)-1]++
	e.parts[to] = parts
	edge.Part = uint32(len(parts) - 1)
	e.edges[key] = edgeRow{Edge: *edge}
	e.out[from] = insert(e.out[from], ref{edge.Since, edge.To})
	e.in[to] = insert(e.in[to], ref{edge.Since, edge.From})
	return true
}

// takeEdge removes an edge and returns it as it was.
func (e *engine) takeEdge(key warble.EdgeKey) (warble.Edge, bool) {
	old := e.edges[key]
	if !old.stands() {
		return warble.Edge{}, false
	}
	from, to := end{key.Kind, key.From}, end{key.Kind, key.To}
	e.out[from] = remove(e.out[from], ref{old.Since, key.To})
	e.in[to] = remove(e.in[to], ref{old.Since, key.From})
	e.parts[to][old.Part]--
	if key.Kind.Once() {
		e.edges[key] = edgeRow{gone: true}
	} else {
		delete(e.edges, key)
	}
	return old.Edge, true
}

type edgeStore struct{ *engine }

func (s edgeStore) Get(_ context.Context, kind warble.EdgeKind, from warble.ID, to ...warble.ID) ([]warble.Edge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]warble.Edge, len(to))
	for i, id := range to {
		out[i] = s.edges[warble.EdgeKey{Kind: kind, From: from, To: id}].Edge
	}
	return out, nil
}

func (s edgeStore) From(_ context.Context, kind warble.EdgeKind, from warble.ID, p warble.Page) ([]warble.Edge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.edgesOut(kind, from, page(s.out[end{kind, from}], p)), nil
}

func (s edgeStore) To(_ context.Context, kind warble.EdgeKind, to warble.ID, p warble.Page) ([]warble.Edge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.edgesIn(kind, to, page(s.in[end{kind, to}], p)), nil
}

func (e *engine) edgesOut(kind warble.EdgeKind, from warble.ID, refs []ref) []warble.Edge {
	out := make([]warble.Edge, len(refs))
	for i, r := range refs {
		out[i] = e.edges[warble.EdgeKey{Kind: kind, From: from, To: r.id}].Edge
	}
	return out
}

func (e *engine) edgesIn(kind warble.EdgeKind, to warble.ID, refs []ref) []warble.Edge {
	out := make([]warble.Edge, len(refs))
	for i, r := range refs {
		out[i] = e.edges[warble.EdgeKey{Kind: kind, From: r.id, To: to}].Edge
	}
	return out
}

func (s edgeStore) Part(_ context.Context, kind warble.EdgeKind, to warble.ID, part uint32) ([]warble.Edge, uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := end{kind, to}
	edges := slices.DeleteFunc(s.edgesIn(kind, to, s.in[at]), func(e warble.Edge) bool { return e.Part != part })
	slices.Reverse(edges)
	return edges, uint32(max(1, len(s.parts[at])) - 1), nil
}

func (s edgeStore) Among(_ context.Context, viewer warble.ID, kinds []warble.EdgeKind, ids []warble.ID) ([]uint16, error) {
	if len(kinds) > 16 {
		return nil, warble.Invalid("kinds", "", "at most 16 kinds may be asked for at once")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]uint16, len(ids))
	for i, id := range ids {
		for bit, kind := range kinds {
			key := warble.EdgeKey{Kind: kind, From: viewer, To: id}
			if kind&warble.Inverse != 0 {
				key = warble.EdgeKey{Kind: kind &^ warble.Inverse, From: id, To: viewer}
			}
			if s.edges[key].stands() {
				out[i] |= 1 << bit
			}
		}
	}
	return out, nil
}

func (s edgeStore) Tally(_ context.Context, kind warble.EdgeKind, id warble.ID, out bool, part uint32, mask byte) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edges := s.edgesIn(kind, id, s.in[end{kind, id}])
	if out {
		edges = s.edgesOut(kind, id, s.out[end{kind, id}])
	}
	var n int64
	for _, e := range edges {
		here := e.Part
		if out {
			here = e.Since.Month()
		}
		if here == part && (mask == 0 || (e.Value != "" && e.Value[0]&mask != 0)) {
			n++
		}
	}
	return n, nil
}
