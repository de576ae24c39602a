package search

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
	"warble/internal/words"
)

func openStore(t testing.TB, fs vfs.FS) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("derived", &pebble.Options{FS: fs, DisableWAL: true, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

type quiet struct{}

func (quiet) Infof(string, ...any)      {}
func (quiet) Errorf(string, ...any)     {}
func (quiet) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// world is an index and what it must hold.
type world struct {
	t    testing.TB
	fs   vfs.FS
	db   *pebble.DB
	x    *Index
	docs map[warble.ID]warble.IndexDoc
	rnd  *rand.Rand
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{t: t, fs: vfs.NewMem(), docs: map[warble.ID]warble.IndexDoc{}, rnd: rand.New(rand.NewPCG(seed, 1))}
	w.open()
	t.Cleanup(func() { w.db.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	w.db = openStore(w.t, w.fs)
	var err error
	if w.x, err = Open(w.db, Options{CacheDocs: 2}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) reopen() {
	w.t.Helper()
	if err := w.x.Close(); err != nil {
		w.t.Fatal(err)
	}
	if err := w.db.Flush(); err != nil {
		w.t.Fatal(err)
	}
	if err := w.db.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

func (w *world) add(docs ...warble.IndexDoc) {
	w.t.Helper()
	if err := w.x.Add(context.Background(), docs); err != nil {
		w.t.Fatal(err)
	}
	for _, d := range docs {
		w.docs[d.ID()] = d
	}
}

func (w *world) remove(id warble.ID) {
	w.t.Helper()
	if err := w.x.Remove(context.Background(), id); err != nil {
		w.t.Fatal(err)
	}
	delete(w.docs, id)
}

// seal writes the open segments as they are.
func (w *world) seal() {
	w.t.Helper()
	for _, s := range w.x.spaces {
		s.mu.Lock()
		s.rotate(s.fresh)
		s.rotate(s.late)
		s.mu.Unlock()
		if err := s.seal(); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) compact() {
	w.t.Helper()
	if err := w.x.Compact(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// want is the answer by the reference.
func (w *world) want(q *warble.Query, p warble.Page) []warble.ID {
	var ids []warble.ID
	for id, d := range w.docs {
		if p.Has(id) && words.Match(q, d) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if p.Oldest && len(ids) > p.Limit {
		ids = ids[:p.Limit]
	}
	slices.Reverse(ids)
	return ids[:min(len(ids), p.Limit)]
}

func (w *world) search(q *warble.Query, p warble.Page) []warble.ID {
	w.t.Helper()
	ids, err := w.x.Search(context.Background(), q, p)
	if err != nil {
		w.t.Fatalf("%s: %v", q, err)
	}
	return ids
}

func (w *world) check(q *warble.Query, p warble.Page) {
	w.t.Helper()
	if got, want := w.search(q, p), w.want(q, p); !slices.Equal(got, want) {
		w.t.Fatalf("%s %+v (people %v)\n got %v\nwant %v", q, p, q.People, got, want)
	}
}

// vocabulary has words that begin alike, and other scripts.
var vocabulary = strings.Fields("tea tear team teach cat cats dog do don't café green black milk sugar sun sunny " +
	"東京 東京都 京都 天気 한국어 ไทย 😀 👍🏽 ❤️ #go #cafe @ann @bob http://t.co/abc example.com A the the the the and and")

func (w *world) text() string {
	list := make([]string, 1+w.rnd.IntN(12))
	for i := range list {
		list[i] = vocabulary[w.rnd.IntN(len(vocabulary))]
	}
	return strings.Join(list, " ")
}

func (w *world) tweet(id warble.ID) warble.IndexDoc {
	t := &warble.Tweet{ID: id, Author: warble.ID(1 + w.rnd.IntN(9)), Conversation: id, Text: w.text()}
	switch w.rnd.IntN(6) {
	case 0:
		t.Conversation, t.ReplyTo, t.ReplyAuthor = max(1, id-warble.ID(w.rnd.IntN(5))), id-1, warble.ID(1+w.rnd.IntN(9))
	case 1:
		t.QuoteOf, t.Lang = 1, "en"
	case 2:
		t.Text, t.RetweetOf = "", 1
	case 3:
		t.Photos = []warble.Photo{{}}
	}
	return warble.IndexDoc{Tweet: t}
}

func (w *world) query(depth int) *warble.Query {
	kids := func() (list []*warble.Query) {
		for range 2 + w.rnd.IntN(2) {
			list = append(list, w.query(depth-1))
		}
		return list
	}
	if depth > 0 {
		switch w.rnd.IntN(5) {
		case 0, 1:
			list := kids()
			if w.rnd.IntN(2) == 0 {
				list = append(list, &warble.Query{Op: warble.QueryNot, Kids: []*warble.Query{w.query(depth - 1)}})
			}
			return &warble.Query{Op: warble.QueryAnd, Kids: list}
		case 2:
			return &warble.Query{Op: warble.QueryOr, Kids: kids()}
		}
	}
	word := vocabulary[w.rnd.IntN(len(vocabulary))]
	switch op := warble.QueryOp(w.rnd.IntN(int(warble.QueryIsQuote) + 1)); op {
	case warble.QueryAnd, warble.QueryOr, warble.QueryNot, warble.QueryWord:
		return &warble.Query{Op: warble.QueryWord, Text: word}
	case warble.QueryPhrase:
		return &warble.Query{Op: op, Text: word + " " + vocabulary[w.rnd.IntN(len(vocabulary))]}
	case warble.QueryPrefix:
		return &warble.Query{Op: op, Text: []string{"te", "tea", "su", "東京", "ca", "green te"}[w.rnd.IntN(6)]}
	case warble.QueryMention:
		return &warble.Query{Op: op, Text: "Ann"}
	case warble.QueryTag:
		return &warble.Query{Op: op, Text: "CAFÉ"}
	case warble.QueryLang:
		return &warble.Query{Op: op, Text: "en"}
	case warble.QueryThread:
		return &warble.Query{Op: op, ID: w.anyID()}
	default:
		return &warble.Query{Op: op, ID: warble.ID(1 + w.rnd.IntN(9))}
	}
}

// anyID is an id that is there, or was.
func (w *world) anyID() warble.ID { return warble.ID(100+w.rnd.IntN(3000)) << 16 }

// known is the id of a document that is there, 0 if none is.
func (w *world) known() warble.ID {
	if len(w.docs) == 0 {
		return 0
	}
	return slices.Sorted(maps.Keys(w.docs))[w.rnd.IntN(len(w.docs))]
}

func (w *world) page() warble.Page {
	p := warble.Page{Limit: 1 + w.rnd.IntN(30)}
	if w.rnd.IntN(2) == 0 {
		p.Before = w.anyID()
	}
	if w.rnd.IntN(3) == 0 {
		p.After = w.anyID()
		p.Oldest = w.rnd.IntN(2) == 0
	}
	return p
}

func (w *world) checkMany(n int) {
	w.t.Helper()
	for range n {
		w.check(w.query(w.rnd.IntN(3)), w.page())
	}
}

// step changes the world at random: new ids rise by the minute, so that old
// ones are late once something is sealed.
func (w *world) step(next *warble.ID) {
	w.t.Helper()
	minute := warble.ID(60_000) << 16
	switch n := w.rnd.IntN(100); {
	case n < 60:
		*next += warble.ID(w.rnd.IntN(3)) * minute / 8
		w.add(w.tweet(*next | warble.ID(w.rnd.IntN(1000))))
	case n < 75:
		w.add(w.tweet(w.anyID()))
	case n < 88:
		if id := w.known(); id != 0 {
			w.add(w.tweet(id))
		}
	case n < 98:
		w.remove(w.known())
	default:
		w.remove(w.anyID())
	}
}

func TestSearchAnswersAsTheReference(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(t, seed)
		next := warble.ID(100) << 16
		for round := range 12 {
			for range 50 {
				w.step(&next)
			}
			w.checkMany(20)
			switch round % 4 {
			case 1:
				w.seal()
				if round > 4 {
					w.compact()
				}
			case 2:
				if err := w.x.Sync(context.Background()); err != nil {
					t.Fatal(err)
				}
			case 3:
				w.reopen()
			}
			w.checkMany(20)
		}
	}
}

func TestManySegmentsAnswerAsTheReference(t *testing.T) {
	w := newWorld(t, 7)
	next := warble.ID(100) << 16
	for range 60 {
		for range 15 {
			w.step(&next)
		}
		w.seal()
	}
	for _, then := range []func(){func() {}, w.reopen, w.compact, w.reopen, w.compact} {
		then()
		w.checkMany(60)
	}
	if n := len(w.x.spaces[0].sealed); n != 1 {
		t.Errorf("%d segments are left of so few tweets", n)
	}
	seqs := map[uint32]bool{}
	if err := w.x.spaces[0].eachPosting(func(key, _ []byte) error {
		seqs[^binary.BigEndian.Uint32(key[len(key)-4:])] = true
		return nil
	}); err != nil || len(seqs) != 1 {
		t.Errorf("postings of %d segments are left (%v)", len(seqs), err)
	}
}

func TestPeopleAreAnotherSpace(t *testing.T) {
	w := newWorld(t, 1)
	user := func(handle, bio string) warble.IndexDoc {
		return warble.IndexDoc{User: &warble.User{ID: 5, Handle: handle, Name: "Ann", Bio: bio}}
	}
	w.add(user("ann_lee", "tea"), w.tweet(6), w.tweet(7))
	for _, then := range []func(){func() {}, w.seal, w.reopen, func() { w.add(user("bob", "")) }, w.seal, func() { w.remove(5) }, w.reopen} {
		then()
		for _, people := range []bool{true, false} {
			for _, text := range []string{"an", "ann", "tea", "bo"} {
				w.check(&warble.Query{Op: warble.QueryPrefix, Text: text, People: people}, warble.Page{Limit: 5})
			}
		}
	}
}

func TestTombstonesAreRemoved(t *testing.T) {
	w := newWorld(t, 1)
	w.add(w.tweet(9))
	if err := w.x.Add(context.Background(), []warble.IndexDoc{{Tweet: &warble.Tweet{ID: 9, Author: 1, Gone: true}}}); err != nil {
		t.Fatal(err)
	}
	if got := w.search(&warble.Query{}, warble.Page{}); len(got) != 0 {
		t.Fatalf("found %v", got)
	}
}

func TestShortPrefixIsRefused(t *testing.T) {
	w := newWorld(t, 1)
	if _, err := w.x.Search(context.Background(), &warble.Query{Op: warble.QueryPrefix, Text: "a"}, warble.Page{}); err == nil {
		t.Fatal("no error")
	}
}

func TestEndedSearchSaysSo(t *testing.T) {
	w := newWorld(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.x.Search(ctx, &warble.Query{}, warble.Page{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

// A crash takes the store back to a state it had; what came after the last
// Sync that survived is added again, and then nothing is missing or doubled.
func TestCrashLosesOnlyWhatComesAgain(t *testing.T) {
	for seed := range uint64(25) {
		fs := vfs.NewCrashableMem()
		w := &world{t: t, fs: fs, docs: map[warble.ID]warble.IndexDoc{}, rnd: rand.New(rand.NewPCG(seed, 2))}
		w.open()
		var log []func(x *Index) error
		next, place := warble.ID(100)<<16, 0
		do := func(what func(x *Index) error) {
			t.Helper()
			if log = append(log, what); what(w.x) != nil {
				t.Fatal("cannot write")
			}
		}
		for range 200 + w.rnd.IntN(400) {
			switch n := w.rnd.IntN(100); {
			case n < 70:
				next += warble.ID(w.rnd.IntN(3)) * 20_000 << 16
				d := w.tweet(next | warble.ID(w.rnd.IntN(50)))
				w.docs[d.ID()] = d
				do(func(x *Index) error { return x.Add(context.Background(), []warble.IndexDoc{d}) })
			case n < 90:
				if id := w.known(); id != 0 {
					d := w.tweet(id)
					w.docs[id] = d
					do(func(x *Index) error { return x.Add(context.Background(), []warble.IndexDoc{d}) })
				}
			case n < 95:
				id := w.known()
				delete(w.docs, id)
				do(func(x *Index) error { return x.Remove(context.Background(), id) })
			case n < 97:
				w.seal()
				if w.rnd.IntN(3) == 0 {
					w.compact()
				}
			default:
				if w.x.Sync(context.Background()) != nil || w.db.Set([]byte("place"), fmt.Append(nil, len(log)), pebble.NoSync) != nil {
					t.Fatal("cannot sync")
				}
				if w.rnd.IntN(2) == 0 {
					if _, err := w.db.AsyncFlush(); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		old := w.db
		w.fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: w.rnd.IntN(101), RNG: w.rnd})
		w.open()
		if v, closer, err := w.db.Get([]byte("place")); err == nil {
			fmt.Sscan(string(v), &place)
			closer.Close()
		}
		for _, again := range log[place:] {
			if err := again(w.x); err != nil {
				t.Fatal(err)
			}
		}
		w.checkMany(40)
		w.check(&warble.Query{}, warble.Page{Limit: 1000})
		old.Close()
		w.db.Close()
	}
}

func TestWhatIsAddedIsFoundAtOnceByEverybody(t *testing.T) {
	w := newWorld(t, 3)
	const writers, each = 3, 8000
	var group sync.WaitGroup
	for n := range writers {
		group.Go(func() {
			for i := range each {
				id := warble.ID(1_000_000+i)<<16 | warble.ID(n)
				text := fmt.Sprintf("all word%d number%d-%d", i%7, n, i)
				if err := w.x.Add(context.Background(), []warble.IndexDoc{{Tweet: &warble.Tweet{ID: id, Author: 1, Text: text}}}); err != nil {
					t.Error(err)
				}
				if i%50 == 0 {
					got, err := w.x.Search(context.Background(), &warble.Query{Op: warble.QueryPhrase, Text: fmt.Sprintf("number%d-%d", n, i)}, warble.Page{})
					if err != nil || !slices.Equal(got, []warble.ID{id}) {
						t.Errorf("found %v, %v", got, err)
					}
				}
				if i%500 == 0 {
					if err := w.x.Sync(context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	// One tweet is edited all the time: every search finds it exactly once.
	group.Go(func() {
		id := warble.ID(999_999) << 16
		for i := range 2000 {
			if err := w.x.Add(context.Background(), []warble.IndexDoc{{Tweet: &warble.Tweet{ID: id, Author: 2, Text: "edited"}}}); err != nil {
				t.Error(err)
			}
			got, err := w.x.Search(context.Background(), &warble.Query{Op: warble.QueryFrom, ID: 2}, warble.Page{})
			if err != nil || !slices.Equal(got, []warble.ID{id}) {
				t.Errorf("edit %d: found %v, %v", i, got, err)
			}
		}
	})
	group.Go(func() {
		for range 10 {
			if err := w.x.Compact(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	group.Wait()
	w.seal()
	w.compact()
	for _, q := range []*warble.Query{{Op: warble.QueryWord, Text: "all"}, {Op: warble.QueryFrom, ID: 1}} {
		got, err := w.x.Search(context.Background(), q, warble.Page{Limit: writers*each + 10})
		if err != nil || len(got) != writers*each || !slices.IsSortedFunc(got, func(a, b warble.ID) int { return int(int64(b) - int64(a)) }) {
			t.Fatalf("%d found in order, want %d (%v)", len(got), writers*each, err)
		}
	}
}
