//go:build cluster

package opensearch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"warble"
	"warble/engine/enginetest"
	"warble/engine/mem"
)

// open opens an index of the running cluster that is gone after the test.
func open(t *testing.T, change func(*Config), opt Options) *Engine {
	t.Helper()
	var c Config
	dir := enginetest.Section(t, "opensearch", &c)
	c.Password, c.TLS = c.Password.In(dir), c.TLS.In(dir)
	c.Index = fmt.Sprintf("test-%x", rand.Uint64())
	if change != nil {
		change(&c)
	}
	e, err := Open(t.Context(), c, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(e.Drop(context.Background()), e.Close()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestContract(t *testing.T) {
	e := open(t, nil, Options{})
	enginetest.Run(t, func(*testing.T) *warble.Stores {
		s := mem.New(mem.Options{})
		s.Index = e
		return s
	}, enginetest.Options{Only: []string{"index"}})
}

func TestContractOverManyRanges(t *testing.T) {
	e := open(t, nil, Options{})
	for _, year := range []int{2010, 2020, 2026, 2030} {
		first := warble.IDAt(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		if err := e.create(t.Context(), e.tweets(first)); err != nil {
			t.Fatal(err)
		}
	}
	err := e.readRanges(t.Context())
	if from := e.ranges.Load().from; err != nil || len(from) != 5 {
		t.Fatalf("ranges %v, %v", from, err)
	}
	enginetest.Run(t, func(*testing.T) *warble.Stores {
		s := mem.New(mem.Options{})
		s.Index = e
		return s
	}, enginetest.Options{Only: []string{"index"}})
}

func TestAFullRangeIsFollowedByOneThatBeginsAheadOfTheClock(t *testing.T) {
	e := open(t, nil, Options{RangeDocs: 1})
	now := time.Now()
	if err := e.Add(t.Context(), []warble.IndexDoc{{Tweet: &warble.Tweet{ID: warble.IDAt(now), Author: 1, Version: 1, Text: "full"}}}); err != nil {
		t.Fatal(err)
	}
	until(t, 20*time.Second, "the next range", func() bool { return len(e.ranges.Load().from) > 1 })
	if ahead := time.Until(e.ranges.Load().from[1].Time()); ahead < rangesKnown || ahead > 2*rangeLead {
		t.Errorf("the next range begins in %v", ahead)
	}
}

// until waits until done is true.
func until(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(within); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s did not come within %v", what, within)
		}
	}
}

func TestANodeThatDoesNotAnswerIsSteppedOver(t *testing.T) {
	e := open(t, func(c *Config) { c.Hosts = append([]string{"http://127.0.0.1:1"}, c.Hosts...) }, Options{})
	if _, err := e.Search(t.Context(), &warble.Query{Op: warble.QueryAll}, warble.Page{Limit: 1}); err != nil {
		t.Error(err)
	}
}
