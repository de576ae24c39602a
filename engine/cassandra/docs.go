package cassandra

import (
	"context"

	"warble"
)

type docStore struct{ *Engine }

// stageDoc returns what stores a document, nothing where the stored version is
// as high. One that is gone and leaves nothing counts as never stored.
func (e *Engine) stageDoc(ctx context.Context, d *warble.Doc) ([]row, error) {
	var owner, version, at int64
	var kind int32
	var gone bool
	found, err := e.first(ctx, `SELECT owner, kind, version, gone, WRITETIME(version) FROM docs WHERE id = ?`, []any{int64(d.ID)}, &owner, &kind, &version, &gone, &at)
	if err != nil {
		return nil, err
	}
	stands := found && !(gone && warble.DocKind(kind).Fleeting())
	if stands && d.Version <= uint64(version) || !stands && d.Gone && d.Kind.Fleeting() {
		return nil, nil
	}
	at = e.after(at)
	var rows []row
	if found && !gone && (owner != int64(d.Owner) || kind != int32(d.Kind)) {
		rows = append(rows, listedDoc(owner, int64(kind), d.ID, true, at))
	}
	ttl, data := int64(0), d.Data
	if d.Gone {
		ttl, data = goneTTL, []byte{}
	}
	if data == nil {
		data = []byte{}
	}
	return append(rows,
		row{stmt: stmtDoc, at: at, args: []any{ttl, int64(d.Owner), int64(d.Kind), int64(d.Version), d.Gone, data, int64(d.ID)}},
		listedDoc(int64(d.Owner), int64(d.Kind), d.ID, d.Gone, at)), nil
}

func listedDoc(owner, kind int64, id warble.DocID, gone bool, at int64) row {
	ttl := int64(0)
	if gone {
		ttl = goneTTL
	}
	return row{stmt: stmtDocListed, at: at, args: []any{ttl, gone, owner, kind, int64(id)}}
}

func (s docStore) Get(ctx context.Context, ids ...warble.DocID) ([]*warble.Doc, error) {
	out := make([]*warble.Doc, len(ids))
	err := together(ctx, len(ids), func(ctx context.Context, i int) error {
		d := &warble.Doc{ID: ids[i]}
		var version int64
		var kind int32
		found, err := s.first(ctx, `SELECT owner, kind, version, gone, data FROM docs WHERE id = ?`, []any{int64(ids[i])}, &d.Owner, &kind, &version, &d.Gone, &d.Data)
		if err == nil && found && !d.Gone {
			d.Kind, d.Version = warble.DocKind(kind), uint64(version)
			out[i] = d
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s docStore) List(ctx context.Context, owner warble.ID, kind warble.DocKind, p warble.Page) ([]*warble.Doc, error) {
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	all := func(_ context.Context, take func(idSpan) (bool, error)) error {
		_, err := take(idSpan{high: warble.MaxID})
		return err
	}
	var out []*warble.Doc
	for {
		want := p
		want.Limit -= len(out)
		ids, err := s.idPage(ctx, want, all, func(ctx context.Context, _ int64, at idStretch) ([]listedID, error) {
			return s.ids(ctx, `SELECT id, gone FROM docs_by_owner WHERE owner = ? AND kind = ?`, []any{int64(owner), int64(kind)}, at)
		})
		if err != nil {
			return nil, err
		}
		docs, err := s.Get(ctx, ids...)
		if err != nil {
			return nil, err
		}
		var there []*warble.Doc
		for _, d := range docs {
			if d != nil && d.Owner == owner && d.Kind == kind { // else a row of the list that its document overtook
				there = append(there, d)
			}
		}
		if p.Oldest {
			out = append(there, out...)
		} else {
			out = append(out, there...)
		}
		if len(out) >= p.Limit || len(ids) < want.Limit {
			return out, nil
		}
		if p.Oldest {
			p.After = ids[0]
		} else {
			p.Before = ids[len(ids)-1]
		}
	}
}
