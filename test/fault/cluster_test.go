//go:build cluster

package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"warble/test/process"
)

var (
	localBinary  = flag.String("local", "", "the program of deploy/local; empty: built")
	warbleBinary = flag.String("warble", "", "warble, built with the tag faults; empty: built")
)

// cluster is the cluster of deploy/local, each process on a node of a lab.
type cluster struct {
	*lab
	local, run string
	url        string
	cli        process.Server // for the program's other commands
}

// roles are how many processes of each there are, in the order of their networks: deploy/local has the same table.
func roles() []struct {
	name string
	n    int
} {
	return []struct {
		name string
		n    int
	}{
		{"cassandra", 3}, {"redis", 6}, {"nats", 3}, {"s3", 1}, {"opensearch", 1}, {"writer", 2}, {"reader", 2}, {"fanout", 2},
		{"haproxy", 1}, {"prometheus", 1}, {"alertmanager", 1},
	}
}

// What can be broken of these three only is prepared before they start.
const (
	badClock     = "cassandra-3"
	badDisk      = "cassandra-3"
	badLogDisk   = "nats-3"
	skewedWriter = "writer-1"
)

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{lab: newLab(t), local: *localBinary}
	c.run = filepath.Join(c.dir, "run")
	if c.local == "" {
		c.local = filepath.Join(c.dir, "local")
		c.lab.run("go", "build", "-o", c.local, "warble/deploy/local")
	}
	c.cli = process.Server{Binary: *warbleBinary, Wrap: []string{"ip", "netns", "exec", outerSpace}}
	if c.cli.Binary == "" {
		c.cli.Binary = process.Build(t, "faults")
	}
	for third, role := range roles() {
		for i := range role.n {
			name := fmt.Sprintf("%s-%d", role.name, i+1)
			if role.n == 1 && role.name != "s3" && role.name != "opensearch" {
				name = role.name
			}
			c.add(name, fmt.Sprintf("198.18.%d.%d", third+1, i+1))
		}
	}
	c.disk(filepath.Join(c.run, badDisk, "data"), 1024, false)
	c.disk(filepath.Join(c.run, badLogDisk, "data"), 256, true)
	for _, name := range []string{badClock, skewedWriter} {
		c.shift(c.clock(name), 0)
	}
	c.Cleanup(func() {
		if c.Failed() {
			c.keepLogs()
		}
	})
	c.up()
	return c
}

func (c *cluster) clock(name string) string { return filepath.Join(c.dir, name+".clock") }

// replayAnyway is what an operator starts a Cassandra node with whose disk was
// full: the end of its commit log is torn, and it dies of that again and again.
// What is torn was never acknowledged by that node.
const replayAnyway = "JAVA_TOOL_OPTIONS=-Dcassandra.commitlog.ignorereplayerrors=true"

// wrapper writes the program that puts a process on its node.
func (c *cluster) wrapper() string {
	c.Helper()
	path := filepath.Join(c.dir, "wrap")
	env := append(c.javaClock(c.clock(badClock)), replayAnyway)
	text := fmt.Sprintf(`#!/bin/sh
name=$1
shift
case $name in
%s) set -- env '%s' "$@" ;;
%s) set -- "$@" --clock-offset '%s' ;;
esac
exec ip netns exec %s$name "$@"
`, badClock, strings.Join(env, "' '"), skewedWriter, c.clock(skewedWriter), labName)
	c.ok(os.WriteFile(path, []byte(text), 0o755))
	return path
}

// up starts everything and reads where it is.
func (c *cluster) up() {
	c.Helper()
	out := c.command("up", "--net", "198.18", "--wrap", c.wrapper(), "--warble", c.cli.Binary)
	c.Log(out)
	for line := range strings.Lines(out) {
		if url, ok := strings.CutPrefix(line, "url: "); ok {
			c.url = strings.TrimSpace(url)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			c.cli.Data = strings.TrimSpace(data)
		}
	}
	if c.url == "" || c.cli.Data == "" {
		c.Fatal("the cluster does not say where it is")
	}
}

// keepLogs saves what the processes said, for whoever looks into it.
func (c *cluster) keepLogs() {
	to := os.Getenv("FAULT_KEEP")
	if to == "" {
		return
	}
	logs, err := filepath.Glob(filepath.Join(c.run, "*", "log"))
	c.ok(err)
	c.ok(os.MkdirAll(to, 0o755))
	for _, log := range append(logs, filepath.Join(c.run, "supervisor.log")) {
		text, err := os.ReadFile(log)
		c.ok(err)
		name, err := filepath.Rel(c.run, log)
		c.ok(err)
		c.ok(os.WriteFile(filepath.Join(to, strings.ReplaceAll(name, "/", ".")), text, 0o644))
	}
}

