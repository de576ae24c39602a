//go:build cluster

package fault

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

func newMeter(start time.Time) *meter { return &meter{start: start, under: map[*sample]bool{}} }

// meter is how the service did, call by call.
type meter struct {
	start time.Time
	mu    sync.Mutex
	all   []sample
	under map[*sample]bool // calls that have not ended

	trouble time.Duration // when the last call ended that failed or was slow
}

// sample is one call: served means any answer below 500.
type sample struct {
	write, served bool
	begin, end    time.Duration
}

// call meters a call that begins now, until what it returns is called.
func (m *meter) call(write bool) (ended func(served bool)) {
	s := &sample{write: write, begin: time.Since(m.start)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.under[s] = true
	return func(served bool) {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.under, s)
		s.served, s.end = served, time.Since(m.start)
		m.all = append(m.all, *s)
		if s.bad(s.end) {
			m.trouble = s.end
		}
	}
}

// bad says whether a call that ends now failed or was slow.
func (s *sample) bad(now time.Duration) bool { return !s.served || now-s.begin > slow }

// quietFor is how long ago a call failed or was slow, as one may be that is under way.
func (m *meter) quietFor() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Since(m.start)
	for s := range m.under {
		if now-s.begin > slow {
			return 0
		}
	}
	return now - m.trouble
}

// episode is the time of one fault.
type episode struct {
	Name          string
	Begin, Undone time.Duration // by the history's clock
	End           time.Duration // of its share of the run
}

// slow is what counts as not normal yet although it was served.
const slow = 2 * time.Second

// verdict is how the service did during an episode.
type verdict struct {
	Calls, Failed int
	NoWrite       time.Duration // the longest time in which no write was served
	NoRead        time.Duration
	Normal        time.Duration // from the fault to the end of the last call that failed or was slow
}

func (m *meter) judge(e episode) verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := verdict{}
	served := map[bool][]time.Duration{true: {e.Begin, e.End}, false: {e.Begin, e.End}}
	for _, s := range m.all {
		if s.begin < e.Begin || s.begin >= e.End {
			continue
		}
		v.Calls++
		if s.served {
			served[s.write] = append(served[s.write], min(s.end, e.End))
		} else {
			v.Failed++
		}
		if s.bad(s.end) {
			v.Normal = max(v.Normal, s.end-e.Begin)
		}
	}
	v.NoWrite, v.NoRead = longestGap(served[true]), longestGap(served[false])
	return v
}

func longestGap(at []time.Duration) (gap time.Duration) {
	slices.Sort(at)
	for i := 1; i < len(at); i++ {
		gap = max(gap, at[i]-at[i-1])
	}
	return gap
}

// table prints what became of the service under each fault.
func (m *meter) table(episodes []episode) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "fault\tcalls\tfailed\terror rate\tno write\tno read\tnormal after\t")
	for _, e := range episodes {
		v := m.judge(e)
		fmt.Fprintf(w, "%s\t%d\t%d\t%.2f %%\t%s\t%s\t%s\t\n", e.Name, v.Calls, v.Failed,
			100*float64(v.Failed)/float64(max(v.Calls, 1)), tenths(v.NoWrite), tenths(v.NoRead), tenths(v.Normal))
	}
	w.Flush()
	return b.String()
}

func tenths(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
