//go:build cluster

package jetstream

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// servers are three NATS servers of a test's own, to be killed.
type servers []*server

type server struct {
	name, host string
	conf       string // the path of its file
	cmd        *exec.Cmd
}

// program finds nats-server: named by WARBLE_NATS_SERVER, on the path, or where the local cluster keeps it.
func program(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("WARBLE_NATS_SERVER"); named != "" {
		return named
	}
	if found, err := exec.LookPath("nats-server"); err == nil {
		return found
	}
	home, err := os.UserHomeDir()
	check(t, err)
	kept, err := filepath.Glob(filepath.Join(home, ".cache/warble-cluster/nats-server-*/nats-server"))
	check(t, err)
	if len(kept) == 0 {
		t.Fatal("nats-server is not there: go install github.com/nats-io/nats-server/v2@v2.15.2, or set WARBLE_NATS_SERVER")
	}
	return kept[len(kept)-1]
}

// startServers starts n servers; more lines go into the file of each.
func startServers(t *testing.T, n int, more string) servers {
	t.Helper()
	var all servers
	var routes []string
	for i := range n {
		all = append(all, &server{name: fmt.Sprintf("n%d", i+1), host: freeAddress(t)})
		routes = append(routes, "nats://"+freeAddress(t))
	}
	for i, s := range all {
		dir := t.TempDir()
		text := fmt.Sprintf("server_name: %s\nlisten: %q\njetstream { store_dir: %q, max_mem: 64MB, max_file: 1GB, sync_interval: always }\n%s\n",
			s.name, s.host, dir, more)
		if n > 1 {
			text += fmt.Sprintf("cluster { name: test, listen: %q, routes: [%s] }\n", strings.TrimPrefix(routes[i], "nats://"), strings.Join(routes, ", "))
		}
		s.conf = filepath.Join(dir, "nats.conf")
		check(t, os.WriteFile(s.conf, []byte(text), 0o600))
		s.start(t)
		t.Cleanup(s.kill)
	}
	return all
}

// freeAddress is one that nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(program(t), "-c", s.conf, "-l", s.conf+".log")
	check(t, s.cmd.Start())
}

// kill ends a server as a power cut would; one that is not running stays so.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *server) freeze(t *testing.T)   { check(t, s.cmd.Process.Signal(syscall.SIGSTOP)) }
func (s *server) unfreeze(t *testing.T) { check(t, s.cmd.Process.Signal(syscall.SIGCONT)) }

func (all servers) config() Config {
	conf := Config{Replicas: len(all)}
	for _, s := range all {
		conf.Hosts = append(conf.Hosts, s.host)
	}
	return own(conf)
}

// leader is the server that leads the stream.
func (all servers) leader(t *testing.T, e *Engine) *server {
	t.Helper()
	var leads *server
	eventually(t, "the stream has a leader", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s, err := e.js.Stream(ctx, e.conf.Stream)
		for _, one := range all {
			if err == nil && s.CachedInfo().Cluster.Leader == one.name {
				leads = one
			}
		}
		return leads != nil
	})
	return leads
}

// connected is the server that an engine talks to.
func (all servers) connected(_ *testing.T, e *Engine) *server {
	for _, s := range all {
		if e.conn.ConnectedServerName() == s.name {
			return s
		}
	}
	return nil
}
