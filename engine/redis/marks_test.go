//go:build cluster

package redis

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/redis/rueidis"

	"warble"
)

// mark is a place in the stream of these tests.
func mark(n uint64) warble.Mark { return warble.Mark{Stream: 3, Number: n} }

func turn(epoch, from, to uint64) warble.Turn {
	return warble.Turn{Part: 1, Epoch: epoch, From: mark(from), To: mark(to)}
}

// stored builds a timeline for an owner and brings the partition to a mark.
func stored(t *testing.T, e *Engine, owner warble.UserID) *Timelines {
	t.Helper()
	tl := e.Timelines()
	if err := tl.Push(t.Context(), turn(1, 9, 10), nil); err != nil { // buckets without marks are let go of
		t.Fatal(err)
	}
	err := tl.Build(t.Context(), owner, func(ctx context.Context) ([]warble.TweetID, warble.TweetID, error) { return nil, 0, nil })
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

func push(t *testing.T, tl *Timelines, turn warble.Turn, owner warble.UserID, entries ...warble.TweetID) error {
	t.Helper()
	var pairs []warble.Pair
	for _, e := range entries {
		pairs = append(pairs, warble.Pair{Owner: owner, Entry: e})
	}
	return tl.Push(t.Context(), turn, pairs)
}

func home(t *testing.T, tl *Timelines, owner warble.UserID) []warble.TweetID {
	t.Helper()
	got, _, ok, err := tl.Read(t.Context(), owner, warble.Page{Limit: 100})
	if err != nil || !ok {
		t.Fatalf("the home is not there: %v", err)
	}
	return got
}

// backup remembers the keys of an owner's bucket; the function returned takes the bucket back to that moment, as a
// failover to a replica that lags does.
func backup(t *testing.T, e *Engine, owner warble.UserID) (restore func()) {
	t.Helper()
	b := e.client.B()
	saved := map[string]string{}
	for _, key := range []string{e.keys.timeline(owner), e.keys.marks(e.keys.bucket(owner))} {
		dump, err := e.client.Do(t.Context(), b.Dump().Key(key).Build()).ToString()
		if err != nil {
			t.Fatal(err)
		}
		saved[key] = dump
	}
	return func() {
		t.Helper()
		for key, dump := range saved {
			if err := e.client.Do(t.Context(), b.Restore().Key(key).Ttl(0).SerializedValue(rueidis.BinaryString([]byte(dump))).Replace().Build()).Error(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestABucketThatWasTakenBackHasEventsHandledAgain(t *testing.T) {
	e := openTest(t, clusterConfig(t), Options{})
	const owner = warble.UserID(77)
	tl := stored(t, e, owner)
	if err := push(t, tl, turn(1, 10, 11), owner, 1001); err != nil {
		t.Fatal(err)
	}
	restore := backup(t, e, owner)
	if err := push(t, tl, turn(1, 11, 12), owner, 1002); err != nil {
		t.Fatal(err)
	}
	restore()
	err := push(t, tl, turn(1, 12, 13), owner, 1003)
	back, ok := errors.AsType[*warble.Rewind](err)
	if !ok || back.To != mark(11) {
		t.Fatalf("a push after the loss ends with %v, want a way back to 11", err)
	}
	for n, entry := range []warble.TweetID{1002, 1003} {
		if err := push(t, tl, turn(1, uint64(11+n), uint64(12+n)), owner, entry); err != nil {
			t.Fatal(err)
		}
	}
	if got := home(t, tl, owner); !slices.Equal(got, []warble.TweetID{1003, 1002, 1001}) {
		t.Errorf("the home holds %v", got)
	}
}

func TestTheNextOwnerFindsWhatWasLostBeforeHim(t *testing.T) {
	conf := clusterConfig(t)
	e := openTest(t, conf, Options{})
	const owner = warble.UserID(77)
	tl := stored(t, e, owner)
	if err := push(t, tl, turn(1, 10, 11), owner, 1001); err != nil {
		t.Fatal(err)
	}
	restore := backup(t, e, owner)
	if err := push(t, tl, turn(1, 11, 12), owner, 1002); err != nil {
		t.Fatal(err)
	}
	restore()
	next := newTimelines(e)
	err := push(t, next, turn(2, 12, 12), owner)
	if back, ok := errors.AsType[*warble.Rewind](err); !ok || back.To.Compare(mark(11)) > 0 {
		t.Fatalf("the next owner's first push ends with %v, want a way back to 11 or before", err)
	}
	if err := push(t, tl, turn(1, 12, 13), owner, 1003); !errors.Is(err, warble.ErrConflict) {
		t.Errorf("the owner before pushes on: %v", err)
	}
}

func TestALossWithNoWayBackLetsGoOfTheBucket(t *testing.T) {
	e := openTest(t, clusterConfig(t), Options{})
	const owner = warble.UserID(77)
	tl := stored(t, e, owner)
	anew := warble.Turn{Part: 1, Epoch: 2, From: warble.Mark{Stream: 4}, To: warble.Mark{Stream: 4, Number: 1}}
	if err := push(t, tl, anew, owner, 1001); err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := tl.Read(t.Context(), owner, warble.Page{Limit: 10}); ok || err != nil {
		t.Errorf("a home stands of which nobody knows what it lost: %v", err)
	}
}

func TestPushesThatGoOnAfterTheirEventAreNumberedAnewByEachOwner(t *testing.T) {
	e := openTest(t, clusterConfig(t), Options{})
	const owner = warble.UserID(77)
	tl := stored(t, e, owner)
	big := func(epoch, from, to uint64) warble.Turn {
		return warble.Turn{Part: warble.PartTurns, Epoch: epoch, From: warble.Mark{Stream: epoch, Number: from}, To: warble.Mark{Stream: epoch, Number: to}}
	}
	for i, next := range []warble.Turn{big(5, 0, 1), big(5, 1, 2), big(6, 0, 1)} {
		if err := push(t, tl, next, owner, warble.TweetID(1001+i)); err != nil {
			t.Fatal(err)
		}
	}
	restore := backup(t, e, owner)
	if err := push(t, tl, big(6, 1, 2), owner, 1004); err != nil {
		t.Fatal(err)
	}
	if got := home(t, tl, owner); len(got) != 4 {
		t.Errorf("the home holds %v", got)
	}
	restore()
	if err := push(t, tl, big(6, 2, 3), owner, 1005); err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := tl.Read(t.Context(), owner, warble.Page{Limit: 10}); ok || err != nil {
		t.Errorf("a home stands that lost a push: %v", err)
	}
}
