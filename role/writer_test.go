package role_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"warble"
	"warble/engine/mem"
	"warble/role/write"
)

// town is a small network in memory with a clock that can be moved.
type town struct {
	testing.TB
	*warble.Stores
	w     *write.Writer
	ids   *warble.IDs
	moved atomic.Int64 // how far the clock was moved
	ctx   context.Context
}

func (n *town) now() time.Time         { return time.Now().Add(time.Duration(n.moved.Load())) }
func (n *town) later(by time.Duration) { n.moved.Add(int64(by)) }

func newTown(t testing.TB, opt warble.Options) *town {
	t.Helper()
	n := &town{TB: t, ctx: context.Background()}
	n.Stores = mem.New(mem.Options{Clock: n.now})
	n.ids = newIDs(t, n.Claims, n.now)
	opt.Clock = n.now
	n.w = write.NewWriter(n.Stores, n.ids, opt)
	return n
}

func (n *town) person(handle string) warble.UserID {
	n.Helper()
	u, err := n.w.Register(n.ctx, write.Registration{Handle: handle, Email: handle + "@example.org"})
	n.ok(err)
	return u.ID
}

func (n *town) ok(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}

func (n *town) post(user warble.UserID, d write.Draft) *warble.Tweet {
	n.Helper()
	t, err := n.w.PostTweet(n.ctx, user, d)
	n.ok(err)
	return t
}

func (n *town) say(user warble.UserID, text string) *warble.Tweet {
	n.Helper()
	return n.post(user, write.Draft{Text: text})
}

func (n *town) upload(user warble.UserID) warble.DocID {
	n.Helper()
	d, err := n.w.Upload(n.ctx, user, write.Upload{Full: []byte("big"), Small: []byte("small"), MIME: "image/jpeg", Width: 8, Height: 8, SmallW: 4, SmallH: 4})
	n.ok(err)
	return d.ID
}

func (n *town) media(id warble.DocID) *warble.Media {
	n.Helper()
	docs, err := n.Docs.Get(n.ctx, id)
	n.ok(err)
	m, err := warble.MediaOf(docs[0])
	n.ok(err)
	return m
}

func (n *town) tweet(id warble.TweetID) *warble.Tweet {
	n.Helper()
	rows, err := n.Tweets.Get(n.ctx, id)
	n.ok(err)
	return rows[0]
}

func (n *town) user(id warble.UserID) *warble.User {
	n.Helper()
	users, err := n.Users.Get(n.ctx, id)
	n.ok(err)
	return users[0]
}

func (n *town) edge(kind warble.EdgeKind, from, to warble.ID) warble.Edge {
	n.Helper()
	edges, err := n.Edges.Get(n.ctx, kind, from, to)
	n.ok(err)
	return edges[0]
}

func (n *town) has(kind warble.EdgeKind, from, to warble.ID) bool {
	n.Helper()
	return n.edge(kind, from, to).Since != 0
}

// wantError checks the kind of an error and the parameter it names.
func wantError(t testing.TB, err, kind error, param string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v naming %q", err, kind, param)
		return
	}
	e, ok := errors.AsType[*warble.Error](err)
	if !ok || e.Param != param || e.Detail == "" {
		t.Errorf("got %v (parameter %q), want parameter %q and a sentence", err, e.Param, param)
	}
}

// watched is a Commit that counts, fails and loses answers on request.
type watched struct {
	warble.Commit
	mu      sync.Mutex
	changes []*warble.Change
	refuse  int // this many Applies store nothing
	lose    int // this many Applies store but fail
	before  func(*warble.Change)
}

func (c *watched) Apply(ctx context.Context, ch *warble.Change) (bool, error) {
	c.mu.Lock()
	c.changes = append(c.changes, ch)
	before := c.before
	refuse, lose := c.refuse > 0, c.lose > 0
	c.refuse, c.lose = max(0, c.refuse-1), max(0, c.lose-1)
	c.mu.Unlock()
	if before != nil {
		before(ch)
	}
	if refuse {
		return false, warble.Fail(warble.ErrUnavailable, "refused")
	}
	changed, err := c.Commit.Apply(ctx, ch)
	if lose {
		return false, warble.Fail(warble.ErrUnknown, "the answer was lost")
	}
	return changed, err
}

func (n *town) watch() *watched {
	c := &watched{Commit: n.Commit}
	n.Commit = c
	return c
}

