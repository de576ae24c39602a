package cassandra

import (
	"testing"
	"time"
)

func TestAtMostOneReadInTwentyIsAskedTwice(t *testing.T) {
	var r reads
	twice := 0
	for n := 1; n <= 1000; n++ {
		r.begin()
		if r.spend() {
			twice++
		}
		if twice > n/readsForOne {
			t.Fatalf("%d of %d reads were asked twice", twice, n)
		}
	}
	if twice != 1000/readsForOne || r.twice != uint64(twice) || r.calls != 1000 {
		t.Fatalf("%d of 1000 reads were asked twice; counted %d of %d", twice, r.twice, r.calls)
	}
}

func TestQuietTimesPayForFewReadsAskedTwice(t *testing.T) {
	var r reads
	for range 100_000 {
		r.begin()
	}
	n := 0
	for r.spend() {
		n++
	}
	if n != maxSaved {
		t.Fatalf("%d at once, want %d", n, maxSaved)
	}
}

func TestAReadIsLateAfterTheMeasured95thPercentile(t *testing.T) {
	var r reads
	for i := range readsKept - 1 {
		r.took(time.Duration(1+i%100) * 10 * time.Millisecond)
	}
	if got := r.begin(); got != 0 {
		t.Fatalf("a read is late after %v before enough were measured", got)
	}
	r.took(10 * time.Millisecond)
	if got := r.begin(); got < 930*time.Millisecond || got > 970*time.Millisecond {
		t.Fatalf("a read is late after %v", got)
	}
	for range 2 * readsKept {
		r.took(time.Microsecond)
	}
	if got := r.begin(); got != minDelay {
		t.Fatalf("of fast reads one is late after %v, want %v", got, minDelay)
	}
}

func TestTheMedianOfTwoClocksIsTheNearerOne(t *testing.T) {
	now := time.Now()
	at := func(seconds ...int) (out []time.Time) {
		for _, s := range seconds {
			out = append(out, now.Add(time.Duration(s)*time.Second))
		}
		return out
	}
	for _, c := range []struct {
		said []time.Time
		want int
	}{{at(0), 0}, {at(30), 30}, {at(30, 0), 0}, {at(0, -30, 30), 0}, {at(30, 29, 0), 29}, {at(-30, 30, 1, 2), 1}} {
		if got := median(c.said, now).Sub(now); got != time.Duration(c.want)*time.Second {
			t.Errorf("median of %v is %v, want %d s", c.said, got, c.want)
		}
	}
}
