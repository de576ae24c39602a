package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// lagLimit is how far fan-out may be behind at the end of a line.
const lagLimit = time.Second

// Result is one measured line. What does not apply is zero.
type Result struct {
	Key   string  `json:"key"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Limit is the least Ratio, or where there is no ratio the most Value that we want; 0: none.
	Limit float64 `json:"limit"`
	Ratio float64 `json:"ratio"` // ours ÷ the control's, so that more is better
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`

	Detail *Detail `json:"-"`
}

// Detail is for people.
type Detail struct {
	Note     string
	Behind   float64 // seconds that fan-out was behind at the end
	P99Limit float64 // the most P99 that we want; 0: none
}

// Report is a run.
type Report struct {
	Machine string        `json:"machine"`
	Results []Result      `json:"results"`
	Lag     time.Duration `json:"-"`
}

// Good says whether a result is what we want, and if not why.
func (r *Result) Good() (ok bool, why string) {
	switch {
	case r.Detail != nil && r.Detail.Behind > lagLimit.Seconds():
		return false, fmt.Sprintf("fan-out %.1f s behind", r.Detail.Behind)
	case r.Limit == 0:
		return true, ""
	case r.Ratio != 0 && r.Ratio < r.Limit:
		return false, "short"
	case r.Ratio == 0 && r.Value > r.Limit:
		return false, "short"
	case r.Detail != nil && r.Detail.P99Limit != 0 && r.P99 > r.Detail.P99Limit:
		return false, fmt.Sprintf("p99 above %g ms", r.Detail.P99Limit)
	}
	return true, "ok"
}

// Good says whether every line is what we want.
func (r *Report) Good() bool {
	for i := range r.Results {
		if ok, _ := r.Results[i].Good(); !ok {
			return false
		}
	}
	return true
}

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	if r.Results == nil {
		r.Results = []Result{}
	}
	return json.NewEncoder(w).Encode(r)
}

// Table writes the report for people.
func (r *Report) Table(w io.Writer) error {
	fmt.Fprintln(w, r.Machine)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "key\tvalue\tunit\tratio\tlimit\tp50 ms\tp99 ms\t\t")
	for i := range r.Results {
		x := &r.Results[i]
		_, mark := x.Good()
		limit := ""
		switch {
		case x.Limit != 0 && x.Ratio != 0:
			limit = "≥ " + short(x.Limit)
		case x.Limit != 0:
			limit = "≤ " + short(x.Limit)
		}
		note := ""
		if x.Detail != nil {
			note = x.Detail.Note
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.Key, short(x.Value), x.Unit, orBlank(x.Ratio), limit, orBlank(x.P50), orBlank(x.P99), mark, note)
	}
	return t.Flush()
}

func orBlank(v float64) string {
	if v == 0 {
		return ""
	}
	return short(v)
}

// short gives three figures or whole numbers.
func short(v float64) string {
	switch {
	case v >= 1000:
		s := fmt.Sprintf("%.0f", v)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 1:
		return fmt.Sprintf("%.3g", v)
	}
	return fmt.Sprintf("%.2g", v)
}

// spanOf shows how far the rounds of a control lie apart: where that is far, the
// machine was not ours alone, and a ratio of throughputs says little.
func spanOf(list []float64) string {
	text := "rounds " + short(slices.Min(list)) + " to " + short(slices.Max(list))
	if slices.Max(list) > 2*slices.Min(list) {
		text += " (UNSTEADY)"
	}
	return text
}

// machine names what this runs on.
func machine() string {
	cpu := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores of %s, %s/%s, %s", runtime.NumCPU(), cpu, runtime.GOOS, runtime.GOARCH, runtime.Version())
}
