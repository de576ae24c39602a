//go:build cluster

package cassandra

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"warble"
	"warble/engine/enginetest"
)

// section is this engine's part of the file that WARBLE_CLUSTER names, with a keyspace of its own.
func section(t *testing.T) Config {
	t.Helper()
	var c Config
	dir := enginetest.Section(t, "cassandra", &c)
	c.Password = c.Password.In(dir)
	c.Keyspace = fmt.Sprintf("warble_test_%08x", rand.Uint32())
	return c
}

// keyspace makes a keyspace that is gone after the test.
func keyspace(t *testing.T) Config {
	t.Helper()
	c := section(t)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	if err := ApplySchema(ctx, c, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		session, err := connect(c, "", schemaTimeout)
		if err != nil {
			t.Error(err)
			return
		}
		defer session.Close()
		if err := execute(context.Background(), session, `DROP KEYSPACE `+c.Keyspace); err != nil {
			t.Error(err)
		}
	})
	return c
}

func open(t *testing.T, c Config, opt Options) *Engine {
	t.Helper()
	e, err := Open(t.Context(), c, opt)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestContract(t *testing.T) {
	e := open(t, keyspace(t), Options{})
	t.Cleanup(func() {
		calls, twice := e.Reads()
		t.Logf("%d reads, %d of them asked twice", calls, twice)
		if twice*readsForOne > calls {
			t.Errorf("%d of %d reads were asked twice", twice, calls)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	enginetest.Run(t, func(*testing.T) *warble.Stores { return e.Stores() },
		enginetest.Options{Only: []string{"claims", "commit", "users", "tweets", "edges", "docs", "counts"}})
}