func TestOrdinaryTweetIsOneRowAndOneEvent(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	n.say(ann, "first")
	c := n.watch()
	tweets := &countedTweets{Tweets: n.Tweets}
	n.Tweets = tweets
	got := n.say(ann, "hello")
	if len(c.changes) != 1 || c.changes[0].Rows() != 1 || len(c.changes[0].Events) != 1 {
		t.Errorf("an ordinary tweet made %+v", c.changes)
	}
	if tweets.reads != 0 {
		t.Errorf("an ordinary tweet read tweets %d times", tweets.reads)
	}
	ev := c.changes[0].Events[0]
	if ev.Kind != warble.EventTweet || ev.Key != ann || ev.ID != got.ID || ev.Quiet {
		t.Errorf("event %+v", ev)
	}
	if got.Conversation != got.ID || got.Version != 1 || n.tweet(got.ID).Text != "hello" {
		t.Errorf("row %+v", got)
	}
}

// countedTweets counts reads.
type countedTweets struct {
	warble.Tweets
	reads int
}

func (c *countedTweets) Get(ctx context.Context, ids ...warble.TweetID) ([]*warble.Tweet, error) {
	c.reads++
	return c.Tweets.Get(ctx, ids...)
}

func (c *countedTweets) By(ctx context.Context, author warble.UserID, p warble.Page) ([]warble.TweetID, error) {
	c.reads++
	return c.Tweets.By(ctx, author, p)
}

func TestTweetsThatBreakARuleNameTheParameter(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	mine, theirs := n.upload(ann), n.upload(bob)
	var five []warble.DocID
	for range 5 {
		five = append(five, n.upload(ann))
	}
	poll := func(minutes int, options ...string) *write.PollDraft {
		return &write.PollDraft{Options: options, Minutes: minutes}
	}
	for name, c := range map[string]struct {
		d     write.Draft
		kind  error
		param string
	}{
		"empty":             {write.Draft{}, warble.ErrInvalid, "text"},
		"spaces":            {write.Draft{Text: " \n\t"}, warble.ErrInvalid, "text"},
		"too long":          {write.Draft{Text: strings.Repeat("a", 281)}, warble.ErrInvalid, "text"},
		"far too long":      {write.Draft{Text: strings.Repeat("a", 1<<20)}, warble.ErrInvalid, "text"},
		"wide and too long": {write.Draft{Text: strings.Repeat("字", 141)}, warble.ErrInvalid, "text"},
		"not UTF-8":         {write.Draft{Text: "a\xff"}, warble.ErrInvalid, "text"},
		"five photos":       {write.Draft{Media: five}, warble.ErrInvalid, "media"},
		"one photo twice":   {write.Draft{Media: []warble.DocID{mine, mine}}, warble.ErrInvalid, "media"},
		"unknown photo":     {write.Draft{Media: []warble.DocID{12345}}, warble.ErrNotFound, "media"},
		"another's photo":   {write.Draft{Media: []warble.DocID{theirs}}, warble.ErrForbidden, "media"},
		"poll and photo":    {write.Draft{Text: "?", Media: []warble.DocID{mine}, Poll: poll(60, "a", "b")}, warble.ErrInvalid, "poll"},
		"poll alone":        {write.Draft{Poll: poll(60, "a", "b")}, warble.ErrInvalid, "text"},
		"one option":        {write.Draft{Text: "?", Poll: poll(60, "a")}, warble.ErrInvalid, "poll"},
		"five options":      {write.Draft{Text: "?", Poll: poll(60, "a", "b", "c", "d", "e")}, warble.ErrInvalid, "poll"},
		"same options":      {write.Draft{Text: "?", Poll: poll(60, "a", "A ")}, warble.ErrInvalid, "poll"},
		"long option":       {write.Draft{Text: "?", Poll: poll(60, "a", strings.Repeat("b", 26))}, warble.ErrInvalid, "poll"},
		"empty option":      {write.Draft{Text: "?", Poll: poll(60, "a", " ")}, warble.ErrInvalid, "poll"},
		"short poll":        {write.Draft{Text: "?", Poll: poll(4, "a", "b")}, warble.ErrInvalid, "poll.minutes"},
		"endless poll":      {write.Draft{Text: "?", Poll: poll(7*24*60+1, "a", "b")}, warble.ErrInvalid, "poll.minutes"},
		"unknown reply":     {write.Draft{Text: "x", ReplyTo: 99}, warble.ErrNotFound, "reply"},
		"unknown quote":     {write.Draft{Text: "x", QuoteOf: 99}, warble.ErrNotFound, "quote"},
		"place off earth":   {write.Draft{Text: "x", Place: &warble.Place{Point: true, Lat: 91}}, warble.ErrInvalid, "place"},
		"long place":        {write.Draft{Text: "x", Place: &warble.Place{Name: strings.Repeat("x", 101)}}, warble.ErrInvalid, "place"},
		"odd language":      {write.Draft{Text: "x", Lang: "e n"}, warble.ErrInvalid, "lang"},
		"odd reply setting": {write.Draft{Text: "x", ReplySetting: 9}, warble.ErrInvalid, "reply_settings"},
		"long warning":      {write.Draft{Text: "x", ContentWarning: strings.Repeat("x", 281)}, warble.ErrInvalid, "content_warning"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := n.w.PostTweet(n.ctx, ann, c.d)
			wantError(t, err, c.kind, c.param)
		})
	}
	n.say(ann, strings.Repeat("a", 280))
	n.say(ann, strings.Repeat("字", 140))
}

