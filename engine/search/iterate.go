package search

import "slices"

// docs walks documents of one segment upwards, which is from the newest to the
// oldest (in an open segment: from the last to arrive to the first).
type docs interface {
	// next returns the first document at or after target, end if there is
	// none. Targets never fall; one may be asked for again.
	next(target uint32) uint32
}

// placed is docs of one term, whose places in the document are known.
type placed interface {
	docs
	positions(dst []int32) []int32 // of the document last returned
}

// everything is all documents of a segment.
type everything uint32

func (n everything) next(target uint32) uint32 {
	if target < uint32(n) {
		return target
	}
	return end
}

// only is one document.
type only uint32

func (o only) next(target uint32) uint32 {
	if target <= uint32(o) {
		return uint32(o)
	}
	return end
}

// counted is docs that draw on the search's budget. They go on when it is spent:
// the walk stops between documents, where it can be taken up again.
type counted struct {
	docs
	left *int
}

func (c counted) next(target uint32) uint32 {
	*c.left--
	return c.docs.next(target)
}

// both is the documents of all kids and of none of without.
type both struct {
	kids, without []docs
	at            uint32 // the last answer
	asked         bool
}

// next does not ask the kids again for what lies before the last answer: they have gone past it.
func (a *both) next(target uint32) uint32 {
	for !a.asked || a.at < target {
		a.asked, a.at = true, a.agree(target)
		if a.at != end && slices.ContainsFunc(a.without, func(w docs) bool { return w.next(a.at) == a.at }) {
			target = a.at + 1
		}
	}
	return a.at
}

// agree returns the first document from target on that all kids have.
func (a *both) agree(target uint32) uint32 {
	doc := target
	for i := 0; i < len(a.kids); {
		got := a.kids[i].next(doc)
		if got == end {
			return end
		}
		if i++; got != doc && i > 1 {
			i = 0
		}
		doc = got
	}
	return doc
}

// any is the documents of any kid.
type either struct {
	kids []docs
	at   []uint32 // where each kid stands
}

func newEither(kids []docs) *either { return &either{kids, make([]uint32, len(kids))} }

func (o *either) next(target uint32) uint32 {
	least := end
	for i, kid := range o.kids {
		if o.at[i] == 0 || o.at[i] < target {
			o.at[i] = kid.next(target)
		}
		least = min(least, o.at[i])
	}
	return least
}

// phrase is the documents in which the words stand at the distances given.
type phrase struct {
	both
	words []placed
	away  []int32 // from the first word
	first []int32
	rest  []int32
}

func (p *phrase) next(target uint32) uint32 {
	for doc := p.both.next(target); ; doc = p.both.next(doc + 1) {
		if doc == end || p.inOrder() {
			return doc
		}
	}
}

func (p *phrase) inOrder() bool {
	p.first = p.words[0].positions(p.first[:0])
	for i, w := range p.words[1:] {
		p.rest = w.positions(p.rest[:0])
		p.first = slices.DeleteFunc(p.first, func(at int32) bool {
			return !slices.Contains(p.rest, at+p.away[i+1])
		})
		if len(p.first) == 0 {
			return false
		}
	}
	return true
}
