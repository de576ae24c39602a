package load_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"warble"
	"warble/internal/photo"
	"warble/load"
	"warble/role/read"
	"warble/role/write"
)

// file writes a file of a test's own.
func file(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const someTweets = `name,text,tweet_created,tweet_location
ann,@bob look: a &lt;boat&gt;,2/24/2015 11:35,the harbour
bob,hello,2/24/2015 11:35,
BOB,hello,2/24/2015 11:35,
late flight,never,2/24/2015 11:35,
carol,"two
lines",2/24/2015 11:36,
`

// countsOf returns the counters of a person.
func countsOf(t *testing.T, s *load.Store, handle string) (*warble.User, []int64) {
	t.Helper()
	u, err := s.Stores.Users.ByHandle(t.Context(), handle)
	if err != nil || u == nil {
		t.Fatalf("@%s: %v, %v", handle, u, err)
	}
	n, err := s.Stores.Counts.Get(t.Context(), []warble.CountKind{warble.CountTweets, warble.CountFollowers, warble.CountFollowing}, []warble.ID{u.ID})
	if err != nil {
		t.Fatal(err)
	}
	return u, n
}

func TestImportedTweetsAreThereAtTheirTimeAndSearchable(t *testing.T) {
	s := open(t, "mem:")
	r, err := s.ImportTweets(t.Context(), file(t, "t.csv", []byte(someTweets)), load.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (load.Tally{Read: 5, Added: 3, There: 1, Rejected: 1}); r.Tally != want || r.People != 3 {
		t.Fatalf("came to %+v and %d people, want %+v and 3", r.Tally, r.People, want)
	}
	if err := s.Settle(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	page, err := reader(s).Search(t.Context(), 0, "boat", read.TimelineQuery{Page: warble.Page{Limit: 10}})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("a search found %v, %v", page, err)
	}
	row := page.Items[0].Tweet
	bob, counts := countsOf(t, s, "Bob")
	if row.Text != "@bob look: a <boat>" || row.Created().Format("2006-01-02 15:04") != "2015-02-24 11:35" || row.ReplyTo != 0 ||
		row.Place == nil || row.Place.Name != "the harbour" || !slices.Equal(row.Mentions, []warble.UserID{bob.ID}) {
		t.Errorf("the tweet came as %+v", row)
	}
	if counts[0] != 1 {
		t.Errorf("bob has %d tweets, want 1", counts[0])
	}
}

func TestImportTwiceChangesNothing(t *testing.T) {
	s := open(t, "mem:")
	tweets := file(t, "t.csv", []byte(someTweets))
	follows := file(t, "f.edges.gz", graph(t, 40, 300))
	all := func() (a, b load.Report) {
		a, err1 := s.ImportTweets(t.Context(), tweets, load.ImportOptions{})
		b, err2 := s.ImportFollows(t.Context(), follows, load.FollowsOptions{Handles: tweets, Both: true})
		if err := errors.Join(err1, err2, s.Settle(t.Context(), nil)); err != nil {
			t.Fatal(err)
		}
		return a, b
	}
	all()
	ann, before := countsOf(t, s, "ann")
	a, b := all()
	if a.Added != 0 || a.There != 4 || a.People != 0 || b.Added != 0 || b.There == 0 || b.People != 0 {
		t.Errorf("the second import came to %+v and %+v, want nothing added", a, b)
	}
	again, after := countsOf(t, s, "ann")
	if again.ID != ann.ID || !slices.Equal(before, after) || after[0] != 1 || after[1] == 0 {
		t.Errorf("ann had %v, has %v, and should have one tweet and followers", before, after)
	}
}

// graph makes a follow graph in which user 2 follows all others, and which ends
// with a self-follow.
func graph(t testing.TB, users, pairs int) []byte {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "%d,%d,u,graph\n", users, pairs)
	for i := range pairs - 1 {
		if i < users-2 {
			fmt.Fprintf(&text, "2,%d\n", (i+2)%users+1)
			continue
		}
		fmt.Fprintf(&text, "%d,%d\n", i%users+1, (i+1+i/users)%users+1)
	}
	text.WriteString("1,1\n")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text.String())
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGraphUsersAreTheHandlesInOrderThenNumbers(t *testing.T) {
	s := open(t, "mem:")
	tweets := file(t, "t.csv", []byte(someTweets))
	if _, err := s.ImportFollows(t.Context(), file(t, "f.edges.gz", graph(t, 5, 4)), load.FollowsOptions{Handles: tweets}); err != nil {
		t.Fatal(err)
	}
	bob, _ := countsOf(t, s, "bob")
	edges, err := s.Stores.Edges.From(t.Context(), warble.Follow, bob.ID, warble.Page{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range edges {
		u, err := s.Stores.Users.Get(t.Context(), e.To)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, u[0].Handle)
	}
	slices.Sort(got)
	if want := []string{"carol", "n4", "n5"}; !slices.Equal(got, want) {
		t.Errorf("graph user 2 is bob and follows %v, want %v", got, want)
	}
}

func TestACutGraphIsKeptAndGoesOnWhenItIsWhole(t *testing.T) {
	s := open(t, "mem:")
	whole := graph(t, 400, 40_000)
	path := file(t, "f.edges.gz", whole[:len(whole)*9/10])
	if len(whole) < 64<<10 {
		t.Fatalf("the graph has %d bytes: too few for the file's head to stay the same", len(whole))
	}
	first, err := s.ImportFollows(t.Context(), path, load.FollowsOptions{})
	if err == nil || !strings.Contains(err.Error(), "cut short") || first.Added == 0 {
		t.Fatalf("a cut file came to %+v, %v", first, err)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := s.ImportFollows(t.Context(), path, load.FollowsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if second.Resumed == 0 || second.Read != 40_000 || second.Rejected == 0 {
		t.Errorf("the whole file came to %+v, want to go on to 40,000 rows", second)
	}
	fresh := open(t, "mem:")
	third, err := fresh.ImportFollows(t.Context(), path, load.FollowsOptions{})
	if err != nil || third.Added != second.Added {
		t.Errorf("in two steps %d follows were added, in one %d, %v", second.Added, third.Added, err)
	}
}

func TestABrokenOffImportGoesOn(t *testing.T) {
	s := open(t, "mem:")
	var text strings.Builder
	text.WriteString("name,text,tweet_created\n")
	for i := range 5000 {
		handle := "ann"
		if i == 2500 {
			handle = "no good"
		}
		fmt.Fprintf(&text, "%s,tweet %d,2/24/2015 11:35\n", handle, i)
	}
	path := file(t, "t.csv", []byte(text.String()))
	ctx, stop := context.WithCancel(t.Context())
	_, err := s.ImportTweets(ctx, path, load.ImportOptions{Workers: 2, Rejects: func(load.Reject) { stop() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("an import broken off gave %v", err)
	}
	r, err := s.ImportTweets(t.Context(), path, load.ImportOptions{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Resumed < 2000 || r.Read != 5000 || r.Added+r.There != 4999 || r.Rejected != 1 {
		t.Errorf("went on to %+v, want to begin after line 2,000 and come to 4,999 tweets", r)
	}
}

func TestPhotosArePostedOnceAndRefusedWithAReason(t *testing.T) {
	s := open(t, "mem:")
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"lake.jpg": photo.Landscape(1, 60, 40), "owl.png": photo.Avatar(2, 40), "notes.txt": []byte("no photo"), "empty.jpg": nil,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var refused []string
	opt := load.ImportOptions{Rejects: func(r load.Reject) {
		mu.Lock()
		defer mu.Unlock()
		if r.Reason != "" {
			refused = append(refused, r.Row)
		}
	}}
	r, err := s.ImportPhotos(t.Context(), dir, "", opt)
	if want := (load.Tally{Read: 4, Added: 2, Rejected: 2}); err != nil || r.Tally != want || r.People != 1 {
		t.Fatalf("came to %+v, %v, want %+v", r, err, want)
	}
	slices.Sort(refused)
	if !slices.Equal(refused, []string{"empty.jpg", "notes.txt"}) {
		t.Errorf("refused %v", refused)
	}
	u, err := s.Stores.Users.ByHandle(t.Context(), load.PhotosHandle)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := s.Stores.Tweets.By(t.Context(), u.ID, warble.Page{Limit: 10})
	if err != nil || len(ids) != 2 {
		t.Fatalf("posted %v, %v", ids, err)
	}
	if err := s.Writer.DeleteTweet(t.Context(), u.ID, ids[0]); err != nil {
		t.Fatal(err)
	}
	r, err = s.ImportPhotos(t.Context(), dir, "", load.ImportOptions{})
	if want := (load.Tally{Read: 4, There: 2, Rejected: 2}); err != nil || r.Tally != want {
		t.Errorf("the second import came to %+v, %v, want %+v, also where a tweet was deleted", r, err, want)
	}
}

func TestTheTweetsOfFebruary2015AreAllUnderstood(t *testing.T) {
	s := open(t, "mem:")
	var mu sync.Mutex
	lines := map[int64]bool{}
	r, err := s.ImportTweets(t.Context(), shared(t, "data/tweets.csv"), load.ImportOptions{Rejects: func(r load.Reject) {
		mu.Lock()
		defer mu.Unlock()
		lines[r.Line] = strings.Contains(r.Reason, "Late Flight")
	}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (load.Tally{Read: 14640, Added: 14478, There: 155, Rejected: 7}); r.Tally != want || r.People != 7698 {
		t.Errorf("came to %+v and %d people, want %+v and 7,698", r.Tally, r.People, want)
	}
	for _, line := range []int64{5129, 5898, 5899, 5901, 11964, 12007, 12008} {
		if !lines[line] {
			t.Errorf("line %d was not rejected for its handle", line)
		}
	}
	if t.Failed() || testing.Short() {
		return
	}
	r, err = s.ImportTweets(t.Context(), shared(t, "data/tweets.csv"), load.ImportOptions{})
	if want := (load.Tally{Read: 14640, There: 14633, Rejected: 7}); err != nil || r.Tally != want || r.People != 0 {
		t.Errorf("the second import came to %+v, %v, want %+v", r, err, want)
	}
}

func TestTheDemoNetworkFillsAnEmptyStoreOnce(t *testing.T) {
	s := open(t, "mem:")
	m := load.Meter(silent{})
	d, err := load.Fill(t.Context(), s, m)
	if err != nil || d == nil || d.Token == "" {
		t.Fatalf("filled: %+v, %v", d, err)
	}
	home, err := reader(s).GenerateTimeline(t.Context(), d.User, read.TimelineQuery{Page: warble.Page{Limit: 20}, Include: read.Include{Counts: true, Refs: true}})
	if err != nil || len(home.Items) != 20 {
		t.Fatalf("the home of %s has %d tweets, %v", d.Handles[0], len(home.Items), err)
	}
	if again, err := load.Fill(t.Context(), s, m); err != nil || again == nil || again.User != d.User {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	t.Run("completed when cut off, and then left alone", func(t *testing.T) { cutOffAndCompleted(t, demoTally(t, s)) })
	other := open(t, "mem:")
	if _, err := other.Writer.Register(t.Context(), write.Registration{Handle: "zoe", Imported: true}); err != nil {
		t.Fatal(err)
	}
	if d, err := load.Fill(t.Context(), other, m); d != nil || err != nil {
		t.Errorf("a store with other people was filled: %+v, %v", d, err)
	}
}

// cutOff ends a context when a meter has moved so often.
type cutOff struct {
	after int64
	stop  context.CancelFunc
}

func (c cutOff) Set(done, _ int64) {
	if done == c.after {
		c.stop()
	}
}
func (cutOff) Done() {}

// demoTally is what a demo network holds, counted from truth.
func demoTally(t *testing.T, s *load.Store) map[string]int {
	t.Helper()
	got := map[string]int{}
	page := warble.Page{Limit: 1000}
	for shard := range warble.Shards {
		users, err := s.Stores.Users.Scan(t.Context(), shard, page)
		tweets, err2 := s.Stores.Tweets.Scan(t.Context(), shard, page)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			got["people"]++
			if u.Avatar != nil && u.Bio != "" {
				got["profiles"]++
			}
			for kind, name := range map[warble.EdgeKind]string{warble.Follow: "follows", warble.Like: "likes", warble.Vote: "votes", warble.Retweet: "retweets"} {
				edges, err := s.Stores.Edges.From(t.Context(), kind, u.ID, page)
				if err != nil {
					t.Fatal(err)
				}
				got[name] += len(edges)
			}
			lists, err := s.Stores.Docs.List(t.Context(), u.ID, warble.DocList, page)
			if err != nil {
				t.Fatal(err)
			}
			got["lists"] += len(lists)
		}
		for _, tw := range tweets {
			got["tweets"]++
			got["photos"] += len(tw.Photos)
		}
	}
	return got
}

// cutOffAndCompleted cuts a fill off amid people and amid tweets, there with a
// claim on a profile behind which no version came, and wants the same network.
func cutOffAndCompleted(t *testing.T, want map[string]int) {
	s := open(t, "mem:")
	for _, after := range []int64{28, 60} {
		ctx, stop := context.WithCancel(t.Context())
		if _, err := load.Fill(ctx, s, cutOff{after, stop}); err == nil {
			t.Fatalf("the fill was not cut off after %d steps", after)
		}
		stop()
		if got := demoTally(t, s); got["people"] < 27 || got["likes"] > 0 {
			t.Fatalf("cut off after %d steps it holds %v", after, got)
		}
	}
	u, err := s.Stores.Users.ByHandle(t.Context(), "mira")
	if err != nil {
		t.Fatal(err)
	}
	nearlyOver := time.Now().Add(time.Second/2 - warble.ClaimPatience)
	if err := warble.TakeVersion(t.Context(), s.Stores.Claims, nearlyOver, u.ID, u.Version, u.Version+1); err != nil {
		t.Fatal(err)
	}
	d, err := load.Fill(t.Context(), s, silent{})
	if got := demoTally(t, s); err != nil || d == nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("completed, it holds %v, %v, want %v", got, err, want)
	}
	second, err := s.Stores.Users.ByHandle(t.Context(), d.Handles[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Writer.DeleteAccount(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	before := demoTally(t, s)
	if _, err := load.Fill(t.Context(), s, silent{}); err != nil || !reflect.DeepEqual(demoTally(t, s), before) {
		t.Errorf("a network that was whole was filled again: %v, %v", demoTally(t, s), err)
	}
}

func TestADemoIsNotMadeOutOfSomebodyWithTheSameHandle(t *testing.T) {
	s := open(t, "mem:")
	if _, err := s.Writer.Register(t.Context(), write.Registration{Handle: "mira", Email: "mira@elsewhere.test"}); err != nil {
		t.Fatal(err)
	}
	if d, err := load.Fill(t.Context(), s, silent{}); d != nil || err != nil {
		t.Errorf("a token was given for somebody's own account: %+v, %v", d, err)
	}
}

type silent struct{}

func (silent) Set(int64, int64) {}
func (silent) Done()            {}
