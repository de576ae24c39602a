package redis

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"warble"
)

// markBytes is the length of a mark as stored: the stream and the number with its step, highest byte first.
const markBytes = 16

// packMark keeps the order of marks: a number's last push, which has no step, comes after those that have one. The zero
// Mark is as of a bucket without marks.
func packMark(m warble.Mark) []byte {
	if m == (warble.Mark{}) {
		return make([]byte, markBytes)
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, markBytes), m.Stream)
	return binary.BigEndian.AppendUint64(b, m.Number<<16|uint64(m.Step-1))
}

func unpackMark(b string) warble.Mark {
	number := binary.BigEndian.Uint64([]byte(b[8:markBytes]))
	m := warble.Mark{Stream: binary.BigEndian.Uint64([]byte(b[:8])), Number: number >> 16, Step: uint16(number) + 1}
	if number == 0 {
		m.Step = 0 // nothing was ever pushed
	}
	return m
}

// ledger is what this process, as the owner of a partition, knows of each bucket's mark: what it expects to find there.
type ledger struct {
	mu       sync.Mutex
	epoch    uint64
	marks    []warble.Mark // by bucket, as last answered
	advanced time.Time     // when all buckets were brought on
}

// Bucket says where an owner's timeline lies.
func (t *Timelines) Bucket(owner warble.UserID) int { return t.e.keys.bucket(owner) }

// pushTurn pushes for the owner of a partition. Buckets that were taken back to an earlier moment have lost what the
// partition's events of since then brought: either those are handed out again, by a [warble.Rewind], or, where there is
// no way back, the bucket's timelines are let go of and built on read.
func (t *Timelines) pushTurn(ctx context.Context, turn warble.Turn, pairs []warble.Pair) error {
	l, back, err := t.ledger(ctx, turn)
	if err != nil || back != nil {
		return cmp.Or(err, rewind(back))
	}
	own := t.byBucket(pairs)
	l.mu.Lock()
	if now := time.Now(); now.Sub(l.advanced) >= advanceEvery {
		l.advanced = now
		own = t.everyBucket(own)
	}
	l.mu.Unlock()
	fell, err := t.send(ctx, l, turn, own)
	if err != nil {
		return err
	}
	back, err = t.mend(ctx, l, turn, fell, turn.To)
	return cmp.Or(err, rewind(back))
}

// rewind is nil for no mark: an error that holds a nil would be one.
func rewind(to *warble.Mark) error {
	if to == nil {
		return nil
	}
	return &warble.Rewind{To: *to}
}

// advanceEvery is how often every bucket gets a push, if one without pairs: so that a quiet one that was taken back is
// found, and a later owner need not go back far.
const advanceEvery = 10 * time.Second

func (t *Timelines) everyBucket(own []share) []share {
	all := make([]share, len(t.e.keys.tags))
	for i := range all {
		all[i].bucket = i
	}
	for _, s := range own {
		all[s.bucket] = s
	}
	return all
}

