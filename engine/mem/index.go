package mem

import (
	"context"
	"slices"

	"warble"
	"warble/internal/words"
)

type indexStore struct{ *engine }

func (s indexStore) Add(_ context.Context, docs []warble.IndexDoc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range docs {
		id := d.ID()
		s.found[id] = d
		s.foundIDs = insert(s.foundIDs, ref{id, id})
	}
	return nil
}

func (s indexStore) Remove(_ context.Context, ids ...warble.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.found, id)
		s.foundIDs = remove(s.foundIDs, ref{id, id})
	}
	return nil
}

// Search looks at one thing after the other until the page is full; what a query finds is said in words.Match.
func (s indexStore) Search(_ context.Context, q *warble.Query, p warble.Page) ([]warble.ID, error) {
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var hits []warble.ID
	for i := range s.foundIDs {
		at := len(s.foundIDs) - 1 - i
		if p.Oldest {
			at = i
		}
		id := s.foundIDs[at].id
		if p.Has(id) && words.Match(q, s.found[id]) {
			hits = append(hits, id)
		}
		if len(hits) == p.Limit {
			break
		}
	}
	if p.Oldest {
		slices.Reverse(hits)
	}
	return hits, nil
}