func TestSuspendedAndDeletedAndUnknownAccountsCannotPost(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	n.ok(n.w.Suspend(n.ctx, ann, true))
	n.ok(n.w.DeleteAccount(n.ctx, bob))
	for user, kind := range map[warble.UserID]error{ann: warble.ErrForbidden, bob: warble.ErrForbidden, 77: warble.ErrNotFound} {
		_, err := n.w.PostTweet(n.ctx, user, write.Draft{Text: "x"})
		wantError(t, err, kind, "user")
	}
	n.ok(n.w.Suspend(n.ctx, ann, false))
	n.say(ann, "back again")
}

func TestTweetWithEverythingFitsOneChange(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	var text []string
	for i := range 12 {
		n.person(fmt.Sprintf("u%d", i))
		text = append(text, fmt.Sprintf("@U%d", i))
	}
	root := n.say(ann, "root")
	var photos []warble.DocID
	for range 4 {
		photos = append(photos, n.upload(ann))
	}
	c := n.watch()
	got := n.post(ann, write.Draft{Text: strings.Join(text, " ") + " @nobody @ann @u1", ReplyTo: root.ID, QuoteOf: root.ID, Media: photos})
	if len(c.changes) != 1 || c.changes[0].Rows() > warble.MaxChangeRows {
		t.Fatalf("%d changes, the first of %d rows", len(c.changes), c.changes[0].Rows())
	}
	if len(got.Mentions) != warble.MaxMentions || len(got.Photos) != 4 || got.Conversation != root.ID || got.ReplyAuthor != ann || got.QuoteAuthor != ann {
		t.Errorf("row %+v", got)
	}
	if !n.has(warble.Reply, got.ID, root.ID) || !n.has(warble.Quote, got.ID, root.ID) || !n.has(warble.Mention, got.ID, got.Mentions[9]) {
		t.Error("an edge is missing")
	}
	if e := n.edge(warble.Reply, got.ID, root.ID); e.Since != got.ID {
		t.Errorf("the reply's edge is since %v", e.Since)
	}
	if edges := c.changes[0].Events[0].Edges; len(edges) != 12 {
		t.Errorf("the event names %d edges", len(edges))
	}
	for _, id := range photos {
		if m := n.media(id); m.Tweet != got.ID {
			t.Errorf("the photo's document says tweet %v", m.Tweet)
		}
	}
}

func TestTwoTweetsCannotTakeOnePhoto(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	photo := n.upload(ann)
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, err := n.w.PostTweet(n.ctx, ann, write.Draft{Text: fmt.Sprint(i), Media: []warble.DocID{photo}})
			if err == nil {
				won.Add(1)
				return
			}
			wantError(t, err, warble.ErrConflict, "media")
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d tweets took the photo", won.Load())
	}
	wantError(t, n.w.Describe(n.ctx, ann, photo, "late"), warble.ErrConflict, "media")
}

