package cassandra

import (
	"slices"
	"sync"

	"warble"
)

const stripeCount = 4096

// stripes are locks over rows: a row's lock is the one its hash names. They put
// the changes of this process to one row in order; those of two processes are
// put in order by their write times.
type stripes [stripeCount]sync.Mutex

func (s *stripes) lock(c *warble.Change) (unlock func()) {
	at := make([]uint16, 0, c.Rows())
	id := func(id warble.ID) { at = append(at, uint16(id.Hash()%stripeCount)) }
	edge := func(k warble.EdgeKey) { id(k.From ^ warble.ID(k.To.Hash()) ^ warble.ID(k.Kind)<<56) }
	for _, u := range c.Users {
		id(u.ID)
	}
	for _, t := range c.Tweets {
		id(t.ID)
	}
	for _, d := range c.Docs {
		id(d.ID)
	}
	for i := range c.Put {
		edge(c.Put[i].Key())
	}
	for _, k := range c.Gone {
		edge(k)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	for _, i := range at {
		s[i].Lock()
	}
	return func() {
		for _, i := range at {
			s[i].Unlock()
		}
	}
}
