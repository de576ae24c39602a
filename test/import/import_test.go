//go:build import

package importing

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"warble"
	"warble/client"
)

// What the follow graph should take on two idle cores, and what it may take on
// a machine that others use as well.
const followsWanted = time.Minute

var limit = flag.Duration("limit", 3*time.Minute, "for the import of the follow graph")

// visitor is the graph user whose home is scrolled to the end.
const visitor = 7511

// house is one store and, once served, its server.
type house struct {
	*testing.T
	binary, dir string
	url         string
}

func TestImportAllOfTheSharedData(t *testing.T) {
	want := readFiles(t)
	h := &house{T: t, binary: filepath.Join(t.TempDir(), "warble"), dir: filepath.Join(t.TempDir(), "data")}
	if out, err := exec.Command("go", "build", "-o", h.binary, "warble/cmd/warble").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	h.says("14640 rows read, 14478 added, 155 already there, 7 rejected; 7698 people made", "import", "tweets", want.path("tweets.csv"))
	start := time.Now()
	h.says("1342310 rows read, 2684592 added, 0 already there, 14 rejected; 73608 people made",
		"import", "follows", want.path("ego-twitter.edges.gz"), "--handles", want.path("tweets.csv"), "--both")
	if took := time.Since(start); took > *limit {
		t.Errorf("the follow graph took %s, with counts and search; %s is the limit", took.Round(time.Second), *limit)
	} else {
		t.Logf("the follow graph took %s, %.2f of the %s wanted", took.Round(time.Second), float64(took)/float64(followsWanted), followsWanted)
	}
	h.says("19 files read, 17 added, 0 already there, 2 rejected; 1 person made", "import", "photos", want.path("photos"))
	h.says("14640 rows read, 0 added, 14633 already there, 7 rejected; 0 people made", "import", "tweets", want.path("tweets.csv"))
	h.says("19 files read, 0 added, 17 already there, 2 rejected; 0 people made", "import", "photos", want.path("photos"))
	h.says("clean: ", "check")

	h.serve()
	t.Run("every tweet is readable and searchable", func(t *testing.T) { h.with(t).everyTweet(want) })
	t.Run("the longest home is what the files say", func(t *testing.T) { h.with(t).home(want) })
	t.Run("photos", func(t *testing.T) { h.with(t).photos() })
}

func (h *house) with(t *testing.T) *house {
	c := *h
	c.T = t
	return &c
}

// run executes a command on the store and returns its standard output.
func (h *house) run(args ...string) string {
	h.Helper()
	ctx, stop := context.WithTimeout(h.Context(), 10*time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, h.binary, append(args, "--data", "dir:"+h.dir)...)
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

func (h *house) says(want string, args ...string) {
	h.Helper()
	if out := h.run(args...); !strings.Contains(out, want) {
		h.Fatalf("warble %s said\n%swant %q", strings.Join(args, " "), out, want)
	}
}

var addressLine = regexp.MustCompile(`Warble serves (http://\S+) from`)

// serve starts the server and waits for its address.
func (h *house) serve() {
	h.Helper()
	cmd := exec.Command(h.binary, "serve", "--dev", "--quiet", "--listen", "127.0.0.1:0", "--data", "dir:"+h.dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		h.Fatal(err)
	}
	ended := make(chan error, 1)
	h.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // where it ended already, Wait says why
		if err := <-ended; err != nil {
			h.Errorf("the server ended with %v", err)
		}
	})
	found := make(chan string, 1)
	go func() {
		scan := bufio.NewScanner(out)
		for scan.Scan() {
			if m := addressLine.FindStringSubmatch(scan.Text()); m != nil {
				found <- m[1]
			}
		}
		ended <- cmd.Wait()
	}()
	select {
	case h.url = <-found:
	case <-time.After(30 * time.Second):
		h.Fatal("the server was not ready after 30 s")
	}
}

// key is what makes an answered tweet the one it is.
func key(handle string, t client.Tweet) tweet {
	return tweet{strings.ToLower(handle), t.CreatedAt.UTC().Format("2006-01-02T15:04"), t.Text}
}

// everyTweet reads every author's profile, and searches for what they wrote.
func (h *house) everyTweet(want *files) {
	api := client.New(h.url, "")
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
	for _, handle := range want.handles {
		next <- handle
	}
	close(next)
	wg.Wait()
	h.same("profiles show", read, want.tweets)
	h.same("search finds", found, want.tweets)
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

func (h *house) same(what string, got, want map[tweet]bool) {
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

// home scrolls from the newest tweet to the oldest.
func (h *house) home(want *files) {
	handle := want.handles[visitor-1]
	lines := strings.Fields(h.run("token", handle))
	api := client.New(h.url, lines[len(lines)-1])
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
	expect := want.home(visitor)
	if n := len(want.follows[visitor]); n != 3383 || len(expect) != 1081 {
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

// photos fetches every photo posted: it is a JPEG, and holds no metadata.
func (h *house) photos() {
	api := client.New(h.url, "")
	u, err := api.User(h.Context(), "photos")
	if err != nil {
		h.Fatal(err)
	}
	var answer struct {
		Data     []struct{ Text string }
		Includes struct{ Media []struct{ URL string } }
	}
	q := url.Values{"max_results": {"100"}, "expansions": {"attachments.media_keys"}, "media.fields": {"url"}}
	if err := api.Do(h.Context(), http.MethodGet, "/2/users/"+u.ID.String()+"/tweets", q, nil, &answer); err != nil {
		h.Fatal(err)
	}
	if len(answer.Data) != 17 || len(answer.Includes.Media) != 17 {
		h.Fatalf("%d tweets with %d photos, want 17", len(answer.Data), len(answer.Includes.Media))
	}
	for _, m := range answer.Includes.Media {
		data, err := fetch(h.Context(), m.URL)
		if err != nil {
			h.Error(err)
			continue
		}
		if !strings.HasPrefix(string(data), "\xff\xd8") || strings.Contains(string(data), "Exif") || strings.Contains(string(data), "GPS") {
			h.Errorf("%s is no JPEG without metadata", m.URL)
		}
	}
}

func fetch(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", address, resp.Status)
	}
	return io.ReadAll(resp.Body)
}