func TestAPhotoOnItsWayIntoATweetIsTaken(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	photo := n.upload(ann)
	c := n.watch()
	c.before = func(*warble.Change) { // after the first took it, before it is stored
		c.before = nil
		_, err := n.w.PostTweet(n.ctx, ann, write.Draft{Text: "second", Media: []warble.DocID{photo}})
		wantError(t, err, warble.ErrConflict, "media")
		_, err = n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Avatar: &photo})
		wantError(t, err, warble.ErrConflict, "media")
	}
	first := n.post(ann, write.Draft{Text: "first", Media: []warble.DocID{photo}})
	if m := n.media(photo); m.Tweet != first.ID || m.Profile != 0 {
		t.Errorf("the photo's document says %+v", m)
	}
}

func TestAnAltTextThatCrossesTheTweetDoesNotTakeThePhotoBack(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	photo := n.upload(ann)
	c := n.watch()
	var tweet *warble.Tweet
	c.before = func(*warble.Change) { // after the alt text looked at the photo, before it is stored
		c.before = nil
		tweet = n.post(ann, write.Draft{Media: []warble.DocID{photo}})
	}
	wantError(t, n.w.Describe(n.ctx, ann, photo, "too late"), warble.ErrConflict, "")
	if m := n.media(photo); m.Tweet != tweet.ID {
		t.Errorf("the photo's document says %+v", m)
	}
}

func TestATweetThatCrossesAnAltTextTakesThePhoto(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	photo := n.upload(ann)
	c := n.watch()
	c.before = func(*warble.Change) { // after the tweet looked at the photo, before it is stored
		c.before = nil
		n.ok(n.w.Describe(n.ctx, ann, photo, "just in time"))
	}
	tweet := n.post(ann, write.Draft{Media: []warble.DocID{photo}})
	if m := n.media(photo); m.Tweet != tweet.ID {
		t.Errorf("the photo's document says %+v", m)
	}
}

func TestPhotoOfATweetThatCameToNothingIsFreeAgain(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	photo := n.upload(ann)
	n.watch().refuse = 1
	_, err := n.w.PostTweet(n.ctx, ann, write.Draft{Media: []warble.DocID{photo}})
	if !errors.Is(err, warble.ErrUnavailable) {
		t.Fatal(err)
	}
	n.later(3 * time.Minute)
	n.post(ann, write.Draft{Media: []warble.DocID{photo}})
}

func TestAltTextIsTheUploadersUntilTheTweetHasThePhoto(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	photo := n.upload(ann)
	n.ok(n.w.Describe(n.ctx, ann, photo, "a cat"))
	n.ok(n.w.Describe(n.ctx, ann, photo, "a black cat"))
	wantError(t, n.w.Describe(n.ctx, bob, photo, "mine"), warble.ErrForbidden, "media")
	wantError(t, n.w.Describe(n.ctx, ann, photo, strings.Repeat("x", warble.MaxAltText+1)), warble.ErrInvalid, "alt")
	if got := n.post(ann, write.Draft{Media: []warble.DocID{photo}}); got.Photos[0].Alt != "a black cat" || got.Photos[0].Media != photo {
		t.Errorf("photo %+v", got.Photos[0])
	}
}

func TestUploadWithAKeyStoresOnePhoto(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	id, err := n.w.NextID(n.ctx)
	n.ok(err)
	u := write.Upload{ID: id, Full: []byte("f"), Small: []byte("s"), MIME: "image/png"}
	one, err := n.w.Upload(n.ctx, ann, u)
	n.ok(err)
	two, err := n.w.Upload(n.ctx, ann, u)
	n.ok(err)
	if !slices.Equal(one.Data, two.Data) || one.ID != two.ID {
		t.Error("the same key made two photos")
	}
	m := n.media(id)
	b, err := n.Blobs.Open(n.ctx, m.Photo.Full())
	n.ok(err)
	n.ok(b.Close())
}

func TestReplySettingsAreObeyedInTheWholeThread(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob, cat, dan := n.person("ann"), n.person("bob"), n.person("cat"), n.person("dan")
	_, err := n.w.Follow(n.ctx, ann, bob)
	n.ok(err)
	for setting, may := range map[warble.ReplySetting][]warble.UserID{
		warble.RepliesByEveryone:  {ann, bob, cat, dan},
		warble.RepliesByFollowing: {ann, bob, cat},
		warble.RepliesByMentioned: {ann, cat},
	} {
		root := n.post(ann, write.Draft{Text: "hi @cat", ReplySetting: setting})
		answer := n.post(cat, write.Draft{Text: "yes", ReplyTo: root.ID})
		for _, user := range []warble.UserID{ann, bob, cat, dan} {
			for _, to := range []warble.TweetID{root.ID, answer.ID} {
				got, err := n.w.PostTweet(n.ctx, user, write.Draft{Text: "me too", ReplyTo: to})
				if slices.Contains(may, user) {
					n.ok(err)
					if got.Conversation != root.ID {
						t.Errorf("conversation %v", got.Conversation)
					}
				} else {
					wantError(t, err, warble.ErrForbidden, "reply")
				}
			}
		}
	}
}

