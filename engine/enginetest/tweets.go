package enginetest

import (
	"testing"
	"time"

	"warble"
)

func tweetTests() []test {
	return []test{
		{"GetKeepsOrderAndIsNilForMissing", tweetGet},
		{"EveryFieldIsKept", tweetFields},
		{"AVersionNeverGoesBack", tweetVersions},
		{"VersionsAreKeptOldestFirst", tweetHistory},
		{"ATombstoneWinsInAnyOrder", tweetTombstone},
		{"ATombstoneKeepsOnlyIDAndAuthor", tweetTombstoneBare},
		{"ByIsPagedNewestFirst", tweetBy},
		{"ByLeavesTombstonesOutAndEditsOnce", tweetByLeavesOut},
		{"ByCrossesMonths", tweetByMonths},
		{"ScanWalksShardsWithTombstones", tweetScan},
	}
}

func (s *suite) tweetRow(t *testing.T, id warble.TweetID) *warble.Tweet {
	t.Helper()
	got, err := s.Tweets.Get(t.Context(), id)
	check(t, err)
	return got[0]
}

func (s *suite) by(t *testing.T, author warble.UserID) []warble.TweetID {
	t.Helper()
	got, err := s.Tweets.By(t.Context(), author, warble.Page{Limit: 1000})
	check(t, err)
	return got
}

func tweetGet(t *testing.T, s *suite) {
	a, b := s.tweet(s.id()), s.tweet(s.id())
	s.applies(t, &warble.Change{Tweets: []*warble.Tweet{a, b}})
	got, err := s.Tweets.Get(t.Context(), b.ID, s.id(), a.ID, b.ID)
	check(t, err)
	same(t, "tweets", got, []*warble.Tweet{b, nil, a, b})
	versions, err := s.Tweets.Versions(t.Context(), s.id())
	check(t, err)
	if len(versions) != 0 {
		t.Fatalf("an unknown tweet has versions: %v", form(versions))
	}
}

func tweetFields(t *testing.T, s *suite) {
	full, bare := s.fullTweet(s.id()), &warble.Tweet{ID: s.id(), Author: s.id(), Version: 1}
	s.applies(t, &warble.Change{Tweets: []*warble.Tweet{full, bare}})
	same(t, "tweet", s.tweetRow(t, full.ID), full)
	same(t, "tweet", s.tweetRow(t, bare.ID), bare)
	edited := *full
	edited.Version, edited.Edited = 2, 1_700_000_000_999
	s.applies(t, &warble.Change{Tweets: []*warble.Tweet{&edited}})
	same(t, "tweet", s.tweetRow(t, full.ID), edited)
}

func edits(tw *warble.Tweet, version uint32, text string) *warble.Tweet {
	v := *tw
	v.Version, v.Text = version, text
	return &v
}

func tombstone(tw *warble.Tweet) *warble.Tweet {
	return &warble.Tweet{ID: tw.ID, Author: tw.Author, Gone: true}
}

func tweetVersions(t *testing.T, s *suite) {
	tw := s.tweet(s.id())
	s.applies(t, &warble.Change{Tweets: []*warble.Tweet{edits(tw, 3, "third")}})
	s.idle(t, &warble.Change{Tweets: []*warble.Tweet{edits(tw, 2, "second")}})
	s.idle(t, &warble.Change{Tweets: []*warble.Tweet{edits(tw, 3, "another third")}})
	if got := s.tweetRow(t, tw.ID); got.Text != "third" {
		t.Fatalf("the row is %q", got.Text)
	}
	versions, err := s.Tweets.Versions(t.Context(), tw.ID)
	check(t, err)
	same(t, "versions", versions, []*warble.Tweet{edits(tw, 3, "third")})
}

func tweetHistory(t *testing.T, s *suite) {
	tw := s.tweet(s.id())
	var want []*warble.Tweet
	for version := uint32(1); version <= 12; version++ {
		want = append(want, edits(tw, version, s.word()))
		s.applies(t, &warble.Change{Tweets: want[len(want)-1:]})
		same(t, "newest version", s.tweetRow(t, tw.ID), want[len(want)-1])
	}
	versions, err := s.Tweets.Versions(t.Context(), tw.ID)
	check(t, err)
	same(t, "versions", versions, want)
}

