package redis

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"warble"
)

const (
	callPairs = 256                  // a call with so many pairs is sent at once
	callWait  = 5 * time.Millisecond // how long a smaller one waits for more
	queueMax  = 1 << 16              // pairs gathered or under way; who has more waits
)

// queue gathers the pairs of concurrent pushes into one call for each bucket. Calls that are sent together to one
// primary share a pipeline: the client has one connection to each, and writes what waits for it in one piece. Each call
// answers for itself, so that a primary that is gone delays nobody else's.
type queue struct {
	e *Engine

	mu     sync.Mutex
	open   []*call       // by bucket; nil: nothing waits
	timed  []*call       // those of open
	pairs  int           // gathered or under way
	freed  chan struct{} // closed when pairs falls
	closed bool
	sent   sync.WaitGroup
}

// call is what goes to a bucket in one script.
type call struct {
	bucket, pairs int
	parts         []part
}

// part is what one push has for one bucket. A pair without an entry drops the owner's timeline.
type part struct {
	bucket int
	pairs  []warble.Pair
	number *number                        // nil: not numbered
	done   func(answer string, err error) // called once
}

// number is the number of a push as one bucket is to take it.
type number struct {
	partition int
	epoch     uint64
	from, to  warble.Mark
}

func newQueue(e *Engine) *queue {
	return &queue{e: e, open: make([]*call, len(e.keys.tags)), freed: make(chan struct{})}
}

// add takes parts of n pairs in all. It waits for room until ctx ends, and fails with ErrUnavailable then.
func (q *queue) add(ctx context.Context, parts []part, n int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.pairs > 0 && q.pairs+n > queueMax && !q.closed {
		freed := q.freed
		q.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
		}
		q.mu.Lock()
		if ctx.Err() != nil {
			return warble.Fail(warble.ErrUnavailable, "too many pushes wait for redis")
		}
	}
	if q.closed {
		return warble.Fail(warble.ErrUnavailable, "the store is closed")
	}
	q.pairs += n
	for _, p := range parts {
		q.place(p)
	}
	return nil
}

// place puts a part into its bucket's call, and sends what is full. A numbered part is never split: half of it would
// raise the mark, or none would. The caller holds mu.
func (q *queue) place(p part) {
	c := q.open[p.bucket]
	if c != nil && c.pairs+len(p.pairs) > callPairs {
		q.send(c)
		c = nil
	}
	if c == nil {
		c = &call{bucket: p.bucket}
		q.open[p.bucket] = c
		if q.timed = append(q.timed, c); len(q.timed) == 1 {
			time.AfterFunc(callWait, q.tick)
		}
	}
	c.parts = append(c.parts, p)
	if c.pairs += len(p.pairs); c.pairs >= callPairs {
		q.send(c)
	}
}

// send starts a call. The caller holds mu.
func (q *queue) send(c *call) {
	q.open[c.bucket] = nil
	q.sent.Go(func() { q.run(c) })
}

// tick sends all that has waited.
func (q *queue) tick() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range q.timed {
		if q.open[c.bucket] == c {
			q.send(c)
		}
	}
	q.timed = nil
}

// run is one call, from the script to the answers of its parts.
func (q *queue) run(c *call) {
	got, err := q.e.exec(context.Background(), q.e.scripts.push, warble.ErrUnknown, q.keysOf(c), c.entries(), c.numbers())
	var answers []string
	if err == nil {
		answers, err = got.AsStrSlice()
	}
	if err == nil && len(answers) != len(c.parts) {
		err = warble.Fail(warble.ErrUnknown, "redis answered for %d pushes of %d", len(answers), len(c.parts))
	}
	for i, p := range c.parts {
		if err != nil {
			p.done("", err)
		} else {
			p.done(answers[i], nil)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pairs -= c.pairs
	close(q.freed)
	q.freed = make(chan struct{})
}

// keysOf are the bucket's marks and the timeline of each pair, cut from one string.
func (q *queue) keysOf(c *call) []string {
	tag := q.e.keys.tags[c.bucket]
	length := len(tag) + 1 + 8
	b := make([]byte, 0, c.pairs*length)
	for _, p := range c.parts {
		for _, pair := range p.pairs {
			b = q.e.keys.appendTimeline(b, c.bucket, pair.Owner)
		}
	}
	names := make([]string, 1, c.pairs+1)
	names[0] = q.e.keys.marks(c.bucket)
	for all := rueidis.BinaryString(b); len(all) > 0; all = all[length:] {
		names = append(names, all[:length])
	}
	return names
}

func (c *call) entries() string {
	b := make([]byte, 0, c.pairs*8)
	for _, p := range c.parts {
		for _, pair := range p.pairs {
			b = binary.BigEndian.AppendUint64(b, uint64(pair.Entry))
		}
	}
	return rueidis.BinaryString(b)
}

// numbers are 48 bytes for each part, as luaPush reads them.
func (c *call) numbers() string {
	b := make([]byte, 0, len(c.parts)*48)
	for _, p := range c.parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p.pairs)))
		n := number{partition: -1}
		if p.number != nil {
			n = *p.number
		}
		b = binary.BigEndian.AppendUint32(b, uint32(n.partition+1))
		b = binary.BigEndian.AppendUint64(b, n.epoch)
		b = append(append(b, packMark(n.from)...), packMark(n.to)...)
	}
	return rueidis.BinaryString(b)
}

// close sends what waits, and returns when all is answered.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.tick()
	q.sent.Wait()
}
