package redis

import (
	"cmp"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"warble"
)

const (
	// buildMost is how long a build may take; what it pulled is thrown away afterwards, and it begins again.
	buildMost = time.Minute
	// buildWait is how long the build of another process is waited for before this one takes over: that one may be dead.
	buildWait = 2 * time.Second
	// buildLook is how often it is looked for meanwhile.
	buildLook = 20 * time.Millisecond
)

// defaultLimit is the length of a page that does not say one.
const defaultLimit = 100

// Timelines are the stored homes. See the package's comment.
type Timelines struct {
	e     *Engine
	queue *queue

	mu      sync.Mutex
	builds  map[warble.UserID]chan struct{} // going on in this process; closed when one ended
	ledgers map[int]*ledger                 // by partition
}

func newTimelines(e *Engine) *Timelines {
	return &Timelines{e: e, queue: newQueue(e), builds: map[warble.UserID]chan struct{}{}, ledgers: map[int]*ledger{}}
}

// Push adds entries, as [warble.Timelines] says. It returns when all are stored, or with the first failure: then others
// may be stored, and pushing again does no harm.
func (t *Timelines) Push(ctx context.Context, turn warble.Turn, pairs []warble.Pair) error {
	if turn.Epoch != 0 {
		return t.pushTurn(ctx, turn, pairs)
	}
	if len(pairs) == 0 {
		return nil
	}
	var parts []part
	for _, own := range t.byBucket(pairs) {
		for some := range slices.Chunk(own.pairs, callPairs) {
			parts = append(parts, part{bucket: own.bucket, pairs: some})
		}
	}
	return t.await(ctx, parts, len(pairs))
}

// await has parts sent and waits until each is answered.
func (t *Timelines) await(ctx context.Context, parts []part, pairs int) error {
	within, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	answered := make(chan error, len(parts))
	for i := range parts {
		done := parts[i].done
		parts[i].done = func(answer string, err error) {
			if done != nil {
				done(answer, err)
			}
			answered <- err
		}
	}
	if err := t.queue.add(within, parts, pairs); err != nil {
		return cmp.Or(ctx.Err(), err)
	}
	var failed error
	for range parts {
		select {
		case err := <-answered:
			failed = cmp.Or(failed, err)
		case <-within.Done():
			return cmp.Or(ctx.Err(), failed, error(warble.Fail(warble.ErrUnknown, "redis did not answer in time")))
		}
	}
	return failed
}

// share is what some pairs have for one bucket.
type share struct {
	bucket int
	pairs  []warble.Pair
}

// byBucket is a copy of pairs, cut by bucket; the pairs of a bucket keep their order.
func (t *Timelines) byBucket(pairs []warble.Pair) []share {
	if len(pairs) == 1 {
		return []share{{t.Bucket(pairs[0].Owner), slices.Clone(pairs)}}
	}
	end := make([]int, len(t.e.keys.tags)+1)
	for _, p := range pairs {
		end[t.Bucket(p.Owner)+1]++
	}
	used := 0
	for bucket := range len(end) - 1 {
		if end[bucket+1] > 0 {
			used++
		}
		end[bucket+1] += end[bucket]
	}
	out, next, sorted := make([]share, 0, used), slices.Clone(end), make([]warble.Pair, len(pairs))
	for _, p := range pairs {
		at := &next[t.Bucket(p.Owner)]
		sorted[*at] = p
		*at++
	}
	for bucket := range len(end) - 1 {
		if from, to := end[bucket], end[bucket+1]; from < to {
			out = append(out, share{bucket, sorted[from:to:to]})
		}
	}
	return out
}

// Read answers from the primary, in one call. A page that begins at the newest entry moves only what it asks for.
func (t *Timelines) Read(ctx context.Context, owner warble.UserID, p warble.Page) ([]warble.TweetID, warble.TweetID, bool, error) {
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	last := -1
	if p.Before == 0 && !p.Oldest {
		last = p.Limit - 1
	}
	got, err := t.e.exec(ctx, t.e.scripts.read, warble.ErrUnavailable, t.keysOf(owner), strconv.Itoa(last))
	if err != nil || rueidis.IsRedisNil(got.Error()) {
		return nil, 0, false, err
	}
	list, err := got.AsBytes()
	if err != nil || len(list) < headerBytes {
		return nil, 0, false, cause(ctx, err, warble.ErrUnavailable)
	}
	floor, built := binary.BigEndian.Uint64(list), binary.BigEndian.Uint64(list[8:])
	if t.e.opt.Clock().Sub(time.UnixMilli(int64(built))) > warble.TimelineAge {
		return nil, 0, false, nil
	}
	return inside(list[headerBytes:], p), warble.TweetID(floor), true, nil
}

// inside is what a page asks for of a list, newest first, that may end with its header.
func inside(list []byte, p warble.Page) []warble.TweetID {
	if len(list)%8 != 0 {
		list = list[:len(list)-headerBytes]
	}
	entries := make([]warble.TweetID, 0, len(list)/8)
	for ; len(list) > 0; list = list[8:] {
		if id := warble.TweetID(binary.BigEndian.Uint64(list)); p.Has(id) {
			entries = append(entries, id)
		}
	}
	switch n := len(entries); {
	case n <= p.Limit:
		return entries
	case p.Oldest:
		return entries[n-p.Limit:]
	}
	return entries[:p.Limit]
}

