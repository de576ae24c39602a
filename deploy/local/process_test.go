//go:build linux

package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// supervised runs a shell script under the care of a process until the test ends.
func supervised(t *testing.T, script string, p pace, check func() error) *process {
	t.Helper()
	l := &layout{Run: t.TempDir()}
	n := node{Name: "victim", Argv: []string{"sh", "-c", script}, Alive: func(context.Context) error { return check() }}
	v := newProcess(n, l, t.Logf)
	v.pace = p
	keep(t, v)
	return v
}

// keep supervises a process until the test ends.
func keep(t *testing.T, p *process) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.supervise(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
}

func quickPace() pace {
	return pace{
		check: time.Millisecond, soon: time.Millisecond, answer: time.Second, start: time.Minute, fail: time.Minute,
		backOffMin: time.Millisecond, backOffMax: 4 * time.Millisecond, quiet: time.Minute,
	}
}

// await waits until cond, which is called with the lock, holds.
func await(t *testing.T, p *process, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := p.wait(ctx, cond); err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}

func pidOf(p *process) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

func well() error { return nil }

func TestWhatExitsIsStartedAgain(t *testing.T) {
	p := supervised(t, "exit 3", quickPace(), func() error { return errors.New("not yet") })
	await(t, p, "it has been started five times", func() bool { return p.restarts >= 5 })
	await(t, p, "its status says why it ended", func() bool { return strings.Contains(p.health, "exit status 3") })
}

func TestWhatExitsAgainAndAgainIsStartedEverMoreSlowly(t *testing.T) {
	slow := quickPace()
	slow.backOffMin, slow.backOffMax = 20*time.Millisecond, time.Hour
	begun := time.Now()
	p := supervised(t, "exit 1", slow, well)
	await(t, p, "it has failed five times", func() bool { return p.restarts >= 5 })
	if took := time.Since(begun); took < (20+40+80+160)*time.Millisecond {
		t.Errorf("five starts took %s", took)
	}
}

func TestWhatNoLongerAnswersIsStartedAgain(t *testing.T) {
	impatient := quickPace()
	impatient.fail = 10 * time.Millisecond
	var mu sync.Mutex
	sick := false
	p := supervised(t, "exec sleep 600", impatient, func() error {
		mu.Lock()
		defer mu.Unlock()
		if sick {
			return errors.New("no answer")
		}
		return nil
	})
	await(t, p, "it serves", func() bool { return p.health == healthy })
	first := pidOf(p)
	mu.Lock()
	sick = true
	mu.Unlock()
	await(t, p, "it has been started again", func() bool { return p.restarts > 0 && p.pid != 0 })
	if err := syscall.Kill(first, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the first process is still there: %v", err)
	}
}

func TestAHeldProcessStaysDownUntilItIsReleased(t *testing.T) {
	p := supervised(t, "exec sleep 600", quickPace(), well)
	await(t, p, "it serves", func() bool { return p.health == healthy })
	first := pidOf(p)
	if err := p.hold(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, p, "it is down", func() bool { return p.pid == 0 && p.health == "held" })
	if err := p.release(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "it serves again", func() bool { return p.health == healthy })
	if second := pidOf(p); second == first || p.restarts != 0 {
		t.Errorf("process %d, then %d, with %d starts by itself", first, second, p.restarts)
	}
}

func TestWhatIsHeldWhileItWaitsForItsNextStartIsNotStarted(t *testing.T) {
	p := supervised(t, "exit 1", quickPace(), well)
	await(t, p, "it has failed", func() bool { return p.restarts > 0 })
	if err := p.hold(syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
	await(t, p, "it is down", func() bool { return p.pid == 0 })
	longerThanTheBackOff, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if p.wait(longerThanTheBackOff, func() bool { return p.pid != 0 }) == nil {
		t.Error("it was started")
	}
	if err := p.release(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "it is started again", func() bool { return p.pid != 0 })
}

func TestAFrozenProcessGoesOnWhereItWas(t *testing.T) {
	p := supervised(t, "exec sleep 600", quickPace(), well)
	await(t, p, "it serves", func() bool { return p.health == healthy })
	pid := pidOf(p)
	if err := p.hold(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await(t, p, "it is held", func() bool { return p.health == "held" })
	if err := p.release(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "it serves again", func() bool { return p.health == healthy && p.pid == pid })
}

func TestWhatLivesButCannotServeIsLeftAlone(t *testing.T) {
	impatient := quickPace()
	impatient.fail = time.Millisecond
	l := &layout{Run: t.TempDir()}
	var asked atomic.Int64
	n := node{
		Name: "victim", Argv: []string{"sleep", "600"}, Alive: func(context.Context) error { return nil },
		Ready: func(context.Context) error {
			if asked.Add(1) > 1 {
				return errors.New("the store is away")
			}
			return nil
		},
	}
	p := newProcess(n, l, t.Logf)
	p.pace = impatient
	keep(t, p)
	await(t, p, "it has failed for longer than the limit", func() bool { return asked.Load() > 50 })
	await(t, p, "its status says so", func() bool { return p.health == "failing: the store is away" && p.restarts == 0 })
}
