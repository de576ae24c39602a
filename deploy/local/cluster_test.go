//go:build linux && cluster

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// installed is a layout over the programs that `make cluster` has installed, on addresses that nobody else uses.
func installed(t *testing.T) *layout {
	t.Helper()
	l := newLayout(t)
	base, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	l.Cache.dir = filepath.Join(base, "warble-cluster")
	if err := l.Cache.install(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Net, l.Warble = fmt.Sprintf("127.77.%d", os.Getpid()%250), "none"
	return l
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	installed(t)
	promtool, err := lookPath("promtool")
	if err != nil {
		t.Fatal(err)
	}
	if err := run(exec.Command(promtool, "test", "rules", "conf/alerts_test.yml")); err != nil {
		t.Error(err)
	}
}

// backend answers with its name, and to health checks as long as it is told to.
func backend(t *testing.T, name string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, name)
	}))
	t.Cleanup(s.Close)
	return s
}

// balanced runs the balancer over the backends, by the routes of the binary built from this tree.
func balanced(t *testing.T, writers, readers []*httptest.Server) string {
	t.Helper()
	l := installed(t)
	l.Warble = filepath.Join(t.TempDir(), "warble")
	if err := run(exec.Command("go", "build", "-o", l.Warble, "warble/cmd/warble")); err != nil {
		t.Fatal(err)
	}
	routes, err := l.routes()
	if err != nil {
		t.Fatal(err)
	}
	g, err := l.balancer()
	if err != nil {
		t.Fatal(err)
	}
	file := g.Nodes[0].Argv[len(g.Nodes[0].Argv)-1]
	if err := writeBalancer(file, l.at(1, l.Port), l.at(1, balancerStats), routes, addresses(writers), addresses(readers)); err != nil {
		t.Fatal(err)
	}
	p := newProcess(g.Nodes[0], l, t.Logf)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.supervise(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	await(t, p, "the balancer serves", func() bool { return p.health == healthy })
	return l.url()
}

func addresses(servers []*httptest.Server) []string {
	var out []string
	for _, s := range servers {
		out = append(out, s.Listener.Addr().String())
	}
	return out
}

// ask returns the status and the name of who answered.
func ask(t *testing.T, method, url, authorization string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var name string
	fmt.Fscan(resp.Body, &name) // an error page has a name of no backend
	return resp.StatusCode, name
}

func TestTheBalancerFollowsTheRouteTable(t *testing.T) {
	writers := []*httptest.Server{backend(t, "writer"), backend(t, "writer")}
	readers := []*httptest.Server{backend(t, "reader-1"), backend(t, "reader-2")}
	url := balanced(t, writers, readers)
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/2/tweets", "writer"},
		{"DELETE", "/2/tweets/1", "writer"},
		{"POST", "/2/users/1/likes", "writer"},
		{"PATCH", "/2/users/me", "writer"},
		{"POST", "/login", "writer"},
		{"GET", "/login", "reader"},
		{"GET", "/2/tweets/1", "reader"},
		{"GET", "/2/users/1/timelines/reverse_chronological?max_results=5", "reader"},
		{"GET", "/nothing/is/here", "reader"},
	} {
		if status, who := ask(t, c.method, url+c.path, ""); status != http.StatusOK || !strings.HasPrefix(who, c.want) {
			t.Errorf("%s %s went to %s with %d, want %s", c.method, c.path, who, status, c.want)
		}
	}
	seen := map[string]bool{}
	for client := range 20 {
		token := fmt.Sprintf("Bearer %d", client)
		_, first := ask(t, "GET", url+"/2/tweets/sample/stream", token)
		seen[first] = true
		for range 3 {
			if _, again := ask(t, "GET", url+"/2/tweets/sample/stream", token); again != first {
				t.Errorf("a stream of client %d moved from %s to %s", client, first, again)
			}
		}
	}
	if len(seen) != len(readers) {
		t.Errorf("all streams went to %v", seen)
	}
	if status, _ := ask(t, "GET", url+"/fails", ""); status != http.StatusServiceUnavailable {
		t.Errorf("a failure became %d", status)
	}
	readers[0].CloseClientConnections()
	readers[0].Close()
	for range 20 {
		if status, who := ask(t, "GET", url+"/2/tweets/1", ""); status != http.StatusOK || who != "reader-2" {
			t.Errorf("with one reader gone: %d from %q", status, who)
		}
	}
}

func TestAnEngineHeldDownRaisesItsAlert(t *testing.T) {
	l := installed(t)
	redis, err := l.redis()
	if err != nil {
		t.Fatal(err)
	}
	redis = group{Nodes: redis.Nodes[:1]} // one will do
	watchers, err := collect(l.prometheus, l.alertmanager)
	if err != nil {
		t.Fatal(err)
	}
	s := newSupervisor(l, append([]group{redis}, watchers...), nil)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.run(ctx); err != nil {
			t.Errorf("the supervisor ended with %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	limit, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	if err := s.progress(limit, func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	if err := s.processes[0].hold(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	err = until(limit, func(ctx context.Context) error { return l.alerted(ctx, "EngineDown", "redis-1") })
	if err != nil {
		t.Error(err)
	}
}

// alerted returns nil when the alert is out for the process.
func (l *layout) alerted(ctx context.Context, alert, process string) error {
	body, err := httpGet(ctx, "http://"+l.at(1, alertsPort)+"/api/v2/alerts")
	if err != nil {
		return err
	}
	var alerts []struct{ Labels map[string]string }
	if err := json.Unmarshal(body, &alerts); err != nil {
		return err
	}
	for _, a := range alerts {
		if a.Labels["alertname"] == alert && a.Labels["process"] == process {
			return nil
		}
	}
	return fmt.Errorf("no alert %s for %s among %d", alert, process, len(alerts))
}

// A supervisor that is killed leaves processes behind, which whoever comes next has to find.
func TestEveryProcessOfADeadSupervisorIsFound(t *testing.T) {
	l := installed(t)
	redis, err := l.redis()
	if err != nil {
		t.Fatal(err)
	}
	p := newProcess(redis.Nodes[0], l, t.Logf)
	cmd, err := p.start()
	if err != nil {
		t.Fatal(err)
	}
	exited := make(chan exit, 1)
	go func() { exited <- exit{cmd.Wait()} }()
	limit, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := until(limit, p.Alive); err != nil {
		t.Fatal(err)
	}
	if err := l.sweep(limit); err != nil {
		t.Error(err)
	}
	select {
	case <-exited:
	case <-limit.Done():
		t.Error("it was not ended")
		_ = cmd.Process.Kill()
	}
}