// keysOf are what the scripts of one timeline need.
func (t *Timelines) keysOf(owner warble.UserID) []string {
	return []string{t.e.keys.timeline(owner), t.e.keys.marks(t.Bucket(owner))}
}

// Drop forgets timelines, also those being built: their builds find their numbers gone and start again.
func (t *Timelines) Drop(ctx context.Context, owners ...warble.UserID) error {
	if len(owners) == 0 {
		return nil
	}
	within, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	var gone []rueidis.Completed
	for _, owner := range owners {
		gone = append(gone, t.e.client.B().Del().Key(t.e.keys.timeline(owner)).Build())
	}
	for _, got := range t.e.client.DoMulti(within, gone...) {
		if err := cause(ctx, got.Error(), warble.ErrUnknown); err != nil {
			return err
		}
	}
	return nil
}

// Build shares a pull with every other Build of the owner in this process. Where another process builds, it waits for that one,
// at most two seconds, then takes over.
func (t *Timelines) Build(ctx context.Context, owner warble.UserID, pull func(context.Context) ([]warble.TweetID, warble.TweetID, error)) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		done, first := t.join(owner)
		if first {
			defer t.leave(owner, done)
			return t.lead(ctx, owner, pull)
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, _, stands, err := t.Read(ctx, owner, warble.Page{Limit: 1}); stands || err != nil {
			return err
		}
	}
}

func (t *Timelines) join(owner warble.UserID) (done chan struct{}, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if done, there := t.builds[owner]; there {
		return done, false
	}
	done = make(chan struct{})
	t.builds[owner] = done
	return done, true
}

func (t *Timelines) leave(owner warble.UserID, done chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.builds, owner)
	close(done)
}

// lead builds until what it pulled stands, or another process's does.
func (t *Timelines) lead(ctx context.Context, owner warble.UserID, pull func(context.Context) ([]warble.TweetID, warble.TweetID, error)) error {
	for again := false; ; again = true {
		number, err := t.begin(ctx, owner, again)
		if err != nil || number == "" {
			return err
		}
		merged, err := t.run(ctx, owner, number, pull)
		if merged || err != nil {
			return err
		}
		// Dropped meanwhile: what was pulled may miss what the drop was for.
	}
}

// begin marks the timeline as being built and returns the build's number; or none, where another process has built it
// meanwhile, or built it already and again is true.
func (t *Timelines) begin(ctx context.Context, owner warble.UserID, again bool) (string, error) {
	number, most := packID(warble.ID(rand.Uint64()>>1)), strconv.FormatInt(buildMost.Milliseconds(), 10)
	other, late, join := "", "", ""
	var since time.Time
	for {
		if again {
			join = "join"
		}
		got, err := t.e.exec(ctx, t.e.scripts.begin, warble.ErrUnknown, t.keysOf(owner), number, most, late, join)
		if err != nil {
			return "", err
		}
		says, err := got.ToString()
		switch {
		case err != nil:
			return "", cause(ctx, err, warble.ErrUnknown)
		case says == "":
			return number, nil
		case says == "ready":
			return "", nil
		case says != other:
			other, since, late = says, time.Now(), ""
		case time.Since(since) > buildWait:
			late = other
		}
		again = true
		if err := warble.Pause(ctx, buildLook); err != nil {
			return "", err
		}
	}
}

// run pulls, and merges where the number is still the timeline's.
func (t *Timelines) run(ctx context.Context, owner warble.UserID, number string, pull func(context.Context) ([]warble.TweetID, warble.TweetID, error)) (merged bool, err error) {
	pulled := false
	defer func() { // also when pull panics
		if !pulled {
			// It may fail: then the mark runs out, or another takes over.
			_, _ = t.e.exec(context.WithoutCancel(ctx), t.e.scripts.abort, warble.ErrUnknown, t.keysOf(owner), number)
		}
	}()
	entries, floor, err := pull(ctx)
	if err != nil {
		return false, err
	}
	pulled = true
	now := warble.ID(t.e.opt.Clock().UnixMilli())
	got, err := t.e.exec(ctx, t.e.scripts.end, warble.ErrUnknown, t.keysOf(owner), number,
		packID(floor), packID(now), strconv.FormatInt(warble.TimelineAge.Milliseconds(), 10), packEntries(entries))
	if err != nil {
		return false, err
	}
	is, err := got.AsInt64()
	return is == 1, cause(ctx, err, warble.ErrUnknown)
}

// packEntries brings what was pulled into a list's order. One more than a timeline may hold tells the script that there are more.
func packEntries(entries []warble.TweetID) string {
	sorted := slices.Clone(entries)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	sorted = sorted[max(len(sorted)-warble.TimelineTrim-1, 0):]
	b := make([]byte, 0, len(sorted)*8)
	for _, id := range slices.Backward(sorted) {
		b = binary.BigEndian.AppendUint64(b, uint64(id))
	}
	return rueidis.BinaryString(b)
}
