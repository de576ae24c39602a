package pebble

import "warble"

// blockIDs is how many ids a block holds: 512 bytes. A ring is a list of
// blocks, so growing copies nothing and wastes half a block on average; and as
// all blocks have one size, a freed one serves any ring.
const blockIDs = 64

// ringBlocks is the most blocks a ring needs: a full timeline and one entry
// more, beginning anywhere in its first block.
const ringBlocks = (blockIDs - 1 + warble.TimelineTrim + 1 + blockIDs - 1) / blockIDs

// ring is a timeline: sorted ids, the oldest first, in blocks of its shard's arena.
type ring struct {
	owner  warble.UserID // zero: a free slot
	floor  warble.TweetID
	built  int64  // unix milliseconds
	last   uint64 // the newest entry, so that adding a newer one waits for no other memory
	read   uint64 // when it was read last, by its shard's count of reads
	n      uint16 // entries
	head   uint8  // where in the first block the oldest stands
	used   uint8  // blocks
	blocks [ringBlocks]uint32
}

func (r *ring) old(now int64) bool { return now-r.built > warble.TimelineAge.Milliseconds() }

// slot is the place of entry i.
func (r *ring) slot(a *arena, i int) *uint64 {
	i += int(r.head)
	return &a.block(r.blocks[i/blockIDs])[i%blockIDs]
}

// add puts an entry in its place; one that is there already does nothing.
func (r *ring) add(a *arena, entry warble.TweetID) {
	v := uint64(entry)
	if v <= r.last && r.n > 0 { // late; nearly every entry is the newest
		r.insert(a, v)
		return
	}
	r.extend(a)
	*r.slot(a, int(r.n)-1) = v
	r.last = v
}

// extend makes room for one more at the end.
func (r *ring) extend(a *arena) {
	if int(r.head)+int(r.n) == int(r.used)*blockIDs {
		r.blocks[r.used] = a.take()
		r.used++
	}
	r.n++
}

func (r *ring) insert(a *arena, v uint64) {
	i := r.search(a, v)
	if *r.slot(a, i) == v {
		return
	}
	r.extend(a)
	for j := int(r.n) - 1; j > i; j-- {
		*r.slot(a, j) = *r.slot(a, j-1)
	}
	*r.slot(a, i) = v
}

// search finds the first entry that is v or above.
func (r *ring) search(a *arena, v uint64) int {
	lo, hi := 0, int(r.n)
	for lo < hi {
		mid := (lo + hi) / 2
		if *r.slot(a, mid) < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// trim cuts a ring that is too long back, and its floor rises.
func (r *ring) trim(a *arena) {
	if r.n <= warble.TimelineTrim {
		return
	}
	head := int(r.head) + int(r.n) - warble.TimelineKeep
	r.n = warble.TimelineKeep
	out := head / blockIDs
	for _, b := range r.blocks[:out] {
		a.give(b)
	}
	copy(r.blocks[:], r.blocks[out:r.used])
	r.used -= uint8(out)
	r.head = uint8(head % blockIDs)
	r.floor = warble.TweetID(*r.slot(a, 0))
}

func (r *ring) clear(a *arena) {
	for _, b := range r.blocks[:r.used] {
		a.give(b)
	}
	r.n, r.head, r.used, r.last = 0, 0, 0, 0
}

func (r *ring) all(a *arena) []warble.TweetID {
	out := make([]warble.TweetID, r.n)
	for i := range out {
		out[i] = warble.TweetID(*r.slot(a, i))
	}
	return out
}

// page cuts a page out, newest first.
func (r *ring) page(a *arena, p warble.Page) []warble.TweetID {
	lo, hi := 0, int(r.n)
	if p.After != 0 {
		lo = r.search(a, uint64(p.After)+1)
	}
	if p.Before != 0 {
		hi = r.search(a, uint64(p.Before))
	}
	if lo >= hi {
		return nil
	}
	if limit := limitOf(p); hi-lo > limit {
		if p.Oldest {
			hi = lo + limit
		} else {
			lo = hi - limit
		}
	}
	out := make([]warble.TweetID, 0, hi-lo)
	for i := hi - 1; i >= lo; i-- {
		out = append(out, warble.TweetID(*r.slot(a, i)))
	}
	return out
}

const chunkBlocks = 512 // 256 KB

// arena hands out blocks. Where the system allows, they lie outside the Go
// heap: half a gigabyte that never dies should neither be scanned nor make the
// collector let as much garbage grow beside it.
type arena struct {
	chunks [][]uint64
	free   []uint32
	next   uint32 // blocks from here on were never used
}

func (a *arena) block(i uint32) []uint64 {
	at := i % chunkBlocks * blockIDs
	return a.chunks[i/chunkBlocks][at : at+blockIDs]
}

func (a *arena) take() uint32 {
	if n := len(a.free); n > 0 {
		i := a.free[n-1]
		a.free = a.free[:n-1]
		return i
	}
	if int(a.next) == len(a.chunks)*chunkBlocks {
		a.chunks = append(a.chunks, newChunk(chunkBlocks*blockIDs))
	}
	a.next++
	return a.next - 1
}

// bytes is how much of the arena is in use.
func (a *arena) bytes() int { return (int(a.next) - len(a.free)) * blockIDs * 8 }

func (a *arena) give(i uint32) { a.free = append(a.free, i) }

func (a *arena) close() {
	for _, c := range a.chunks {
		freeChunk(c)
	}
	a.chunks, a.free, a.next = nil, nil, 0
}
