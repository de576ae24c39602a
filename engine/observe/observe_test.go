package observe_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"warble"
	"warble/engine/enginetest"
	"warble/engine/mem"
	"warble/engine/observe"
)

func wrap(t testing.TB, s *warble.Stores) (*warble.Stores, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	w, err := observe.Wrap(s, reg)
	if err != nil {
		t.Fatal(err)
	}
	return w, reg
}

func TestContract(t *testing.T) {
	clock := enginetest.NewClock()
	enginetest.Run(t, func(t *testing.T) *warble.Stores {
		w, _ := wrap(t, mem.New(mem.Options{Clock: clock.Now}))
		return w
	}, enginetest.Options{Clock: clock})
}

// measured returns the metric of one method.
func measured(t *testing.T, reg *prometheus.Registry, name, store, method string) *dto.Metric {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == method && m.GetLabel()[1].GetValue() == store {
				return m
			}
		}
	}
	t.Fatalf("no %s for %s.%s", name, store, method)
	return nil
}

func TestCallsAreCountedAndTimed(t *testing.T) {
	w, reg := wrap(t, mem.New(mem.Options{}))
	for range 3 {
		if _, err := w.Users.Get(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := measured(t, reg, "warble_store_seconds", "users", "Get").GetHistogram().GetSampleCount(); n != 3 {
		t.Fatalf("three calls counted as %d", n)
	}
	if n := measured(t, reg, "warble_store_seconds", "tweets", "Get").GetHistogram().GetSampleCount(); n != 0 {
		t.Fatalf("no call counted as %d", n)
	}
}

func TestOnlyFailuresAreErrors(t *testing.T) {
	s := mem.New(mem.Options{})
	faults := enginetest.NewFaults(enginetest.Plan{Refused: 1})
	w, reg := wrap(t, faults.Stores(s))
	if _, err := w.Commit.Apply(t.Context(), &warble.Change{}); !errors.Is(err, warble.ErrUnavailable) {
		t.Fatal(err)
	}
	if _, err := w.Blobs.Open(t.Context(), strings.Repeat("0", 32)+"/full"); !errors.Is(err, warble.ErrNotFound) {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	faults.Mend()
	tweet := &warble.Tweet{ID: 7, Author: 1, Version: 1}
	if _, err := w.Commit.Apply(t.Context(), &warble.Change{Tweets: []*warble.Tweet{tweet}, Events: []warble.Event{{Kind: warble.EventTweet, Key: 1, ID: 7}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Log.Consume(t.Context(), "fanout", func(context.Context, warble.Batch) error { return boom }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	for _, c := range []struct {
		store, method string
		want          float64
	}{{"commit", "Apply", 1}, {"blobs", "Open", 0}, {"log", "Consume", 1}} {
		if n := measured(t, reg, "warble_store_errors_total", c.store, c.method).GetCounter().GetValue(); n != c.want {
			t.Errorf("%s.%s: %v errors, want %v", c.store, c.method, n, c.want)
		}
	}
}

func TestOneRegistryMeasuresOneSetOfStores(t *testing.T) {
	_, reg := wrap(t, mem.New(mem.Options{}))
	if _, err := observe.Wrap(mem.New(mem.Options{}), reg); err == nil {
		t.Fatal("a second set of stores went into one registry")
	}
}

// instant answers at once, so that what is left is the measuring.
type instant struct{ warble.Tweets }

func (instant) Get(context.Context, ...warble.TweetID) ([]*warble.Tweet, error) { return nil, nil }

// BenchmarkMeasuring prints what one measured call costs more than one that is not: at most 150 ns are wanted.
func BenchmarkMeasuring(b *testing.B) {
	w, _ := wrap(b, &warble.Stores{Tweets: instant{}})
	for b.Loop() {
		if _, err := w.Tweets.Get(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/150, "of-150ns")
}
