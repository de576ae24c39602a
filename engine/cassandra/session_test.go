//go:build cluster

package cassandra

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"warble"
)

// TestSession holds the session to what no contract says, on one keyspace.
func TestSession(t *testing.T) {
	c := keyspace(t)
	t.Run("RenewingAClaimStartsItsTimeAnew", func(t *testing.T) { claimRenews(t, c) })
	t.Run("AClockFarOffStopsWritesUntilItIsRight", func(t *testing.T) { clockOff(t, c) })
	t.Run("AClockFarOffIsRefusedAtStart", func(t *testing.T) { clockAtStart(t, c) })
	t.Run("AReadAskedTwiceIsAskedOfTwoNodes", func(t *testing.T) { readTwice(t, c) })
	t.Run("AReadOfManyPagesIsWhole", func(t *testing.T) { readPages(t, c) })
	t.Run("AWriteIsTriedOnceMoreOnAnotherNode", func(t *testing.T) { writeElsewhere(t, c) })
}

func claimRenews(t *testing.T, c Config) {
	e := open(t, c, Options{})
	defer e.Close()
	claims, mine := claimStore{e}, warble.Claim{Holder: 7, Epoch: 1, Data: "x"}
	left := func() (ttl *int) {
		t.Helper()
		err := e.session.Query(`SELECT TTL(value) FROM claims WHERE name = ?`, []byte("job")).Consistency(gocql.LocalSerial).ScanContext(t.Context(), &ttl)
		if err != nil {
			t.Fatal(err)
		}
		return ttl
	}
	for _, step := range []struct {
		old warble.Claim
		ttl time.Duration
		min int
	}{{warble.Claim{}, time.Minute, 50}, {mine, time.Hour, 3500}, {mine, 0, 0}} {
		if got, err := claims.Swap(t.Context(), "job", step.old, mine, step.ttl); err != nil || got != mine {
			t.Fatalf("swap: %+v, %v", got, err)
		}
		if ttl := left(); (ttl == nil) != (step.ttl == 0) || ttl != nil && *ttl < step.min {
			t.Fatalf("after a swap for %v the claim has %v s left", step.ttl, ttl)
		}
	}
}

// shifted is a clock that can be set.
func shifted() (clock func() time.Time, set func(time.Duration)) {
	var off atomic.Int64
	return func() time.Time { return time.Now().Add(time.Duration(off.Load())) }, func(d time.Duration) { off.Store(int64(d)) }
}

func clockOff(t *testing.T, c Config) {
	clock, set := shifted()
	e := open(t, c, Options{Clock: clock})
	defer e.Close()
	s := e.Stores()
	u := &warble.User{ID: warble.IDAt(time.Now()), Version: 1, Handle: "ann"}
	for _, off := range []time.Duration{30 * time.Second, -30 * time.Second, 1200 * time.Millisecond} {
		set(off)
		if _, err := s.Commit.Apply(t.Context(), &warble.Change{Users: []*warble.User{u}}); !errors.Is(err, warble.ErrUnavailable) || !strings.Contains(err.Error(), "clock") {
			t.Fatalf("a write with a clock %v off: %v", off, err)
		}
		if err := s.Counts.Put(t.Context(), []warble.Count{{Kind: warble.CountLikes, ID: 1, N: 1, At: clock()}}); !errors.Is(err, warble.ErrUnavailable) {
			t.Fatalf("a count with a clock %v off: %v", off, err)
		}
		if got, err := s.Users.Get(t.Context(), u.ID); err != nil || got[0] != nil {
			t.Fatalf("after a refused write: %v, %v", got[0], err)
		}
	}
	set(200 * time.Millisecond)
	if changed, err := s.Commit.Apply(t.Context(), &warble.Change{Users: []*warble.User{u}}); err != nil || !changed {
		t.Fatalf("a write with a clock set right: %v, %v", changed, err)
	}
}

func clockAtStart(t *testing.T, c Config) {
	clock, set := shifted()
	set(-time.Minute)
	e, err := Open(t.Context(), c, Options{Clock: clock})
	if err == nil {
		e.Close()
	}
	if !errors.Is(err, warble.ErrInvalid) || !strings.Contains(err.Error(), "clock") {
		t.Fatalf("opened with a clock a minute off: %v", err)
	}
}

// noted is a choice of nodes that remembers which it gave.
type noted struct {
	gocql.HostSelectionPolicy
	mu   sync.Mutex
	gave []string
}

