package fanout

import (
	"sync/atomic"
	"time"
	"warble"
)

// delivery is a tweet pushed to so many followers.
type delivery struct {
	tweet     warble.TweetID
	followers int
}

// DelayBounds are the upper bounds of the buckets of Delays, in milliseconds.
var DelayBounds = [...]int64{5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000}

// DelayClasses are the upper bounds, in followers, of the author size classes.
var DelayClasses = [...]int{warble.PartSize, 10 * warble.PartSize, 100 * warble.PartSize, 1 << 62}

// Delays is a histogram of how long after its posting a tweet was in the last
// of its followers' stored homes, by the size of its author.
type Delays struct {
	Buckets [len(DelayClasses)][len(DelayBounds) + 1]atomic.Int64
	SumMs   [len(DelayClasses)]atomic.Int64
	Pushed  atomic.Int64 // deliveries in all
}

func (d *Delays) observe(now time.Time, list []delivery) {
	for _, x := range list {
		ms := max(now.UnixMilli()-x.tweet.Millis(), 0)
		class := 0
		for x.followers > DelayClasses[class] {
			class++
		}
		b := 0
		for b < len(DelayBounds) && ms > DelayBounds[b] {
			b++
		}
		d.Buckets[class][b].Add(1)
		d.SumMs[class].Add(ms)
		d.Pushed.Add(int64(x.followers))
	}
}
