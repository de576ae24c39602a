//go:build crash

package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"warble/test/process"
)

// house is one store and the process that serves it.
type house struct {
	*testing.T
	server process.Server
	dir    string
	client *http.Client
}

// start serves the store and waits for the address.
func (h *house) start() {
	h.Helper()
	h.ok(h.server.Start())
	h.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 80}}
}

// kill ends the process without a chance to say goodbye.
func (h *house) kill() {
	h.Helper()
	h.ok(h.server.Kill())
	h.client.CloseIdleConnections()
}

func (h *house) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatalf("%v\nserver log:\n%s", err, h.server.Log)
	}
}

// run executes a command on the store and returns its standard output.
func (h *house) run(args ...string) string {
	h.Helper()
	out, err := h.server.Run(h.Context(), args...)
	if err != nil {
		h.keep()
	}
	h.ok(err)
	return out
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
	req, err := http.NewRequestWithContext(ctx, method, h.server.URL+path, r)
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
		h.Fatalf("GET %s: %d %s\nserver log:\n%s", path, a.status, a.body, h.server.Log)
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
