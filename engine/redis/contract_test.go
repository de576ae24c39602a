//go:build cluster

package redis

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"warble"
	"warble/engine/enginetest"
	"warble/engine/mem"
)

func TestContract(t *testing.T) {
	clock := enginetest.NewClock()
	e := openTest(t, clusterConfig(t), Options{Clock: clock.Now, CountAge: 2 * time.Second})
	enginetest.Run(t, func(*testing.T) *warble.Stores {
		stores := mem.New(mem.Options{Clock: clock.Now})
		stores.Timelines, stores.Counts = e.Timelines(), e.Counts(stores.Counts)
		return stores
	}, enginetest.Options{Clock: clock, Only: []string{"timelines", "counts"}})
}

// clusterConfig is the section of the cluster file that WARBLE_CLUSTER names.
func clusterConfig(t testing.TB) Config {
	t.Helper()
	var conf Config
	dir := enginetest.Section(t, "redis", &conf)
	conf.Password = conf.Password.In(dir)
	return conf
}

// openTest opens an engine below a prefix of its own, which is erased when the test ends.
func openTest(t testing.TB, conf Config, opt Options) *Engine {
	t.Helper()
	conf.Prefix = "test-" + strconv.FormatUint(rand.Uint64(), 36)
	return openPrefix(t, conf, opt)
}

func openPrefix(t testing.TB, conf Config, opt Options) *Engine {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	e, err := Open(ctx, conf, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
		defer stop()
		if err := e.Erase(ctx); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}
