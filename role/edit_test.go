package role_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"warble/role/write"

	"warble"
)

func TestAnEditIsANewVersionUnderTheSameID(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob, cat := n.person("ann"), n.person("bob"), n.person("cat")
	old, kept, added := n.upload(ann), n.upload(ann), n.upload(ann)
	first := n.post(ann, write.Draft{Text: "hi @bob", Media: []warble.DocID{old, kept}})
	c := n.watch()
	got, err := n.w.EditTweet(n.ctx, ann, first.ID, write.Draft{Text: "hi @cat", Media: []warble.DocID{added, kept}})
	n.ok(err)
	if got.ID != first.ID || got.Version != 2 || got.Edited == 0 || got.Text != "hi @cat" || !slices.Equal(got.Mentions, []warble.UserID{cat}) {
		t.Errorf("row %+v", got)
	}
	if len(got.Photos) != 2 || got.Photos[0].Media != added || got.Photos[1].Media != kept || n.media(added).Tweet != first.ID {
		t.Errorf("photos %+v", got.Photos)
	}
	if n.has(warble.Mention, first.ID, bob) || !n.has(warble.Mention, first.ID, cat) {
		t.Error("mentions are of the former version")
	}
	if len(c.changes) != 1 || c.changes[0].Events[0].Kind != warble.EventTweetEdit {
		t.Errorf("changes %+v", c.changes)
	}
	versions, err := n.Tweets.Versions(n.ctx, first.ID)
	n.ok(err)
	if len(versions) != 2 || versions[0].Text != "hi @bob" {
		t.Errorf("versions %+v", versions)
	}
}

func TestEditsStopAfterFiveAndAfterHalfAnHour(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	tweet, late := n.say(ann, "0"), n.say(ann, "late")
	poll := n.post(ann, write.Draft{Text: "?", Poll: &write.PollDraft{Options: []string{"a", "b"}, Minutes: 60}})
	answer := n.post(bob, write.Draft{Text: "x", ReplyTo: tweet.ID})
	edit := func(user warble.UserID, id warble.TweetID, d write.Draft) error {
		_, err := n.w.EditTweet(n.ctx, user, id, d)
		return err
	}
	wantError(t, edit(bob, tweet.ID, write.Draft{Text: "mine"}), warble.ErrForbidden, "tweet")
	wantError(t, edit(ann, 99, write.Draft{Text: "x"}), warble.ErrNotFound, "tweet")
	wantError(t, edit(ann, poll.ID, write.Draft{Text: "x"}), warble.ErrForbidden, "tweet")
	wantError(t, edit(bob, answer.ID, write.Draft{Text: "x", ReplyTo: late.ID}), warble.ErrInvalid, "reply")
	wantError(t, edit(bob, answer.ID, write.Draft{Text: "x", QuoteOf: late.ID}), warble.ErrInvalid, "quote")
	wantError(t, edit(bob, answer.ID, write.Draft{}), warble.ErrInvalid, "text")
	wantError(t, edit(bob, answer.ID, write.Draft{Text: strings.Repeat("x", 281)}), warble.ErrInvalid, "text")
	for i := range write.MaxEdits {
		n.ok(edit(ann, tweet.ID, write.Draft{Text: fmt.Sprint(i + 1)}))
	}
	wantError(t, edit(ann, tweet.ID, write.Draft{Text: "6"}), warble.ErrForbidden, "tweet")
	n.later(31 * time.Minute)
	wantError(t, edit(ann, late.ID, write.Draft{Text: "too late"}), warble.ErrForbidden, "tweet")
}

func TestAnEditOfEverythingFitsItsChanges(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	var before, after []string
	for i := range 10 {
		n.person(fmt.Sprintf("a%d", i))
		n.person(fmt.Sprintf("b%d", i))
		before, after = append(before, fmt.Sprintf("@a%d", i)), append(after, fmt.Sprintf("@b%d", i))
	}
	tweet := n.say(ann, strings.Join(before, " "))
	got, err := n.w.EditTweet(n.ctx, ann, tweet.ID, write.Draft{Text: strings.Join(after, " "), Media: []warble.DocID{n.upload(ann), n.upload(ann), n.upload(ann), n.upload(ann)}})
	n.ok(err)
	edges, err := n.Edges.From(n.ctx, warble.Mention, tweet.ID, warble.Page{})
	n.ok(err)
	if len(edges) != 10 {
		t.Errorf("%d mentions stand", len(edges))
	}
	for _, e := range edges {
		if !slices.Contains(got.Mentions, e.To) {
			t.Error("a mention of the former version stands")
		}
	}
}

func TestAnEditThatCrossesADeleteRevivesNothing(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	tweet := n.say(ann, "hi")
	c := n.watch()
	c.before = func(*warble.Change) {
		c.before = nil
		n.ok(n.w.DeleteTweet(n.ctx, ann, tweet.ID))
	}
	_, err := n.w.EditTweet(n.ctx, ann, tweet.ID, write.Draft{Text: "hi @bob"})
	wantError(t, err, warble.ErrNotFound, "tweet")
	if !n.tweet(tweet.ID).Gone || n.has(warble.Mention, tweet.ID, bob) {
		t.Error("the deleted tweet came back in part")
	}
}