func (n *noted) Pick(s gocql.ExecutableStatement) gocql.NextHost {
	next := n.HostSelectionPolicy.Pick(s)
	return func() gocql.SelectedHost {
		h := next()
		if h != nil {
			n.mu.Lock()
			n.gave = append(n.gave, h.Info().HostID())
			n.mu.Unlock()
		}
		return h
	}
}

func (n *noted) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	gave := n.gave
	n.gave = nil
	return gave
}

// bare is an engine of which nothing runs but statements.
func bare(t *testing.T, c Config) (*Engine, *noted) {
	t.Helper()
	by := choose(c)
	n := &noted{HostSelectionPolicy: by.HostSelectionPolicy}
	by.HostSelectionPolicy = n
	session, err := connectBy(by, c, c.Keyspace, driverTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	e := &Engine{session: session, now: time.Now, slots: make(chan struct{}, maxStatements), nodes: by}
	return e, n
}

func readTwice(t *testing.T, c Config) {
	e, n := bare(t, c)
	var version int64
	read := func() {
		t.Helper()
		if _, err := e.first(t.Context(), `SELECT version FROM users WHERE id = ?`, []any{int64(1)}, &version); err != nil {
			t.Fatal(err)
		}
	}
	read() // prepares
	n.take()
	for range 20 {
		e.reads.delay, e.reads.credit = 1, readsForOne
		read()
		gave := n.take()
		if len(gave) == 2 && gave[0] == gave[1] {
			t.Fatalf("both were asked of %s", gave[0])
		}
		if len(gave) > 2 {
			t.Fatalf("one read was asked of %v", gave)
		}
	}
	if _, twice := e.Reads(); twice == 0 {
		t.Fatal("no read was asked twice")
	}
	e.reads.credit = 0
	_, before := e.Reads()
	for range readsForOne - 1 {
		read()
	}
	if _, twice := e.Reads(); twice != before {
		t.Fatalf("%d reads were asked twice that nothing paid for", twice-before)
	}
}

func readPages(t *testing.T, c Config) {
	e, _ := bare(t, c)
	const rows = 2500 // a page has 1,000
	abreast(rows, func(i int) {
		if err := e.write(t.Context(), `INSERT INTO author_months (author, month) VALUES (?, ?)`, []any{int64(5), int64(i)}, 1); err != nil {
			t.Error(err)
		}
	})
	for _, delay := range []time.Duration{0, 1, time.Second} {
		e.reads.delay, e.reads.credit = delay, readsForOne
		var got []int
		err := e.read(t.Context(), `SELECT month FROM author_months WHERE author = ?`, []any{int64(5)}, func(row scanner) error {
			var month int
			err := row.Scan(&month)
			got = append(got, month)
			return err
		})
		slices.Sort(got)
		if err != nil || len(slices.Compact(got)) != rows {
			t.Fatalf("late after %v: %d rows, want %d: %v", delay, len(got), rows, err)
		}
	}
}

// writeElsewhere writes into a keyspace with more copies than there are nodes:
// no node can reach a quorum of them, and each says so.
func writeElsewhere(t *testing.T, c Config) {
	wide := c.Keyspace + "_wide"
	plain, err := connect(c, "", schemaTimeout)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	for _, statement := range []string{
		fmt.Sprintf(`CREATE KEYSPACE %s WITH replication = {'class': 'NetworkTopologyStrategy', '%s': 9}`, wide, c.Datacenter),
		fmt.Sprintf(`CREATE TABLE %s.t (id bigint PRIMARY KEY, n bigint)`, wide),
	} {
		if err := execute(t.Context(), plain, statement); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		if err := execute(context.Background(), plain, `DROP KEYSPACE `+wide); err != nil {
			t.Error(err)
		}
	}()
	c.Keyspace = wide
	e, n := bare(t, c)
	n.take()
	err = e.write(t.Context(), `UPDATE t SET n = ? WHERE id = ?`, []any{int64(1), int64(1)}, 1)
	if gave := n.take(); len(gave) != 3 || gave[0] == gave[1] { // the third is chosen, and not asked
		t.Errorf("the write was tried on %v", gave)
	}
	if !errors.Is(err, warble.ErrUnavailable) || errors.Is(err, warble.ErrUnknown) {
		t.Errorf("a write that every node refused: %v", err)
	}
}
