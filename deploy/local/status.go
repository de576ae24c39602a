//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// A status is one line of cluster-status.
type status struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	PID      int    `json:"pid"` // 0: not running
	Address  string `json:"address"`
	Health   string `json:"health"` // "ok", or why not; "degraded: …" for what is single on one machine
	Memory   int64  `json:"memory"` // resident, bytes
	Restarts int    `json:"restarts"`
	Log      string `json:"log"`
}

func (s *supervisor) status() []status {
	out := make([]status, 0, len(s.processes))
	for _, p := range s.processes {
		p.mu.Lock()
		st := status{Name: p.Name, Role: p.Role, PID: p.pid, Address: p.Addr, Health: p.health, Restarts: p.restarts, Log: p.logFile()}
		p.mu.Unlock()
		if p.Single && st.Health != healthy {
			st.Health = "degraded: " + st.Health
		}
		st.Memory = residentMemory(st.PID)
		out = append(out, st)
	}
	return out
}

// residentMemory is 0 for what does not run.
func residentMemory(pid int) int64 {
	if pid == 0 {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	var kib int64
	if _, after, ok := strings.Cut(string(text), "VmRSS:"); ok {
		if _, err := fmt.Sscan(after, &kib); err != nil {
			return 0
		}
	}
	return kib << 10
}

// writeMetrics is for Prometheus: most engines have no metrics in its form, and none can say that it is down.
func (s *supervisor) writeMetrics(w io.Writer) {
	all := s.status()
	for _, m := range []struct {
		name, kind, help string
		value            func(status) int64
	}{
		{"warble_process_up", "gauge", "1 while the process passes its health check.", func(st status) int64 {
			if st.Health == healthy {
				return 1
			}
			return 0
		}},
		{"warble_process_resident_bytes", "gauge", "Its memory.", func(st status) int64 { return st.Memory }},
		{"warble_process_restarts_total", "counter", "How often it was started again.", func(st status) int64 { return int64(st.Restarts) }},
	} {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", m.name, m.help, m.name, m.kind)
		for _, st := range all {
			fmt.Fprintf(w, "%s{process=%q,role=%q,address=%q} %d\n", m.name, st.Name, st.Role, st.Address, m.value(st))
		}
	}
}
