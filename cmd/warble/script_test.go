package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts of testdata/script run the real command. Beside the usual words
// they have:
//
//	exits CODE CMD…   runs a command that must end with CODE and, unless that is
//	                  0, say one sentence on standard error
//	server [FLAGS]    starts warble serve on a free port and waits until it is
//	                  ready; $URL is its address, $ADDR host and port
//	stop              sends it SIGTERM and waits; it must end with 0
//	fetch URL [HEADER]  GETs; status and body are standard output
//	png FILE          writes a picture
//	gzip FILE         writes FILE.gz
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"warble": main})
}

func TestScripts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the scripts send signals")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("WARBLE_DATA", "dir:store")
			e.Values["server"] = &running{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "server": startServer, "stop": stopServer, "fetch": fetch, "png": writePNG, "gzip": writeGzip,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// running is the server of a script.
type running struct {
	cmd *exec.Cmd
	err bytes.Buffer
}

var served = regexp.MustCompile(`Warble serves (\S+) from`)

// command makes a command of the script's, in its directory and environment.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, "warble"); path == "" {
			if _, err := os.Stat(p); err == nil {
				path = p
			}
		}
	}
	if path == "" {
		ts.Fatalf("warble is not in PATH")
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "TMPDIR=" + ts.Getenv("TMPDIR"), "WARBLE_DATA=" + ts.Getenv("WARBLE_DATA")}
	return cmd
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || args[1] != "warble" {
		ts.Fatalf("usage: exits CODE warble ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	cmd := command(ts, args[2:])
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, ts.Stdout()), io.MultiWriter(&errOut, ts.Stderr())
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	ts.Logf("%s%s", &out, &errOut)
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	said := errOut.String()
	if want != 0 && out.Len() == 0 && (!strings.HasPrefix(said, "warble: ") || strings.Count(said, "\n") != 1) {
		ts.Fatalf("want one sentence on standard error, got %q", said)
	}
}

func startServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! server")
	}
	s := &running{cmd: command(ts, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))}
	*ts.Value("server").(*running) = running{}
	s.cmd.Stderr = &s.err
	out, err := s.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Defer(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill() // it may be dead
			_ = s.cmd.Wait()
		}
	})
	in := bufio.NewScanner(out)
	for in.Scan() {
		if m := served.FindStringSubmatch(in.Text()); m != nil {
			ts.Setenv("URL", m[1])
			_, addr, _ := strings.Cut(m[1], "://")
			ts.Setenv("ADDR", addr)
			go io.Copy(io.Discard, out)
			ts.Value("server").(*running).cmd = s.cmd
			return
		}
	}
	_ = s.cmd.Wait()
	ts.Fatalf("the server did not start: %s", &s.err)
}

func stopServer(ts *testscript.TestScript, neg bool, _ []string) {
	s := ts.Value("server").(*running)
	if neg || s.cmd == nil {
		ts.Fatalf("there is no server to stop")
	}
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	if err := s.cmd.Wait(); err != nil {
		ts.Fatalf("the server ended with %v: %s", err, s.cmd.Stderr)
	}
	s.cmd = nil
}

func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fetch URL [HEADER: VALUE]")
	}
	req, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	for _, h := range args[1:] {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext}}
	resp, err := client.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d\n%s", resp.StatusCode, body)
}

func writePNG(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: png FILE")
	}
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range 64 * 48 {
		img.Set(i%64, i/64, color.RGBA{uint8(i), uint8(i >> 4), 200, 255})
	}
	var b bytes.Buffer
	ts.Check(png.Encode(&b, img))
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o755))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o644))
}

func writeGzip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gzip FILE")
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(z.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".gz"), b.Bytes(), 0o644))
}