// ledger finds the owner's ledger. An epoch's first push reads every bucket's mark, and shuts out earlier owners; back
// is how far to go back then. It fails with ErrConflict where a later owner was here.
func (t *Timelines) ledger(ctx context.Context, turn warble.Turn) (l *ledger, back *warble.Mark, err error) {
	t.mu.Lock()
	l = t.ledgers[turn.Part]
	t.mu.Unlock()
	if l != nil && l.epoch == turn.Epoch {
		return l, nil, nil
	}
	if l != nil && l.epoch > turn.Epoch {
		return nil, nil, conflict(turn.Part)
	}
	l = &ledger{epoch: turn.Epoch, marks: make([]warble.Mark, len(t.e.keys.tags))}
	var mu sync.Mutex
	var failed error
	var behind []int
	var group sync.WaitGroup
	for buckets := range slices.Chunk(t.buckets(), max(len(t.e.keys.tags)/takeAtOnce, 1)) {
		group.Go(func() {
			for _, bucket := range buckets {
				mark, err := t.take(ctx, bucket, turn)
				mu.Lock()
				l.marks[bucket] = mark
				if mark.Compare(turn.From) < 0 {
					behind = append(behind, bucket)
				}
				failed = cmp.Or(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	group.Wait()
	if failed != nil {
		return nil, nil, failed
	}
	if turn.Part != warble.PartTurns { // whose numbers begin anew with each owner
		if back, err = t.mend(ctx, l, turn, behind, turn.From); err != nil {
			return nil, nil, err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ledgers[turn.Part] = l
	return l, back, nil
}

// takeAtOnce is how many buckets are asked at a time.
const takeAtOnce = 16

func (t *Timelines) take(ctx context.Context, bucket int, turn warble.Turn) (warble.Mark, error) {
	return t.mark(ctx, t.e.scripts.take, bucket, turn)
}

// mark runs a script on a bucket's marks as the partition's owner, and returns the mark it answers.
func (t *Timelines) mark(ctx context.Context, script *rueidis.Lua, bucket int, turn warble.Turn, args ...string) (m warble.Mark, err error) {
	args = append([]string{strconv.Itoa(turn.Part + 1), packID(warble.ID(turn.Epoch))}, args...)
	got, err := t.e.exec(ctx, script, warble.ErrUnknown, []string{t.e.keys.marks(bucket)}, args...)
	if err != nil {
		return m, err
	}
	says, err := got.ToString()
	if err != nil {
		return m, cause(ctx, err, warble.ErrUnknown)
	}
	if len(says) != markBytes {
		return m, conflict(turn.Part)
	}
	return unpackMark(says), nil
}

// fenced is a script's answer to an epoch that is over.
const fenced = "F"

func conflict(partition int) error {
	return warble.Fail(warble.ErrConflict, "partition %d has another owner now", partition)
}

// send sends each bucket its pairs under the turn's number, and returns the buckets that were taken back: they have
// taken nothing.
func (t *Timelines) send(ctx context.Context, l *ledger, turn warble.Turn, own []share) (fell []int, err error) {
	parts := make([]part, len(own))
	pairs := 0
	var refused bool
	l.mu.Lock()
	for i, some := range own {
		bucket := some.bucket
		pairs += len(some.pairs)
		n := &number{partition: turn.Part, epoch: turn.Epoch, from: l.marks[bucket], to: turn.To}
		parts[i] = part{bucket: bucket, pairs: some.pairs, number: n, done: func(answer string, err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			switch {
			case err != nil:
			case answer == fenced:
				refused = true
			case answer != "":
				l.marks[bucket] = unpackMark(answer[1:])
				fell = append(fell, bucket)
			case l.marks[bucket].Compare(turn.To) < 0:
				l.marks[bucket] = turn.To
			}
		}}
	}
	l.mu.Unlock()
	if err := t.await(ctx, parts, pairs); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if refused {
		return nil, conflict(turn.Part)
	}
	return fell, nil
}

// mend says from where on the events must be handed out again for buckets that were taken back; nil where the
// timelines of those concerned were let go of instead, and the bucket brought to a mark.
func (t *Timelines) mend(ctx context.Context, l *ledger, turn warble.Turn, buckets []int, to warble.Mark) (back *warble.Mark, err error) {
	lost := 0
	for _, bucket := range buckets {
		l.mu.Lock()
		has := l.marks[bucket]
		l.mu.Unlock()
		if has.Stream == turn.To.Stream && turn.Part != warble.PartTurns {
			if back == nil || has.Compare(*back) < 0 {
				back = &has
			}
			continue
		}
		if has != (warble.Mark{}) { // else nothing was ever pushed
			lost++
		}
		mark, err := t.mark(ctx, t.e.scripts.renew, bucket, turn, rueidis.BinaryString(packMark(to)), packID(warble.ID(t.e.opt.Clock().UnixNano())))
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		l.marks[bucket] = mark
		l.mu.Unlock()
	}
	if lost > 0 {
		t.e.opt.Log.Warn("homes are let go of: what was pushed to them got lost", "buckets", lost, "partition", turn.Part)
	}
	if back != nil {
		t.e.opt.Log.Warn("homes were taken back: events are handled again", "partition", turn.Part, "from", back.Number)
	}
	return back, nil
}

func (t *Timelines) buckets() []int {
	out := make([]int, len(t.e.keys.tags))
	for i := range out {
		out[i] = i
	}
	return out
}
