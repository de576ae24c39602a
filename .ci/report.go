//go:build ignore

// Command report reads what a step prints, `go test -json` among it, and prints what a person wants to see: lines that
// are not JSON as they are, one line for each package, and the whole output of each test that failed. It writes the
// numbers of tests passed, failed and skipped to the file that it is given.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

type report struct {
	out                     io.Writer
	passed, failed, skipped int
	none                    bool                // -run matched nothing: a step that tests nothing has not passed
	output                  map[string][]string // of tests that have not ended, and of packages
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: report COUNTFILE <output")
		os.Exit(2)
	}
	r := &report{out: os.Stdout, output: map[string][]string{}}
	err := r.read(os.Stdin)
	if err == nil && r.none {
		err = errors.New("a package of this step had no test to run")
	}
	if werr := os.WriteFile(os.Args[1], fmt.Appendf(nil, "%d %d %d\n", r.passed, r.failed, r.skipped), 0o644); werr != nil {
		err = werr
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		r.plain(line)
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "build-output":
		r.plain(e.Output)
	case "pass", "skip", "fail":
		r.end(e, r.output[key])
		delete(r.output, key)
	}
}

// end counts a test, or prints the line of a package.
func (r *report) end(e event, output []string) {
	if e.Test == "" {
		r.packageEnd(e, output)
		return
	}
	switch e.Action {
	case "pass":
		r.passed++
	case "skip":
		r.skipped++
		fmt.Fprint(r.out, "skipped ", e.Package, " ", strings.Join(quiet(output), ""))
	case "fail":
		r.failed++
		fmt.Fprint(r.out, e.Package, "\n", strings.Join(quiet(output), ""))
	}
}

func (r *report) packageEnd(e event, output []string) {
	switch e.Action {
	case "pass":
		if strings.Contains(strings.Join(output, ""), "[no tests to run]") {
			r.none = true
			fmt.Fprintf(r.out, "FAIL %s: no test to run\n", e.Package)
			return
		}
		fmt.Fprintf(r.out, "ok   %s %.1f s\n", e.Package, e.Elapsed)
	case "fail":
		for key, rest := range r.output { // tests cut off by a panic or a time-out say nothing of their own
			if strings.HasPrefix(key, e.Package+" ") && key != e.Package+" " {
				fmt.Fprint(r.out, strings.Join(quiet(rest), ""))
				delete(r.output, key)
			}
		}
		fmt.Fprintf(r.out, "FAIL %s %.1f s\n%s", e.Package, e.Elapsed, strings.Join(quiet(output), ""))
	}
}

// quiet takes out the lines that only say where a test begins or that something failed.
func quiet(output []string) []string {
	var out []string
	for _, line := range output {
		if !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "FAIL") {
			out = append(out, line)
		}
	}
	return out
}

var address = regexp.MustCompile(`(https?://|lookup )([A-Za-z0-9.-]+\.[A-Za-z]{2,})`)

// plain prints a line without the names of other machines: how this one reaches its registries is nobody's business.
func (r *report) plain(line string) {
	if !strings.HasPrefix(line, "go: downloading ") {
		fmt.Fprint(r.out, address.ReplaceAllString(line, "${1}(host)"))
	}
}