// command runs deploy/local in the outer namespace.
func (c *cluster) command(args ...string) string {
	c.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", outerSpace, c.local, args[0], "--run", c.run}, args[1:]...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		c.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out, &errs)
	}
	return string(out)
}

// state is a process as the supervisor sees it.
type state struct {
	Name, Role, Health string
}

func (c *cluster) states() []state {
	c.Helper()
	var out []state
	c.ok(json.Unmarshal([]byte(c.command("status", "--json")), &out))
	return out
}

// sick are the processes that do not pass their health check.
func (c *cluster) sick() []string {
	var out []string
	for _, s := range c.states() {
		if s.Health != "ok" {
			out = append(out, s.Name+": "+s.Health)
		}
	}
	return out
}

// names are the processes of a role.
func (c *cluster) names(role string) []string {
	c.Helper()
	var out []string
	for _, s := range c.states() {
		if s.Role == role {
			out = append(out, s.Name)
		}
	}
	if len(out) == 0 {
		c.Fatalf("the cluster has no %s", role)
	}
	return out
}

// one chooses a victim. Of Redis it is a primary, of NATS the leader of the log.
func (c *cluster) one(role string, rnd *rand.Rand) string {
	c.Helper()
	names := c.names(role)
	switch role {
	case "redis":
		names = slices.DeleteFunc(names, func(name string) bool { return !c.isPrimary(name) })
	case "nats":
		return c.leader()
	}
	if len(names) == 0 {
		c.Fatalf("no %s may be chosen", role)
	}
	return names[rnd.IntN(len(names))]
}

func (c *cluster) isPrimary(name string) bool {
	c.Helper()
	cmd := exec.Command("ip", append(c.nodes[name].wrap()[1:], "redis-cli", "-h", c.nodes[name].addr, "--no-auth-warning", "ROLE")...)
	cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+c.secret("redis-password"))
	out, err := cmd.Output()
	c.ok(err)
	return strings.HasPrefix(string(out), "master")
}

func (c *cluster) secret(name string) string {
	c.Helper()
	text, err := os.ReadFile(filepath.Join(c.run, "secrets", name))
	c.ok(err)
	return strings.TrimSpace(string(text))
}

// leader is the NATS node that leads the stream or, where there is none, the cluster.
func (c *cluster) leader() string {
	c.Helper()
	ctx, stop := context.WithTimeout(c.Context(), callLimit)
	defer stop()
	for _, name := range c.names("nats") {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.nodes[name].addr+":8222/jsz?streams=true", nil)
		c.ok(err)
		resp, err := client(outerSpace).Do(req)
		if err != nil {
			continue
		}
		var jsz struct {
			Meta struct {
				Leader string `json:"leader"`
			} `json:"meta_cluster"`
			Accounts []struct {
				Streams []struct {
					Cluster struct{ Leader string } `json:"cluster"`
				} `json:"stream_detail"`
			} `json:"account_details"`
		}
		err = json.NewDecoder(resp.Body).Decode(&jsz)
		resp.Body.Close()
		c.ok(err)
		for _, account := range jsz.Accounts {
			for _, stream := range account.Streams {
				if stream.Cluster.Leader != "" {
					return stream.Cluster.Leader
				}
			}
		}
		if jsz.Meta.Leader != "" {
			return jsz.Meta.Leader
		}
	}
	c.Fatal("no NATS node names a leader")
	return ""
}

// hold keeps processes down, or frozen, until what it returns is called.
func (c *cluster) hold(signal string, names ...string) (undo func()) {
	c.Helper()
	for _, name := range names {
		c.command("hold", name, "--signal", signal)
	}
	return func() {
		c.Helper()
		for _, name := range names {
			c.command("release", name)
		}
	}
}

// wipeLog loses every node of the log with all it had.
func (c *cluster) wipeLog() (undo func()) {
	c.Helper()
	names := c.names("nats")
	undo = c.hold("kill", names...)
	for _, name := range names {
		inside, err := filepath.Glob(filepath.Join(c.run, name, "data", "*"))
		c.ok(err)
		for _, path := range inside {
			c.ok(os.RemoveAll(path))
		}
	}
	return undo
}

// calm waits until everything is healthy and no call has failed or been slow for
// a while: some faults are felt only when they are undone.
func (c *cluster) calm(m *meter, limit time.Duration) error {
	const quiet = 3 * time.Second
	var sick []string
	wait(c.Context(), quiet)
	for end := time.Now().Add(limit); time.Now().Before(end); wait(c.Context(), 500*time.Millisecond) {
		if m.quietFor() < quiet {
			continue
		}
		if sick = c.sick(); len(sick) == 0 {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("not normal within %s: the last trouble was %s ago; sick: %v", limit, m.quietFor().Round(time.Millisecond), sick))
}
