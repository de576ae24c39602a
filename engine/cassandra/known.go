package cassandra

import "sync"

// maxKnown bounds what known remembers, about 3 MB.
const maxKnown = 1 << 16

// note names a row that says no more than that something exists: a month, an
// hour. Once stored it need not be stored again. The zero note names none.
type note struct {
	stmt stmt
	a    uint64
	b    int64
}

// known remembers rows that stand for sure, so that they are written seldom. It
// may forget any of them.
type known struct {
	mu  sync.Mutex
	now map[note]struct{}
	old map[note]struct{} // the generation before
}

func (k *known) add(n note) {
	if n == (note{}) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.now) >= maxKnown/2 || k.now == nil {
		k.old, k.now = k.now, map[note]struct{}{}
	}
	k.now[n] = struct{}{}
}

func (k *known) has(n note) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.now[n]; ok {
		return true
	}
	_, ok := k.old[n]
	if ok && len(k.now) < maxKnown/2 {
		k.now[n] = struct{}{}
	}
	return ok
}