func TestDeleteLeavesATombstoneAndNoEdges(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	root := n.say(bob, "root")
	photo := n.upload(ann)
	tweet := n.post(ann, write.Draft{Text: "hi @bob", ReplyTo: root.ID, QuoteOf: root.ID, Media: []warble.DocID{photo}})
	wantError(t, n.w.DeleteTweet(n.ctx, bob, tweet.ID), warble.ErrForbidden, "tweet")
	wantError(t, n.w.DeleteTweet(n.ctx, ann, 99), warble.ErrNotFound, "tweet")
	c := n.watch()
	n.ok(n.w.DeleteTweet(n.ctx, ann, tweet.ID))
	if len(c.changes) != 1 {
		t.Errorf("%d changes", len(c.changes))
	}
	if !slices.ContainsFunc(c.changes[0].Events, func(e warble.Event) bool { return e.Kind == warble.EventDoc && e.ID == photo }) {
		t.Error("nobody is told to look at the photo")
	}
	row := n.tweet(tweet.ID)
	if !row.Gone || row.Author != ann || row.Text != "" {
		t.Errorf("row %+v", row)
	}
	for kind, to := range map[warble.EdgeKind]warble.ID{warble.Reply: root.ID, warble.Quote: root.ID, warble.Mention: bob} {
		if n.has(kind, tweet.ID, to) {
			t.Errorf("an edge of kind %d stands", kind)
		}
	}
	n.ok(n.w.DeleteTweet(n.ctx, ann, tweet.ID))
	wantError(t, n.w.RecordUserTweetLike(n.ctx, bob, tweet.ID), warble.ErrNotFound, "tweet")
}

func TestADeleteWhoseAnswerWasLostCanBeRepeated(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	tweet := n.say(ann, "x")
	n.watch().lose = 1
	if err := n.w.DeleteTweet(n.ctx, ann, tweet.ID); !errors.Is(err, warble.ErrUnknown) {
		t.Fatal(err)
	}
	n.ok(n.w.DeleteTweet(n.ctx, ann, tweet.ID))
}

func TestImportingTwiceChangesNothing(t *testing.T) {
	n := newTown(t, warble.Options{TweetsPerDay: 1})
	ann, bob := n.user(n.person("ann")), n.person("bob")
	when := time.Date(2015, 2, 24, 11, 35, 0, 0, time.UTC)
	it := write.ImportedTweet{Author: ann, Text: "@bob hello", Created: when, KeyHash: 0xabcdef}
	c := n.watch()
	id, created, err := n.w.ImportTweet(n.ctx, it)
	n.ok(err)
	if !created || id != warble.IDAt(when)|0xcdef {
		t.Errorf("id %v, created %v", id, created)
	}
	if ev := c.changes[0].Events[0]; len(c.changes) != 1 || !ev.Quiet || ev.Key != ann.ID || len(ev.Edges) != 1 {
		t.Errorf("event %+v", ev)
	}
	if row := n.tweet(id); !row.Imported || row.ReplyTo != 0 || !slices.Equal(row.Mentions, []warble.UserID{bob}) || !row.Created().Equal(when) {
		t.Errorf("row %+v", row)
	}
	again, created, err := n.w.ImportTweet(n.ctx, it)
	n.ok(err)
	if created || again != id || len(c.changes) != 1 {
		t.Errorf("again: %v, %v", again, created)
	}
	// Another tweet with the same low bits gets the next ones, also when it comes again.
	it.Text = "another"
	for _, want := range []bool{true, false} {
		next, created, err := n.w.ImportTweet(n.ctx, it)
		n.ok(err)
		if next != id+1 || created != want {
			t.Errorf("%v, %v", next, created)
		}
	}
	n.ok(n.w.DeleteTweet(n.ctx, ann.ID, id))
	it.Text = "@bob hello"
	if _, created, err := n.w.ImportTweet(n.ctx, it); err != nil || created || !n.tweet(id).Gone {
		t.Errorf("a deleted tweet was imported again: %v", err)
	}
	it.KeyHash = 0xffff
	for want := range 2 {
		it.Text = fmt.Sprint("wraps ", want)
		if id, _, err := n.w.ImportTweet(n.ctx, it); err != nil || id.Millis() != when.UnixMilli() {
			t.Errorf("%v, %v", id, err)
		}
	}
}

func TestImportedTweetsThatBreakARuleNameTheParameter(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.user(n.person("ann"))
	old := n.now().Add(-time.Hour)
	for name, c := range map[string]struct {
		it    write.ImportedTweet
		kind  error
		param string
	}{
		"nobody's": {write.ImportedTweet{Text: "x", Created: old}, warble.ErrForbidden, "author"},
		"empty":    {write.ImportedTweet{Author: ann, Created: old}, warble.ErrInvalid, "text"},
		"too new":  {write.ImportedTweet{Author: ann, Text: "x", Created: n.now()}, warble.ErrInvalid, "created"},
		"too old":  {write.ImportedTweet{Author: ann, Text: "x"}, warble.ErrInvalid, "created"},
		"book":     {write.ImportedTweet{Author: ann, Text: strings.Repeat("x", 3000), Created: old}, warble.ErrInvalid, "text"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := n.w.ImportTweet(n.ctx, c.it)
			wantError(t, err, c.kind, c.param)
		})
	}
}
