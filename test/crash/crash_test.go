//go:build crash

package crash

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"warble/test/process"
)

var (
	rounds = flag.Int("rounds", 200, "kills")
	seed   = flag.Uint64("seed", 0, "of the run; 0: by the clock")
)

const (
	writers   = 64
	actors    = 8 // accounts that write, each through writers/actors writers
	perStore  = 20
	roundTime = 250 * time.Millisecond
)

// state is what is known of something that a writer switches on and off.
type state uint8

const (
	unknown state = iota // an unanswered call: either
	off
	on
)

// writer is one of the 64: it alone touches the keys it owns, so what it was
// told last is what must be true.
type writer struct {
	who     person
	targets []person
	tweets  map[string]state // own tweets: on, off (deleted)
	live    []string
	likes   map[string]state // of tweets
	follows map[int]state    // of targets
	neigh   *writer          // whose tweets this one likes
	mu      sync.Mutex       // guards live for the neighbour
	rnd     *rand.Rand
	made    int
	label   string
}

// act makes one call and notes what it learnt.
func (w *writer) act(ctx context.Context, h *house) {
	switch n := w.rnd.IntN(10); {
	case n < 5:
		w.post(ctx, h)
	case n < 7:
		if id := w.neigh.some(w.rnd); id != "" {
			w.toggle(ctx, h, w.likes[id], func(s state) { w.likes[id] = s }, "likes", id, map[string]string{"tweet_id": id})
		}
	case n < 9:
		i := w.rnd.IntN(len(w.targets))
		id := w.targets[i].id
		w.toggle(ctx, h, w.follows[i], func(s state) { w.follows[i] = s }, "following", id, map[string]string{"target_user_id": id})
	default:
		w.remove(ctx, h)
	}
}

func (w *writer) some(rnd *rand.Rand) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.live) == 0 {
		return ""
	}
	return w.live[rnd.IntN(len(w.live))]
}

