package pebble

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
)

// home builds an owner's timeline of n entries.
func home(t *testing.T, tl warble.Timelines, owner warble.UserID, n int) {
	t.Helper()
	err := tl.Build(t.Context(), owner, func(context.Context) ([]warble.TweetID, warble.TweetID, error) {
		entries := make([]warble.TweetID, n)
		for i := range entries {
			entries[i] = warble.TweetID(n - i)
		}
		return entries, 0, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func reads(t *testing.T, tl warble.Timelines, owner warble.UserID) bool {
	t.Helper()
	_, _, ok, err := tl.Read(t.Context(), owner, warble.Page{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestTimelinesNotReadLatelyGoWhenThereIsNoRoom(t *testing.T) {
	const room, favourites, strangers = 8 << 20, 100, 6000
	numbers := map[string]func() float64{}
	e := openTest(t, vfs.NewMem(), Options{TimelineBytes: room, Gauge: func(name, _ string, value func() float64) { numbers[name] = value }})
	tl := e.Stores().Timelines
	for owner := range warble.UserID(favourites) {
		home(t, tl, owner+1, 300)
	}
	for owner := range warble.UserID(strangers) {
		home(t, tl, 10_000+owner, 300)
		if !reads(t, tl, owner%favourites+1) {
			t.Fatalf("after %d others a timeline is dropped that is read all the time", owner)
		}
	}
	if n, bytes, dropped := numbers["warble_homes_stored"](), numbers["warble_homes_bytes"](), numbers["warble_homes_dropped"](); bytes > room || bytes < room/2 || n+dropped != favourites+strangers {
		t.Errorf("%v timelines in %v bytes, %v dropped", n, bytes, dropped)
	}
	there := 0
	var pairs []warble.Pair
	for owner := range warble.UserID(strangers) {
		pairs = append(pairs, warble.Pair{Owner: 10_000 + owner, Entry: 1000})
		if reads(t, tl, 10_000+owner) {
			there++
		}
	}
	if there == 0 || there > strangers/2 {
		t.Errorf("%d of the others are there", there)
	}
	for entry := range warble.TweetID(400) { // pushes make room too
		for i := range pairs {
			pairs[i].Entry = 1000 + entry
		}
		if err := tl.Push(t.Context(), warble.Turn{}, pairs); err != nil {
			t.Fatal(err)
		}
	}
	if bytes := numbers["warble_homes_bytes"](); bytes > room {
		t.Errorf("after pushes they take %v bytes", bytes)
	}
	home(t, tl, 10_000, 300)
	if !reads(t, tl, 10_000) {
		t.Error("a timeline built again is not there")
	}
}
