//go:build cluster

package fault

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"warble"
	"warble/test/process"
)

var (
	seed     = flag.Uint64("seed", 0, "of victims, moments and calls; 0: by the clock")
	embedded = flag.Duration("embedded", 40*time.Second, "load of the one process that is killed again and again")
)

// chance is the run's dice; the seed is printed, so that a run can be had again.
func chance(t *testing.T) (*rand.Rand, uint64) {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", n)
	return rand.New(rand.NewPCG(n, 0)), n
}

// crowd is how many people a run has.
const crowd = 20

// settle is how a served store is left alone until nothing is under way.
const settleLimit = 60 * time.Second

// recruit makes accounts with the program's own commands.
func recruit(t *testing.T, run func(context.Context, ...string) (string, error), n int, mark string) []*person {
	t.Helper()
	people := make([]*person, n)
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(4)
	for i := range people {
		g.Go(func() error {
			handle := fmt.Sprintf("p%sx%d", mark, i)
			made, err := run(ctx, "user", "add", handle, "--email", handle+"@example.org")
			if err != nil {
				return err
			}
			var id warble.UserID
			if _, err := fmt.Sscanf(made, "@"+handle+" is account %d", &id); err != nil {
				return fmt.Errorf("%w in %q", err, made)
			}
			said, err := run(ctx, "token", handle)
			said = strings.TrimSpace(said)
			people[i] = &person{n: i, id: id, token: said[strings.LastIndexByte(said, '\n')+1:]}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return people
}

// verdictOf waits for the log, runs `warble check`, reads everything and judges the history.
func verdictOf(t *testing.T, c *crew, run func(context.Context, ...string) (string, error)) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), settleLimit)
	defer stop()
	if out, err := run(ctx, "check"); err != nil || !strings.Contains(out, "clean") {
		t.Errorf("warble check: %v\n%s", err, out)
	}
	e, err := c.settled(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for i, breach := range check(c.h, e) {
		if i == 20 {
			t.Error("… and more")
			break
		}
		t.Error(breach)
	}
	told := map[string]int{}
	for _, x := range c.h.calls {
		if x.Begin != never {
			told[x.Kind.String()+" "+x.Outcome.String()]++
		}
	}
	t.Logf("judged in %s: %v", time.Since(begin).Round(time.Millisecond), told)
	if told["post happened"] == 0 || told["put happened"] == 0 || told["claim happened"] == 0 || told["home happened"] == 0 {
		t.Error("too little was done to prove anything")
	}
}

// freeAddress is an address that nobody listens on.
func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestPromisesHoldWhereOneProcessIsKilledAgainAndAgain is the checker and the load on the embedded shape.
func TestPromisesHoldWhereOneProcessIsKilledAgainAndAgain(t *testing.T) {
	rnd, n := chance(t)
	s := &process.Server{Binary: process.Build(t), Data: "dir:" + t.TempDir(), Listen: freeAddress(t)}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Kill() }() // at the end of a test that failed it may be dead already
	c := newCrew(&service{Writes: []string{s.URL}, Reads: []string{s.URL}}, recruit(t, s.Run, crowd, fmt.Sprintf("%x", n%(1<<20))), n, 0)
	ctx, stop := context.WithTimeout(t.Context(), *embedded)
	defer stop()
	var loading sync.WaitGroup
	loading.Go(func() { c.load(ctx) })
	var episodes []episode
	for ctx.Err() == nil {
		wait(ctx, time.Duration(1000+rnd.IntN(2000))*time.Millisecond)
		e := episode{Name: "kill", Begin: c.h.now()}
		if rnd.IntN(3) == 0 {
			e.Name = "stop"
			pause(t, s, time.Duration(500+rnd.IntN(1500))*time.Millisecond)
		} else if err := s.Kill(); err != nil {
			t.Fatal(err)
		} else if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		e.Undone = c.h.now()
		wait(ctx, 2*time.Second)
		e.End = c.h.now()
		episodes = append(episodes, e)
	}
	loading.Wait()
	verdictOf(t, c, s.Run)
	t.Log("\n" + c.svc.meter.table(episodes))
	bite(t, c)
}

// bite takes a tweet away behind the history's back: that has to be noticed.
func bite(t *testing.T, c *crew) {
	removed := map[warble.TweetID]bool{}
	for _, x := range c.h.calls {
		removed[x.ID] = removed[x.ID] || x.Kind == remove
	}
	victim := c.h.calls[slices.IndexFunc(c.h.calls, func(x *call) bool { return x.Kind == post && x.Outcome == happened && !removed[x.ID] })]
	author := c.people[victim.User]
	c.svc.do(t.Context(), http.MethodDelete, "/2/tweets/"+victim.ID.String(), author.token, "", nil)
	e, err := c.settled(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("acknowledged tweet %d is missing", victim.ID)
	if got := check(c.h, e); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, want) }) {
		t.Errorf("a tweet that somebody took away was not missed: %q", got)
	}
}

func pause(t *testing.T, s *process.Server, d time.Duration) {
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	wait(t.Context(), d)
	if err := s.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// wait lets time pass: how long a fault lasts is part of it.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