func TestRepliesToWhatMayNotBeSeenAreRefused(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob, cat := n.person("ann"), n.person("bob"), n.person("cat")
	gone, blocked, hidden := n.say(ann, "gone"), n.say(ann, "blocked"), n.say(cat, "hidden")
	n.ok(n.w.DeleteTweet(n.ctx, ann, gone.ID))
	n.ok(n.w.Block(n.ctx, ann, bob))
	yes := true
	_, err := n.w.EditProfile(n.ctx, cat, write.ProfileEdit{Protected: &yes})
	n.ok(err)
	for id, kind := range map[warble.TweetID]error{gone.ID: warble.ErrNotFound, blocked.ID: warble.ErrForbidden, hidden.ID: warble.ErrForbidden} {
		_, err := n.w.PostTweet(n.ctx, bob, write.Draft{Text: "x", ReplyTo: id})
		wantError(t, err, kind, "reply")
		_, err = n.w.PostTweet(n.ctx, bob, write.Draft{Text: "x", QuoteOf: id})
		wantError(t, err, kind, "quote")
		wantError(t, n.w.RecordUserTweetLike(n.ctx, bob, id), kind, "tweet")
		_, err = n.w.Retweet(n.ctx, bob, id)
		wantError(t, err, kind, "tweet")
		wantError(t, n.w.Bookmark(n.ctx, bob, id), kind, "tweet")
	}
}

func TestReplyAndQuoteOfARetweetMeanTheOriginal(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	first := n.say(ann, "first")
	again, err := n.w.Retweet(n.ctx, bob, first.ID)
	n.ok(err)
	got := n.post(bob, write.Draft{Text: "x", ReplyTo: again, QuoteOf: again})
	if got.ReplyTo != first.ID || got.QuoteOf != first.ID || got.ReplyAuthor != ann {
		t.Errorf("row %+v", got)
	}
}

func TestDailyQuotaCountsTweetsAndRetweetsOfTheLast24Hours(t *testing.T) {
	n := newTown(t, warble.Options{TweetsPerDay: 3})
	ann, bob := n.person("ann"), n.person("bob")
	other := n.say(bob, "other")
	n.say(ann, "1")
	n.watch().refuse = 1
	if _, err := n.w.PostTweet(n.ctx, ann, write.Draft{Text: "stored nothing"}); !errors.Is(err, warble.ErrUnavailable) {
		t.Fatal(err)
	}
	n.say(ann, "2")
	_, err := n.w.Retweet(n.ctx, ann, other.ID)
	n.ok(err)
	_, err = n.w.PostTweet(n.ctx, ann, write.Draft{Text: "4"})
	wantError(t, err, warble.ErrLimit, "user")
	// Another process reads the same from truth.
	w := write.NewWriter(n.Stores, n.ids, warble.Options{TweetsPerDay: 3, Clock: n.now})
	_, err = w.PostTweet(n.ctx, ann, write.Draft{Text: "4"})
	wantError(t, err, warble.ErrLimit, "user")
	n.later(24*time.Hour + 11*time.Minute)
	n.say(ann, "the next day")
}

