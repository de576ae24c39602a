package search

import (
	"bytes"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// leaf walks the postings of one term from segment to segment, newest first.
type leaf struct {
	run    *run
	it     *pebble.Iterator
	shared bool   // with other leaves: it stands wherever one of them left it
	key    []byte // of the term, without a segment
	rank   int    // of the segment it stands at; -1 at first
	stands bool   // it is at that segment's key
	value  []byte // where shared: a copy of the postings there
}

// nextSegment returns the first rank at or after rank whose segment may hold a
// document of the node; len(table) if there is none.
func (r *run) nextSegment(n *node, rank int) int {
	switch n.op {
	case opTerm:
		if r.spent() {
			return rank // not known: what lies beyond is for the next search
		}
		return n.leaf.next(rank)
	case opRoot:
		for ; rank < len(r.table); rank++ {
			if g := r.table[rank]; g.last <= n.id && n.id <= g.highest {
				break
			}
		}
		return rank
	case opPrefix, opOr:
		least := len(r.table)
		for _, k := range n.kids {
			least = min(least, r.nextSegment(k, rank))
		}
		return least
	case opPhrase, opAnd:
		for i := 0; i < len(n.kids) && rank < len(r.table); i++ {
			if got := r.nextSegment(n.kids[i], rank); got != rank {
				rank, i = got, -1
			}
		}
	}
	return rank
}

// next moves to the first segment at or after rank that has the term.
func (l *leaf) next(rank int) int {
	table := l.run.table
	if l.rank >= rank || rank >= len(table) || l.run.err != nil {
		return max(l.rank, rank)
	}
	l.run.left -= segmentCost
	// The next key is most often near: looking is cheaper than seeking.
	for steps := 0; !l.shared && l.stands && steps < 2; steps++ {
		l.it.Next()
		if l.read(); l.rank >= rank {
			return l.rank
		}
	}
	g := table[rank]
	l.run.key = appendTail(append(l.run.key[:0], l.key...), g.highest, g.seq)
	l.it.SeekGE(l.run.key)
	l.read()
	return l.rank
}

// segmentCost is what looking into one segment draws from the budget.
const segmentCost = 16

// read takes in where the iterator stands, past segments this search does not
// know.
func (l *leaf) read() {
	for ; l.it.Valid(); l.it.Next() {
		k := l.it.Key()
		if len(k) != len(l.key)+tailLen || !bytes.HasPrefix(k, l.key) {
			break
		}
		rank, found := l.run.table.find(k[len(l.key):])
		if !found {
			continue
		}
		l.rank, l.stands = rank, true
		if l.shared {
			l.value = append(l.value[:0], l.it.Value()...)
		}
		return
	}
	if err := l.it.Error(); err != nil {
		l.run.err = err
	}
	l.rank, l.stands = len(l.run.table), false
}

// postings returns the term's postings in a segment, nil for none.
func (l *leaf) postings(rank int, places bool) *postings {
	if l.next(rank) != rank || l.run.err != nil {
		return nil
	}
	v := l.value
	if !l.shared {
		v = l.it.Value()
	}
	p, ok := readPostings(v)
	if !ok {
		l.run.err = errDamaged
		return nil
	}
	p.docs = slices.Clone(p.docs) // the iterator moves on while the segment is read
	if places {
		p.words = slices.Clone(p.words)
	}
	return &p
}

// inSegment returns the node's documents in a sealed segment.
func (r *run) inSegment(n *node, rank int) docs {
	switch n.op {
	case opAll:
		return everything(r.table[rank].n)
	case opTerm:
		if p := n.leaf.postings(rank, false); p != nil {
			return r.count(p)
		}
	case opRoot:
		return r.rootIn(n, rank)
	case opPhrase:
		list := make([]placed, 0, len(n.kids))
		for _, k := range n.kids {
			p := k.leaf.postings(rank, true)
			if p == nil {
				return nil
			}
			list = append(list, p)
		}
		return r.phrase(list, n.away)
	case opAnd:
		return conjoin(n, func(k *node) docs { return r.inSegment(k, rank) })
	case opPrefix, opOr:
		return disjoin(n, func(k *node) docs { return r.inSegment(k, rank) })
	}
	return nil
}

func (r *run) rootIn(n *node, rank int) docs {
	g := r.table[rank]
	if n.id < g.last || g.highest < n.id {
		return nil
	}
	ids, err := r.space.docs.get(r.space, g.seq)
	if err != nil {
		r.err = err
		return nil
	}
	if doc, ok := place(ids, n.id); ok && ids[doc]&begins != 0 {
		return only(doc)
	}
	return nil
}

// attach gives every term of the query its leaf.
func (r *run) attach(n *node) error {
	if n.op == opTerm {
		return r.attachTerm(n)
	}
	if n.op == opPrefix {
		return r.attachPrefix(n)
	}
	for _, list := range [][]*node{n.kids, n.without} {
		for _, k := range list {
			if err := r.attach(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxIterators is how many places of the store a search holds open; further
// terms share one.
const maxIterators = 16

func (r *run) attachTerm(n *node) (err error) {
	k := r.space.termKey(nil, n.term)
	n.leaf = &leaf{run: r, key: k, rank: -1}
	if len(r.iterators) >= maxIterators {
		n.leaf.shared = true
		n.leaf.it, err = r.sharedIterator()
		return err
	}
	upper := slices.Clone(k)
	upper[len(upper)-1] = 1
	n.leaf.it, err = r.iterator(k, upper)
	return err
}

// attachPrefix finds the words a prefix stands for, and where each first is.
func (r *run) attachPrefix(n *node) error {
	it, err := r.sharedIterator()
	if err != nil {
		return err
	}
	lead := r.space.termKey(nil, n.term)
	lead = lead[:len(lead)-1]
	seek := slices.Clone(lead)
	for len(n.kids) < r.space.x.opt.PrefixTerms && it.SeekGE(seek) && bytes.HasPrefix(it.Key(), lead) {
		k := it.Key()
		if len(k) <= tailLen {
			return errDamaged
		}
		l := &leaf{run: r, it: it, shared: true, key: slices.Clone(k[:len(k)-tailLen]), rank: -1}
		if l.read(); r.err != nil {
			return r.err
		}
		n.kids = append(n.kids, &node{op: opTerm, leaf: l})
		seek = append(seek[:0], l.key...)
		seek[len(seek)-1] = 1 // behind the NUL of this word, before any longer one
		r.left -= segmentCost
	}
	return it.Error()
}
