package enginetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"warble"
)

// form is a value as text, for comparing and for showing. An empty slice and none are the same.
func form(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%#v", v)
	}
	return strings.NewReplacer("[]", "null", `""`, "null").Replace(string(b))
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := form(got), form(want); g != w {
		t.Fatalf("%s\n got %s\nwant %s", what, g, w)
	}
}

// paged holds one ordered list to the rules of Page: want is all of it, newest first, and read gives one page. Where
// the list holds things of others too, bracket has every page bounded to what lies between its own ends.
func paged(t *testing.T, g *ids, want []warble.ID, bracket bool, read func(warble.Page) ([]warble.ID, error)) {
	t.Helper()
	one := func(p warble.Page) []warble.ID {
		t.Helper()
		if bracket && p.Before == 0 {
			p.Before = want[0] + 1
		}
		if bracket && p.After == 0 {
			p.After = want[len(want)-1] - 1
		}
		got, err := read(p)
		check(t, err)
		same(t, fmt.Sprintf("page %+v of %d", p, len(want)), got, pageOf(want, p))
		return got
	}
	bounds := append([]warble.ID{0, want[len(want)-1] - 1, want[0] + 1}, want...)
	for range 60 {
		one(warble.Page{
			Before: bounds[g.intN(len(bounds))], After: bounds[g.intN(len(bounds))],
			Limit: 1 + g.intN(len(want)+1), Oldest: g.intN(2) == 0,
		})
	}
	for _, limit := range []int{1, 3, len(want), 10 * len(want)} {
		var down, up []warble.ID
		for p := (warble.Page{Limit: limit}); ; p.Before = down[len(down)-1] {
			got := one(p)
			if down = append(down, got...); len(got) == 0 {
				break
			}
		}
		same(t, fmt.Sprintf("walk down by %d", limit), down, want)
		for p := (warble.Page{Limit: limit, Oldest: true}); ; p.After = up[0] {
			got := one(p)
			if up = append(slices.Clone(got), up...); len(got) == 0 {
				break
			}
		}
		same(t, fmt.Sprintf("walk up by %d", limit), up, want)
	}
	if got := one(warble.Page{Limit: len(want), Before: want[0] + 1, After: want[0] - 1}); len(got) != 1 {
		t.Fatalf("the newest alone: %v", got)
	}
	if !bracket {
		got, err := read(warble.Page{})
		check(t, err)
		if len(got) == 0 || got[0] != want[0] {
			t.Fatalf("a page without a limit begins with %v, want %v", got, want[0])
		}
	}
}

// pageOf is what a page means.
func pageOf(newestFirst []warble.ID, p warble.Page) []warble.ID {
	in := slices.DeleteFunc(slices.Clone(newestFirst), func(id warble.ID) bool { return !p.Has(id) })
	switch {
	case p.Limit <= 0 || len(in) <= p.Limit:
		return in
	case p.Oldest:
		return in[len(in)-p.Limit:]
	}
	return in[:p.Limit]
}

func down(ids []warble.ID) []warble.ID {
	out := slices.Clone(ids)
	slices.Sort(out)
	slices.Reverse(out)
	return out
}

func shuffled[T any](g *ids, list []T) []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := slices.Clone(list)
	g.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// fullUser has every field set.
func (g *ids) fullUser() *warble.User {
	return &warble.User{
		ID: g.id(), Version: 1, Handle: "Ann_" + g.word()[:8], Name: "Ann \u00c5ngström 🦜", Bio: "line\nline\x00", Location: "Bern",
		URL: "https://example.org/?a=b&c", Avatar: g.photo(), Header: g.photo(), Pinned: g.id(), Protected: true,
		Suspended: true, Deleted: true, Imported: true, Email: "Ann@example.org", Password: "$argon2id$v=19$m=1", Born: "1990-02-28",
		LastLogin: "2026-01-31",
	}
}

func (g *ids) user() *warble.User {
	return &warble.User{ID: g.id(), Version: 1, Handle: g.word(), Name: "Ann"}
}

func (g *ids) photo() *warble.Photo {
	p := &warble.Photo{
		Media: g.id(), Width: 2048, Height: 1, SmallW: 400, SmallH: 300, Blurhash: "LEHV6nWB2yk8", Alt: "a \"parrot\"", MIME: "image/jpeg",
	}
	for i := range p.ID {
		p.ID[i] = byte(g.intN(256))
	}
	return p
}

// fullTweet has every field set that a tombstone has not.
func (g *ids) fullTweet(author warble.UserID) *warble.Tweet {
	return &warble.Tweet{
		ID: g.id(), Author: author, Version: 1, Edited: 1_700_000_000_123, Text: "hé 👩‍👩‍👧 #go @ann\x00end", Lang: "de-CH", ContentWarning: "food",
		ReplySetting: warble.RepliesByMentioned, Imported: true, ReplyTo: g.id(), ReplyAuthor: g.id(), Conversation: g.id(), QuoteOf: g.id(),
		QuoteAuthor: g.id(), RetweetOf: g.id(), RetweetAuthor: g.id(), Mentions: []warble.UserID{g.id(), 1, warble.MaxID},
		Photos: []warble.Photo{*g.photo(), *g.photo()}, Poll: &warble.Poll{ID: g.id(), Options: []string{"yes", "no", ""}, Ends: 1_800_000_000_000},
		Place: &warble.Place{Name: "Bern", Lon: -7.4474, Lat: 46.948, Point: true, Source: "01fbe706f872cb32"},
	}
}

func (g *ids) tweet(author warble.UserID) *warble.Tweet {
	id := g.id()
	return &warble.Tweet{ID: id, Author: author, Version: 1, Text: "hello", Conversation: id}
}

func (g *ids) doc(owner warble.ID, kind warble.DocKind) *warble.Doc {
	return &warble.Doc{ID: g.id(), Owner: owner, Kind: kind, Version: 1, Data: []byte(`{"a":1}`)}
}

func (g *ids) edge(kind warble.EdgeKind, from, to warble.ID) warble.Edge {
	return warble.Edge{Kind: kind, From: from, To: to, Since: g.id()}
}

// seeded is a source of its own for one random test.
func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2)) }
