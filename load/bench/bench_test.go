package bench_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"warble/load/bench"
)

// program builds the binary as a user has it.
func program(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "warble")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", name, "warble/cmd/warble").CombinedOutput(); err != nil {
		t.Fatalf("the program does not build: %v\n%s", err, out)
	}
	return name
}

func TestBenchPrintsOneJSONDocumentAndLeavesNothingBehind(t *testing.T) {
	temp := t.TempDir()
	cmd := exec.Command(program(t), "bench", "--quick", "--only", "post.engine", "--json", "--shrink", "20", "--temp", temp)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errOut.String())
	}
	var doc struct {
		Machine string
		Results []map[string]any
	}
	d := json.NewDecoder(&out)
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if d.More() || doc.Machine == "" || len(doc.Results) != 1 {
		t.Fatalf("want one document with a machine and one result, got %+v", doc)
	}
	r := doc.Results[0]
	for _, field := range []string{"value", "limit", "ratio", "p50_ms", "p99_ms"} {
		if n, ok := r[field].(float64); !ok || n <= 0 {
			t.Errorf("%s is %v, want a number above 0", field, r[field])
		}
	}
	if r["key"] != "post.engine" || r["unit"] != "/s" || len(r) != 7 {
		t.Errorf("the result is %v", r)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestUnknownKeysAreRefused(t *testing.T) {
	if _, err := bench.Run(t.Context(), bench.Options{Only: []string{"home.natve"}}); err == nil {
		t.Error("a key that is not there was taken")
	}
	if _, err := bench.Run(t.Context(), bench.Options{Quick: true, Only: []string{"home.cold"}}); err == nil {
		t.Error("--quick took a line without a ratio")
	}
}

func TestResultsSayWhetherTheyAreWhatWeWant(t *testing.T) {
	for name, c := range map[string]struct {
		r    bench.Result
		good bool
	}{
		"a ratio above its limit":  {bench.Result{Ratio: 0.51, Limit: 0.5}, true},
		"a ratio below its limit":  {bench.Result{Ratio: 0.49, Limit: 0.5}, false},
		"a value below its limit":  {bench.Result{Value: 19, Limit: 20}, true},
		"a value above its limit":  {bench.Result{Value: 21, Limit: 20}, false},
		"nothing wanted":           {bench.Result{Value: 21}, true},
		"fan-out behind":           {bench.Result{Ratio: 1, Limit: 0.5, Detail: &bench.Detail{Behind: 1.1}}, false},
		"a p99 too far from a p50": {bench.Result{Value: 1, Limit: 1, P99: 11, Detail: &bench.Detail{P99Limit: 10}}, false},
		"a p99 as near as we want": {bench.Result{Value: 1, Limit: 1, P99: 9, Detail: &bench.Detail{P99Limit: 10}}, true},
	} {
		if got, why := c.r.Good(); got != c.good {
			t.Errorf("%s: good is %v (%s)", name, got, why)
		}
	}
}
