package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// meter shows how long work goes on: a bar with rate and time left on a
// terminal, a line every ten seconds elsewhere.
type meter struct {
	e           *env
	what        string
	start, last time.Time
	mu          sync.Mutex
	drawn       bool
	done, total int64
}

func (e *env) meter(what string) *meter {
	now := time.Now()
	return &meter{e: e, what: what, start: now, last: now}
}

// Set says that done of total units are done. A total of zero is not known; a
// negative done is how many are left.
func (m *meter) Set(done, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done, m.total = done, total
	every := 10 * time.Second
	if m.e.terminal {
		every = 100 * time.Millisecond
	}
	now := time.Now()
	if now.Sub(m.last) < every {
		return
	}
	m.last = now
	m.draw(now)
}

func (m *meter) draw(now time.Time) {
	line := m.what + ": "
	took := now.Sub(m.start)
	rate := float64(m.done) / max(took.Seconds(), 1e-3)
	switch {
	case m.done < 0:
		line += fmt.Sprintf("%d to go", -m.done)
	case m.total > 0:
		const width = 30
		n := int(min(m.done, m.total) * width / m.total)
		line += fmt.Sprintf("[%s%s] %3d%%  %.0f/s", strings.Repeat("=", n), strings.Repeat(" ", width-n), min(m.done, m.total)*100/m.total, rate)
		if rate > 0 && m.done < m.total {
			line += "  " + (time.Duration(float64(m.total-m.done)/rate) * time.Second).Round(time.Second).String() + " left"
		}
	default:
		line += fmt.Sprintf("%d  %.0f/s", m.done, rate)
	}
	if m.e.terminal {
		fmt.Fprintf(m.e.errOut, "\r\x1b[K%s", line)
		m.drawn = true
		return
	}
	fmt.Fprintln(m.e.errOut, line)
}

// Done ends the meter: the bar goes, what follows starts on a line of its own.
func (m *meter) Done() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.drawn {
		fmt.Fprint(m.e.errOut, "\r\x1b[K")
		m.drawn = false
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
