//go:build cluster

package fault

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// slow puts a relay into a node's cable that holds every frame back, in each
// direction for half of roundTrip. This kernel has no queueing discipline that could.
func (l *lab) slow(n *labNode, roundTrip time.Duration) (undo func()) {
	l.Helper()
	near, far, aside := "near-"+n.port, "far-"+n.port, "aside-"+n.port
	var ends [2]*os.File
	for i, name := range []string{near, far} {
		l.ok(within(outerSpace, func() (err error) {
			ends[i], err = openTap(name)
			return err
		}))
	}
	l.outer("link", "add", aside, "type", "bridge")
	l.outer("link", "set", aside, "up")
	l.outer("link", "set", near, "master", labBridge, "up")
	l.outer("link", "set", far, "master", aside, "up")
	l.outer("link", "set", n.port, "master", aside)
	ended := make(chan error, 2)
	go func() { ended <- relay(ends[0], ends[1], roundTrip/2) }()
	go func() { ended <- relay(ends[1], ends[0], roundTrip/2) }()
	return func() {
		l.Helper()
		l.outer("link", "set", n.port, "master", labBridge)
		for _, end := range ends {
			l.ok(end.Close())
		}
		for range ends {
			if err := <-ended; !errors.Is(err, os.ErrClosed) {
				l.Errorf("the relay of %s ended early: %v", n.name, err)
			}
		}
		l.outer("link", "del", aside)
	}
}

// openTap makes a network device of frames in the thread's namespace. It goes when the file is closed.
func openTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tap %s: %w", name, err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name), nil
}

// relayRoom is how many frames may be on their way; more are lost, as in any network.
const relayRoom = 8192

// relay moves frames, each so much later than it came, until from is closed.
func relay(from, to *os.File, delay time.Duration) error {
	type frame struct {
		due  time.Time
		data []byte
	}
	line := make(chan frame, relayRoom)
	defer close(line)
	go func() {
		for f := range line {
			<-time.After(time.Until(f.due))
			_, _ = to.Write(f.data) // a frame that does not fit is lost
		}
	}()
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return err
		}
		select {
		case line <- frame{time.Now().Add(delay), append([]byte(nil), buf[:n]...)}:
		default:
		}
	}
}
