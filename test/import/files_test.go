//go:build import

package importing

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tweet is what makes a tweet the one it is.
type tweet struct {
	handle string // folded
	minute string // 2015-02-24T11:35
	text   string
}

// files is what the shared files say, read with the standard library alone.
type files struct {
	dir     string
	tweets  map[tweet]bool
	handles []string        // distinct and valid, in the order of the file
	follows map[int]([]int) // by graph number, both ways
}

func readFiles(t *testing.T) *files {
	t.Helper()
	root := os.Getenv("WARBLE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	f := &files{dir: filepath.Join(root, "data"), tweets: map[tweet]bool{}, follows: map[int][]int{}}
	if _, err := os.Stat(f.dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("SHARED MATERIAL MISSING: %v", err)
		}
		t.Skipf("SKIPPED, NOTHING CHECKED: shared material is missing: %v", err)
	}
	f.readTweets(t)
	f.readGraph(t)
	return f
}

func (f *files) path(name string) string { return filepath.Join(f.dir, name) }

func (f *files) readTweets(t *testing.T) {
	t.Helper()
	file, err := os.Open(f.path("tweets.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) int { return slices.Index(rows[0], name) }
	valid := regexp.MustCompile(`^[A-Za-z0-9_]{1,15}$`)
	seen := map[string]bool{}
	for _, r := range rows[1:] {
		handle := strings.ToLower(r[at("name")])
		if !valid.MatchString(handle) {
			continue
		}
		if !seen[handle] {
			seen[handle] = true
			f.handles = append(f.handles, handle)
		}
		when, err := time.Parse("1/2/2006 15:04", r[at("tweet_created")])
		if err != nil {
			t.Fatal(err)
		}
		f.tweets[tweet{handle, when.Format("2006-01-02T15:04"), html.UnescapeString(r[at("text")])}] = true
	}
}

func (f *files) readGraph(t *testing.T) {
	t.Helper()
	file, err := os.Open(f.path("ego-twitter.edges.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Scan() // the header
	for lines.Scan() {
		x, y, _ := strings.Cut(lines.Text(), ",")
		a, err1 := strconv.Atoi(x)
		b, err2 := strconv.Atoi(y)
		if err := cmp.Or(err1, err2); err != nil {
			t.Fatal(err)
		}
		if a != b {
			f.follows[a] = append(f.follows[a], b)
			f.follows[b] = append(f.follows[b], a)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// home is what a graph user's home must hold: the tweets of everybody followed,
// and their own.
func (f *files) home(user int) map[tweet]bool {
	of := map[string]bool{f.handles[user-1]: true}
	for _, other := range f.follows[user] {
		if other <= len(f.handles) {
			of[f.handles[other-1]] = true
		}
	}
	out := map[tweet]bool{}
	for tw := range f.tweets {
		if of[tw.handle] {
			out[tw] = true
		}
	}
	return out
}
