package search

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/cockroachdb/pebble/v2"

	"warble"
)

const defaultLimit = 20

// Search returns ids of living documents that match, newest first. A prefix
// shorter than MinPrefix is ErrInvalid. Where Options.Budget is spent before the
// page is full, the error is a [warble.Unfinished]. With Page.Oldest it walks
// all that lies above After, whatever that costs, so After should not be far
// below the newest hit.
func (x *Index) Search(ctx context.Context, q *warble.Query, p warble.Page) ([]warble.ID, error) {
	if err := check(q); err != nil {
		return nil, err
	}
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	s := x.spaces[0]
	if q.People {
		s = x.spaces[1]
	}
	r := &run{ctx: ctx, space: s, page: p, left: x.opt.Budget, root: compile(q)}
	ids, err := r.search()
	if stop := (*warble.Unfinished)(nil); err != nil && ctx.Err() == nil && !errors.As(err, &stop) {
		err = unavailable(err)
	}
	return ids, err
}

func check(q *warble.Query) error {
	if q.Op == warble.QueryPrefix && utf8.RuneCountInString(q.Text) < warble.MinPrefix {
		return warble.Invalid("query", q.Text, "a prefix has at least 2 characters")
	}
	for _, k := range q.Kids {
		if err := check(k); err != nil {
			return err
		}
	}
	return nil
}

// run is one search over one view of its space.
type run struct {
	ctx   context.Context
	space *space
	page  warble.Page
	root  *node
	left  int // of the budget
	err   error

	table     table
	views     []*gathered
	iterators []*pebble.Iterator
	common    *pebble.Iterator // shared by leaves
	key       []byte

	rank    int // no segment before it is still to be opened
	cursors []cursor
}

func (r *run) search() (ids []warble.ID, err error) {
	defer func() {
		for _, it := range r.iterators {
			err = errors.Join(err, it.Close())
		}
	}()
	r.space.reading.RLock()
	defer r.space.reading.RUnlock()
	r.look()
	if err := r.attach(r.root); err != nil {
		return nil, err
	}
	for i, v := range r.views {
		if d := r.inView(r.root, i); d != nil {
			r.begin(&viewCursor{view: v, docs: d, page: r.page})
		}
	}
	for r.rank = 0; r.rank < len(r.table) && r.page.Before != 0 && r.table[r.rank].last >= r.page.Before; r.rank++ {
	}
	return r.walk()
}

// look takes the view of the space that the search will have to its end.
func (r *run) look() {
	s := r.space
	s.mu.RLock()
	defer s.mu.RUnlock()
	r.table = s.sealed
	take := func(g *gathering) {
		if len(g.ids) > 0 {
			v := g.view(s.epoch)
			r.views = append(r.views, v)
			r.root.each(func(n *node) { n.look(v) })
		}
	}
	take(s.fresh)
	take(s.late)
	for _, g := range s.full {
		take(g)
	}
}

func (r *run) iterator(lower, upper []byte) (*pebble.Iterator, error) {
	it, err := r.space.x.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err == nil {
		r.iterators = append(r.iterators, it)
	}
	return it, err
}

func (r *run) sharedIterator() (it *pebble.Iterator, err error) {
	if r.common == nil {
		r.common, err = r.iterator([]byte{'s', r.space.name, rowPostings}, []byte{'s', r.space.name, rowPostings + 1})
	}
	return r.common, err
}

// walk merges the segments, newest id first, until the page is full. A segment
// is opened only when nothing open is newer than its newest document.
func (r *run) walk() (ids []warble.ID, err error) {
	for steps := 0; r.err == nil; steps++ {
		if steps%64 == 0 && r.ctx.Err() != nil {
			return nil, r.ctx.Err()
		}
		best := r.newest()
		if r.spent() {
			if before := r.reached(ids, best); before > r.page.After+1 && before < r.page.Upper() {
				return ids, &warble.Unfinished{Before: before}
			}
		}
		if r.rank < len(r.table) && r.table[r.rank].highest > r.page.After &&
			(best < 0 || r.cursors[best].id() <= r.table[r.rank].highest) {
			r.openNext()
			continue
		}
		if best < 0 {
			break
		}
		id := r.cursors[best].id()
		if !r.cursors[best].next() {
			r.cursors = slices.Delete(r.cursors, best, best+1)
		}
		if len(ids) > 0 && ids[len(ids)-1] == id {
			continue
		}
		if ids = append(ids, id); len(ids) < r.page.Limit {
			continue
		}
		if !r.page.Oldest {
			break
		}
		if len(ids) >= 2*r.page.Limit+64 {
			ids = slices.Delete(ids, 0, len(ids)-r.page.Limit)
		}
	}
	if r.page.Oldest && len(ids) > r.page.Limit {
		ids = ids[len(ids)-r.page.Limit:]
	}
	return ids, r.err
}

// spent says that the search is to stop as soon as it has got anywhere. A walk
// upwards could not be taken up again, so it never stops.
func (r *run) spent() bool { return r.left < 0 && !r.page.Oldest }

// reached is the lowest id from which on all hits are among ids.
func (r *run) reached(ids []warble.ID, best int) warble.ID {
	var next warble.ID // nothing that is still to come is newer
	if best >= 0 {
		next = r.cursors[best].id()
	}
	if r.rank < len(r.table) {
		next = max(next, r.table[r.rank].highest)
	}
	if len(ids) > 0 { // which may stand in two segments
		return min(next+1, ids[len(ids)-1])
	}
	return next + 1
}

// newest is the cursor with the highest id, -1 for none.
func (r *run) newest() int {
	best := -1
	for i, c := range r.cursors {
		if best < 0 || c.id() > r.cursors[best].id() {
			best = i
		}
	}
	return best
}

// openNext opens the next segment, unless it has no document of the query.
func (r *run) openNext() {
	rank := r.rank
	if r.rank = r.nextSegment(r.root, rank); r.rank != rank || r.rank == len(r.table) {
		return
	}
	r.rank++
	g := r.table[rank]
	d := r.inSegment(r.root, rank)
	if d == nil || r.err != nil || (r.page.Before != 0 && g.last >= r.page.Before) {
		return
	}
	ids, err := r.space.docs.get(r.space, g.seq)
	if err != nil {
		r.err = err
		return
	}
	c := &segmentCursor{segment: g, ids: ids, docs: d, after: r.page.After}
	if r.page.Before != 0 {
		before, _ := place(ids, r.page.Before-1)
		c.from = uint32(before)
	}
	r.begin(c)
}

func (r *run) begin(c cursor) {
	if c.next() {
		r.cursors = append(r.cursors, c)
	}
}
