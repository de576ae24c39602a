//go:build cluster

package redis

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestManyWhoCountTogetherNeverPassTheLimit: two connections, as two processes have them.
func TestManyWhoCountTogetherNeverPassTheLimit(t *testing.T) {
	conf := clusterConfig(t)
	one := openTest(t, conf, Options{})
	conf.Prefix = one.keys.prefix[:len(one.keys.prefix)-1]
	two := openPrefix(t, conf, Options{})
	const most, uses = 20, 40
	var passed atomic.Int64
	var all sync.WaitGroup
	for i := range uses {
		e := []*Engine{one, two}[i%2]
		all.Go(func() {
			before, err := e.Tally(context.Background(), "u1 GET /2/tweets/{id}", 1, most, time.Minute)
			if err != nil {
				t.Error(err)
			}
			if before < most {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	if passed.Load() != most {
		t.Errorf("%d of %d uses passed, of a limit of %d", passed.Load(), uses, most)
	}
	if n := tally(t, two, "u1 GET /2/tweets/{id}", 0, 0, time.Minute); n != most {
		t.Errorf("counted %d", n)
	}
	tally(t, one, "u1 GET /2/tweets/{id}", -1, 0, time.Minute)
	if n := tally(t, two, "u1 GET /2/tweets/{id}", 0, 0, time.Minute); n != 0 {
		t.Errorf("counted %d after it was forgotten", n)
	}
}

func TestACountEndsByItselfThoughItIsUsed(t *testing.T) {
	e := openTest(t, clusterConfig(t), Options{})
	const life = 300 * time.Millisecond
	begun := time.Now()
	tally(t, e, "short", 1, 1000, life)
	for n := 1; n > 0; n = tally(t, e, "short", 1, 1000, life) {
		if time.Since(begun) > 10*life {
			t.Fatal("uses keep a count alive")
		}
	}
	if took := time.Since(begun); took < life/2 {
		t.Errorf("the count ended after %v", took)
	}
}

func TestCountsOfOneRouteLieInManySlots(t *testing.T) {
	e := openTest(t, clusterConfig(t), Options{})
	for i := range 60 {
		tally(t, e, strconv.Itoa(i)+" GET /2/tweets/{id}", 1, 10, time.Minute)
	}
	holding := 0
	for _, node := range e.client.Nodes() {
		page, err := node.Do(t.Context(), node.B().Scan().Cursor(0).Match(e.keys.prefix+"l*").Count(1_000_000).Build()).AsScanEntry()
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Elements) > 0 {
			holding++
		}
	}
	if holding < 3 {
		t.Errorf("the counts of one route lie on %d nodes", holding)
	}
}

func tally(t *testing.T, e *Engine, name string, n, most int, ttl time.Duration) int {
	t.Helper()
	before, err := e.Tally(t.Context(), name, n, most, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return before
}
