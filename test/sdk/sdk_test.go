//go:build sdk

package sdk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSDKBotMovesHere runs e2e.py, which does the work, against a server of
// its own. It says there what is asked.
func TestSDKBotMovesHere(t *testing.T) {
	python := interpreter(t)
	h := &house{T: t, binary: build(t), dir: t.TempDir()}
	h.start()
	what, err := json.Marshal(h.furnish())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, python, "-W", "error::DeprecationWarning:__main__", "e2e.py")
	cmd.Stdin = bytes.NewReader(what)
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("e2e.py: %v\n%s\nserver log:\n%s", err, out, h.log)
	}
	t.Logf("%s", out)
}

// interpreter is the Python whose venv holds the SDK in the version that is
// asked for. Without one the test is skipped, and says so; where CI=true it
// fails, because there a test that does not run is a mistake.
func interpreter(t *testing.T) string {
	t.Helper()
	python, version := os.Getenv("XDK_PYTHON"), os.Getenv("XDK_VERSION")
	missing := ""
	switch {
	case python == "" || version == "":
		missing = "XDK_PYTHON and XDK_VERSION are not set: run make sdk"
	default:
		out, err := exec.Command(python, "-c", "import importlib.metadata as m; print(m.version('xdk'))").CombinedOutput()
		if err != nil {
			missing = python + ": " + err.Error() + "\n" + string(out)
		} else if got := strings.TrimSpace(string(out)); got != version {
			t.Fatalf("%s holds xdk %s, want %s", python, got, version)
		}
	}
	if missing != "" && os.Getenv("CI") == "true" {
		t.Fatalf("SDK MISSING: %s", missing)
	}
	if missing != "" {
		t.Skipf("SKIPPED, NOTHING CHECKED: %s", missing)
	}
	return python
}

// house is one store and the process that serves it.
type house struct {
	*testing.T
	binary, dir, url string
	log              *lockedBuffer
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

func build(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "warble")
	if text, err := exec.Command("go", "build", "-o", out, "warble/cmd/warble").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, text)
	}
	return out
}

var addressLine = regexp.MustCompile(`Warble serves (http://\S+) from`)

// start serves the store, waits for the address, and stops when the test ends.
func (h *house) start() {
	h.Helper()
	h.log = &lockedBuffer{}
	cmd := exec.Command(h.binary, "serve", "--dev", "--listen", "127.0.0.1:0", "--data", "dir:"+h.dir)
	cmd.Stderr = h.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	found, exited := make(chan string, 1), make(chan struct{})
	go func() {
		scan := bufio.NewScanner(io.TeeReader(out, h.log))
		for scan.Scan() {
			if m := addressLine.FindStringSubmatch(scan.Text()); m != nil {
				found <- m[1]
			}
		}
		_ = cmd.Wait() // interrupted at the end
		close(exited)
	}()
	h.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may be gone already
		select {
		case <-exited:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill() // it may be gone by now
			<-exited
			h.Errorf("the server did not stop when asked to:\n%s", h.log)
		}
	})
	select {
	case h.url = <-found:
	case <-exited:
		h.Fatalf("the server ended at its start:\n%s", h.log)
	case <-time.After(30 * time.Second):
		h.Fatalf("the server was not ready after 30 s:\n%s", h.log)
	}
}

// run executes a command on the store and returns what it prints.
func (h *house) run(args ...string) string {
	h.Helper()
	ctx, stop := context.WithTimeout(h.Context(), time.Minute)
	defer stop()
	out, err := exec.CommandContext(ctx, h.binary, append(args, "--data", "dir:"+h.dir)...).Output()
	if err != nil {
		h.Fatalf("warble %s: %v\n%s\nserver log:\n%s", strings.Join(args, " "), err, out, h.log)
	}
	return string(out)
}

// app is what a program that signs people in knows of itself.
type app struct {
	ID       string `json:"id"`
	Secret   string `json:"secret"`
	Redirect string `json:"redirect"`
}

// furniture is what e2e.py reads from its standard input.
type furniture struct {
	URL      string            `json:"url"`
	Version  string            `json:"version"`
	Bot      app               `json:"bot"`   // keeps a secret
	Phone    app               `json:"phone"` // cannot
	Password string            `json:"password"`
	Accounts map[string]string `json:"accounts"` // ids by handle
	Token    string            `json:"token"`    // carl's, from the command line
}

var (
	accountLine = regexp.MustCompile(`is account (\d+)`)
	clientLine  = regexp.MustCompile(`client id:\s+(\d+)`)
	secretLine  = regexp.MustCompile(`client secret:\s+(\S+)`)
)

// furnish makes accounts and apps as an operator does.
func (h *house) furnish() furniture {
	h.Helper()
	f := furniture{URL: h.url, Version: os.Getenv("XDK_VERSION"), Password: "correct horse battery", Accounts: map[string]string{}}
	for _, handle := range []string{"ann", "bob", "carl"} {
		out := h.run("user", "add", handle, "--email", handle+"@example.org", "--password", f.Password, "--name", strings.ToUpper(handle))
		f.Accounts[handle] = h.find(accountLine, out)
	}
	const redirect = "http://127.0.0.1:3999/callback"
	out := h.run("app", "add", "Bot", "--redirect", redirect)
	f.Bot = app{h.find(clientLine, out), h.find(secretLine, out), redirect}
	out = h.run("app", "add", "Phone", "--redirect", "phone.example:/back", "--confidential=false")
	f.Phone = app{h.find(clientLine, out), "", "phone.example:/back"}
	lines := strings.Split(strings.TrimSpace(h.run("token", "carl")), "\n")
	f.Token = lines[len(lines)-1]
	return f
}

func (h *house) find(line *regexp.Regexp, in string) string {
	h.Helper()
	m := line.FindStringSubmatch(in)
	if m == nil {
		h.Fatalf("no %v in %q", line, in)
	}
	return m[1]
}
