// Package process builds the real binary and runs it as an operator would:
// whole-system tests start, kill and ask it through here.
package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Build compiles the program with build tags into a directory of the test.
func Build(t testing.TB, tags ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "warble")
	cmd := exec.Command("go", "build", "-tags", strings.Join(tags, ","), "-o", out, "warble/cmd/warble")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, text)
	}
	return out
}

// Buffer is a log that is written and read at once.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (l *Buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is empty for the log of a process that somebody else started.
func (l *Buffer) String() string {
	if l == nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Server is one process of `warble serve`. It may be started again after it was killed. With only Binary, Data and URL
// it stands for a service that somebody else started.
type Server struct {
	Binary string
	Data   string   // as "dir:PATH"
	Listen string   // empty: a free port of 127.0.0.1, another one at each start
	Flags  []string // more of serve's
	Wrap   []string // what stands before the binary, as a program that changes something and executes the rest

	URL string  // set by Start
	Log *Buffer // of the present process

	cmd    *exec.Cmd
	exited chan struct{}
}

var addressLine = regexp.MustCompile(`Warble serves (http://\S+) from`)

// startLimit is how long a process may take until it says its address.
const startLimit = 30 * time.Second

// Start starts the process and waits for its address.
func (s *Server) Start() error {
	listen := s.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	argv := append(append([]string{}, s.Wrap...), s.Binary, "serve", "--dev", "--quiet", "--listen", listen, "--data", s.Data)
	argv = append(argv, s.Flags...)
	s.Log, s.exited = &Buffer{}, make(chan struct{})
	s.cmd = exec.Command(argv[0], argv[1:]...)
	s.cmd.Stderr = s.Log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	found := make(chan string, 1)
	go s.read(out, found)
	select {
	case s.URL = <-found:
		return nil
	case <-s.exited:
		return fmt.Errorf("the server ended at its start:\n%s", s.Log)
	case <-time.After(startLimit):
		return errors.Join(fmt.Errorf("the server was not ready after %s:\n%s", startLimit, s.Log), s.Kill())
	}
}

func (s *Server) read(out io.Reader, found chan<- string) {
	defer close(s.exited)
	scan := bufio.NewScanner(io.TeeReader(out, s.Log))
	for scan.Scan() {
		if m := addressLine.FindStringSubmatch(scan.Text()); m != nil {
			found <- m[1]
		}
	}
	_ = s.cmd.Wait() // killed, so its error says nothing
}

// Kill ends the process without a chance to say goodbye.
func (s *Server) Kill() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	<-s.exited
	return nil
}

// stopLimit is how long a process may take to end once it was asked to.
const stopLimit = 20 * time.Second

// Stop asks the process to end and waits until it has.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.exited:
		return nil
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("the server did not stop within %s", stopLimit), s.Kill())
	}
}

// Signal sends a signal.
func (s *Server) Signal(sig syscall.Signal) error { return s.cmd.Process.Signal(sig) }

// Run executes a command of the program on the store and returns its standard
// output, which an error comes with too.
func (s *Server) Run(ctx context.Context, args ...string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	argv := append(append(append([]string{}, s.Wrap...), s.Binary), append(args, "--data", s.Data)...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("warble %s: %w\n%s%s", strings.Join(args, " "), err, out, errs.String())
	}
	return string(out), err
}

// Pid is the process's number.
func (s *Server) Pid() int { return s.cmd.Process.Pid }