func TestQuotasOutliveMorePeopleThanAreRemembered(t *testing.T) {
	n := newTown(t, warble.Options{TweetsPerDay: 1})
	ann := n.person("ann")
	n.say(ann, "the one of today")
	n.Commit = nothing{}
	rows := *n.user(ann)
	n.Users = everybody{Users: n.Users, row: rows}
	w := write.NewWriter(n.Stores, newIDs(t, n.Claims, fastClock()), warble.Options{TweetsPerDay: 1, Clock: n.now})
	for i := range 300_000 { // of 262,144
		if _, err := w.PostTweet(n.ctx, warble.UserID(i+1), write.Draft{Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.PostTweet(n.ctx, ann, write.Draft{Text: "one more"})
	wantError(t, err, warble.ErrLimit, "user")
}

// everybody is a Users in which every id is a person.
type everybody struct {
	warble.Users
	row warble.User
}

func (e everybody) Get(_ context.Context, ids ...warble.UserID) ([]*warble.User, error) {
	out := make([]*warble.User, len(ids))
	for i, id := range ids {
		row := e.row
		row.ID = id
		out[i] = &row
	}
	return out, nil
}

func TestTweetIsAboveItsAuthorsNewestOfAnotherProcess(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	fast := &machine{wrong: 200 * time.Millisecond}
	other := write.NewWriter(n.Stores, newIDs(t, n.Claims, fast.now), warble.Options{})
	first, err := other.PostTweet(n.ctx, ann, write.Draft{Text: "from a fast clock"})
	n.ok(err)
	if got := n.say(ann, "after it"); got.ID <= first.ID {
		t.Errorf("%v came after %v", got.ID, first.ID)
	}
}

func TestOneIDPostsOnce(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	photo := n.upload(ann)
	id, err := n.w.NextID(n.ctx)
	n.ok(err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := n.w.PostTweet(n.ctx, ann, write.Draft{ID: id, Text: "once", Media: []warble.DocID{photo}})
			if err != nil || got.ID != id {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	wg.Wait()
	list, err := n.Tweets.By(n.ctx, ann, warble.Page{})
	n.ok(err)
	if len(list) != 1 {
		t.Fatalf("%d tweets", len(list))
	}
	n.ok(n.w.DeleteTweet(n.ctx, ann, id))
	_, err = n.w.PostTweet(n.ctx, ann, write.Draft{ID: id, Text: "once"})
	wantError(t, err, warble.ErrGone, "id")
	_, err = n.w.PostTweet(n.ctx, n.person("cat"), write.Draft{ID: id, Text: "mine"})
	wantError(t, err, warble.ErrConflict, "id")
}

func TestRetryAfterALostAnswerPostsOnce(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	id, err := n.w.NextID(n.ctx)
	n.ok(err)
	c := n.watch()
	for _, lost := range []bool{false, true} {
		c.refuse, c.lose = 1, 0
		if lost {
			c.refuse, c.lose = 0, 1
		}
		if _, err := n.w.PostTweet(n.ctx, ann, write.Draft{ID: id, Text: "x"}); err == nil {
			t.Fatal("the failure was not told")
		}
	}
	n.post(ann, write.Draft{ID: id, Text: "x"})
	if list, _ := n.Tweets.By(n.ctx, ann, warble.Page{}); len(list) != 1 {
		t.Errorf("%d tweets", len(list))
	}
}

func TestLanguageIsGuessedWhereTheScriptTells(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	for text, lang := range map[string]string{
		"hello": "", "čau": "", "привет": "", "これは日本語です": "ja", "안녕하세요 여러분": "ko", "你好世界": "zh", "สวัสดี": "th", "שלום": "he", "γειά": "el", "😀": "",
	} {
		if got := n.say(ann, text); got.Lang != lang {
			t.Errorf("%s: %q, want %q", text, got.Lang, lang)
		}
	}
	if got := n.post(ann, write.Draft{Text: "hei", Lang: "nb-NO"}); got.Lang != "nb-NO" {
		t.Errorf("the given language became %q", got.Lang)
	}
}

func BenchmarkComposeOrdinaryTweet(b *testing.B) {
	n := newTown(b, warble.Options{TweetsPerDay: -1})
	ann := n.person("ann")
	n.Commit = nothing{}
	w := write.NewWriter(n.Stores, newIDs(b, n.Claims, fastClock()), warble.Options{TweetsPerDay: -1})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.PostTweet(n.ctx, ann, write.Draft{Text: "an ordinary tweet of a dozen words, which names nobody at all"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLikeAboveTheStores(b *testing.B) {
	n := newTown(b, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	t := n.say(ann, "like me")
	n.Commit = nothing{}
	w := write.NewWriter(n.Stores, newIDs(b, n.Claims, fastClock()), warble.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if err := w.RecordUserTweetLike(n.ctx, bob, t.ID); err != nil {
			b.Fatal(err)
		}
	}
}

// nothing is a Commit that stores nothing, to measure what is above it.
type nothing struct{}

func (nothing) Apply(context.Context, *warble.Change) (bool, error) { return true, nil }
