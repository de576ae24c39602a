package importing

import (
	"context"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"warble"
	"warble/client"
)

// Visitor is the graph user whose home is scrolled to the end.
const Visitor = 7511

// House is one store and, once URL is set, the service over it.
type House struct {
	*testing.T
	Binary string
	Data   string        // as the program's --data
	Limit  time.Duration // for each command
	URL    string
}

// With is the house as a subtest sees it.
func (h *House) With(t *testing.T) *House {
	c := *h
	c.T = t
	return &c
}

// Run executes a command on the store and returns its standard output.
func (h *House) Run(args ...string) string {
	h.Helper()
	ctx, stop := context.WithTimeout(h.Context(), h.Limit)
	defer stop()
	cmd := exec.CommandContext(ctx, h.Binary, append(args, "--data", h.Data)...)
	var errs strings.Builder
	cmd.Stderr = &errs
	start := time.Now()
	out, err := cmd.Output()
	if err != nil {
		h.Fatalf("warble %s: %v\n%s%s", strings.Join(args, " "), err, out, errs.String())
	}
	h.Logf("warble %s: %s\n%s", strings.Join(args[:min(2, len(args))], " "), time.Since(start).Round(10*time.Millisecond), out)
	return string(out)
}

// Says fails the test unless the command says so.
func (h *House) Says(want string, args ...string) {
	h.Helper()
	if out := h.Run(args...); !strings.Contains(out, want) {
		h.Fatalf("warble %s said\n%swant %q", strings.Join(args, " "), out, want)
	}
}

// key is what makes an answered tweet the one it is.
func key(handle string, t client.Tweet) tweet {
	return tweet{strings.ToLower(handle), t.CreatedAt.UTC().Format("2006-01-02T15:04"), t.Text}
}

// Tweets reads the profiles of authors, and searches for what they wrote.
func (h *House) Tweets(want *Files, authors []string) {
	h.Helper()
	api := client.New(h.URL, "")
	var mu sync.Mutex
	read, found := map[tweet]bool{}, map[tweet]bool{}
	var wg sync.WaitGroup
	next := make(chan string)
	for range 16 {
		wg.Go(func() {
			for handle := range next {
				r, s, err := both(h.Context(), api, handle)
				mu.Lock()
				if err != nil {
					h.Errorf("@%s: %v", handle, err)
				}
				maps.Copy(read, r)
				maps.Copy(found, s)
				mu.Unlock()
			}
		})
	}
	for _, handle := range authors {
		next <- handle
	}
	close(next)
	wg.Wait()
	expect := want.by(authors)
	h.same("profiles show", read, expect)
	h.same("search finds", found, expect)
}

// both returns a person's tweets as their profile and as search has them.
func both(ctx context.Context, api *client.Client, handle string) (read, found map[tweet]bool, err error) {
	u, err := api.User(ctx, handle)
	if err != nil {
		return nil, nil, err
	}
	read, err = all(handle, func(q client.PageQuery) (client.Page, error) { return api.Tweets(ctx, u.ID, q) })
	if err != nil {
		return nil, nil, err
	}
	found, err = all(handle, func(q client.PageQuery) (client.Page, error) { return api.Search(ctx, "from:"+handle, q) })
	return read, found, err
}

func all(handle string, page func(client.PageQuery) (client.Page, error)) (map[tweet]bool, error) {
	out := map[tweet]bool{}
	for q := (client.PageQuery{Max: 100, Fields: "created_at"}); ; {
		p, err := page(q)
		if err != nil {
			return nil, err
		}
		for _, t := range p.Tweets {
			out[key(handle, t)] = true
		}
		if q.Next = p.Next; q.Next == "" {
			return out, nil
		}
	}
}

func (h *House) same(what string, got, want map[tweet]bool) {
	h.Helper()
	missing, extra := 0, 0
	for t := range want {
		if !got[t] {
			if missing++; missing <= 3 {
				h.Errorf("not there: %q", t)
			}
		}
	}
	for t := range got {
		if !want[t] {
			if extra++; extra <= 3 {
				h.Errorf("not in the files: %q", t)
			}
		}
	}
	if missing+extra > 0 {
		h.Errorf("%s %d tweets; %d of the files' %d are missing, %d are not in the files", what, len(got), missing, len(want), extra)
	}
}

// Home scrolls from the newest tweet to the oldest.
func (h *House) Home(want *Files) {
	handle := want.Handles[Visitor-1]
	lines := strings.Fields(h.Run("token", handle))
	api := client.New(h.URL, lines[len(lines)-1])
	me, err := api.Me(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	got := map[tweet]bool{}
	var ids []warble.TweetID
	pages := 0
	for q := (client.PageQuery{Max: 20, Fields: "created_at,author_id", Expand: "author_id"}); ; pages++ {
		p, err := api.Home(h.Context(), me.ID, q)
		if err != nil {
			h.Fatal(err)
		}
		names := map[warble.UserID]string{}
		for _, u := range p.Users {
			names[u.ID] = u.Username
		}
		for _, t := range p.Tweets {
			got[key(names[t.AuthorID], t)] = true
			ids = append(ids, t.ID)
		}
		if p.Next == "" {
			break
		}
		if len(p.Tweets) != q.Max {
			h.Errorf("page %d has %d tweets though there are more", pages+1, len(p.Tweets))
		}
		q.Next = p.Next
	}
	expect := want.home(Visitor)
	if n := len(want.follows[Visitor]); n != 3383 || len(expect) != 1081 {
		h.Errorf("the files give %d followees and %d tweets, want 3,383 and 1,081", n, len(expect))
	}
	h.same("home holds", got, expect)
	if !slices.IsSortedFunc(ids, func(a, b warble.TweetID) int { return -compare(a, b) }) || len(ids) != len(expect) {
		h.Errorf("home shows %d tweets for %d, or not newest first", len(ids), len(expect))
	}
	h.Logf("home of @%s: %d tweets in %d pages", handle, len(ids), pages+1)
}

// compare orders ids; two that are the same are out of order.
func compare(a, b warble.ID) int {
	if a > b {
		return 1
	}
	return -1
}
