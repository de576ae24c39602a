package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"warble/test/process"
)

// Move furnishes the store of a running service, whose commands are s's, and runs e2e.py against it, which does the
// work and says there what is asked. It is for tests in any directory beside this one. stale is for how long a process may believe in a token that was revoked
// at another.
func Move(t *testing.T, s *process.Server, stale time.Duration) {
	t.Helper()
	python := interpreter(t)
	what, err := json.Marshal(furnish(t, s, stale))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, python, "-W", "error::DeprecationWarning:__main__", "e2e.py")
	cmd.Dir = filepath.Join("..", "sdk")
	cmd.Stdin = bytes.NewReader(what)
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("e2e.py: %v\n%s\nserver log:\n%s", err, out, s.Log)
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
	Stale    float64           `json:"stale"` // seconds
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
func furnish(t *testing.T, s *process.Server, stale time.Duration) furniture {
	t.Helper()
	f := furniture{URL: s.URL, Stale: stale.Seconds(), Version: os.Getenv("XDK_VERSION"), Password: "correct horse battery", Accounts: map[string]string{}}
	run := func(args ...string) string {
		out, err := s.Run(t.Context(), args...)
		if err != nil {
			t.Fatalf("%v\nserver log:\n%s", err, s.Log)
		}
		return out
	}
	for _, handle := range []string{"ann", "bob", "carl"} {
		out := run("user", "add", handle, "--email", handle+"@example.org", "--password", f.Password, "--name", strings.ToUpper(handle))
		f.Accounts[handle] = find(t, accountLine, out)
	}
	const redirect = "http://127.0.0.1:3999/callback"
	out := run("app", "add", "Bot", "--redirect", redirect)
	f.Bot = app{find(t, clientLine, out), find(t, secretLine, out), redirect}
	out = run("app", "add", "Phone", "--redirect", "phone.example:/back", "--confidential=false")
	f.Phone = app{find(t, clientLine, out), "", "phone.example:/back"}
	lines := strings.Split(strings.TrimSpace(run("token", "carl")), "\n")
	f.Token = lines[len(lines)-1]
	return f
}

func find(t *testing.T, line *regexp.Regexp, in string) string {
	t.Helper()
	m := line.FindStringSubmatch(in)
	if m == nil {
		t.Fatalf("no %v in %q", line, in)
	}
	return m[1]
}
