//go:build cluster

package opensearch

import (
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"warble"
)

// door stands before a node: connections pass while it is open, are refused while it is shut, and hang while it is frozen.
type door struct {
	node, addr string

	mu     sync.Mutex
	listen net.Listener
	conns  map[net.Conn]struct{}
	frozen atomic.Bool
	thawed chan struct{}
}

func newDoor(t *testing.T, node string) *door {
	d := &door{node: strings.TrimPrefix(node, "http://"), addr: "127.0.0.1:0", thawed: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	d.open(t)
	t.Cleanup(d.shut)
	return d
}

func (d *door) url() string { return "http://" + d.addr }

func (d *door) open(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listen, d.addr = l, l.Addr().String()
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			go d.pass(c)
		}
	}()
}

func (d *door) pass(c net.Conn) {
	n, err := net.Dial("tcp", d.node)
	if err != nil {
		c.Close()
		return
	}
	d.mu.Lock()
	d.conns[c], d.conns[n] = struct{}{}, struct{}{}
	d.mu.Unlock()
	go d.pipe(n, c)
	d.pipe(c, n)
}

func (d *door) pipe(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if d.frozen.Load() {
			<-d.thawed
		}
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listen.Close()
	for c := range d.conns {
		c.Close()
	}
	clear(d.conns)
}

func (d *door) thaw() {
	d.frozen.Store(false)
	close(d.thawed)
}

var anything = &warble.Query{Op: warble.QueryAll}

// hundred asks and puts a hundred times at once and returns how long the longest took and what failed.
func hundred(t *testing.T, e *Engine) (longest time.Duration, errs []error) {
	began := time.Now()
	out := make(chan error)
	for i := range 100 {
		go func() {
			var err error
			if i%2 == 0 {
				_, err = e.Search(t.Context(), anything, warble.Page{Limit: 1})
			} else {
				err = e.Add(t.Context(), []warble.IndexDoc{{Tweet: &warble.Tweet{ID: warble.IDAt(began) + warble.ID(i), Author: 1, Version: 1, Text: "x"}}})
			}
			out <- err
		}()
	}
	for range 100 {
		if err := <-out; err != nil {
			errs = append(errs, err)
		}
	}
	return time.Since(began), errs
}

func serves(t *testing.T, e *Engine) func() bool {
	return func() bool {
		_, err := e.Search(t.Context(), anything, warble.Page{Limit: 1})
		return err == nil
	}
}

func TestANodeThatIsGoneIsSaidAndItsReturnNeedsNothing(t *testing.T) {
	var d *door
	e := open(t, func(c *Config) { d = newDoor(t, c.Hosts[0]); c.Hosts = []string{d.url()} }, Options{})
	d.shut()
	took, errs := hundred(t, e)
	if len(errs) != 100 || took > 3*time.Second {
		t.Errorf("%d of 100 failed, in %v", len(errs), took)
	}
	for _, err := range errs {
		if said, ok := errors.AsType[*warble.Error](err); !ok || !errors.Is(err, warble.ErrUnavailable) && !errors.Is(err, warble.ErrUnknown) || said.Detail == "" {
			t.Errorf("got %v", err)
		}
	}
	d.open(t)
	until(t, 5*time.Second, "an answer", serves(t, e))
	if _, errs := hundred(t, e); len(errs) > 0 {
		t.Error(errs[0])
	}
}

func TestANodeThatHangsHoldsNobodyLongerThanTheDeadline(t *testing.T) {
	var d *door
	e := open(t, func(c *Config) { d = newDoor(t, c.Hosts[0]); c.Hosts = []string{d.url()} }, Options{})
	d.frozen.Store(true)
	took, errs := hundred(t, e)
	if len(errs) != 100 || took > deadline+time.Second {
		t.Errorf("%d of 100 failed, in %v", len(errs), took)
	}
	for _, err := range errs {
		if !errors.Is(err, warble.ErrUnavailable) && !errors.Is(err, warble.ErrUnknown) {
			t.Errorf("got %v", err)
		}
	}
	d.thaw()
	until(t, 5*time.Second, "an answer", serves(t, e))
	if _, errs := hundred(t, e); len(errs) > 0 {
		t.Error(errs[0])
	}
}

func TestAnotherNodeAnswersForOneThatHangs(t *testing.T) {
	var d *door
	e := open(t, func(c *Config) { d = newDoor(t, c.Hosts[0]); c.Hosts = []string{d.url(), c.Hosts[0]} }, Options{})
	d.frozen.Store(true)
	defer d.thaw()
	if took, errs := hundred(t, e); len(errs) > 0 || took > deadline {
		t.Errorf("%d failed, in %v: %v", len(errs), took, errors.Join(errs...))
	}
	if took, errs := hundred(t, e); len(errs) > 0 || took > 2*time.Second {
		t.Errorf("then %d failed, in %v: %v", len(errs), took, errors.Join(errs...))
	}
}
