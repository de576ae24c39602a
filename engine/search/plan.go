package search

import (
	"warble"
	"warble/internal/words"
)

// node is one part of a query, made ready for one search.
type node struct {
	op      nodeOp
	kids    []*node // of a phrase: its words; of a prefix: the words it stands for in sealed segments
	without []*node // of an and
	term    string  // of a term; of a prefix: the beginning
	places  bool    // of a term: positions are wanted
	away    []int32 // of a phrase: distances from its first word
	id      warble.ID

	leaf *leaf      // of a term: where it stands in the store
	open [][]uint32 // of a term or prefix, for each view: where its entries begin; of a root: its document
}

type nodeOp uint8

const (
	opAll nodeOp = iota
	opTerm
	opPhrase
	opPrefix
	opAnd
	opOr
	opRoot // the tweet id, if it begins its conversation
)

// compile makes a query ready. The root's People is not looked at.
func compile(q *warble.Query) *node {
	switch q.Op {
	case warble.QueryAll:
		return &node{op: opAll}
	case warble.QueryWord, warble.QueryPhrase:
		return inARow(words.Query(q.Text))
	case warble.QueryPrefix:
		before, prefix := words.Prefix(q.Text)
		if prefix == "" {
			return nothing()
		}
		n := &node{op: opPrefix, term: prefix}
		if len(before) == 0 {
			return n
		}
		return &node{op: opAnd, kids: []*node{inARow(before), n}}
	case warble.QueryAnd, warble.QueryNot:
		return compileAnd(q)
	case warble.QueryOr:
		n := nothing()
		for _, k := range q.Kids {
			n.kids = append(n.kids, compile(k))
		}
		return n
	case warble.QueryThread:
		return &node{op: opOr, kids: []*node{{op: opTerm, term: words.Operator(q)}, {op: opRoot, id: q.ID}}}
	}
	return &node{op: opTerm, term: words.Operator(q)}
}

func nothing() *node { return &node{op: opOr} }

func compileAnd(q *warble.Query) *node {
	n := &node{op: opAnd}
	kids := q.Kids
	if q.Op == warble.QueryNot {
		kids = []*warble.Query{q}
	}
	for _, k := range kids {
		if k.Op == warble.QueryNot {
			n.without = append(n.without, compile(k.Kids[0]))
		} else {
			n.kids = append(n.kids, compile(k))
		}
	}
	if len(n.kids) == 0 {
		n.kids = []*node{{op: opAll}}
	}
	return n
}

// inARow finds words at the distances they have.
func inARow(list []words.Word) *node {
	switch len(list) {
	case 0:
		return nothing()
	case 1:
		return &node{op: opTerm, term: list[0].Text}
	}
	n := &node{op: opPhrase}
	for _, w := range list {
		n.kids = append(n.kids, &node{op: opTerm, term: w.Text, places: true})
		n.away = append(n.away, int32(w.Pos-list[0].Pos))
	}
	return n
}

// each visits a node and all below it.
func (n *node) each(visit func(*node)) {
	visit(n)
	for _, k := range n.kids {
		k.each(visit)
	}
	for _, k := range n.without {
		k.each(visit)
	}
}

// look notes where the node's terms begin in an open segment. The space's lock
// is held.
func (n *node) look(v *gathered) {
	var heads []uint32
	switch n.op {
	case opTerm:
		if head := v.head(n.term); head != 0 {
			heads = []uint32{head}
		}
	case opPrefix:
		heads = v.headsOf(n.term)
	case opRoot:
		if at, ok := v.at[n.id]; ok && v.ids[at]&begins != 0 {
			heads = []uint32{uint32(len(v.ids) - 1 - at)}
		}
	}
	n.open = append(n.open, heads)
}

// inView returns the node's documents in the i-th open segment.
func (r *run) inView(n *node, i int) docs {
	v := r.views[i]
	count := uint32(len(v.ids))
	switch n.op {
	case opAll:
		return everything(count)
	case opTerm:
		if len(n.open[i]) > 0 {
			return r.count(&chain{v.entries, n.open[i][0], count})
		}
	case opRoot:
		if len(n.open[i]) > 0 {
			return only(n.open[i][0])
		}
	case opPrefix:
		kids := make([]docs, 0, len(n.open[i]))
		for _, head := range n.open[i] {
			kids = append(kids, r.count(&chain{v.entries, head, count}))
		}
		return anyOf(kids)
	case opPhrase:
		list := make([]placed, 0, len(n.kids))
		for _, k := range n.kids {
			if len(k.open[i]) == 0 {
				return nil
			}
			list = append(list, &chain{v.entries, k.open[i][0], count})
		}
		return r.phrase(list, n.away)
	case opAnd:
		return conjoin(n, func(k *node) docs { return r.inView(k, i) })
	case opOr:
		return disjoin(n, func(k *node) docs { return r.inView(k, i) })
	}
	return nil
}

// conjoin makes an and of what read makes of the kids; nil is no document.
func conjoin(n *node, read func(*node) docs) docs {
	a := &both{kids: make([]docs, 0, len(n.kids))}
	for _, k := range n.kids {
		d := read(k)
		if d == nil {
			return nil
		}
		a.kids = append(a.kids, d)
	}
	for _, k := range n.without {
		if d := read(k); d != nil {
			a.without = append(a.without, d)
		}
	}
	if len(a.kids) == 1 && len(a.without) == 0 {
		return a.kids[0]
	}
	return a
}

func disjoin(n *node, read func(*node) docs) docs {
	kids := make([]docs, 0, len(n.kids))
	for _, k := range n.kids {
		if d := read(k); d != nil {
			kids = append(kids, d)
		}
	}
	return anyOf(kids)
}

func anyOf(kids []docs) docs {
	switch len(kids) {
	case 0:
		return nil
	case 1:
		return kids[0]
	}
	return newEither(kids)
}

func (r *run) phrase(list []placed, away []int32) docs {
	p := &phrase{words: list, away: away}
	for _, w := range list {
		p.kids = append(p.kids, r.count(w))
	}
	return p
}

func (r *run) count(d docs) docs { return counted{d, &r.left} }
