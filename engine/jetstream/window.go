package jetstream

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// window is what the keeper knows of the numbers that are not yet handled: those that came, and where. What is not in
// it and above a floor is a hole.
type window struct {
	runs map[origin]*run
	size int
}

// run is the numbers of one (node, epoch). Sequences begin at 1.
type run struct {
	floor uint64 // all up to here are handled by every group
	next  uint64 // the lowest that did not come whole
	top   uint64 // the highest that came
	came  map[uint64]*number

	moved time.Time // when next rose, a hole opened, or was looked into
	last  time.Time // when something new came, or it was looked for what follows
	idle  int       // how often in a row nothing followed
}

// number is one that came: the messages of a change.
type number struct {
	have, need int
	at         []spot
}

// spot is where a message lies.
type spot struct {
	part int
	seq  uint64
}

func newWindow() *window { return &window{runs: map[origin]*run{}} }

// of returns a run, made with a floor at its first mention.
func (w *window) of(o origin, floor uint64, now time.Time) *run {
	r := w.runs[o]
	if r == nil {
		r = &run{floor: floor, next: floor + 1, top: floor, came: map[uint64]*number{}, moved: now, last: now}
		w.runs[o] = r
	}
	return r
}

// sighting is a message that came.
type sighting struct {
	name
	spot
}

// saw notes a message.
func (w *window) saw(s *sighting, now time.Time) {
	r := w.of(s.origin, 0, now)
	if s.name.seq <= r.floor {
		return
	}
	n := r.came[s.name.seq]
	if n == nil {
		n = &number{need: s.pieces}
		r.came[s.name.seq] = n
		w.size++
	}
	if n.whole() && n.need > 0 { // published twice: the first one counts
		return
	}
	if !slices.ContainsFunc(n.at, func(at spot) bool { return at.part == s.part }) {
		n.have++
		n.at = append(n.at, s.spot)
	}
	r.rise(s.name.seq, now)
}

// void notes a number that was given up.
func (w *window) void(o origin, seq uint64, now time.Time) {
	r := w.of(o, 0, now)
	if seq > r.floor && r.came[seq] == nil {
		r.came[seq] = &number{}
		w.size++
		r.rise(seq, now)
	}
}

func (n *number) whole() bool { return n != nil && n.have >= n.need }

// rise moves next and top on after seq came.
func (r *run) rise(seq uint64, now time.Time) {
	r.last, r.idle = now, 0
	closed := r.top < r.next
	r.top = max(r.top, seq)
	before := r.next
	for r.came[r.next].whole() {
		r.next++
	}
	if r.next > before || closed {
		r.moved = now
	}
}

// hole returns the numbers to look for: from the lowest that did not come, to below the highest; to is zero where it
// is not known whether there are more. Who died may have left one that nobody heard of, so it is never certain that
// there are none; it is looked for ever less often.
func (r *run) hole(now time.Time, after time.Duration) (from, to uint64, due bool) {
	if r.top >= r.next {
		return r.next, r.top + 1, now.Sub(r.moved) >= after
	}
	return r.next, 0, now.Sub(r.last) >= after<<min(r.idle, idlest)
}

// lacks says whether it is time to look for anything.
func (w *window) lacks(now time.Time, after time.Duration) bool {
	for _, r := range w.runs {
		if _, _, due := r.hole(now, after); due {
			return true
		}
	}
	return false
}

// idlest is how often the pause between two looks for what follows is doubled.
const idlest = 4

// exists notes that a writer has stored all up to seq.
func (w *window) exists(o origin, seq uint64, now time.Time) {
	r := w.of(o, 0, now)
	if seq > r.top {
		if r.top < r.next {
			r.moved = now
		}
		r.top = seq
	}
}

// restart forgets what came and was not handled: the stream is another.
func (w *window) restart(now time.Time) {
	for _, r := range w.runs {
		r.next, r.top, r.came, r.idle = r.floor+1, r.floor, map[uint64]*number{}, 0
		r.moved, r.last = now, now
	}
	w.size = 0
}

// lose takes numbers back of which a message is gone.
func (w *window) lose(gone func(spot) bool, now time.Time) {
	for _, r := range w.runs {
		for seq, n := range r.came {
			if slices.ContainsFunc(n.at, gone) {
				delete(r.came, seq)
				w.size--
				r.next, r.moved = min(r.next, seq), now
			}
		}
	}
}

// advance raises the floors over what is handled, and forgets runs of which no more is to come: those with a later
// epoch, whole and quiet.
func (w *window) advance(handled func(spot) bool, now time.Time, forget time.Duration) {
	latest := map[uint8]uint64{}
	for o, r := range w.runs {
		latest[o.node] = max(latest[o.node], o.epoch)
		for r.floor+1 < r.next {
			n := r.came[r.floor+1]
			if slices.ContainsFunc(n.at, func(at spot) bool { return !handled(at) }) {
				break
			}
			r.floor++
			delete(r.came, r.floor)
			w.size--
		}
	}
	maps.DeleteFunc(w.runs, func(o origin, r *run) bool {
		return o.epoch < latest[o.node] && r.floor == r.top && r.idle > idlest && now.Sub(r.last) > forget
	})
}

// lowest is the lowest place in the stream of what is not handled; otherwise if there is nothing.
func (w *window) lowest(otherwise uint64) uint64 {
	for _, r := range w.runs {
		for _, n := range r.came {
			for _, at := range n.at {
				otherwise = min(otherwise, at.seq)
			}
		}
	}
	return otherwise
}

// floorShards is how many claims the floors are spread over, by node; a claim has room for about twenty.
const floorShards = 32

func shardOf(o origin) int { return int(o.node) % floorShards }

// floors writes the floors of a shard: node, epoch and floor of each run, in base 36. Where they are too many for a claim the
// lowest epochs are left out: their numbers are looked for again if ever the keeper starts anew.
func (w *window) floors(shard int) string {
	var out string
	byEpoch := func(a, b origin) int { return cmp.Or(-cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.node, b.node)) }
	for _, o := range slices.SortedFunc(maps.Keys(w.runs), byEpoch) {
		if shardOf(o) != shard {
			continue
		}
		one := fmt.Sprintf("%s:%s:%s ", base36(uint64(o.node)), base36(o.epoch), base36(w.runs[o].floor))
		if len(out)+len(one) > 256 {
			break
		}
		out += one
	}
	return out
}

func base36(v uint64) string { return strconv.FormatUint(v, 36) }

// load reads the floors of a shard.
func (w *window) load(floors string, now time.Time) {
	for _, one := range strings.Fields(floors) {
		words := strings.Split(one, ":")
		if len(words) != 3 {
			continue
		}
		var v [3]uint64
		for i, word := range words {
			v[i], _ = strconv.ParseUint(word, 36, 64)
		}
		w.of(origin{uint8(v[0]), v[1]}, v[2], now)
	}
}
