//go:build journey

package journey

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cluster is what `make cluster` starts in a folder.
type cluster struct {
	run    string
	binary string // of warble
	url    string
	data   string
}

// state is a process as `make -s cluster-status JSON=1` tells programs of it.
type state struct {
	Name, Role, Address, Health string
	PID                         int
	Memory                      int64
}

// members are what every program may count on.
var members = []string{"pid", "role", "address", "health", "memory"}

var roles = map[string]int{
	"cassandra": 3, "redis": 6, "nats": 3, "s3": 1, "opensearch": 1, "haproxy": 1,
	"writer": 2, "reader": 2, "fanout": 2, "prometheus": 1, "alertmanager": 1,
}

// command is a target of the Makefile as somebody types it: it knows nothing of the make that runs this test.
func (c *cluster) command(ctx context.Context, target ...string) *exec.Cmd {
	args := append([]string{"-s", "-C", filepath.Join("..", ".."), "CLUSTER=" + c.run, "NET=" + *net, "PORT=" + *port}, target...)
	cmd := exec.CommandContext(ctx, "make", args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS=") || strings.HasPrefix(v, "FULL=")
	})
	return cmd
}

var lastLines = regexp.MustCompile(`(?:^|\n)url: (http://\S+)\ndata: (cluster:\S+)\n$`)

// start returns when `make cluster` has. What it wrote to ends then: whatever goes on must not hold it.
func (c *cluster) start(t *testing.T) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	cmd := c.command(t.Context(), "cluster")
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	exited := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		_ = read.SetReadDeadline(time.Now().Add(heldLimit)) // a pipe has deadlines
		exited <- err
	}()
	watchdog := time.AfterFunc(startLimit, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	out, held := io.ReadAll(read)
	if err := <-exited; err != nil {
		t.Fatalf("make cluster: %v\n%s", err, out)
	}
	if held != nil {
		t.Errorf("%s after make cluster returned something still holds its output: %v", heldLimit, held)
	}
	m := lastLines.FindSubmatch(out)
	if m == nil {
		t.Fatalf("the last two lines are not url: and data: but\n%s", out)
	}
	c.url, c.data = string(m[1]), string(m[2])
	t.Logf("%s", out)
}

// heldLimit is how long the last line may be on its way.
const heldLimit = 3 * time.Second

func (c *cluster) status(t *testing.T) (states []state, raw []byte) {
	t.Helper()
	cmd := c.command(t.Context(), "cluster-status", "JSON=1")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	raw, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(raw, &states)
	}
	if err != nil {
		t.Fatalf("cluster-status: %v\n%s%s", err, raw, &errs)
	}
	return states, raw
}

func (c *cluster) statusContract(t *testing.T) {
	t.Helper()
	states, raw := c.status(t)
	var plain []map[string]any
	if err := json.Unmarshal(raw, &plain); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for i, s := range states {
		for _, member := range members {
			if _, ok := plain[i][member]; !ok {
				t.Errorf("%v has no %s", plain[i], member)
			}
		}
		count[s.Role]++
		if !alive(s.PID) || s.Memory <= 0 || s.Health != "ok" || !strings.Contains(s.Address, ":") {
			t.Errorf("%+v does not describe a process that runs well", s)
		}
	}
	if !maps.Equal(count, roles) {
		t.Errorf("the roles are %v, want %v", count, roles)
	}
}

func alive(pid int) bool {
	_, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid)))
	return pid > 0 && err == nil
}

// alert holds a process down until Alertmanager has its alert, and lets it come back.
func (c *cluster) alert(t *testing.T, process string) {
	t.Helper()
	states, _ := c.status(t)
	at := slices.IndexFunc(states, func(s state) bool { return s.Role == "alertmanager" })
	if at < 0 {
		t.Fatalf("no alertmanager in %+v", states)
	}
	c.tell(t, "hold", process)
	start := time.Now()
	eventually(t, "EngineDown for "+process, func() bool { return alerted(t, states[at].Address, "EngineDown", process) })
	t.Logf("EngineDown for %s came after %.1f s", process, time.Since(start).Seconds())
	c.tell(t, "release", process)
	eventually(t, process+" is back", func() bool {
		now, _ := c.status(t)
		return slices.ContainsFunc(now, func(s state) bool { return s.Name == process && s.Health == "ok" })
	})
}

func (c *cluster) tell(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "..", "bin", "cluster"), append(args, "--run", c.run)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// alerted asks Alertmanager itself.
func alerted(t *testing.T, address, alert, process string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/api/v2/alerts", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var alerts []struct{ Labels map[string]string }
	if err := json.NewDecoder(resp.Body).Decode(&alerts); err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts {
		if a.Labels["alertname"] == alert && a.Labels["process"] == process {
			return true
		}
	}
	return false
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	end := time.After(quietLimit)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-end:
			t.Fatalf("not within %s: %s", quietLimit, what)
		case <-tick.C:
		}
	}
}

// end wants nothing to be left of what ran.
func (c *cluster) end(t *testing.T) {
	t.Helper()
	states, _ := c.status(t)
	c.down(t, t.Context())
	for _, s := range states {
		if alive(s.PID) {
			t.Errorf("%s, process %d, is still there", s.Name, s.PID)
		}
	}
	if left := c.left(t); len(left) > 0 {
		t.Errorf("there are still processes of %s: %v", c.run, left)
	}
}

func (c *cluster) down(t *testing.T, ctx context.Context) {
	t.Helper()
	if out, err := c.command(ctx, "cluster-down").CombinedOutput(); err != nil {
		t.Errorf("make cluster-down: %v\n%s", err, out)
	}
}

// left are the command lines of processes that name the cluster's folder, or were started with its name.
func (c *cluster) left(t *testing.T) (out []string) {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, proc := range procs {
		if filepath.Base(proc) == strconv.Itoa(os.Getpid()) {
			continue
		}
		env, _ := os.ReadFile(filepath.Join(proc, "environ")) // gone by now, or somebody else's
		if bytes.Contains(env, []byte("WARBLE_CLUSTER_RUN="+c.run+"\x00")) {
			line, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
			out = append(out, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}
	return out
}
