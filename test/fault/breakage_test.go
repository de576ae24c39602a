//go:build cluster

package fault

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Each way to break something returns what mends it.

// cut pulls the cable of a node: whatever is sent to it or from it is lost.
func (l *lab) cut(n *labNode) (undo func()) {
	l.Helper()
	l.outer("link", "set", n.port, "nomaster")
	return func() { l.outer("link", "set", n.port, "master", labBridge) }
}

// lose drops so many in a hundred of the packets that reach a node.
func (l *lab) lose(n *labNode, percent int) (undo func()) {
	l.Helper()
	l.nft(n, fmt.Sprintf(`table inet %[1]s {
	counter dropped { }
	counter arrived { }
	chain input {
		type filter hook input priority 0;
		iif lo accept
		counter name arrived
		numgen random mod 100 < %[2]d counter name dropped drop
	}
}`, lossTable, percent))
	return func() { l.nft(n, "delete table inet "+lossTable) }
}

const lossTable = "loss"

// lostPackets is how many packets the rule of lose has seen, and dropped.
func (l *lab) lostPackets(n *labNode) (all, lost int) {
	l.Helper()
	for name, into := range map[string]*int{"arrived": &all, "dropped": &lost} {
		out, err := exec.Command("ip", append(n.wrap()[1:], "nft", "list", "counter", "inet", lossTable, name)...).Output()
		l.ok(err)
		_, after, _ := strings.Cut(string(out), "packets ")
		if _, err := fmt.Sscan(after, into); err != nil {
			l.Fatalf("%v in %s", err, out)
		}
	}
	return all, lost
}

func (l *lab) nft(n *labNode, rules string) {
	l.Helper()
	cmd := exec.Command("ip", append(n.wrap()[1:], "nft", "-f", "-")...)
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		l.Fatalf("nft on %s: %v\n%s", n.name, err, out)
	}
}

// disk gives a folder of the lab's a disk of its own: tmpfs, or a file with a
// file system where what is stored must outlive memory pressure.
func (l *lab) disk(dir string, megabytes int, inMemory bool) {
	l.Helper()
	l.ok(os.MkdirAll(dir, 0o755))
	if inMemory {
		l.run("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", megabytes), labName+"disk", dir)
		return
	}
	image := filepath.Join(l.dir, strings.ReplaceAll(strings.TrimPrefix(dir, l.dir+"/"), "/", "-")+".image")
	f, err := os.Create(image)
	l.ok(err)
	l.ok(errors.Join(f.Truncate(int64(megabytes)<<20), f.Close()))
	l.run("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image)
	l.run("mount", "-o", "loop", image, dir)
}

// fill leaves no room on the disk of a folder.
func (l *lab) fill(dir string) (undo func()) {
	l.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	l.ok(err)
	defer f.Close()
	var s unix.Statfs_t
	l.ok(unix.Fstatfs(int(f.Fd()), &s))
	if size := int64(s.Blocks) * s.Bsize; size > 4<<30 {
		l.Fatalf("%s is on a disk of %d MB: that is not one of the lab's", dir, size>>20)
	}
	block := make([]byte, 1<<20)
	for n := len(block); n > 0; {
		if _, err = f.Write(block[:n]); err != nil {
			n /= 2
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		l.Fatalf("filling %s: %v", dir, err)
	}
	return func() { l.ok(os.Remove(path)) }
}

// freeze stops a process in its tracks and waits until its last thread stands.
func (l *lab) freeze(pid int) (undo func()) {
	l.Helper()
	l.ok(syscall.Kill(pid, syscall.SIGSTOP))
	for end := time.Now().Add(5 * time.Second); !stands(pid); wait(l.Context(), time.Millisecond) {
		if time.Now().After(end) {
			l.Fatalf("process %d does not stop", pid)
		}
	}
	return func() { l.ok(syscall.Kill(pid, syscall.SIGCONT)) }
}

func stands(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if _, after, _ := strings.Cut(string(text), ") "); err == nil && !strings.HasPrefix(after, "T") {
			return false
		}
	}
	return true
}

// javaClock is the environment in which a program of Java's takes its clock's
// offset from a file. Its timers stay right. The library meant for threads takes
// ten times as long, and its repair of timed waits makes every one of them spin.
func (l *lab) javaClock(file string) []string {
	l.Helper()
	library := func() string {
		found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
		l.ok(err)
		return strings.Join(found, " ") // one, or none yet
	}
	install(l.T, "faketime", func() bool { return library() != "" })
	return []string{"LD_PRELOAD=" + library(), "FAKETIME_TIMESTAMP_FILE=" + file, "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_CACHE_DURATION=1", "FAKETIME_FORCE_MONOTONIC_FIX=0"}
}

// shift sets the clock of every program that reads its offset from the file: as
// javaClock says, or warble with --clock-offset.
func (l *lab) shift(file string, offset time.Duration) (undo func()) {
	l.Helper()
	write := func(d time.Duration) {
		l.Helper()
		l.ok(os.WriteFile(file+".new", fmt.Appendf(nil, "%+ds", int64(d/time.Second)), 0o644))
		l.ok(os.Rename(file+".new", file))
	}
	write(offset)
	return func() { write(0) }
}
