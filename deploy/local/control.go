//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// socket is relative when that is shorter: the kernel allows about a hundred bytes.
func (l *layout) socket() string {
	path := l.dir("socket")
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
			return rel
		}
	}
	return path
}

// handler is what the supervisor answers on its socket.
func (s *supervisor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, s.status())
	})
	mux.HandleFunc("GET /progress", func(w http.ResponseWriter, r *http.Request) {
		flush := http.NewResponseController(w)
		err := s.progress(r.Context(), func(line string) {
			fmt.Fprintln(w, line)
			_ = flush.Flush() // the next write would say it again
		})
		if err != nil {
			fmt.Fprintln(w, failed+err.Error())
		}
	})
	mux.HandleFunc("POST /down", func(http.ResponseWriter, *http.Request) {
		s.say("going down")
		s.stop()
	})
	mux.HandleFunc("POST /hold", func(w http.ResponseWriter, r *http.Request) {
		sig := syscall.SIGKILL
		if r.FormValue("signal") == "stop" {
			sig = syscall.SIGSTOP
		}
		s.with(w, r, func(p *process) error { return p.hold(sig) })
	})
	mux.HandleFunc("POST /release", func(w http.ResponseWriter, r *http.Request) {
		s.with(w, r, (*process).release)
	})
	return mux
}

// metrics is on an address that others reach: it can only be read.
func (s *supervisor) metrics() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		s.writeMetrics(w)
	})
	return mux
}

// failed begins the last line of a progress that did not end well.
const failed = "failed: "

func (s *supervisor) with(w http.ResponseWriter, r *http.Request, f func(*process) error) {
	p, err := s.find(r.FormValue("name"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	if err := f(p); err != nil {
		http.Error(w, p.Name+": "+err.Error(), http.StatusConflict)
	}
}

func writeJSON(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the reader has gone away
}

// errDown says that no supervisor answers in the run folder.
var errDown = errors.New("the cluster is down")

// call asks the supervisor. The caller closes the body.
func (l *layout) call(ctx context.Context, method, path string, form url.Values) (io.ReadCloser, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", l.socket())
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, method, "http://supervisor"+path+"?"+form.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	var refused *net.OpError
	if errors.As(err, &refused) && refused.Op == "dial" {
		return nil, fmt.Errorf("%w: nobody answers in %s", errDown, l.Run)
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return nil, errors.New(strings.TrimSpace(string(text)))
	}
	return resp.Body, nil
}

func (l *layout) askStatus(ctx context.Context) ([]status, error) {
	body, err := l.call(ctx, http.MethodGet, "/status", nil)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var out []status
	return out, json.NewDecoder(body).Decode(&out)
}

// follow prints progress until everything is ready.
func (l *layout) follow(ctx context.Context, say func(string, ...any)) error {
	body, err := l.call(ctx, http.MethodGet, "/progress", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		if why, ok := strings.CutPrefix(lines.Text(), failed); ok {
			return errors.New(why)
		}
		say("%s", lines.Text())
	}
	return lines.Err()
}

// spawn starts the supervisor so that it outlives this process and holds none of its files.
func (l *layout) spawn(args []string) error {
	if err := closeInherited(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(l.dir("supervisor.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	p, err := os.StartProcess(self, append([]string{self}, args...), &os.ProcAttr{
		Files: []*os.File{null, log, log},
		Env:   append(os.Environ(), runVariable+"="+l.Run),
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return err
	}
	return p.Release()
}

// closeInherited keeps files that whoever started us left open, such as make's, from the processes we start.
func closeInherited() error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// leftovers are the processes of this run folder, this one excepted: the supervisor and what it started.
func (l *layout) leftovers() ([]int, error) {
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	mark := runVariable + "=" + l.Run
	var out []int
	for _, e := range procs {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil {
			continue // gone, or somebody else's
		}
		for entry := range strings.SplitSeq(string(env), "\x00") {
			if entry == mark {
				out = append(out, pid)
			}
		}
	}
	return out, nil
}

// sweep ends what a supervisor that died has left.
func (l *layout) sweep(ctx context.Context) error {
	return until(ctx, func(context.Context) error {
		pids, err := l.leftovers()
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		return fmt.Errorf("processes %v are still there", pids)
	})
}

// takeDown ends everything, by the supervisor if there is one. It is no error if nothing runs.
func (l *layout) takeDown(ctx context.Context) error {
	body, err := l.call(ctx, http.MethodPost, "/down", nil)
	switch {
	case err == nil:
		body.Close()
	case !errors.Is(err, errDown):
		return err
	default:
		return l.sweep(ctx)
	}
	patient, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err = until(patient, func(context.Context) error {
		pids, err := l.leftovers()
		if err == nil && len(pids) > 0 {
			err = fmt.Errorf("processes %v are still there", pids)
		}
		return err
	})
	if err != nil {
		return l.sweep(ctx)
	}
	return nil
}
