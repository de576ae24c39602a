//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// A pace is how soon things are asked and how long they may take.
type pace struct {
	check      time.Duration // between questions, once it serves
	soon       time.Duration // until then
	answer     time.Duration // for one answer
	start      time.Duration // from the start to the first good answer
	fail       time.Duration // without a good answer, once it has served; two busy cores make everything slow
	backOffMin time.Duration
	backOffMax time.Duration
	quiet      time.Duration // who ran for so long begins with the smallest back-off again
}

var usualPace = pace{
	check: 2 * time.Second, soon: 200 * time.Millisecond, answer: 3 * time.Second, start: 2 * time.Minute, fail: 30 * time.Second,
	backOffMin: 500 * time.Millisecond, backOffMax: 30 * time.Second, quiet: time.Minute,
}

// A process keeps one node running: it starts it, asks how it is, and starts it again when it exits or does not answer.
type process struct {
	node
	layout *layout
	pace   pace
	say    func(format string, args ...any)

	mu       sync.Mutex
	pid      int    // 0: not running
	health   string // "ok", or why not
	held     bool   // a test has it: neither checked nor started again
	restarts int
	changed  chan struct{} // closed and made anew when anything above changes
}

func newProcess(n node, l *layout, say func(string, ...any)) *process {
	return &process{node: n, layout: l, pace: usualPace, say: say, health: "waiting", changed: make(chan struct{})}
}

func (p *process) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns when cond holds; it is called with the lock.
func (p *process) wait(ctx context.Context, cond func() bool) error {
	for {
		p.mu.Lock()
		done, changed := cond(), p.changed
		p.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %s: %w", p.Name, p.state(), ctx.Err())
		case <-changed:
		}
	}
}

func (p *process) ready(ctx context.Context) error {
	return p.wait(ctx, func() bool { return p.health == healthy })
}

const healthy = "ok"

func (p *process) state() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health
}

// supervise returns when ctx is over and the process has ended.
func (p *process) supervise(ctx context.Context) {
	backOff := p.pace.backOffMin
	for {
		if p.wait(ctx, func() bool { return !p.held }) != nil {
			return
		}
		begun := time.Now()
		err := p.live(ctx)
		if ctx.Err() != nil {
			return
		}
		if p.isHeld() || time.Since(begun) > p.pace.quiet {
			backOff = p.pace.backOffMin
		}
		if p.isHeld() {
			continue
		}
		p.say("%s: %v; starting it again in %s; log: %s", p.Name, err, backOff, p.logFile())
		p.set(func() { p.health = err.Error(); p.restarts++ })
		select {
		case <-ctx.Done():
			return
		case <-time.After(backOff):
		}
		backOff = min(2*backOff, p.pace.backOffMax)
	}
}

func (p *process) isHeld() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

func (p *process) logFile() string { return filepath.Join(p.layout.dir(p.Name), "log") }

// An exit is how a program ended.
type exit struct{ err error }

// live starts the process and returns why it ended.
func (p *process) live(ctx context.Context) error {
	cmd, err := p.start()
	if err != nil {
		return err
	}
	exited := make(chan exit, 1)
	go func() { exited <- exit{cmd.Wait()} }()
	p.set(func() { p.pid, p.health = cmd.Process.Pid, "starting" })
	defer p.set(func() {
		p.pid = 0
		if !p.held {
			p.health = "down"
		}
	})

	lastAlive, limit, every := time.Now(), p.pace.start, p.pace.soon
	for {
		select {
		case e := <-exited:
			if e.err == nil {
				return errors.New("ended by itself: exit status 0")
			}
			return fmt.Errorf("ended by itself: %w", e.err)
		case <-ctx.Done():
			p.end(cmd, exited)
			return ctx.Err()
		case <-time.After(every):
		}
		if p.isHeld() {
			lastAlive = time.Now()
			continue
		}
		alive, ready := p.ask(ctx)
		if alive == nil {
			lastAlive = time.Now()
		}
		switch {
		case ready == nil:
			limit, every = p.pace.fail, p.pace.check
			p.set(func() {
				if !p.held { // meanwhile
					p.health = healthy
				}
			})
		case time.Since(lastAlive) > limit:
			p.end(cmd, exited)
			return fmt.Errorf("no good answer for %s: %w", limit, alive)
		case every == p.pace.check:
			p.set(func() {
				if !p.held {
					p.health = "failing: " + ready.Error()
				}
			})
		}
	}
}

// ask returns nil twice when the process serves.
func (p *process) ask(ctx context.Context) (alive, ready error) {
	ctx, cancel := context.WithTimeout(ctx, p.pace.answer)
	defer cancel()
	if err := p.Alive(ctx); err != nil || p.Ready == nil {
		return err, err
	}
	return nil, p.Ready(ctx)
}

// runVariable marks every process of a run folder, so that those of a dead supervisor are found.
const runVariable = "WARBLE_CLUSTER_RUN"

func (p *process) start() (*exec.Cmd, error) {
	if err := os.MkdirAll(filepath.Dir(p.logFile()), 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	argv := p.Argv
	if p.layout.Wrap != "" {
		argv = append([]string{p.layout.Wrap, p.Name}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = p.layout.dir(p.Name)
	cmd.Env = append(append(os.Environ(), p.Env...), runVariable+"="+p.layout.Run)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if p.Attr != nil {
		*cmd.SysProcAttr = *p.Attr
	}
	cmd.SysProcAttr.Setpgid = true // an interrupt of the terminal is not for it
	return cmd, cmd.Start()
}

// end gives the process its time to flush, then kills it.
func (p *process) end(cmd *exec.Cmd, exited <-chan exit) {
	if p.Term > 0 && !p.isHeld() {
		if cmd.Process.Signal(syscall.SIGTERM) == nil {
			select {
			case <-exited:
				return
			case <-time.After(p.Term):
			}
		}
	}
	if cmd.Process.Kill() == nil {
		<-exited
	}
}

// hold sends a signal and leaves the process as it is then, until release.
func (p *process) hold(sig syscall.Signal) error {
	p.mu.Lock()
	pid := p.pid
	p.mu.Unlock()
	p.set(func() { p.held, p.health = true, "held" })
	if pid == 0 {
		return nil
	}
	return syscall.Kill(pid, sig)
}

// release lets a held process go on, or be started again at once.
func (p *process) release() error {
	p.mu.Lock()
	pid := p.pid
	p.mu.Unlock()
	p.set(func() {
		p.held = false
		if pid != 0 {
			p.health = "released"
		}
	})
	if pid == 0 {
		return nil
	}
	return syscall.Kill(pid, syscall.SIGCONT)
}
