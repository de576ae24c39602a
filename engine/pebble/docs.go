package pebble

import (
	"context"

	"warble"
)

type docStore struct{ *Engine }

func (s docStore) Get(_ context.Context, ids ...warble.DocID) ([]*warble.Doc, error) {
	out := make([]*warble.Doc, len(ids))
	for i, id := range ids {
		d, err := s.doc(id)
		if err != nil {
			return nil, err
		}
		if d != nil && !d.Gone {
			out[i] = d
		}
	}
	return out, nil
}

func (s docStore) List(_ context.Context, owner warble.ID, kind warble.DocKind, p warble.Page) ([]*warble.Doc, error) {
	var ids []warble.DocID
	err := s.walk(listPrefix(nil, owner, kind), p, func(k, _ []byte) error {
		ids = append(ids, tail(k))
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []*warble.Doc
	for _, id := range turned(ids, p) {
		d, err := s.doc(id)
		if err != nil {
			return nil, err
		}
		if d != nil && !d.Gone && d.Owner == owner && d.Kind == kind { // not moved or gone since the list was read
			out = append(out, d)
		}
	}
	return out, nil
}
