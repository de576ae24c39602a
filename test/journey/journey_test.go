//go:build journey

package journey

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	importing "warble/test/import"
	"warble/test/process"
	"warble/test/sdk"
)

var (
	run  = flag.String("run-folder", "", "of the cluster: empty, or not there")
	net  = flag.String("net", "127.0.55", "first three numbers of its addresses")
	port = flag.String("port", "8455", "of its balancer")
	full = flag.Bool("full", false, "import the whole follow graph")
)

const (
	startLimit  = 10 * time.Minute // with all that has to be installed first
	quietLimit  = 2 * time.Minute  // from a held process to its alert, from its release to health
	importLimit = 12 * time.Minute
	graphLimit  = 3 * time.Hour
)

// stale is what docs/caches.md allows a token elsewhere, and a little for the way.
const stale = 11 * time.Second

// Some of the graph's users, the longest home's among them, are enough where CI waits.
const (
	someUsers   = 500
	everyNth    = 15
	someAuthors = 25 // every 25th
)

func TestJourney(t *testing.T) {
	want := importing.ReadFiles(t)
	c := &cluster{run: folder(t)}
	var err error
	if c.binary, err = filepath.Abs(filepath.Join("..", "..", "bin", "warble")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.down(t, context.Background()) }) // again, where the journey ended early
	step(t, "make cluster serves and lets go of its output", c.start)
	step(t, "cluster-status keeps its contract", c.statusContract)
	h := &importing.House{Binary: c.binary, Data: c.data, URL: c.url, Limit: importLimit}
	step(t, "an account is made by the command line", func(t *testing.T) {
		h.With(t).Says("is account", "user", "add", "journey", "--email", "journey@example.org", "--password", "correct horse battery")
	})
	step(t, "a bot moves here", func(t *testing.T) { sdk.Move(t, &process.Server{Binary: c.binary, Data: c.data, URL: c.url}, stale) })
	step(t, "tweets and follows are imported", func(t *testing.T) { imports(h.With(t), want) })
	step(t, "the longest home is what the files say", func(t *testing.T) { h.With(t).Home(want) })
	step(t, "tweets are readable and searchable", func(t *testing.T) {
		var authors []string
		for i := 0; i < len(want.Handles); i += someAuthors {
			authors = append(authors, want.Handles[i])
		}
		h.With(t).Tweets(want, authors)
	})
	step(t, "check is clean", func(t *testing.T) { h.With(t).Says("clean: ", "check") })
	step(t, "an engine held down raises its alert", func(t *testing.T) { c.alert(t, "redis-1") })
	step(t, "cluster-down leaves no process", c.end)
}

// folder is empty, and the binary is not in it.
func folder(t *testing.T) string {
	t.Helper()
	if *run == "" {
		t.Fatal("-run-folder is wanted: run make journey")
	}
	path, err := filepath.Abs(*run)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(path)
	if err != nil && !os.IsNotExist(err) || len(entries) > 0 {
		t.Fatalf("%s is not empty (%v): make cluster-down ends what may run there; then remove it", path, err)
	}
	return path
}

// imports brings all tweets and, unless all is wanted, every follow of some people who have tweets.
func imports(h *importing.House, want *importing.Files) {
	h.Helper()
	tweets := want.Path("tweets.csv")
	h.Says("14640 rows read, 14478 added, 155 already there, 7 rejected; 7698 people made", "import", "tweets", tweets)
	if *full {
		h.Limit = graphLimit
		start := time.Now()
		h.Says("1342310 rows read, 2684592 added, 0 already there, 14 rejected; 73608 people made",
			"import", "follows", want.Path("ego-twitter.edges.gz"), "--handles", tweets, "--both")
		fmt.Printf("the whole follow graph took %s\n", time.Since(start).Round(time.Second))
		return
	}
	var users []int
	for i := range someUsers {
		users = append(users, importing.Visitor-i*everyNth)
	}
	path := filepath.Join(h.TempDir(), "some.edges.gz")
	pairs := want.Some(h.T, users, path)
	h.Says(fmt.Sprintf("%d rows read, %d added, 0 already there, 0 rejected; 0 people made", pairs, 2*pairs),
		"import", "follows", path, "--handles", tweets, "--both")
}

// step is a subtest; the first that fails ends the journey, as those after it would mean nothing.
func step(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	start := time.Now()
	ok := t.Run(name, f)
	t.Logf("%6.1f s  %s", time.Since(start).Seconds(), name)
	if !ok {
		t.FailNow()
	}
}
