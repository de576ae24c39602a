//go:build cluster

package jetstream

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"warble"
)

// A worker is a process of its own that consumes: it can be killed and frozen. The test serves it claims, hears what it
// was handed out, and says whether that is done.

const workerVariable = "WARBLE_TEST_WORKER"

func TestMain(m *testing.M) {
	if spec := os.Getenv(workerVariable); spec != "" {
		if err := work(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// job is what a worker is told.
type job struct {
	Name, URL string
	Conf      Config
	Dead      time.Duration
}

// report is a batch that a worker was handed.
type report struct {
	Worker string
	Part   int
	IDs    []warble.ID
}

func work(spec string) error {
	var j job
	if err := json.Unmarshal([]byte(spec), &j); err != nil {
		return err
	}
	ctx := context.Background()
	e, err := Open(ctx, j.Conf, Options{Claims: remoteClaims{j.URL}, Dead: j.Dead})
	if err != nil {
		return err
	}
	defer e.Close()
	return e.Log().Consume(ctx, "fanout", func(_ context.Context, b warble.Batch) error {
		r := report{Worker: j.Name, Part: b.Part}
		for _, ev := range b.Events {
			r.IDs = append(r.IDs, ev.ID)
		}
		var done bool
		if err := ask(ctx, j.URL+"/handed", r, &done); err != nil {
			return err
		}
		if done {
			b.Done()
		}
		return nil
	})
}

// remoteClaims are the test's claims, over HTTP.
type remoteClaims struct{ url string }

type swap struct {
	Name      string
	Old, Next warble.Claim
	TTL       time.Duration
}

func (c remoteClaims) Swap(ctx context.Context, name string, old, next warble.Claim, ttl time.Duration) (now warble.Claim, err error) {
	return now, ask(ctx, c.url+"/swap", swap{name, old, next, ttl}, &now)
}

func (c remoteClaims) Get(ctx context.Context, name string) (now warble.Claim, err error) {
	return now, ask(ctx, c.url+"/get", name, &now)
}

func ask(ctx context.Context, url string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(answer)
}

// office is the test's side.
type office struct {
	w   *world
	url string

	mu     sync.Mutex
	handed []report
	undone map[string]bool          // workers whose batches are never done
	wait   map[string]chan struct{} // workers who hear only later that theirs are
}

func newOffice(t *testing.T, w *world) *office {
	o := &office{w: w, undone: map[string]bool{}, wait: map[string]chan struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/swap", serve(func(ctx context.Context, q swap) (warble.Claim, error) {
		return w.Claims.Swap(ctx, q.Name, q.Old, q.Next, q.TTL)
	}))
	mux.HandleFunc("/get", serve(w.Claims.Get))
	mux.HandleFunc("/handed", serve(func(_ context.Context, r report) (bool, error) {
		o.mu.Lock()
		o.handed = append(o.handed, r)
		done, wait := !o.undone[r.Worker], o.wait[r.Worker]
		o.mu.Unlock()
		if wait != nil {
			<-wait
		}
		return done, nil
	}))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

func serve[Q, A any](answer func(context.Context, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		err := json.NewDecoder(r.Body).Decode(&q)
		if err == nil {
			var a A
			if a, err = answer(r.Context(), q); err == nil {
				err = json.NewEncoder(w).Encode(a)
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

// hire starts a worker.
func (o *office) hire(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	spec, err := json.Marshal(job{Name: name, URL: o.url, Conf: o.w.conf, Dead: 2 * time.Second})
	check(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerVariable+"="+string(spec))
	cmd.Stderr = t.Output()
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// by says which of the events first to first+n-1 a worker was handed since a report, and of how many partitions.
func (o *office) by(worker string, since, first, n int) (events, parts int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids, ps := map[int64]bool{}, map[int]bool{}
	for _, r := range o.handed[since:] {
		for _, id := range r.IDs {
			if ms := id.Millis(); r.Worker == worker && ms >= int64(first) && ms < int64(first+n) {
				ids[ms], ps[r.Part] = true, true
			}
		}
	}
	return len(ids), len(ps)
}

func (o *office) reports() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.handed)
}

// keepWaiting has a worker wait for the answer that its batch is done, until release.
func (o *office) keepWaiting(worker string) (release func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	wait := make(chan struct{})
	o.wait[worker] = wait
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		close(wait)
		delete(o.wait, worker)
	}
}

func (o *office) leaveUndone(worker string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.undone[worker] = true
}

// TestAKilledWorkersPartitionsAreTakenOver, with what it had out.
func TestAKilledWorkersPartitionsAreTakenOver(t *testing.T) {
	w := newWorld(t, shared(t))
	e := w.engine(t)
	o := newOffice(t, w)
	a := o.hire(t, "a")
	w.writes(t, 0, 100)
	w.drained(t, e)
	if n, parts := o.by("a", 0, 0, 100); n != 100 || parts != w.conf.Partitions {
		t.Fatalf("the only worker was handed %d of 100 events, of %d partitions", n, parts)
	}
	o.leaveUndone("a")
	w.writes(t, 100, 100)
	eventually(t, "a has a hundred out", func() bool { n, _ := o.by("a", 0, 100, 100); return n == 100 })
	o.hire(t, "b")
	check(t, a.Process.Kill())
	killed := time.Now()
	eventually(t, "b has what a had out", func() bool { n, _ := o.by("b", 0, 100, 100); return n == 100 })
	if after := time.Since(killed); after < time.Second {
		t.Errorf("b called a dead after %v", after)
	}
	w.writes(t, 200, 100)
	eventually(t, "b has what came since", func() bool { n, _ := o.by("b", 0, 200, 100); return n == 100 })
	if n, _ := o.by("b", 0, 0, 100); n > 0 {
		t.Errorf("%d events that were done came again", n)
	}
	w.drained(t, e)
}

// TestPartitionsAreSharedByThoseWhoConsume: who comes gets his part, who goes leaves it.
func TestPartitionsAreSharedByThoseWhoConsume(t *testing.T) {
	w := newWorld(t, shared(t))
	shares := func() (out []int) {
		byOwner := map[warble.ID]int{}
		for part := range w.conf.Partitions {
			c, err := w.Claims.Get(t.Context(), fmt.Sprintf("log/%s/fanout/%d", w.conf.Stream, part))
			check(t, err)
			byOwner[c.Holder]++
		}
		delete(byOwner, 0)
		return slices.Sorted(maps.Values(byOwner))
	}
	first, second := w.engine(t), w.engine(t)
	a := w.consume(t, first, nil)
	eventually(t, "the only one has all", func() bool { return slices.Equal(shares(), []int{4}) })
	b := w.consume(t, second, nil)
	eventually(t, "each of two has half", func() bool { return slices.Equal(shares(), []int{2, 2}) })
	w.writes(t, 0, 100)
	eventually(t, "together they get all", func() bool {
		for i := range 100 {
			if !a.any(i, 1) && !b.any(i, 1) {
				return false
			}
		}
		return a.any(0, 100) && b.any(0, 100)
	})
	a.stop()
	eventually(t, "who stays has all", func() bool { return slices.Equal(shares(), []int{4}) })
	w.writes(t, 100, 100)
	eventually(t, "and gets all", func() bool { return b.all(100, 100) })
}

// TestWhatAFrozenWorkerFinishesLateIsNotDone: by then it is another's.
func TestWhatAFrozenWorkerFinishesLateIsNotDone(t *testing.T) {
	w := newWorld(t, shared(t))
	e := w.engine(t)
	o := newOffice(t, w)
	a := o.hire(t, "a")
	w.writes(t, 0, 10)
	w.drained(t, e)
	release := o.keepWaiting("a")
	w.writes(t, 10, 100)
	eventually(t, "a works on every partition", func() bool { _, parts := o.by("a", 0, 10, 100); return parts == w.conf.Partitions })
	check(t, a.Process.Signal(syscall.SIGSTOP))
	o.leaveUndone("b")
	o.hire(t, "b")
	eventually(t, "b has it all", func() bool { n, _ := o.by("b", 0, 10, 100); return n == 100 })
	release()
	o.leaveUndone("a")
	check(t, a.Process.Signal(syscall.SIGCONT))
	since := o.reports()
	eventually(t, "a is there again and gets its share", func() bool { _, parts := o.by("a", since, 10, 100); return parts > 0 })
	p, err := e.Log().Position(t.Context(), "fanout")
	check(t, err)
	if p.Behind != 100 {
		t.Errorf("nothing counts as done, yet the group is %d behind, not 100", p.Behind)
	}
}
