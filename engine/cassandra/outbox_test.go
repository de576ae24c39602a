//go:build cluster

package cassandra

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"warble"
)

// The tests share a keyspace: to make one takes longer than all of them.
func TestChangesAreFinishedByOthers(t *testing.T) {
	c := keyspace(t)
	for name, test := range map[string]func(*testing.T, Config){
		"ReplayTwiceGivesTheSameRows":                   replayTwiceGivesTheSameRows,
		"AWriterKilledBeforeItsRowsIsFinishedByAReplay": aWriterKilledBeforeItsRowsIsFinishedByAReplay,
		"WithoutItsLeaseAWriterWritesNoRows":            withoutItsLeaseAWriterWritesNoRows,
		"AWriterWhoseClaimIsTakenBecomesAnother":        aWriterWhoseClaimIsTakenBecomesAnother,
		"TwoAppliesAtOneEdgeKeepOneSince":               twoAppliesAtOneEdgeKeepOneSince,
		"AnEdgeStoredLateLeavesNothingInTheLists":       anEdgeStoredLateLeavesNothingInTheLists,
		"NoticesOfManyHoursAreOneList":                  noticesOfManyHoursAreOneList,
	} {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
}

// rising hands out ids.
func rising() func() warble.ID {
	last := warble.IDAt(time.Now())
	return func() warble.ID { last++; return last }
}

// pair opens two processes on one keyspace.
func pair(t *testing.T, c Config) (a, b *Engine) {
	t.Helper()
	a, b = open(t, c, Options{}), open(t, c, Options{})
	t.Cleanup(func() {
		for _, e := range []*Engine{a, b} { // not Close: it would wait for what a test left on its way
			if w := e.writers.now.Load(); w != nil {
				w.hold.Leave()
				w.running.Wait()
			}
			e.cancel()
			e.session.Close()
		}
	})
	return a, b
}

func apply(t *testing.T, e *Engine, c *warble.Change) {
	t.Helper()
	if _, err := (commitStore{e}).Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func follow(since, from, to warble.ID) *warble.Change {
	put := []warble.Edge{{Kind: warble.Follow, From: from, To: to, Since: since}}
	return &warble.Change{Put: put, Events: []warble.Event{{Kind: warble.EventEdge, Key: to, Edges: slices.Clone(put)}}}
}

// begun is a change that has its number, and no row yet, not even in the outbox.
func begun(t *testing.T, e *Engine, c *warble.Change) (*writer, *pending) {
	t.Helper()
	w, err := e.writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.stage(t.Context(), c)
	if err == nil {
		err = w.take(t.Context(), p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w, p
}

func record(t *testing.T, w *writer, p *pending) {
	t.Helper()
	if err := w.record(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

func replay(t *testing.T, e *Engine, w *writer, from, to uint64) []Stored {
	t.Helper()
	out, err := e.Replay(t.Context(), w.node, w.epoch, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func since(t *testing.T, e *Engine, from, to warble.ID) warble.ID {
	t.Helper()
	got, err := edgeStore{e}.Get(t.Context(), warble.Follow, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return got[0].Since
}

// everything is what all tables of truth hold, with the write times of the edges.
func everything(t *testing.T, e *Engine) (rows []string) {
	t.Helper()
	for _, cql := range []string{
		`users`, `users_by_shard`, `tweets`, `tweet_ids`, `author_months`, `tweets_by_hour`, `scan_spans`, `docs`, `docs_by_owner`,
		`edges`, `edges_out`, `out_buckets`, `edges_in`, `in_parts`,
	} {
		err := e.read(t.Context(), `SELECT JSON * FROM `+cql, nil, func(row scanner) error {
			var text string
			err := row.Scan(&text)
			rows = append(rows, cql+" "+text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := e.read(t.Context(), readEdges, nil, func(row scanner) error {
		r, err := scanEdge(row)
		rows = append(rows, time.UnixMicro(r.at).String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func replayTwiceGivesTheSameRows(t *testing.T, c Config) {
	e, other := pair(t, c)
	id := rising()
	ann, bob, tweet := id(), id(), id()
	put := follow(id(), ann, bob)
	put.Users = []*warble.User{{ID: ann, Handle: "ann", Version: 1}}
	put.Tweets = []*warble.Tweet{{ID: tweet, Author: ann, Text: "hello", Version: 1}}
	put.Docs = []*warble.Doc{{ID: id(), Owner: ann, Kind: warble.DocList, Version: 1, Data: []byte("{}")}}
	gone := []warble.EdgeKey{put.Put[0].Key()}
	apply(t, e, put)
	apply(t, e, &warble.Change{Gone: gone, Events: []warble.Event{warble.EdgesGone(bob, gone)}})
	apply(t, e, follow(id(), ann, bob))
	apply(t, e, &warble.Change{Tweets: []*warble.Tweet{{ID: tweet, Author: ann, Version: 2, Gone: true}}})
	want := everything(t, e)
	w := e.writers.now.Load()
	for range 2 {
		if got := replay(t, other, w, 1, 0); len(got) != 4 || len(got[0].Events) != 1 {
			t.Fatalf("the outbox gives %+v, want four changes", got)
		}
		if got := everything(t, other); !slices.Equal(got, want) {
			t.Fatalf("a replay made of\n%q\n%q", want, got)
		}
	}
}

func aWriterKilledBeforeItsRowsIsFinishedByAReplay(t *testing.T, c Config) {
	e, other := pair(t, c)
	id := rising()
	ann, bob, cid := id(), id(), id()
	lost, first := begun(t, e, follow(id(), ann, cid)) // a number that never came into the outbox
	change := follow(id(), ann, bob)
	w, p := begun(t, e, change)
	record(t, w, p)
	if got := replay(t, other, w, 1, 0); len(got) != 0 {
		t.Fatalf("a living writer's number that is not there yet was passed over: %+v", got)
	}
	if got := since(t, other, ann, bob); got != 0 {
		t.Fatalf("a change is seen before its rows were written: %v", got)
	}
	w.hold.Leave()
	got := replay(t, other, w, 1, 0)
	if len(got) != 2 || got[0].Seq != 1 || len(got[0].Events) != 0 || got[1].Seq != 2 || len(got[1].Events) != 1 {
		t.Fatalf("the outbox of a dead writer gives %+v, want a void number and a change", got)
	}
	if got, want := since(t, other, ann, bob), change.Put[0].Since; got != want {
		t.Fatalf("after the replay the edge has Since %v, want %v", got, want)
	}
	if got := replay(t, other, w, 3, 0); len(got) != 0 {
		t.Fatalf("behind the last number there is %+v", got)
	}
	record(t, lost, first) // it arrives after all
	last := &pending{seq: 2 + maxPending, at: p.at, rows: p.rows, events: p.events}
	record(t, w, last)
	for _, seq := range []uint64{1, 2 + maxPending} {
		if got := replay(t, other, w, seq, seq+1); len(got) != 1 || len(got[0].Events) != 0 {
			t.Fatalf("number %d was given up and came back: %+v", seq, got)
		}
	}
	if got := since(t, other, ann, cid); got != 0 {
		t.Fatalf("a number that was given up wrote rows: %v", got)
	}
}

func withoutItsLeaseAWriterWritesNoRows(t *testing.T, c Config) {
	e, other := pair(t, c)
	id := rising()
	ann, bob, cid := id(), id(), id()
	apply(t, e, follow(id(), bob, ann))
	w, p := begun(t, e, follow(id(), ann, bob))
	record(t, w, p)
	p.logged = true
	_, unlogged := begun(t, e, follow(id(), ann, cid))
	w.hold.Cancel()
	if err := w.carry(t.Context(), p); !errors.Is(err, warble.ErrUnknown) {
		t.Errorf("a change in the outbox ended with %v, want ErrUnknown", err)
	}
	if err := w.carry(t.Context(), unlogged); !errors.Is(err, warble.ErrUnavailable) || errors.Is(err, warble.ErrUnknown) {
		t.Errorf("a change that is nowhere ended with %v, want ErrUnavailable", err)
	}
	if a, b := since(t, other, ann, bob), since(t, other, ann, cid); a != 0 || b != 0 {
		t.Fatalf("rows were written: %v, %v", a, b)
	}
	if found, err := e.logged(t.Context(), w.node, w.epoch, unlogged.seq, unlogged.seq+1); err != nil || len(found) != 0 {
		t.Fatalf("the outbox has %v, %v", found, err)
	}
}

func aWriterWhoseClaimIsTakenBecomesAnother(t *testing.T, c Config) {
	e, other := pair(t, c)
	id := rising()
	apply(t, e, follow(id(), id(), id()))
	w := e.writers.now.Load()
	name := w.hold.Name
	for now := (warble.Claim{}); ; { // its owner renews it meanwhile
		next := now
		next.Holder, next.Epoch = 1, now.Epoch+1
		got, err := claimStore{other}.Swap(t.Context(), name, now, next, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got == next {
			break
		}
		now = got
	}
	select {
	case <-w.hold.Context().Done():
	case <-time.After(writerDead):
		t.Fatal("the writer did not notice")
	}
	apply(t, e, follow(id(), id(), id()))
	if now := e.writers.now.Load(); now == w || now.node == w.node {
		t.Fatal("the change was written under a number that is another's")
	}
}

func twoAppliesAtOneEdgeKeepOneSince(t *testing.T, c Config) {
	a, b := pair(t, c)
	id := rising()
	ann := id()
	for round := range 8 {
		processes := []*Engine{a, a}
		if round > 1 {
			processes = []*Engine{a, b, a, b}
		}
		bob := id()
		told := make([]warble.ID, len(processes))
		var wg sync.WaitGroup
		for i, e := range processes {
			change := follow(id(), ann, bob)
			wg.Go(func() {
				if _, err := (commitStore{e}).Apply(t.Context(), change); err != nil {
					t.Error(err)
				}
				told[i] = change.Put[0].Since
			})
		}
		wg.Wait()
		want := since(t, a, ann, bob)
		if !slices.Contains(told, want) || len(processes) == 2 && told[0] != told[1] {
			t.Fatalf("the edge has Since %v, and those who put it were told %v", want, told)
		}
		into, err := edgeStore{b}.To(t.Context(), warble.Follow, bob, warble.Page{Limit: 9})
		if err != nil || len(into) != 1 || into[0].Since != want {
			t.Fatalf("the list into has %+v, %v, want one edge of %v", into, err, want)
		}
	}
	from, err := edgeStore{b}.From(t.Context(), warble.Follow, ann, warble.Page{Limit: 99})
	if err != nil || len(from) != 8 {
		t.Fatalf("the list out has %d edges, %v, want 8", len(from), err)
	}
}

func anEdgeStoredLateLeavesNothingInTheLists(t *testing.T, c Config) {
	e, other := pair(t, c)
	id := rising()
	ann, bob := id(), id()
	late := follow(id(), ann, bob)
	w, p := begun(t, e, late)
	record(t, w, p)
	again := follow(id(), ann, bob) // the client tried once more, elsewhere, and took it back
	apply(t, other, again)
	apply(t, other, &warble.Change{Gone: []warble.EdgeKey{again.Put[0].Key()}})
	if got := replay(t, other, w, 1, 0); len(got) != 1 {
		t.Fatalf("the outbox gives %+v", got)
	}
	for name, count := range map[string]func(context.Context) (int64, error){
		"into": func(ctx context.Context) (int64, error) {
			return edgeStore{e}.Tally(ctx, warble.Follow, bob, false, late.Put[0].Part, 0)
		},
		"out of": func(ctx context.Context) (int64, error) {
			return edgeStore{e}.Tally(ctx, warble.Follow, ann, true, late.Put[0].Since.Month(), 0)
		},
	} {
		if n, err := count(t.Context()); n != 0 || err != nil {
			t.Errorf("%d edges are left in the list %s, %v", n, name, err)
		}
	}
}
