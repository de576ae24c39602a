package server

import (
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// listen opens an address that flag names; a port in use is a sentence of its own.
func listen(addr, flag string) (*net.TCPListener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l.(*net.TCPListener), nil
	}
	if inUse(err) {
		return nil, usage("%s is in use by another program: stop it, or choose another address with %s", addr, flag)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return nil, usage("cannot listen on %s (%v): choose another address with %s", addr, err, flag)
}

// unspecified says that a listener takes connections to every address.
func unspecified(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsUnspecified()
}

// reachable is an address at which this machine reaches a listener.
func reachable(a net.Addr) string {
	if unspecified(a) {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(a.(*net.TCPAddr).Port))
	}
	return a.String()
}

// Connections cost memory and a file each, so there is a bound on them: 16,384,
// or what the process may open less what the store needs.
const (
	defaultConnections = 16 << 10
	storeFiles         = 4096
)

// connections is the bound for a wish of want, 0 for the default, where the
// process may have files open.
func connections(want, files int) int {
	most := files - min(storeFiles, files/2)
	if want <= 0 {
		want = defaultConnections
	}
	return max(1, min(want, most))
}

// limited is a listener with a bound on open connections. When it is reached,
// full is called, which should end those that wait for nothing; who comes then
// waits in the system's queue. When a quarter is free again, room is called.
// Both are called by Accept, one at a time.
type limited struct {
	*net.TCPListener
	max        int64
	open       atomic.Int64
	freed      chan struct{} // a place may be free
	closed     chan struct{}
	once       sync.Once
	full, room func()
	pressed    bool // of Accept alone
}

func newLimited(l *net.TCPListener, most int) *limited {
	return &limited{TCPListener: l, max: int64(most), freed: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (l *limited) Accept() (net.Conn, error) {
	for l.open.Load() >= l.max {
		if !l.pressed {
			l.pressed = true
			l.full()
			continue
		}
		select {
		case <-l.freed:
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
	if l.pressed && l.open.Load() < l.max*3/4 {
		l.pressed = false
		l.room()
	}
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	l.open.Add(1)
	return &conn{TCPConn: c, l: l}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.TCPListener.Close()
}
