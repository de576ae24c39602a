package server

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
	"strconv"
	"strings"
	"testing"
	"time"

	"warble/internal/httpx"
	"warble/role/write"
)

// A server that is attacked runs in a process of its own, so that its memory
// is its own and each side has all the files it may open.

// childSpec is what the parent chooses, in milliseconds.
type childSpec struct {
	Header, Body, Answer int
	Connections          int
}

// childReady is the child's only line.
type childReady struct{ Addr, Private, User, Token string }

const childEnv = "WARBLE_TEST_SERVER"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		if err := beChild(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// beChild serves until standard input ends.
func beChild(text string) error {
	var spec childSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return err
	}
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	b := bounds{header: ms(spec.Header), body: ms(spec.Body), answer: ms(spec.Answer), idle: time.Minute, drain: time.Second}
	ctx := context.Background()
	srv, err := Start(ctx, Config{Data: "mem:", Listen: "127.0.0.1:0", Private: "127.0.0.1:0", Target: "all", Quiet: true, Dev: true,
		MaxConnections: spec.Connections, bounds: b}, nil)
	if err != nil {
		return err
	}
	u, err := srv.App.Writer.Register(ctx, write.Registration{Handle: "ann", Name: "Ann", Email: "ann@example.org"})
	if err != nil {
		return err
	}
	token, err := srv.App.Auth.IssueToken(ctx, u.ID, httpx.AllScopes, "test")
	if err != nil {
		return err
	}
	ready := childReady{strings.TrimPrefix(srv.URL, "http://"), srv.PrivateURL, u.ID.String(), token}
	if err := json.NewEncoder(os.Stdout).Encode(ready); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return srv.Stop()
}

// child is a server in another process.
type child struct {
	childReady
	t *testing.T
}

func newChild(t *testing.T, spec childSpec) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	var log bytes.Buffer
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if t.Failed() {
			t.Logf("its log:\n%.4000s", &log)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t}
	if err := json.Unmarshal(line, &c.childReady); err != nil {
		t.Fatal(err)
	}
	return c
}

// metric reads a number from the private address.
func (c *child) metric(name string) float64 {
	c.t.Helper()
	_, text := call(c.t, http.DefaultClient, "GET", c.Private+"/metrics", "", "")
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				c.t.Fatal(err)
			}
			return v
		}
	}
	c.t.Fatalf("no metric %s", name)
	return 0
}

// memory is what the process uses after a collection: heap and stacks, and all the system sees.
func (c *child) memory() (used, resident float64) {
	c.t.Helper()
	call(c.t, http.DefaultClient, "GET", c.Private+"/debug/pprof/heap?gc=1", "", "")
	return c.metric("go_memstats_heap_inuse_bytes") + c.metric("go_memstats_stack_inuse_bytes"), c.metric("process_resident_memory_bytes")
}

// works insists that an ordinary request is served.
func (c *child) works() {
	c.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, body := call(c.t, client, "GET", "http://"+c.Addr+"/2/users/me", c.Token, "")
	if resp.StatusCode != 200 || !strings.Contains(body, `"username":"ann"`) {
		c.t.Errorf("an ordinary request gets %d %s", resp.StatusCode, body)
	}
}
