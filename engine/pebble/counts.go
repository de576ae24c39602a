package pebble

import (
	"context"
	"errors"
	"math/bits"
	"time"
	"unsafe"

	pdb "github.com/cockroachdb/pebble/v2"

	"warble"
	"warble/internal/codec"
	"warble/internal/key"
)

// sums are the numbers beside one thing, added up over their parts. Bit k of
// has says that kind k is kept; most things have few, so the first stand in
// the entry itself.
type sums struct {
	has  uint32
	few  [5]int64
	more *[warble.MaxCountKind + 1]int64 // by kind, for a thing with more than few holds
}

const sumsBytes = int(unsafe.Sizeof(sums{}))

func (s *sums) get(kind warble.CountKind) int64 {
	if s.has>>kind&1 == 0 {
		return 0
	}
	if s.more != nil {
		return s.more[kind]
	}
	return s.few[bits.OnesCount32(s.has&(1<<kind-1))]
}

func (s *sums) add(kind warble.CountKind, n int64) {
	if s.more != nil {
		s.more[kind] += n
		s.has |= 1 << kind
		return
	}
	i := bits.OnesCount32(s.has & (1<<kind - 1))
	if s.has>>kind&1 == 0 {
		if n == 0 {
			return
		}
		count := bits.OnesCount32(s.has)
		if count == len(s.few) {
			s.spill()
			s.add(kind, n)
			return
		}
		copy(s.few[i+1:count+1], s.few[i:count])
		s.few[i] = 0
		s.has |= 1 << kind
	}
	s.few[i] += n
}

func (s *sums) spill() {
	var more [warble.MaxCountKind + 1]int64
	for kind := range warble.MaxCountKind + 1 {
		more[kind] = s.get(kind)
	}
	s.more = &more
}

type countStore struct{ *Engine }

// Put holds the lock of a thing's counts from reading the stored number to
// correcting the sum, so that Get, which loads under the same lock, is exact.
func (s countStore) Put(_ context.Context, counts []warble.Count) error {
	for _, c := range counts {
		if c.Kind == 0 || c.Kind > warble.MaxCountKind {
			return warble.Invalid("count", "", "no such kind of count")
		}
	}
	for _, c := range counts {
		if err := s.put(c); err != nil {
			return err
		}
	}
	return nil
}

func (s countStore) put(c warble.Count) error {
	sh := s.counts.shard(c.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	k := countKey(make([]byte, 0, 16), c.Key())
	old, at, ok, err := s.stored(k)
	if err != nil || ok && c.At.UnixNano() < at {
		return err
	}
	w := codec.Writer(make([]byte, 0, 20))
	w.Int(c.At.UnixNano())
	w.Int(c.N)
	if err := s.derived.Set(k, w, pdb.NoSync); err != nil {
		return unavailable(err)
	}
	if sum := sh.get(c.ID); sum != nil {
		sum.add(c.Kind, c.N-old)
	}
	return nil
}

// stored reads the number of one part, and as of when it is. The caller holds
// the lock of the thing's counts.
func (s countStore) stored(k []byte) (n, at int64, ok bool, err error) {
	row, closer, err := s.derived.Get(k)
	switch {
	case errors.Is(err, pdb.ErrNotFound):
		return 0, 0, false, nil
	case err != nil:
		return 0, 0, false, unavailable(err)
	}
	r := codec.Take(row)
	at, n = r.Int(), r.Int()
	if err := errors.Join(r.Err(), closer.Close()); err != nil {
		return 0, 0, false, unavailable(err)
	}
	return n, at, true, nil
}

func (s countStore) Sweep(ctx context.Context, before time.Time) error {
	r, err := ranging(s.derived, []byte{rowCount}, []byte{rowCount + 1}, false)
	if err != nil {
		return err
	}
	for ok := r.first(); ok && err == nil; ok = r.next() {
		var row []byte
		if row, err = rowOf(r.it); err != nil {
			break
		}
		v := codec.Take(row)
		k := r.it.Key()
		if at := v.Int(); at < before.UnixNano() && len(k) == 1+8+5 {
			if err = ctx.Err(); err == nil {
				err = s.forget(k, before.UnixNano())
			}
		}
	}
	return r.close(err)
}

// forget removes the number of one part, if it still is as of before a moment.
func (s countStore) forget(k []byte, before int64) error {
	id := key.ReadU64[warble.ID](k[1:])
	sh := s.counts.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	n, at, ok, err := s.stored(k)
	if err != nil || !ok || at >= before {
		return err
	}
	if err := s.derived.Delete(k, pdb.NoSync); err != nil {
		return unavailable(err)
	}
	if sum := sh.get(id); sum != nil && warble.CountKind(k[9]) <= warble.MaxCountKind {
		sum.add(warble.CountKind(k[9]), -n)
	}
	return nil
}

func (s countStore) Get(_ context.Context, kinds []warble.CountKind, ids []warble.ID) ([]int64, error) {
	out := make([]int64, len(kinds)*len(ids))
	for i, id := range ids {
		if err := s.read(id, kinds, out[i*len(kinds):(i+1)*len(kinds)]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s countStore) read(id warble.ID, kinds []warble.CountKind, out []int64) error {
	sh := s.counts.shard(id)
	sh.mu.RLock()
	if sum := sh.get(id); sum != nil {
		sum.fill(kinds, out)
		sh.mu.RUnlock()
		return nil
	}
	sh.mu.RUnlock()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sum := sh.get(id); sum != nil {
		sum.fill(kinds, out)
		return nil
	}
	sum, err := s.sum(id)
	if err != nil {
		return err
	}
	sum.fill(kinds, out)
	sh.put(id, sum, sumsBytes)
	return nil
}

func (s *sums) fill(kinds []warble.CountKind, out []int64) {
	if s.has == 0 {
		return
	}
	for j, kind := range kinds {
		out[j] = s.get(kind)
	}
}

// sum adds a thing's parts up.
func (s countStore) sum(id warble.ID) (sum sums, err error) {
	prefix := countPrefix(make([]byte, 0, 16), id)
	r, err := ranging(s.derived, prefix, key.End(prefix), false)
	if err != nil {
		return sum, err
	}
	for ok := r.first(); ok; ok = r.next() {
		row, err := rowOf(r.it)
		if err != nil {
			return sum, r.close(err)
		}
		v := codec.Take(row)
		v.Int()
		n := v.Int()
		if k := r.it.Key()[len(prefix):]; v.Err() == nil && len(k) == 5 && warble.CountKind(k[0]) <= warble.MaxCountKind {
			sum.add(warble.CountKind(k[0]), n)
		}
	}
	return sum, r.close(nil)
}
