//go:build cluster

package fault

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"warble/test/process"
)

// bench is a lab with two small servers, each on a node of its own.
type bench struct {
	*lab
	a, b   *labNode
	sa, sb *process.Server
	offset string // file of the offset of a's clock
}

func newBench(t *testing.T) *bench {
	l := newLab(t)
	x := &bench{lab: l, a: l.add("a", "198.18.1.1"), b: l.add("b", "198.18.1.2"), offset: filepath.Join(l.dir, "a.clock")}
	l.ok(os.WriteFile(x.offset, []byte("0s"), 0o644))
	binary := process.Build(t, "faults")
	start := func(n *labNode, flags ...string) *process.Server {
		s := &process.Server{Binary: binary, Data: "dir:" + filepath.Join(l.dir, n.name), Listen: n.addr + ":8080", Wrap: n.wrap(), Flags: flags}
		l.ok(s.Start())
		t.Cleanup(func() { _ = s.Kill() }) // a test may have killed it
		return s
	}
	x.sa, x.sb = start(x.a, "--clock-offset", x.offset), start(x.b)
	return x
}

// ask is how long a server takes to answer.
func ask(c *http.Client, s *process.Server, limit time.Duration) (time.Duration, error) {
	ctx, stop := context.WithTimeout(context.Background(), limit)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/2/users/by/username/nobody", nil)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	resp, err := c.Do(req)
	if err != nil {
		return time.Since(begin), err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil { // so that the connection is used again
		return 0, err
	}
	if resp.StatusCode != http.StatusNotFound {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return time.Since(begin), err
}

// answers waits until a server does.
func (x *bench) answers(space string, s *process.Server) {
	x.Helper()
	c := client(space)
	var err error
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); {
		if _, err = ask(c, s, time.Second); err == nil {
			return
		}
	}
	x.Fatalf("%s is not reached from %s: %v", s.URL, space, err)
}

// silent wants a server not to answer.
func (x *bench) silent(space string, s *process.Server, why string) {
	x.Helper()
	if took, err := ask(client(space), s, time.Second); err == nil {
		x.Errorf("%s answers %s in %s, though %s", s.URL, space, took, why)
	}
}

func TestEachFaultWorksAndIsUndone(t *testing.T) {
	x := newBench(t)
	for _, part := range []struct {
		name string
		f    func(*bench, *testing.T)
	}{
		{"cut", (*bench).proveCut}, {"loss", (*bench).proveLoss}, {"delay", (*bench).proveDelay}, {"freeze", (*bench).proveFreeze},
		{"full disk", (*bench).proveFullDisk}, {"clock of warble", (*bench).proveClock}, {"clock of Java", (*bench).proveJavaClock},
		{"kill", (*bench).proveKill},
	} {
		t.Run(part.name, func(t *testing.T) {
			inner := *x.lab
			inner.T = t
			part.f(&bench{&inner, x.a, x.b, x.sa, x.sb, x.offset}, t)
		})
	}
}

func (x *bench) proveCut(*testing.T) {
	x.answers(x.b.space(), x.sa)
	mend := x.cut(x.a)
	x.silent(x.b.space(), x.sa, "its cable is cut")
	x.silent(x.a.space(), x.sb, "the caller's cable is cut")
	x.answers(x.a.space(), x.sa)
	x.answers(outerSpace, x.sb)
	mend()
	x.answers(x.b.space(), x.sa)
	x.answers(x.a.space(), x.sb)
}

func (x *bench) proveLoss(t *testing.T) {
	mend := x.lose(x.a, 10)
	c := client(x.b.space())
	for range 300 {
		if _, err := ask(c, x.sa, 10*time.Second); err != nil {
			t.Errorf("a request did not come through: %v", err)
		}
	}
	all, lost := x.lostPackets(x.a)
	if share := 100 * float64(lost) / float64(all); all < 300 || share < 4 || share > 20 {
		t.Errorf("of %d packets %d were lost, one in ten wanted", all, lost)
	}
	mend()
	if out, err := exec.Command("ip", append(x.a.wrap()[1:], "nft", "list", "ruleset")...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("the rule is still there: %v\n%s", err, out)
	}
}

func (x *bench) proveDelay(t *testing.T) {
	c := client(x.b.space())
	best := func() time.Duration {
		least := time.Hour
		for range 5 {
			took, err := ask(c, x.sa, 5*time.Second)
			if err != nil {
				t.Errorf("a request did not come through: %v", err)
			}
			least = min(least, took)
		}
		return least
	}
	if d := best(); d > 50*time.Millisecond {
		t.Errorf("before: %s", d)
	}
	mend := x.slow(x.a, 200*time.Millisecond)
	if d := best(); d < 200*time.Millisecond || d > 350*time.Millisecond {
		t.Errorf("with 200 ms in its cable an answer takes %s", d)
	}
	x.answers(outerSpace, x.sb)
	mend()
	if d := best(); d > 50*time.Millisecond {
		t.Errorf("afterwards: %s", d)
	}
}

func (x *bench) proveFreeze(*testing.T) {
	thaw := x.freeze(x.sa.Pid())
	x.silent(outerSpace, x.sa, "it is frozen")
	thaw()
	x.answers(outerSpace, x.sa)
}

func (x *bench) proveFullDisk(t *testing.T) {
	for _, inMemory := range []bool{true, false} {
		dir := filepath.Join(x.dir, fmt.Sprint("disk-", inMemory))
		x.disk(dir, 32, inMemory)
		file := filepath.Join(dir, "file")
		write := func() error { return os.WriteFile(file, make([]byte, 1<<20), 0o644) }
		x.ok(write())
		x.ok(os.Remove(file))
		mend := x.fill(dir)
		if err := write(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("a write to a full disk (in memory: %t): %v", inMemory, err)
		}
		mend()
		x.ok(write())
	}
}

// proveClock posts a tweet: its id has the server's time of day in it.
func (x *bench) proveClock(t *testing.T) {
	token := recruit(t, x.sa.Run, 1, "clock")[0].token
	x.runsAhead(t, token, 0)
	mend := x.shift(x.offset, 5*time.Second)
	x.runsAhead(t, token, 5*time.Second)
	mend()
	x.runsAhead(t, token, 0)
}

// runsAhead waits until new tweets are so much newer than now. Ids never go
// back, so a clock that was put right is seen when their own time has passed it.
func (x *bench) runsAhead(t *testing.T, token string, want time.Duration) {
	t.Helper()
	var off time.Duration
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); wait(t.Context(), 200*time.Millisecond) {
		var got struct{ Data wireTweet }
		x.post("/2/tweets", token, map[string]string{"text": "what time is it " + time.Now().String()}, &got)
		off = time.Until(got.Data.ID.Time())
		if (off - want).Abs() < time.Second {
			return
		}
	}
	t.Errorf("the clock is off by %s, %s wanted", off, want)
}

