package words

import (
	"slices"
	"strings"
	"unicode/utf8"

	"warble"
)

// Match tells whether a query finds a document: what every index must answer.
//
//   - QueryWord and QueryPhrase find the words of Text at the distances they
//     have in Text; a Text without a word finds nothing.
//   - QueryPrefix finds documents with a word that begins as the last word of
//     Text, and with the words before it as a phrase. A last word shorter than
//     MinPrefix characters finds nothing.
//   - An empty And finds everything, an empty Or nothing.
//   - People on the root finds people only, else tweets only.
func Match(q *warble.Query, d warble.IndexDoc) bool {
	if q.People != (d.User != nil) {
		return false
	}
	m := matcher{}
	for _, t := range Terms(d) {
		m[t.Text] = append(m[t.Text], t.Pos)
	}
	return m.match(q)
}

// matcher holds the positions of a document's terms.
type matcher map[string][]int32

func (m matcher) match(q *warble.Query) bool {
	switch q.Op {
	case warble.QueryAll:
		return true
	case warble.QueryWord, warble.QueryPhrase:
		return m.phrase(Query(q.Text))
	case warble.QueryPrefix:
		before, prefix := Prefix(q.Text)
		return prefix != "" && (len(before) == 0 || m.phrase(before)) && m.prefix(prefix)
	case warble.QueryAnd:
		return !slices.ContainsFunc(q.Kids, func(k *warble.Query) bool { return !m.match(k) })
	case warble.QueryOr:
		return slices.ContainsFunc(q.Kids, m.match)
	case warble.QueryNot:
		return !m.match(q.Kids[0])
	}
	return m[Operator(q)] != nil
}

func (m matcher) phrase(words []Word) bool {
	if len(words) == 0 {
		return false
	}
	for _, at := range m[words[0].Text] {
		if !slices.ContainsFunc(words[1:], func(w Word) bool {
			return !slices.Contains(m[w.Text], at+int32(w.Pos-words[0].Pos))
		}) {
			return true
		}
	}
	return false
}

func (m matcher) prefix(prefix string) bool {
	for term := range m {
		if strings.HasPrefix(term, prefix) {
			return true
		}
	}
	return false
}

// Prefix cuts the Text of a QueryPrefix into the words before the last and the
// beginning asked for; prefix is empty if that is too short to be asked for.
func Prefix(text string) (before []Word, prefix string) {
	all := Query(text)
	if len(all) == 0 {
		return nil, ""
	}
	last := len(all) - 1
	if utf8.RuneCountInString(all[last].Text) < warble.MinPrefix {
		return nil, ""
	}
	return all[:last], all[last].Text
}
