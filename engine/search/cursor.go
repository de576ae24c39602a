package search

import (
	"slices"

	"warble"
)

// cursor walks the hits of one segment inside the page, newest first.
type cursor interface {
	next() bool // false: no more
	id() warble.ID
}

type segmentCursor struct {
	*segment
	ids   []docID
	docs  docs
	after warble.ID
	from  uint32 // first document to look at
	here  warble.ID
}

func (c *segmentCursor) id() warble.ID { return c.here }

func (c *segmentCursor) next() bool {
	for {
		doc := c.docs.next(c.from)
		if doc == end || int(doc) >= len(c.ids) {
			return false
		}
		c.from = doc + 1
		if c.isDead(doc) {
			continue
		}
		c.here = c.ids[doc].id()
		return c.here > c.after
	}
}

// viewCursor brings the hits of an open segment, which come in the order they
// arrived, into the order of their ids: it looks ahead until nothing that
// arrived earlier can be newer.
type viewCursor struct {
	view  *gathered
	docs  docs
	page  warble.Page
	from  uint32
	ahead []warble.ID // looked ahead, ascending
	here  warble.ID
}

func (c *viewCursor) id() warble.ID { return c.here }

func (c *viewCursor) next() bool {
	n := uint32(len(c.view.ids))
	for c.from < n {
		doc := c.docs.next(c.from)
		if doc == end {
			c.from = n
			break
		}
		c.from = doc
		arrival := int(n - 1 - doc)
		most := c.view.highest[arrival]
		if len(c.ahead) > 0 && c.ahead[len(c.ahead)-1] >= most {
			break
		}
		if most <= c.page.After {
			c.from = n
			break
		}
		c.from++
		if id := c.view.ids[arrival].id(); c.page.Has(id) && c.view.alive(arrival) {
			at, _ := slices.BinarySearch(c.ahead, id)
			c.ahead = slices.Insert(c.ahead, at, id)
		}
	}
	if len(c.ahead) == 0 {
		return false
	}
	last := len(c.ahead) - 1
	c.here, c.ahead = c.ahead[last], c.ahead[:last]
	return true
}