func (x *bench) proveJavaClock(t *testing.T) {
	file := filepath.Join(x.dir, "java.clock")
	put := x.shift(file, 0)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	cmd := exec.CommandContext(ctx, "java", "testdata/Clock.java")
	cmd.Env = append(os.Environ(), x.javaClock(file)...)
	out, err := cmd.StdoutPipe()
	x.ok(err)
	x.ok(cmd.Start())
	scan := bufio.NewScanner(out)
	var firstTimer int64
	begun := time.Now()
	until := func(want time.Duration) {
		t.Helper()
		var clock, timer int64
		for end := time.Now().Add(15 * time.Second); time.Now().Before(end) && scan.Scan(); {
			if _, err := fmt.Sscan(scan.Text(), &clock, &timer); err != nil {
				t.Fatal(err)
			}
			if firstTimer == 0 {
				firstTimer, begun = timer, time.Now()
			}
			if off := time.Until(time.UnixMilli(clock)); (off - want).Abs() < time.Second {
				if slip := time.Duration(timer-firstTimer)*time.Millisecond - time.Since(begun); slip.Abs() > time.Second {
					t.Errorf("its timers are off by %s", slip)
				}
				return
			}
		}
		t.Fatalf("the clock is at %d, its timers at %d, an offset of %s wanted", clock, timer, want)
	}
	until(0)
	x.shift(file, 30*time.Second)
	until(30 * time.Second)
	x.shift(file, -30*time.Second)
	until(-30 * time.Second)
	put()
	until(0)
	stop()
	_ = cmd.Wait() // killed
	if used := cmd.ProcessState.UserTime(); used > time.Since(begun)/2+3*time.Second {
		t.Errorf("a program that mostly sleeps has computed for %s", used)
	}
}

func (x *bench) proveKill(t *testing.T) {
	x.ok(x.sb.Kill())
	x.silent(outerSpace, x.sb, "it was killed")
	x.ok(x.sb.Start())
	x.answers(outerSpace, x.sb)
}

// post makes a call to the server of a, from the outer namespace.
func (x *bench) post(path, token string, body, into any) {
	x.Helper()
	s := &service{Writes: []string{x.sa.URL}, Client: client(outerSpace), meter: newMeter(time.Now())}
	a := s.do(x.Context(), http.MethodPost, path, token, "", body)
	if a.outcome() != happened {
		x.Fatalf("POST %s: %d %s", path, a.status, a.body)
	}
	x.ok(json.Unmarshal(a.body, into))
}

// TestALabThatCrashedLeavesNothing makes a lab with all it can have, forgets it, and sweeps.
func TestALabThatCrashedLeavesNothing(t *testing.T) {
	l := newLab(t)
	n := l.add("left", "198.18.1.9")
	disk := filepath.Join(l.dir, "disk")
	l.disk(disk, 16, true)
	left := exec.Command("ip", append(n.wrap()[1:], "sleep", "1000")...)
	l.ok(left.Start())
	l.ok(sweepLab())
	if err := left.Wait(); err == nil {
		t.Error("a process of the lab lives on")
	}
	spaces, err := labSpaces()
	mounts, err2 := os.ReadFile("/proc/self/mounts")
	_, err3 := os.Stat(l.dir)
	if err != nil || err2 != nil || len(spaces) > 0 || strings.Contains(string(mounts), labName) || !errors.Is(err3, os.ErrNotExist) {
		t.Errorf("left: namespaces %v, folder %v (%v, %v), mounts\n%s", spaces, err3, err, err2, mounts)
	}
}
