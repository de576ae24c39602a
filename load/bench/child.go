package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// message is one line of a child's standard output.
type message struct {
	What    string   `json:",omitempty"` // of the progress
	Done    int64    `json:",omitempty"`
	Total   int64    `json:",omitempty"`
	Say     string   `json:",omitempty"`
	URL     string   `json:",omitempty"` // it listens
	Ended   bool     `json:",omitempty"` // it is done; Results are all
	Results []Result `json:",omitempty"`
	Details []Detail `json:",omitempty"` // beside Results
}

// child is a running child.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errOut lockedBuffer
	once   sync.Once
	err    error
}

// lockedBuffer keeps the beginning of what a child says on standard error.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() < 1<<16 {
		l.b.Write(p)
	}
	return len(p), nil
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// childGrace is how long a child may take to end by itself.
const childGrace = 20 * time.Second

// start starts a child. It is asked to end when ctx ends, and killed when it
// does not obey.
func (b *bench) start(ctx context.Context, args ...string) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, b.opt.Self, append([]string{"bench", "child"}, args...)...)}
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in, c.out = in, bufio.NewReaderSize(out, 1<<16)
	c.cmd.Stderr = &c.errOut
	c.cmd.Cancel = in.Close
	c.cmd.WaitDelay = childGrace
	return c, c.cmd.Start()
}

// role starts a child that runs one of the roles of this package. Its
// configuration is the first line of its standard input.
func (b *bench) role(ctx context.Context, role string, config any) (*child, error) {
	data, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	c, err := b.start(ctx, role)
	if err != nil {
		return nil, err
	}
	if _, err := c.in.Write(append(data, '\n')); err != nil {
		return nil, c.failure(err)
	}
	return c, nil
}

// next reads the child's next message.
func (c *child) next() (m message, err error) {
	l, err := c.out.ReadBytes('\n')
	if err != nil {
		return m, c.failure(err)
	}
	return m, json.Unmarshal(l, &m)
}

// failure says why a child that should go on does not.
func (c *child) failure(err error) error {
	stopped := c.stop()
	if text := c.errOut.String(); text != "" {
		return fmt.Errorf("the child %v failed: %s", c.cmd.Args[3], text)
	}
	return fmt.Errorf("the child %v failed: %w", c.cmd.Args[3], errors.Join(err, stopped))
}

// stop ends the child and waits for it.
func (c *child) stop() error {
	c.once.Do(func() {
		c.in.Close()
		kill := time.AfterFunc(childGrace, func() { _ = c.cmd.Process.Kill() })
		defer kill.Stop()
		go func() { _, _ = io.Copy(io.Discard, c.out) }()
		c.err = c.cmd.Wait()
	})
	return c.err
}

// end is stop for a child whose work has been seen: how it ends says nothing more.
func (c *child) end() { _ = c.stop() }

func (c *child) pid() int { return c.cmd.Process.Pid }

// results runs a child to its end, shows its progress and returns its results.
func (b *bench) results(ctx context.Context, role string, config any) (got []Result, err error) {
	c, err := b.role(ctx, role, config)
	if err != nil {
		return nil, err
	}
	var meter interface {
		Set(done, total int64)
		Done()
	}
	what := ""
	defer func() {
		if meter != nil {
			meter.Done()
		}
	}()
	for {
		m, err := c.next()
		if err != nil {
			return nil, err
		}
		if meter != nil && m.What != what {
			meter.Done()
			meter = nil
		}
		switch {
		case m.Ended:
			for i := range m.Details {
				m.Results[i].Detail = &m.Details[i]
			}
			return m.Results, c.stop()
		case m.Say != "":
			b.say("%s", m.Say)
		case m.What != "":
			if meter == nil {
				meter, what = b.opt.Meter(m.What), m.What
			}
			meter.Set(m.Done, m.Total)
		}
	}
}

// inside is a child as it sees itself.
type inside struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (in *inside) send(m message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	_ = in.out.Encode(m) // a parent that is gone ends this process by itself
}

func (in *inside) say(format string, args ...any) {
	in.send(message{Say: fmt.Sprintf(format, args...)})
}

func (in *inside) progress(what string, done, total int64) {
	in.send(message{What: what, Done: done, Total: total})
}

func (in *inside) results(list []Result) {
	m := message{Ended: true, Results: list}
	for _, r := range list {
		d := Detail{}
		if r.Detail != nil {
			d = *r.Detail
		}
		m.Details = append(m.Details, d)
	}
	in.send(m)
}

// UntilEOF returns a context that ends with ctx, or when in ends: which is how
// a child learns that its parent is gone.
func UntilEOF(ctx context.Context, in io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	return ctx, cancel
}

// Child runs a role of a child until it is done or in ends.
func Child(ctx context.Context, role string, in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	config, err := lines.ReadBytes('\n')
	if err != nil {
		return errors.New("this command is the bench's own; run warble bench")
	}
	ctx, cancel := UntilEOF(ctx, lines)
	defer cancel()
	self := &inside{out: json.NewEncoder(out)}
	run, ok := roles()[role]
	if !ok {
		return fmt.Errorf("there is no bench role %q", role)
	}
	return run(ctx, self, config)
}

// roles are what a child can be.
func roles() map[string]func(context.Context, *inside, []byte) error {
	return map[string]func(context.Context, *inside, []byte) error{
		"prepare":        configured(prepareRole),
		"control.static": configured(staticRole),
		"control.commit": configured(commitRole),
		"post.engine":    configured(postEngineRole),
		"like.engine":    configured(likeEngineRole),
		"fanout.push":    configured(pushRole),
		"fanout.fair":    configured(fairRole),
		"post.sustained": configured(sustainedRole),
		"home.cold":      configured(pullRole),
		"search.newest":  configured(searchRole),
		"photo.12mp":     configured(photoRole),
	}
}

// configured reads a role's configuration.
func configured[C any](run func(context.Context, *inside, *C) error) func(context.Context, *inside, []byte) error {
	return func(ctx context.Context, in *inside, config []byte) error {
		c := new(C)
		if err := json.Unmarshal(config, c); err != nil {
			return err
		}
		return run(ctx, in, c)
	}
}
