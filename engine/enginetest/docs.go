package enginetest

import (
	"bytes"
	"testing"

	"warble"
)

func docTests() []test {
	return []test{
		{"GetKeepsOrderAndIsNilForMissing", docGet},
		{"AHigherVersionReplacesALowerOne", docVersions},
		{"NothingRevivesAGoneDocumentButAHigherVersion", docGone},
		{"AFleetingDocumentLeavesNothingWhenItIsGone", docFleeting},
		{"ADocumentHolds64KiB", docSize},
		{"ListIsByOwnerAndKindNewestFirst", docList},
	}
}

func (s *suite) docRow(t *testing.T, id warble.DocID) *warble.Doc {
	t.Helper()
	got, err := s.Docs.Get(t.Context(), id)
	check(t, err)
	return got[0]
}

func docAt(d *warble.Doc, version uint64, data string) *warble.Doc {
	v := *d
	v.Version, v.Data = version, []byte(data)
	return &v
}

func docGone(t *testing.T, s *suite) {
	d := s.doc(s.id(), warble.DocList)
	gone := &warble.Doc{ID: d.ID, Owner: d.Owner, Kind: d.Kind, Version: 3, Gone: true}
	s.applies(t, &warble.Change{Docs: []*warble.Doc{d}})
	s.applies(t, &warble.Change{Docs: []*warble.Doc{gone}})
	s.idle(t, &warble.Change{Docs: []*warble.Doc{gone}})
	s.idle(t, &warble.Change{Docs: []*warble.Doc{docAt(d, 2, `{}`)}})
	s.idle(t, &warble.Change{Docs: []*warble.Doc{docAt(d, 3, `{}`)}})
	if got := s.docRow(t, d.ID); got != nil {
		t.Fatalf("a gone document is %s", form(got))
	}
	list, err := s.Docs.List(t.Context(), d.Owner, d.Kind, warble.Page{Limit: 10})
	check(t, err)
	same(t, "list", list, []*warble.Doc{})
	s.applies(t, &warble.Change{Docs: []*warble.Doc{docAt(d, 4, `{"b":2}`)}})
	same(t, "document", s.docRow(t, d.ID), docAt(d, 4, `{"b":2}`))
	list, err = s.Docs.List(t.Context(), d.Owner, d.Kind, warble.Page{Limit: 10})
	check(t, err)
	same(t, "list", list, []*warble.Doc{docAt(d, 4, `{"b":2}`)})
	early := s.doc(s.id(), warble.DocList)
	s.applies(t, &warble.Change{Docs: []*warble.Doc{{ID: early.ID, Owner: early.Owner, Kind: early.Kind, Version: 2, Gone: true}}})
	s.idle(t, &warble.Change{Docs: []*warble.Doc{early}})
	if got := s.docRow(t, early.ID); got != nil {
		t.Fatalf("a document gone before it came is %s", form(got))
	}
}

func docFleeting(t *testing.T, s *suite) {
	for _, kind := range []warble.DocKind{warble.DocTurn, warble.DocDue} {
		d := s.doc(s.id(), kind)
		gone := &warble.Doc{ID: d.ID, Owner: d.Owner, Kind: d.Kind, Version: 3, Gone: true}
		s.idle(t, &warble.Change{Docs: []*warble.Doc{gone}})
		s.applies(t, &warble.Change{Docs: []*warble.Doc{d}})
		s.applies(t, &warble.Change{Docs: []*warble.Doc{gone}})
		s.idle(t, &warble.Change{Docs: []*warble.Doc{gone}})
		list, err := s.Docs.List(t.Context(), d.Owner, d.Kind, warble.Page{Limit: 10})
		check(t, err)
		same(t, "list", list, []*warble.Doc{})
		s.applies(t, &warble.Change{Docs: []*warble.Doc{d}})
		same(t, "document", s.docRow(t, d.ID), d)
	}
}

func docGet(t *testing.T, s *suite) {
	a, b := s.doc(s.id(), warble.DocMedia), s.doc(0, warble.DocApp)
	s.applies(t, &warble.Change{Docs: []*warble.Doc{a, b}})
	got, err := s.Docs.Get(t.Context(), b.ID, s.id(), a.ID, b.ID)
	check(t, err)
	same(t, "documents", got, []*warble.Doc{b, nil, a, b})
}

func docVersions(t *testing.T, s *suite) {
	d := s.doc(s.id(), warble.DocCursor)
	s.applies(t, &warble.Change{Docs: []*warble.Doc{docAt(d, 5, `{"n":5}`)}})
	s.idle(t, &warble.Change{Docs: []*warble.Doc{docAt(d, 4, `{"n":4}`)}})
	s.idle(t, &warble.Change{Docs: []*warble.Doc{docAt(d, 5, `{"n":0}`)}})
	same(t, "document", s.docRow(t, d.ID), docAt(d, 5, `{"n":5}`))
	s.applies(t, &warble.Change{Docs: []*warble.Doc{docAt(d, 6, `{"n":6}`)}})
	same(t, "document", s.docRow(t, d.ID), docAt(d, 6, `{"n":6}`))
}

func docSize(t *testing.T, s *suite) {
	d := s.doc(s.id(), warble.DocPullSet)
	d.Data = append(append([]byte(`"`), bytes.Repeat([]byte("x"), 64<<10-2)...), '"')
	s.applies(t, &warble.Change{Docs: []*warble.Doc{d}})
	same(t, "document", s.docRow(t, d.ID), d)
}

func docList(t *testing.T, s *suite) {
	owner := s.id()
	var want []warble.ID
	for i := range 40 {
		d := s.doc(owner, warble.DocDraft)
		switch i % 5 {
		case 0:
			d.Kind = warble.DocFilter
		case 1:
			d.Owner = s.id()
		case 2:
			s.applies(t, &warble.Change{Docs: []*warble.Doc{d}})
			d = docAt(d, 2, "")
			d.Data, d.Gone = nil, true
		default:
			want = append(want, d.ID)
		}
		s.applies(t, &warble.Change{Docs: []*warble.Doc{d}})
		if !d.Gone {
			s.applies(t, &warble.Change{Docs: []*warble.Doc{docAt(d, 2, `{"v":2}`)}})
		}
	}
	paged(t, s.ids, down(want), false, func(p warble.Page) (got []warble.ID, err error) {
		docs, err := s.Docs.List(t.Context(), owner, warble.DocDraft, p)
		for _, d := range docs {
			if d.Version != 2 || d.Owner != owner || d.Kind != warble.DocDraft {
				t.Fatalf("listed %s", form(d))
			}
			got = append(got, d.ID)
		}
		return got, err
	})
}
