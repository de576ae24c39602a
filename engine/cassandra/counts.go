package cassandra

import (
	"context"
	"sync"
	"time"

	"warble"
)

type countStore struct{ *Engine }

// puts remembers when numbers were put last, to put another of the same moment
// a microsecond later: of two with one write time the larger would stand.
type puts struct {
	mu  sync.Mutex
	now map[warble.CountKey]putTime
}

// putTime is the moment of a number, and the write time it got.
type putTime struct{ at, wrote int64 }

// putsKept bounds what is remembered.
const putsKept = 1 << 16

// time is the write time of a count.
func (p *puts) time(c warble.Count) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, at := c.Key(), c.At.UnixMicro()
	t := putTime{at, at}
	if old, ok := p.now[k]; ok && old.at == at {
		t.wrote = old.wrote + 1
	}
	if p.now == nil || len(p.now) >= putsKept {
		p.now = map[warble.CountKey]putTime{}
	}
	p.now[k] = t
	return t.wrote
}

func (s countStore) Put(ctx context.Context, counts []warble.Count) error {
	for _, c := range counts {
		if c.Kind == 0 || c.Kind > warble.MaxCountKind {
			return warble.Invalid("count", "", "no such kind of count")
		}
	}
	if err := s.timely(); err != nil {
		return err
	}
	last := map[warble.CountKey]int{} // of a key named twice the last stands
	for i, c := range counts {
		if j, ok := last[c.Key()]; !ok || !c.At.Before(counts[j].At) {
			last[c.Key()] = i
		}
	}
	return together(ctx, len(counts), func(ctx context.Context, i int) error {
		c := counts[i]
		if last[c.Key()] != i {
			return nil
		}
		return s.write(ctx, `UPDATE counts SET n = ?, at = ? WHERE id = ? AND kind = ? AND part = ?`,
			[]any{c.N, c.At.UnixMicro(), int64(c.ID), int64(c.Kind), int64(c.Part)}, s.puts.time(c))
	})
}

func (s countStore) Get(ctx context.Context, kinds []warble.CountKind, ids []warble.ID) ([]int64, error) {
	out := make([]int64, len(kinds)*len(ids))
	named := make([]int64, len(kinds))
	for i, k := range kinds {
		named[i] = int64(k)
	}
	err := together(ctx, len(ids), func(ctx context.Context, i int) error {
		sums := map[warble.CountKind]int64{}
		err := s.read(ctx, `SELECT kind, n FROM counts WHERE id = ? AND kind IN ?`, []any{int64(ids[i]), named}, func(row scanner) error {
			var kind int32
			var n int64
			err := row.Scan(&kind, &n)
			sums[warble.CountKind(kind)] += n
			return err
		})
		for j, k := range kinds {
			out[i*len(kinds)+j] = sums[k]
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// sweepAtOnce is how many numbers are removed at a time.
const sweepAtOnce = 256

// sweptCount is a number to be removed, as of when it was written: one put meanwhile stands.
type sweptCount struct {
	warble.CountKey
	wrote int64
}

// Sweep walks the whole table.
func (s countStore) Sweep(ctx context.Context, before time.Time) error {
	var old []sweptCount
	remove := func() error {
		err := together(ctx, len(old), func(ctx context.Context, i int) error {
			return s.write(ctx, `DELETE FROM counts WHERE id = ? AND kind = ? AND part = ?`,
				[]any{int64(old[i].ID), int64(old[i].Kind), int64(old[i].Part)}, old[i].wrote)
		})
		old = old[:0]
		return err
	}
	rows := s.session.Query(`SELECT id, kind, part, at, WRITETIME(n) FROM counts`).IterContext(ctx)
	err := readAll(rows, func(row scanner) error {
		var id, at, wrote int64
		var kind, part int32
		if err := row.Scan(&id, &kind, &part, &at, &wrote); err != nil {
			return err
		}
		if at < before.UnixMicro() {
			old = append(old, sweptCount{warble.CountKey{Kind: warble.CountKind(kind), ID: warble.ID(id), Part: uint32(part)}, wrote})
		}
		if len(old) < sweepAtOnce {
			return nil
		}
		return remove()
	})
	if err != nil {
		return err
	}
	return remove()
}
