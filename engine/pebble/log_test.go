package pebble

import (
	"context"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
)

// collect consumes until n events came, and says Done of those keep lets through.
func collect(t *testing.T, e *Engine, n int, keep func(warble.Event) bool) map[warble.ID]int {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	seen, events := map[warble.ID]int{}, 0
	err := e.Stores().Log.Consume(ctx, "fanout", func(_ context.Context, b warble.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		done := true
		for _, ev := range b.Events {
			seen[ev.ID]++
			done = done && keep(ev)
		}
		if done {
			b.Done()
		}
		if events += len(b.Events); events >= n {
			cancel()
		}
		return nil
	})
	if ctx.Err() == nil {
		t.Fatal(err)
	}
	return seen
}

func logTweets(t *testing.T, e *Engine, from, to warble.ID) {
	t.Helper()
	for id := from; id < to; id++ {
		c := tweetChange(id)
		c.Tweets[0].Author, c.Events[0].Key = id%50+1, id%50+1
		if _, err := e.Stores().Commit.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func everything(warble.Event) bool { return true }

func TestWhatWasNotDoneComesAgainAfterAReopening(t *testing.T) {
	fs := vfs.NewMem()
	e := openTest(t, fs, Options{})
	logTweets(t, e, 1, 2001)
	lost := partOf(7)
	seen := collect(t, e, 2000, func(ev warble.Event) bool { return partOf(ev.Key) != lost })
	if len(seen) != 2000 {
		t.Fatalf("%d of 2000 events came", len(seen))
	}
	left, err := e.log.Position(t.Context(), "fanout")
	if err != nil || left.Behind == 0 || left.Oldest.IsZero() {
		t.Fatalf("the position is %+v, %v", left, err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, fs, Options{})
	if got, err := e.log.Position(t.Context(), "fanout"); err != nil || got.Behind != left.Behind || !got.Oldest.Equal(left.Oldest.Truncate(1e6)) {
		t.Fatalf("after a reopening the position is %+v, was %+v, %v", got, left, err)
	}
	logTweets(t, e, 2001, 2101)
	again := collect(t, e, int(left.Behind)+100, everything)
	for id := warble.ID(1); id < 2101; id++ {
		want := 0
		if id > 2000 || partOf(id%50+1) == lost {
			want = 1
		}
		if again[id] != want {
			t.Fatalf("event %d came %d times, want %d", id, again[id], want)
		}
	}
}

func TestTheLogIsCutBelowWhatIsDoneAndItsNumbersGoOn(t *testing.T) {
	fs := vfs.NewMem()
	e := openTest(t, fs, Options{})
	for round := range warble.ID(3) {
		logTweets(t, e, round*500+1, round*500+501)
		if seen := collect(t, e, 500, everything); len(seen) != 500 {
			t.Fatalf("round %d: %d events came", round, len(seen))
		}
		if err := e.checkpoint(); err != nil {
			t.Fatal(err)
		}
		r, err := ranging(e.truth, []byte{rowLog}, []byte{rowLog + 1}, false)
		if err != nil {
			t.Fatal(err)
		}
		if r.first() {
			t.Errorf("round %d: the log still has %x", round, r.it.Key())
		}
		if err := r.close(nil); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = openTest(t, fs, Options{})
	}
}

// TestAConsumerThatFallsBehindReadsTheDisk: more events than memory keeps.
func TestAConsumerThatFallsBehindReadsTheDisk(t *testing.T) {
	e := openTest(t, vfs.NewMem(), Options{})
	const n = 2*logMemory + 100
	for id := warble.ID(1); id <= n; id++ { // one key: one partition
		c := &warble.Change{Users: []*warble.User{{ID: id, Version: 1}}, Events: []warble.Event{{Kind: warble.EventUser, Key: 3, ID: id}}}
		if _, err := e.Stores().Commit.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	seen := collect(t, e, n, everything)
	for id := warble.ID(1); id <= n; id++ {
		if seen[id] != 1 {
			t.Fatalf("event %d came %d times", id, seen[id])
		}
	}
	if pos, err := e.log.Position(t.Context(), "fanout"); err != nil || pos.Behind != 0 || !pos.Oldest.IsZero() {
		t.Fatalf("at the end the position is %+v, %v", pos, err)
	}
}

func TestEventsOutAtOnceAreBounded(t *testing.T) {
	e := openTest(t, vfs.NewMem(), Options{})
	id := warble.ID(0)
	for id < logOut+4*logBatch {
		c := &warble.Change{}
		for range 16 { // events fill whole batches
			id++
			c.Users = append(c.Users, &warble.User{ID: id, Version: 1})
			c.Events = append(c.Events, warble.Event{Kind: warble.EventUser, Key: 3, ID: id})
		}
		if _, err := e.Stores().Commit.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	seen := collect(t, e, logOut, func(warble.Event) bool { return false })
	if len(seen) != logOut {
		t.Fatalf("%d events were out at once", len(seen))
	}
}
