package importing

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
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

// Files is what the shared files say, read with the standard library alone.
type Files struct {
	dir     string
	tweets  map[tweet]bool
	Handles []string        // distinct and valid, in the order of the file
	follows map[int]([]int) // by graph number, both ways
}

// ReadFiles skips the test where the input is missing; where CI=true it fails.
func ReadFiles(t *testing.T) *Files {
	t.Helper()
	root := os.Getenv("WARBLE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	f := &Files{dir: filepath.Join(root, "data"), tweets: map[tweet]bool{}, follows: map[int][]int{}}
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

// Path is where an input lies.
func (f *Files) Path(name string) string { return filepath.Join(f.dir, name) }

func (f *Files) readTweets(t *testing.T) {
	t.Helper()
	file, err := os.Open(f.Path("tweets.csv"))
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
			f.Handles = append(f.Handles, handle)
		}
		when, err := time.Parse("1/2/2006 15:04", r[at("tweet_created")])
		if err != nil {
			t.Fatal(err)
		}
		f.tweets[tweet{handle, when.Format("2006-01-02T15:04"), html.UnescapeString(r[at("text")])}] = true
	}
}

func (f *Files) readGraph(t *testing.T) {
	t.Helper()
	file, err := os.Open(f.Path("ego-twitter.edges.gz"))
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
func (f *Files) home(user int) map[tweet]bool {
	of := []string{f.Handles[user-1]}
	for _, other := range f.follows[user] {
		if other <= len(f.Handles) {
			of = append(of, f.Handles[other-1])
		}
	}
	return f.by(of)
}

// by is what some authors wrote.
func (f *Files) by(authors []string) map[tweet]bool {
	of := map[string]bool{}
	for _, handle := range authors {
		of[handle] = true
	}
	out := map[tweet]bool{}
	for tw := range f.tweets {
		if of[tw.handle] {
			out[tw] = true
		}
	}
	return out
}

// Some writes those pairs of the follow graph to a file of the same form that hold one of the graph users and nobody
// without a tweet, and returns how many there are.
func (f *Files) Some(t *testing.T, users []int, path string) (pairs int) {
	t.Helper()
	of := map[int]bool{}
	for _, u := range users {
		of[u] = true
	}
	var lines strings.Builder
	for _, u := range users {
		for _, other := range f.follows[u] {
			if other <= len(f.Handles) && (u < other || !of[other]) {
				fmt.Fprintf(&lines, "%d,%d\n", u, other)
				pairs++
			}
		}
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(file)
	_, err = fmt.Fprintf(z, "%d,%d,u,graph\n%s", len(f.Handles), pairs, lines.String())
	if err := errors.Join(err, z.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return pairs
}
