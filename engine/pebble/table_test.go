package pebble

import (
	"math/rand/v2"
	"testing"
)

// TestATableHoldsWhatWasPutUntilItLetsGo compares a table whose keys all crowd
// into few places with a plain map, over puts, replacements and evictions.
func TestATableHoldsWhatWasPutUntilItLetsGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tb := newTable[int, int](tableShards*40*(slotBytes+8), func(k int) uint64 { return uint64(k % 7) })
	last := map[int]int{}
	kept := 0
	for i := range 20_000 {
		k := rng.IntN(200)
		if rng.IntN(3) == 0 {
			tb.wrote(k, i, 8)
			last[k] = i
			if v, _, ok := tb.find(k); !ok || v != i {
				t.Fatalf("%d was put as %d and is %d, %v", k, i, v, ok)
			}
			continue
		}
		v, gen, ok := tb.find(k)
		if ok && v != last[k] {
			t.Fatalf("%d is %d, last put as %d", k, v, last[k])
		}
		if ok {
			kept++
		} else {
			tb.loaded(k, last[k], 8, gen)
		}
	}
	s := tb.shard(0)
	live := 0
	for i := range s.slots {
		if s.slots[i].live {
			live++
			if at, _ := s.find(s.slots[i].key); s.at[at] != int32(i)+1 {
				t.Errorf("the slot of %d is not found", s.slots[i].key)
			}
		}
	}
	if live != s.n || s.bytes > s.max || live < 30 || kept == 0 {
		t.Errorf("%d live, %d counted, %d of %d bytes, %d found", live, s.n, s.bytes, s.max, kept)
	}
}
