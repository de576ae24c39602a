//go:build cluster

package opensearch

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"warble"
	"warble/engine/mem"
)

var syllables = []string{"tea", "Tea", "teapot", "Café", "cafe", "東京", "京都", "東", "都", "한국", "ไทย", "👍🏽", "👍", "don't", "a.b", "|", "...", "x_y", "#tea", "@ann"}

func randomText(rnd *rand.Rand) string {
	var parts []string
	for range 1 + rnd.IntN(8) {
		parts = append(parts, syllables[rnd.IntN(len(syllables))])
	}
	return strings.Join(parts, []string{" ", " ", "", ", "}[rnd.IntN(4)])
}

func randomQuery(rnd *rand.Rand, depth int) *warble.Query {
	kids := func() (k []*warble.Query) {
		for range 1 + rnd.IntN(3) {
			k = append(k, randomQuery(rnd, depth-1))
		}
		return k
	}
	if depth > 0 {
		switch rnd.IntN(4) {
		case 0:
			return &warble.Query{Op: warble.QueryOr, Kids: kids()}
		case 1:
			return &warble.Query{Op: warble.QueryAnd, Kids: kids()}
		case 2:
			return &warble.Query{Op: warble.QueryAnd, Kids: append(kids(), &warble.Query{Op: warble.QueryNot, Kids: kids()[:1]})}
		}
	}
	switch rnd.IntN(6) {
	case 0:
		return &warble.Query{Op: warble.QueryTag, Text: "tea"}
	case 1:
		return &warble.Query{Op: warble.QueryFrom, ID: warble.ID(1 + rnd.IntN(3))}
	case 2:
		return &warble.Query{Op: warble.QueryPrefix, Text: []string{"te", "teap", "caf", "東京", "tea ca", "x_"}[rnd.IntN(6)]}
	case 3:
		return &warble.Query{Op: warble.QueryWord, Text: syllables[rnd.IntN(len(syllables))]}
	}
	return &warble.Query{Op: warble.QueryPhrase, Text: randomText(rnd)}
}

func TestRandomQueriesAnswerAsTheReference(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	e, ref := open(t, nil, Options{}), mem.New(mem.Options{}).Index
	var docs []warble.IndexDoc
	for i := range 500 {
		docs = append(docs, warble.IndexDoc{Tweet: &warble.Tweet{ID: warble.ID(i+1) << 16, Author: warble.ID(1 + rnd.IntN(3)), Version: 1, Text: randomText(rnd)}})
	}
	for _, x := range []warble.Index{e, ref} {
		if err := x.Add(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
	}
	until(t, 10*time.Second, "all documents", func() bool {
		got, err := e.Search(t.Context(), anything, warble.Page{Limit: 1000})
		return err == nil && len(got) == len(docs)
	})
	found := 0
	for range 400 {
		q, p := randomQuery(rnd, 2), warble.Page{Limit: 1 + rnd.IntN(100), Oldest: rnd.IntN(4) == 0}
		if rnd.IntN(2) == 0 {
			p.Before = warble.ID(rnd.IntN(500)+1) << 16
		}
		if rnd.IntN(3) == 0 {
			p.After = warble.ID(rnd.IntN(500)) << 16
		}
		got, err := e.Search(t.Context(), q, p)
		want, wantErr := ref.Search(t.Context(), q, p)
		if err != nil || wantErr != nil || !slices.Equal(got, want) {
			t.Fatalf("%s %+v\n got %v, %v\nwant %v, %v", q, p, got, err, want, wantErr)
		}
		found += len(got)
	}
	if found == 0 {
		t.Error("nothing was ever found")
	}
}
