package load

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets whose width is at most a thirty-second of their
// value, so that a quantile is at most 3 % too high. Safe for many goroutines.
type histogram struct {
	buckets [64 * histogramSteps]atomic.Int64
	n       atomic.Int64
	longest atomic.Int64
}

const histogramSteps = 32 // buckets for each power of two, in nanoseconds

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 1))
	power := bits.Len64(v) - 1
	if power < 5 {
		return int(v)
	}
	return (power-4)*histogramSteps + int(v>>(power-5))&(histogramSteps-1)
}

// bucketTop is the longest duration of a bucket.
func bucketTop(b int) time.Duration {
	if b < histogramSteps {
		return time.Duration(b)
	}
	power := b/histogramSteps + 4
	step := uint64(1) << (power - 5)
	return time.Duration((uint64(histogramSteps)+uint64(b%histogramSteps))*step + step - 1)
}

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(d)].Add(1)
	h.n.Add(1)
	for {
		old := h.longest.Load()
		if int64(d) <= old || h.longest.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

// quantile is the duration that a share q of all stay at or below; zero for none.
func (h *histogram) quantile(q float64) time.Duration {
	want := int64(q * float64(h.n.Load()))
	var sum int64
	for b := range h.buckets {
		if sum += h.buckets[b].Load(); sum > want {
			return min(bucketTop(b), time.Duration(h.longest.Load()))
		}
	}
	return time.Duration(h.longest.Load())
}