func tweetTombstone(t *testing.T, s *suite) {
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {2, 0, 1}, {1, 2, 0}, {2, 1, 0}, {1, 0, 2}} {
		tw := s.tweet(s.id())
		rows := []*warble.Tweet{tw, edits(tw, 2, "second"), tombstone(tw)}
		gone := false
		for _, i := range order {
			changed := s.apply(t, &warble.Change{Tweets: rows[i : i+1]})
			if gone && changed {
				t.Fatalf("order %v: a write after the tombstone changed something", order)
			}
			if gone = gone || i == 2; i == 2 && !changed {
				t.Fatalf("order %v: the tombstone changed nothing", order)
			}
		}
		got := s.tweetRow(t, tw.ID)
		if got == nil || !got.Gone || got.Text != "" || got.Author != tw.Author {
			t.Fatalf("order %v: the row is %s", order, form(got))
		}
		if ids := s.by(t, tw.Author); len(ids) != 0 {
			t.Fatalf("order %v: the author still has %v", order, ids)
		}
		s.idle(t, &warble.Change{Tweets: []*warble.Tweet{tombstone(tw)}})
		s.idle(t, &warble.Change{Tweets: []*warble.Tweet{edits(tw, 1<<31, "late")}})
	}
}

func tweetTombstoneBare(t *testing.T, s *suite) {
	tw := s.fullTweet(s.id())
	dead := *tw
	dead.Gone = true // with all its text: a store keeps none of it
	s.applies(t, &warble.Change{Tweets: []*warble.Tweet{tw}})
	s.applies(t, &warble.Change{Tweets: []*warble.Tweet{edits(tw, 2, "second")}})
	s.applies(t, &warble.Change{Tweets: []*warble.Tweet{&dead}})
	bare := func(got *warble.Tweet) {
		t.Helper()
		v := *got
		v.Version = 0
		same(t, "tombstone", v, warble.Tweet{ID: tw.ID, Author: tw.Author, Gone: true})
	}
	bare(s.tweetRow(t, tw.ID))
	versions, err := s.Tweets.Versions(t.Context(), tw.ID)
	check(t, err)
	if len(versions) != 1 {
		t.Fatalf("a tombstone has %d versions", len(versions))
	}
	bare(versions[0])
}

func tweetBy(t *testing.T, s *suite) {
	author := s.id()
	ids := s.idsUp(40)
	for _, id := range shuffled(s.ids, ids) {
		tw := s.tweet(author)
		if tw.ID = id; id%3 == 0 {
			tw.Text, tw.RetweetOf, tw.RetweetAuthor = "", s.id(), s.id()
		}
		s.applies(t, &warble.Change{Tweets: []*warble.Tweet{tw, s.tweet(author + 1)}})
	}
	paged(t, s.ids, down(ids), false, func(p warble.Page) ([]warble.ID, error) { return s.Tweets.By(t.Context(), author, p) })
}

func tweetByLeavesOut(t *testing.T, s *suite) {
	author := s.id()
	var want []warble.ID
	for i := range 30 {
		tw := s.tweet(author)
		s.applies(t, &warble.Change{Tweets: []*warble.Tweet{tw}})
		s.applies(t, &warble.Change{Tweets: []*warble.Tweet{edits(tw, 2, "second")}})
		if i%3 == 0 {
			want = append(want, tw.ID)
			continue
		}
		s.applies(t, &warble.Change{Tweets: []*warble.Tweet{tombstone(tw)}})
	}
	paged(t, s.ids, down(want), false, func(p warble.Page) ([]warble.ID, error) { return s.Tweets.By(t.Context(), author, p) })
}

func tweetByMonths(t *testing.T, s *suite) {
	author := s.id()
	var ids []warble.ID
	for _, months := range []int{0, 1, 2, 14, 15, 40, 200} {
		ids = append(ids, s.idIn(time.Date(2026, time.Month(8-months), 3, 0, 0, 0, 0, time.UTC)), s.idIn(time.Date(2026, time.Month(8-months), 28, 0, 0, 0, 0, time.UTC)))
	}
	for _, id := range ids {
		tw := s.tweet(author)
		tw.ID = id
		s.applies(t, &warble.Change{Tweets: []*warble.Tweet{tw}})
	}
	paged(t, s.ids, down(ids), false, func(p warble.Page) ([]warble.ID, error) { return s.Tweets.By(t.Context(), author, p) })
}

func tweetScan(t *testing.T, s *suite) {
	shard, ids := s.shardIDs(12)
	author := s.id()
	for i, id := range shuffled(s.ids, ids) {
		tw := s.tweet(author)
		tw.ID = id
		s.applies(t, &warble.Change{Tweets: []*warble.Tweet{tw}})
		if s.applies(t, &warble.Change{Tweets: []*warble.Tweet{edits(tw, 2, "second")}}); i%2 == 0 {
			s.applies(t, &warble.Change{Tweets: []*warble.Tweet{tombstone(tw)}})
		}
	}
	paged(t, s.ids, down(ids), true, func(p warble.Page) (got []warble.ID, err error) {
		rows, err := s.Tweets.Scan(t.Context(), shard, p)
		for _, tw := range rows {
			if !tw.Gone && tw.Version != 2 {
				t.Fatalf("scan gave version %d", tw.Version)
			}
			got = append(got, tw.ID)
		}
		return got, err
	})
}
