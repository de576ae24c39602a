//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// A supervisor runs all processes of one run folder.
type supervisor struct {
	layout    *layout
	processes []*process
	first     []starting // what stands on nothing
	roles     []starting // what stands on that
	begun     time.Time
	stop      context.CancelFunc

	mu      sync.Mutex
	lines   []string
	done    bool  // everything is ready, or err says why not
	err     error // set with done
	changed chan struct{}
}

func (s *supervisor) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	fmt.Println(time.Now().UTC().Format(time.RFC3339), line)
	s.set(func() { s.lines = append(s.lines, fmt.Sprintf("%5.1f s  %s", time.Since(s.begun).Seconds(), line)) })
}

func (s *supervisor) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done { // later lines go to the log only
		f()
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

func newSupervisor(l *layout, first, roles []group) *supervisor {
	s := &supervisor{layout: l, begun: time.Now(), changed: make(chan struct{})}
	s.first, s.roles = s.processesOf(first), s.processesOf(roles)
	return s
}

// run is the life of the supervisor: it returns when it was told to end and everything has ended.
func (s *supervisor) run(ctx context.Context) error {
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	l := s.layout
	if err := os.Remove(l.socket()); err != nil && !os.IsNotExist(err) {
		return err
	}
	commands, err := serve("unix", l.socket(), s.handler())
	if err != nil {
		return err
	}
	defer s.shut(commands)
	if l.Warble != "" {
		metrics, err := serve("tcp", l.of("supervisor").at(1, supervisorPort), s.metrics())
		if err != nil {
			return err
		}
		defer s.shut(metrics)
	}
	var running sync.WaitGroup
	running.Go(func() { s.bring(ctx, &running) })
	running.Wait()
	return nil
}

// shut lets the answer to what ended everything get through.
func (s *supervisor) shut(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.say("%v", err)
	}
}

func serve(network, addr string, handler http.Handler) (*http.Server, error) {
	listener, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }() // until Shutdown
	return server, nil
}

// A starting is the processes of a group that are not launched yet.
type starting struct {
	processes []*process
	form      func(context.Context) error
}

func (s *supervisor) processesOf(groups []group) []starting {
	var out []starting
	for _, g := range groups {
		st := starting{form: g.Form}
		for _, n := range g.Nodes {
			st.processes = append(st.processes, newProcess(n, s.layout, s.say))
		}
		s.processes = append(s.processes, st.processes...)
		out = append(out, st)
	}
	return out
}

// start launches groups at once and returns when all of them serve, or one cannot.
func (s *supervisor) start(ctx context.Context, running *sync.WaitGroup, groups []starting) error {
	limit, cancel := context.WithTimeout(ctx, usualPace.start+time.Minute)
	defer cancel()
	wait, wctx := errgroup.WithContext(limit)
	for _, g := range groups {
		for _, p := range g.processes {
			running.Go(func() { p.supervise(ctx) }) // lives longer than the wait
		}
		wait.Go(func() error { return s.await(wctx, g) })
	}
	return wait.Wait()
}

func (s *supervisor) await(ctx context.Context, g starting) error {
	for _, p := range g.processes {
		if err := p.ready(ctx); err != nil {
			return fmt.Errorf("%w; log: %s", err, p.logFile())
		}
	}
	role := g.processes[0].Role
	if g.form != nil {
		if err := g.form(ctx); err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
	}
	s.say("%s ready, %d of %d", role, len(g.processes), len(g.processes))
	return nil
}

// bring starts everything. Programs wait for the cluster file, which appears when the engines serve.
func (s *supervisor) bring(ctx context.Context, running *sync.WaitGroup) {
	err := s.start(ctx, running, s.first)
	if err == nil {
		err = s.layout.writeClusterFile()
	}
	if err == nil && len(s.roles) > 0 {
		err = s.bringRoles(ctx, running)
	}
	if err != nil {
		s.say("not ready: %v", err)
	} else {
		s.say("ready")
	}
	s.set(func() { s.done, s.err = true, err })
}

// schemaLimit covers a node that missed a change while the machine was busy, and asks for it a little later.
const schemaLimit = 3 * time.Minute

func (s *supervisor) bringRoles(ctx context.Context, running *sync.WaitGroup) error {
	limit, cancel := context.WithTimeout(ctx, schemaLimit)
	defer cancel()
	if err := s.layout.applySchema(limit); err != nil {
		return err
	}
	if err := s.start(ctx, running, s.roles); err != nil {
		return err
	}
	limit, cancel = context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return until(limit, httpCheck(s.layout.url()+"/readyz"))
}

// progress calls f with every line up to the last, and returns the outcome.
func (s *supervisor) progress(ctx context.Context, f func(line string)) error {
	for n := 0; ; {
		s.mu.Lock()
		lines, done, err, changed := s.lines[n:], s.done, s.err, s.changed
		s.mu.Unlock()
		for _, line := range lines {
			f(line)
		}
		n += len(lines)
		if done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

func (s *supervisor) find(name string) (*process, error) {
	for _, p := range s.processes {
		if p.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s: %w: the names are those of cluster-status", name, fs.ErrNotExist)
}