func (w *writer) post(ctx context.Context, h *house) {
	w.made++
	a := h.call(ctx, http.MethodPost, "/2/tweets", w.who.token, map[string]string{"text": fmt.Sprintf("%s tweet %d @%s #crash", w.label, w.made, handleOf(0))})
	if a.status != http.StatusCreated {
		return
	}
	var got struct{ Data struct{ ID string } }
	if err := json.Unmarshal(a.body, &got); err != nil {
		h.Errorf("an answer that cannot be read: %s", a.body)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tweets[got.Data.ID] = on
	w.live = append(w.live, got.Data.ID)
}

// toggle switches a like or follow to what it is not.
func (w *writer) toggle(ctx context.Context, h *house, now state, set func(state), what, id string, body any) {
	set(unknown)
	base := "/2/users/" + w.who.id + "/" + what
	if now == on {
		if a := h.call(ctx, http.MethodDelete, base+"/"+id, w.who.token, nil); a.status == http.StatusOK {
			set(off)
		} else if a.status >= 500 || a.status == 0 {
			return
		}
		return
	}
	if a := h.call(ctx, http.MethodPost, base, w.who.token, body); a.status == http.StatusOK {
		set(on)
	}
}

func (w *writer) remove(ctx context.Context, h *house) {
	id := w.some(w.rnd)
	if id == "" {
		return
	}
	w.mu.Lock()
	w.tweets[id] = unknown
	for i, x := range w.live {
		if x == id {
			w.live = append(w.live[:i], w.live[i+1:]...)
			break
		}
	}
	w.mu.Unlock()
	if a := h.call(ctx, http.MethodDelete, "/2/tweets/"+id, w.who.token, nil); a.status == http.StatusOK {
		w.tweets[id] = off
	}
}

// TestCrashKeepsEverythingAcknowledged is the whole of `make crash`.
func TestCrashKeepsEverythingAcknowledged(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %d rounds", *seed, *rounds)
	rnd := rand.New(rand.NewPCG(*seed, 0))
	binary := process.Build(t)
	var sum totals
	for done := 0; done < *rounds; done += perStore {
		store(t, binary, rnd, min(perStore, *rounds-done), &sum)
	}
	t.Logf("%d rounds: %d tweets, %d deletes, %d likes and follows acknowledged; %d calls without an answer", *rounds, sum.tweets, sum.deletes, sum.edges, sum.unknown)
	if sum.tweets < *rounds || sum.edges < *rounds {
		t.Errorf("too little was written to prove anything")
	}
}

type totals struct{ tweets, deletes, edges, unknown int }

// store goes through some rounds on one fresh store.
func store(t *testing.T, binary string, rnd *rand.Rand, rounds int, sum *totals) {
	dir := t.TempDir()
	h := &house{T: t, dir: dir, server: process.Server{Binary: binary, Data: "dir:" + dir}}
	h.start()
	defer func() { h.kill(); os.RemoveAll(h.dir) }()
	people := make([]person, 2*actors)
	for i := range people {
		people[i] = h.person(handleOf(i))
	}
	ws := make([]*writer, writers)
	for i := range ws {
		ws[i] = &writer{who: people[i%actors], tweets: map[string]state{}, likes: map[string]state{}, follows: map[int]state{},
			rnd: rand.New(rand.NewPCG(rnd.Uint64(), 1)), label: fmt.Sprint("writer ", i)}
		ws[i].targets = []person{people[actors+i/actors]} // (actor, target) pairs have one writer each
	}
	for i, w := range ws {
		w.neigh = ws[(i+1)%writers]
	}
	for range rounds {
		h.round(ws, rnd)
		h.start()
		h.verify(ws)
		if out := h.run("check"); !strings.Contains(out, "clean") {
			h.keep()
			t.Fatalf("check after a crash: %s", out)
		}
		if t.Failed() {
			h.keep()
			t.FailNow()
		}
	}
	for _, w := range ws {
		for _, s := range w.tweets {
			sum.add(s, &sum.tweets, &sum.deletes)
		}
		for _, s := range w.likes {
			sum.add(s, &sum.edges, &sum.edges)
		}
		for _, s := range w.follows {
			sum.add(s, &sum.edges, &sum.edges)
		}
	}
}

func (m *totals) add(s state, whenOn, whenOff *int) {
	switch s {
	case on:
		*whenOn++
	case off:
		*whenOff++
	default:
		m.unknown++
	}
}

// round lets everybody write, pauses the server now and then, and kills it at a random moment.
func (h *house) round(ws []*writer, rnd *rand.Rand) {
	ctx, stop := context.WithCancel(h.Context())
	var wg sync.WaitGroup
	for _, w := range ws {
		wg.Go(func() {
			for ctx.Err() == nil {
				w.act(ctx, h)
			}
		})
	}
	moment := time.Duration(rnd.Int64N(int64(roundTime)))
	pause := rnd.IntN(5) == 0
	<-time.After(moment) //nolint // the random moment is the test
	if pause {
		h.ok(h.server.Signal(syscall.SIGSTOP))
		<-time.After(moment / 2)
		h.ok(h.server.Signal(syscall.SIGCONT))
		<-time.After(moment / 4)
	}
	h.kill()
	stop()
	wg.Wait()
}

// verify compares what the writers were told with what the server says now.
func (h *house) verify(ws []*writer) {
	var wg sync.WaitGroup
	for n, w := range ws {
		wg.Go(func() {
			h.verifyTweets(n, w)
			h.verifyLikes(n, w)
			h.verifyFollows(n, w)
		})
	}
	wg.Wait()
}

type lookup struct {
	Data []struct {
		ID, Text string
		Viewer   struct{ Liked bool }
	}
}

// inHundreds calls with at most a hundred ids at a time.
func inHundreds(m map[string]state, call func(ids []string)) {
	ids := make([]string, 0, 100)
	for id := range m {
		if ids = append(ids, id); len(ids) == 100 {
			call(ids)
			ids = ids[:0]
		}
	}
	if len(ids) > 0 {
		call(ids)
	}
}

func (h *house) verifyTweets(n int, w *writer) {
	inHundreds(w.tweets, func(ids []string) {
		var got lookup
		h.get("/2/tweets?ids="+strings.Join(ids, ","), w.who.token, &got)
		there := map[string]string{}
		for _, t := range got.Data {
			there[t.ID] = t.Text
		}
		for _, id := range ids {
			text, is := there[id]
			switch {
			case w.tweets[id] == on && !is:
				h.Errorf("tweet %s of writer %d was acknowledged and is gone", id, n)
			case w.tweets[id] == off && is:
				h.Errorf("tweet %s of writer %d was deleted and is back", id, n)
			case is && !strings.HasPrefix(text, w.label+" tweet"):
				h.Errorf("tweet %s of writer %d reads %q", id, n, text)
			}
		}
	})
}

func (h *house) verifyLikes(n int, w *writer) {
	inHundreds(w.likes, func(ids []string) {
		var got lookup
		h.get("/2/tweets?tweet.fields=viewer&ids="+strings.Join(ids, ","), w.who.token, &got)
		for _, t := range got.Data {
			switch s := w.likes[t.ID]; {
			case s == unknown:
				w.likes[t.ID] = map[bool]state{true: on, false: off}[t.Viewer.Liked]
			case (s == on) != t.Viewer.Liked:
				h.Errorf("writer %d's like of %s: acknowledged %d, now %v", n, t.ID, s, t.Viewer.Liked)
			}
		}
	})
}

func (h *house) verifyFollows(n int, w *writer) {
	for i, s := range w.follows {
		var got struct {
			Data struct {
				Status []string `json:"connection_status"`
			}
		}
		h.get("/2/users/"+w.targets[i].id+"?user.fields=connection_status", w.who.token, &got)
		is := off
		for _, word := range got.Data.Status {
			if word == "following" {
				is = on
			}
		}
		if s != unknown && s != is {
			h.Errorf("writer %d's follow of target %d: acknowledged %d, now %d", n, i, s, is)
		}
		w.follows[i] = is
	}
}
