package cassandra

import (
	"context"
	"slices"

	"warble"
)

// flags is a set of canonical rows that one statement of Among reads.
type flags struct {
	kinds  []int64
	bucket int64
	ids    []int64
	in     bool // from the ids to the viewer, else from the viewer to them
}

// Among reads each partition that can hold an answer once: the flags of a page
// of recent tweets are one or two, those of a page of people one for each month in which an account
// was made. An edge towards the viewer lies in a partition of its own.
func (s edgeStore) Among(ctx context.Context, viewer warble.ID, kinds []warble.EdgeKind, ids []warble.ID) ([]uint16, error) {
	if len(kinds) > 16 {
		return nil, warble.Invalid("kinds", "", "at most 16 kinds may be asked for at once")
	}
	out := make([]uint16, len(ids))
	reads := flagReads(viewer, kinds, ids)
	found := make([][]warble.EdgeKey, len(reads))
	err := together(ctx, len(reads), func(ctx context.Context, i int) error {
		f := reads[i]
		cql, args := ` WHERE kind IN ? AND src = ? AND bucket = ? AND dst IN ?`, []any{f.kinds, int64(viewer), f.bucket, f.ids}
		if f.in {
			cql, args = ` WHERE kind IN ? AND src IN ? AND bucket = ? AND dst = ?`, []any{f.kinds, f.ids, f.bucket, int64(viewer)}
		}
		return s.read(ctx, readEdges+cql, args, func(row scanner) error {
			r, err := scanEdge(row)
			if r.stands() {
				found[i] = append(found[i], r.Key())
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	stands := map[warble.EdgeKey]bool{}
	for _, keys := range found {
		for _, k := range keys {
			stands[k] = true
		}
	}
	for i, id := range ids {
		for bit, kind := range kinds {
			k := warble.EdgeKey{Kind: kind, From: viewer, To: id}
			if kind&warble.Inverse != 0 {
				k = warble.EdgeKey{Kind: kind &^ warble.Inverse, From: id, To: viewer}
			}
			if stands[k] {
				out[i] |= 1 << bit
			}
		}
	}
	return out, nil
}

// flagReads groups what is asked by the partitions it lies in.
func flagReads(viewer warble.ID, kinds []warble.EdgeKind, ids []warble.ID) (reads []flags) {
	sorted := make([]int64, len(ids))
	for i, id := range ids {
		sorted[i] = int64(id)
	}
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	// The kinds that share their buckets are asked for together; a notice has its own.
	for _, hourly := range []bool{false, true} {
		var out, in []int64
		for _, kind := range kinds {
			plain := kind &^ warble.Inverse
			switch {
			case (plain == warble.Notice) != hourly:
			case kind != plain:
				in = append(in, int64(plain))
			default:
				out = append(out, int64(plain))
			}
		}
		kind := warble.EdgeKind(0)
		if hourly {
			kind = warble.Notice
		}
		if len(in) > 0 {
			for chunk := range slices.Chunk(sorted, max(1, maxIn/len(in))) {
				reads = append(reads, flags{kinds: in, bucket: bucketOf(kind, viewer), ids: chunk, in: true})
			}
		}
		if len(out) > 0 {
			reads = append(reads, outFlags(kind, out, sorted)...)
		}
	}
	return reads
}

func outFlags(kind warble.EdgeKind, kinds, sorted []int64) (reads []flags) {
	for len(sorted) > 0 {
		bucket, n := bucketOf(kind, warble.ID(sorted[0])), 1
		for n < len(sorted) && n < maxIn && bucketOf(kind, warble.ID(sorted[n])) == bucket {
			n++
		}
		reads = append(reads, flags{kinds: kinds, bucket: bucket, ids: sorted[:n]})
		sorted = sorted[n:]
	}
	return reads
}
