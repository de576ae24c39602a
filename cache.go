package warble

import "sync"

// Memo is a bounded map that forgets what was not used lately: two
// generations, of which the older is dropped when the younger is full. Get
// moves a found entry to the younger. Safe for many goroutines.
type Memo[K comparable, V any] struct {
	mu         sync.Mutex
	young, old map[K]V
	most       int // entries of one generation
}

// NewMemo makes a memo of two generations of at most so many entries each.
func NewMemo[K comparable, V any](most int) *Memo[K, V] {
	return &Memo[K, V]{young: map[K]V{}, most: most}
}

// Get finds what is kept under k.
func (m *Memo[K, V]) Get(k K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.young[k]
	if ok {
		return v, true
	}
	if v, ok = m.old[k]; ok {
		m.put(k, v)
	}
	return v, ok
}

// Set keeps v under k.
func (m *Memo[K, V]) Set(k K, v V) {
	m.mu.Lock()
	m.put(k, v)
	m.mu.Unlock()
}

func (m *Memo[K, V]) put(k K, v V) {
	if len(m.young) >= m.most {
		m.old, m.young = m.young, make(map[K]V, m.most/4)
	}
	m.young[k] = v
}

// Drop forgets k.
func (m *Memo[K, V]) Drop(k K) {
	m.mu.Lock()
	delete(m.young, k)
	delete(m.old, k)
	m.mu.Unlock()
}
