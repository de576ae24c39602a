//go:build cluster

package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Staleness the cluster shape may show of what is not one's own: nothing mutable is served older.
const clusterStale = 10 * time.Second

const (
	short      = 10 * time.Second // a fault, unless it says otherwise
	frozen     = 20 * time.Second
	calmLimit  = 2 * time.Minute // from a fault's end to everything as before; two busy cores start Cassandra in one
	betweenAll = 3 * time.Second // of calm before the first fault
)

// fault is a row of the matrix: strike breaks something of its choice and says what.
type fault struct {
	name   string
	lasts  time.Duration
	strike func(*cluster, *rand.Rand) (victim string, undo func())
	echo   time.Duration // how long it may be felt after it was undone
}

func killed(role string) fault {
	return fault{name: "killed", lasts: short, strike: func(c *cluster, rnd *rand.Rand) (string, func()) {
		v := c.one(role, rnd)
		return v, c.hold("kill", v)
	}}
}

func stopped(role string) fault {
	return fault{name: "frozen", lasts: frozen, strike: func(c *cluster, rnd *rand.Rand) (string, func()) {
		v := c.one(role, rnd)
		return v, c.hold("stop", v)
	}}
}

func partitioned(roles ...string) fault {
	return fault{name: "cut off", lasts: short, strike: func(c *cluster, rnd *rand.Rand) (string, func()) {
		v := c.one(roles[rnd.IntN(len(roles))], rnd)
		return v, c.cut(c.nodes[v])
	}}
}

func bad(roles ...string) fault {
	return fault{name: "200 ms, 10 % lost", lasts: short, strike: func(c *cluster, rnd *rand.Rand) (string, func()) {
		v := c.one(roles[rnd.IntN(len(roles))], rnd)
		faster, whole := c.slow(c.nodes[v], 200*time.Millisecond), c.lose(c.nodes[v], 10)
		return v, func() { whole(); faster() }
	}}
}

// off sets a clock; a sign of zero is for the dice to choose.
func off(victim string, sign int) fault {
	return fault{name: "clock", lasts: short, echo: 20 * time.Second, strike: func(c *cluster, rnd *rand.Rand) (string, func()) {
		by := 30 * time.Second
		if sign < 0 || sign == 0 && rnd.IntN(2) == 0 {
			by = -by
		}
		return fmt.Sprintf("%s %+.0f s", victim, by.Seconds()), c.shift(c.clock(victim), by)
	}}
}

func full(victim string) fault {
	return fault{name: "disk full", lasts: short, strike: func(c *cluster, _ *rand.Rand) (string, func()) {
		return victim, c.fill(filepath.Join(c.run, victim, "data"))
	}}
}

func wiped() fault {
	return fault{name: "wiped", strike: func(c *cluster, _ *rand.Rand) (string, func()) { return "the log", c.wipeLog() }}
}

func restarted() fault {
	return fault{name: "restarted", strike: func(c *cluster, _ *rand.Rand) (string, func()) {
		var names []string
		for _, s := range c.states() {
			names = append(names, s.Name)
		}
		return "everything", c.hold("kill", names...)
	}}
}

// onePass are the faults of every run.
func onePass() []fault {
	return []fault{
		killed("cassandra"), killed("redis"), killed("nats"), killed("opensearch"), killed("s3"), killed("writer"), killed("reader"), killed("fanout"),
		stopped("cassandra"), stopped("redis"), stopped("writer"), stopped("fanout"),
		partitioned("cassandra", "redis", "nats"), bad("cassandra", "redis", "nats"),
		off(badClock, 0), off(skewedWriter, 0), full(badDisk), full(badLogDisk), restarted(), wiped(),
	}
}

// wholeMatrix is every fault of every kind of process.
func wholeMatrix() []fault {
	out := []fault{off(badClock, 1), off(badClock, -1), off(skewedWriter, 1), off(skewedWriter, -1), full(badDisk), full(badLogDisk), restarted(), wiped()}
	for _, role := range []string{"cassandra", "redis", "nats", "opensearch", "s3", "writer", "reader", "fanout"} {
		out = append(out, killed(role), stopped(role), partitioned(role), bad(role))
	}
	return out
}

// TestPromisesHoldUnderEveryFault is the whole of `make cluster-test`: FULL=1 runs the whole matrix, twice.
func TestPromisesHoldUnderEveryFault(t *testing.T) {
	rnd, n := chance(t)
	of := commit()
	faults := onePass()
	if os.Getenv("FULL") == "1" {
		faults = slices.Concat(wholeMatrix(), wholeMatrix())
	}
	rnd.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	c := newCluster(t)
	svc := &service{Writes: []string{c.url}, Reads: []string{c.url}, Client: client(outerSpace)}
	crew := newCrew(svc, recruit(t, c.cli.Run, crowd, fmt.Sprintf("%x", n%(1<<20))), n, clusterStale)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var loading sync.WaitGroup
	loading.Go(func() { crew.load(ctx) })
	wait(ctx, betweenAll)
	var episodes []episode
	for _, f := range faults {
		episodes = append(episodes, c.endure(crew, f, rnd))
	}
	stop()
	loading.Wait()
	t.Logf("commit %s, seed %d\n%s", of, n, crew.svc.meter.table(episodes))
	verdictOf(t, crew, c.cli.Run)
}

// endure lives through one fault until everything is as before.
func (c *cluster) endure(crew *crew, f fault, rnd *rand.Rand) episode {
	c.Helper()
	e := episode{Begin: crew.h.now()}
	victim, undo := f.strike(c, rnd)
	e.Name = victim + " " + f.name
	wait(c.Context(), f.lasts)
	undo()
	e.Undone = crew.h.now()
	wait(c.Context(), f.echo)
	if err := c.calm(crew.svc.meter, calmLimit); err != nil {
		c.Errorf("%s: %v", e.Name, err)
	}
	e.End = crew.h.now()
	c.Logf("%s: %.1f s: %+v", e.Name, (e.End - e.Begin).Seconds(), crew.svc.meter.judge(e))
	return e
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
