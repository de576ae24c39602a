package pebble

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"warble"
)

// TestARingIsASortedSetThatForgetsTheOldest compares a ring with a plain slice.
func TestARingIsASortedSetThatForgetsTheOldest(t *testing.T) {
	var blocks arena
	t.Cleanup(blocks.close)
	rapid.Check(t, func(t *rapid.T) {
		var r ring
		var want []warble.TweetID
		var floor, next warble.TweetID
		for range rapid.IntRange(0, 30).Draw(t, "runs") {
			step := rapid.SampledFrom([]warble.TweetID{1, 2, 10}).Draw(t, "step")
			at := warble.TweetID(rapid.Uint64Range(0, uint64(next)+10).Draw(t, "from"))
			if rapid.IntRange(0, 3).Draw(t, "new") > 0 {
				at = next + 1
			}
			for range rapid.IntRange(1, 150).Draw(t, "pushes") {
				at += step
				next = max(next, at)
				if at < floor {
					continue
				}
				r.add(&blocks, at)
				r.trim(&blocks)
				if i, there := slices.BinarySearch(want, at); !there {
					want = slices.Insert(want, i, at)
				}
				if n := len(want); n > warble.TimelineTrim {
					want = want[n-warble.TimelineKeep:]
					floor = want[0]
				}
			}
			if got := r.all(&blocks); !slices.Equal(got, want) || r.floor != floor {
				t.Fatalf("%d entries from %d, want %d from %d", len(got), r.floor, len(want), floor)
			}
		}
		used := int(r.used)
		free := len(blocks.free)
		r.clear(&blocks)
		if len(blocks.free) != free+used || int(blocks.next) != len(blocks.free) {
			t.Fatalf("%d of %d blocks are free after all", len(blocks.free), blocks.next)
		}
	})
}
