//go:build cluster

package fault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// labName begins the names of all that a lab makes outside its processes:
// namespaces, its folder, the sources of its mounts. What a lab that crashed
// has left is found by it.
const labName = "warblefault-"

// lab is one outer network namespace with a bridge, and a namespace for each
// node, with one address, joined to the bridge. Nothing of the machine's own
// network changes. A machine has one lab at a time.
type lab struct {
	*testing.T
	dir   string // for what the nodes keep
	nodes map[string]*labNode
	lock  *os.File
}

// labNode is a machine of the lab's.
type labNode struct {
	name string
	addr string
	port string // the bridge's end of its cable, in the outer namespace
}

func (n *labNode) space() string { return labName + n.name }

const (
	outerSpace = labName + "outer"
	labBridge  = "switch"
	labRouter  = "198.18.255.1" // the outer namespace's own address
)

// labTools are the programs a lab needs, and the Debian packages that have them.
func labTools() map[string]string {
	return map[string]string{"ip": "iproute2", "nft": "nftables", "mkfs.ext4": "e2fsprogs", "mount": "mount"}
}

// newLab makes a lab and takes it away when the test ends.
func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("a lab of network namespaces needs root")
	}
	for tool, of := range labTools() {
		install(t, of, func() bool { _, err := exec.LookPath(tool); return err == nil })
	}
	l := &lab{T: t, nodes: map[string]*labNode{}}
	l.lockUp()
	l.ok(sweepLab())
	t.Cleanup(func() {
		l.Helper()
		if err := sweepLab(); err != nil {
			l.Error(err)
		}
		l.lock.Close()
	})
	var err error
	l.dir, err = os.MkdirTemp("", labName)
	l.ok(err)
	l.run("ip", "netns", "add", outerSpace)
	l.outer("link", "set", "lo", "up")
	l.outer("link", "add", labBridge, "type", "bridge")
	l.outer("addr", "add", labRouter+"/16", "dev", labBridge)
	l.outer("link", "set", labBridge, "up")
	return l
}

// install brings a Debian package unless it is there. Its services are not started.
func install(t *testing.T, name string, there func() bool) {
	t.Helper()
	if there() {
		return
	}
	for _, args := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", name}} {
		cmd := exec.Command("apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("installing %s: %v\n%s", name, err, out)
		}
	}
	if !there() {
		t.Fatalf("the package %s does not have what is wanted of it", name)
	}
}

// lockUp waits until no other test on this machine has a lab.
func (l *lab) lockUp() {
	l.Helper()
	var err error
	l.lock, err = os.OpenFile(filepath.Join(os.TempDir(), labName+"lock"), os.O_CREATE|os.O_RDWR, 0o644)
	l.ok(err)
	end := time.Now().Add(10 * time.Minute)
	for syscall.Flock(int(l.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		if time.Now().After(end) {
			l.Fatal("another test has had the lab for ten minutes")
		}
		wait(l.Context(), time.Second)
	}
}

// sweepLab ends every process in a lab's namespaces and takes away what is
// found by its name: also what a lab that crashed has left.
func sweepLab() error {
	spaces, err := labSpaces()
	if err != nil {
		return err
	}
	var errs []error
	for _, space := range spaces {
		errs = append(errs, emptySpace(space))
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	errs = append(errs, err)
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 1 && strings.Contains(f[1], "/"+labName) {
			errs = append(errs, unix.Unmount(f[1], unix.MNT_DETACH))
		}
	}
	for _, space := range spaces {
		if out, err := exec.Command("ip", "netns", "del", space).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("ip netns del %s: %w: %s", space, err, out))
		}
	}
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), labName+"[0-9]*"))
	errs = append(errs, err)
	for _, dir := range dirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

func labSpaces() ([]string, error) {
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		return nil, fmt.Errorf("ip netns list: %w", err)
	}
	var spaces []string
	for line := range strings.Lines(string(out)) {
		if name := strings.Fields(line + " ?")[0]; strings.HasPrefix(name, labName) {
			spaces = append(spaces, name)
		}
	}
	return spaces, nil
}

// emptySpace kills what runs in a namespace, until nothing does. A process that
// only has a thread there for a moment, as this one, is not meant.
func emptySpace(space string) error {
	for end := time.Now().Add(10 * time.Second); ; <-time.After(20 * time.Millisecond) {
		out, err := exec.Command("ip", "netns", "pids", space).Output()
		if err != nil {
			return fmt.Errorf("ip netns pids %s: %w", space, err)
		}
		left := 0
		for _, word := range strings.Fields(string(out)) {
			if pid, err := strconv.Atoi(word); err == nil && pid != os.Getpid() {
				left++
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone
			}
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d processes in %s cannot be killed", left, space)
		}
	}
}

func (l *lab) ok(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// run executes a command that has to succeed.
func (l *lab) run(name string, args ...string) {
	l.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		l.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// outer is ip in the outer namespace.
func (l *lab) outer(args ...string) {
	l.Helper()
	l.run("ip", append([]string{"-n", outerSpace}, args...)...)
}

// add makes a node with an address of 198.18.0.0/16.
func (l *lab) add(name, addr string) *labNode {
	l.Helper()
	n := &labNode{name: name, addr: addr, port: fmt.Sprint("port", len(l.nodes))}
	l.nodes[name] = n
	l.run("ip", "netns", "add", n.space())
	l.outer("link", "add", n.port, "type", "veth", "peer", "name", "eth0", "netns", n.space())
	l.outer("link", "set", n.port, "master", labBridge, "up")
	l.run("ip", "-n", n.space(), "addr", "add", addr+"/16", "dev", "eth0")
	l.run("ip", "-n", n.space(), "link", "set", "eth0", "up")
	l.run("ip", "-n", n.space(), "link", "set", "lo", "up")
	return n
}

// wrap is what a program is started with to run on a node; it keeps its process id.
func (n *labNode) wrap() []string { return []string{"ip", "netns", "exec", n.space()} }

// within runs f on a thread that is in a namespace. The thread ends with f:
// nothing else ever runs there.
func within(space string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		ns, err := os.Open(filepath.Join("/run/netns", space))
		if err == nil {
			defer ns.Close()
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// client calls from a namespace. A connection stays in the namespace it began in.
func client(space string) *http.Client {
	dial := func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
		err = within(space, func() (err error) {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, addr)
			return err
		})
		return conn, err
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 256}}
}
