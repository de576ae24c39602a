//go:build crash

package crash

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// house is one store and the process that serves it.
type house struct {
	*testing.T
	binary, dir string
	url         string
	cmd         *exec.Cmd
	log         *lockedBuffer
	exited      chan struct{}
	client      *http.Client
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// buildBinary builds the program once.
func buildBinary(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "warble")
	cmd := exec.Command("go", "build", "-o", out, "warble/cmd/warble")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, text)
	}
	return out
}

var addressLine = regexp.MustCompile(`Warble serves (http://\S+) from`)

// start serves the store and waits for the address.
func (h *house) start() {
	h.Helper()
	h.log = &lockedBuffer{}
	h.cmd = exec.Command(h.binary, "serve", "--dev", "--quiet", "--listen", "127.0.0.1:0", "--data", "dir:"+h.dir)
	h.cmd.Stderr = h.log
	out, err := h.cmd.StdoutPipe()
	h.ok(err)
	h.ok(h.cmd.Start())
	h.exited = make(chan struct{})
	found := make(chan string, 1)
	go func() {
		scan := bufio.NewScanner(io.TeeReader(out, h.log))
		for scan.Scan() {
			if m := addressLine.FindStringSubmatch(scan.Text()); m != nil {
				found <- m[1]
			}
		}
		_ = h.cmd.Wait() // killed, so its error says nothing
		close(h.exited)
	}()
	select {
	case h.url = <-found:
	case <-h.exited:
		h.Fatalf("the server ended at its start:\n%s", h.log)
	case <-time.After(30 * time.Second):
		h.Fatalf("the server was not ready after 30 s:\n%s", h.log)
	}
	h.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 80}}
}

// kill ends the process without a chance to say goodbye.
func (h *house) kill() {
	h.Helper()
	h.ok(h.cmd.Process.Kill())
	<-h.exited
	h.client.CloseIdleConnections()
}

func (h *house) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatalf("%v\nserver log:\n%s", err, h.log)
	}
}

// run executes a command on the store and returns its standard output.
func (h *house) run(args ...string) string {
	h.Helper()
	ctx, stop := context.WithTimeout(h.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, h.binary, append(args, "--data", "dir:"+h.dir)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		h.keep()
		h.Fatalf("warble %s: %v\n%s%s\nserver log:\n%s", strings.Join(args, " "), err, out, errs.String(), h.log)
	}
	return string(out)
}

// keep saves a store that breaks a rule, for whoever looks into it.
func (h *house) keep() {
	if to := os.Getenv("CRASH_KEEP"); to != "" {
		_ = os.RemoveAll(to) // an earlier one
		if err := os.CopyFS(to, os.DirFS(h.dir)); err != nil {
			h.Logf("the store could not be kept: %v", err)
		}
	}
}

// answer is one call's outcome: status 0 means that no answer came, so the
// write may or may not have happened.
type answer struct {
	status int
	body   []byte
}

func (h *house) call(ctx context.Context, method, path, token string, body any) answer {
	var r io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, h.url+path, r)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return answer{}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}
	}
	return answer{resp.StatusCode, data}
}

// get reads a document, or fails the test.
func (h *house) get(path, token string, into any) {
	h.Helper()
	a := h.call(h.Context(), http.MethodGet, path, token, nil)
	if a.status != http.StatusOK {
		h.keep()
		h.Fatalf("GET %s: %d %s\nserver log:\n%s", path, a.status, a.body, h.log)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		h.Fatalf("GET %s: %v in %s", path, err, a.body)
	}
}

// person is an account with a token.
type person struct{ id, token string }

func (h *house) person(handle string) person {
	h.Helper()
	h.run("user", "add", handle, "--email", handle+"@example.org")
	token := strings.TrimSpace(h.run("token", handle))
	token = token[strings.LastIndexByte(token, '\n')+1:]
	var me struct{ Data struct{ ID string } }
	h.get("/2/users/me", token, &me)
	return person{me.Data.ID, token}
}

func handleOf(n int) string { return fmt.Sprintf("person%d", n) }
