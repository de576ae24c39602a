package role_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"

	"warble"
)

// files says whether both files of an upload are stored.
func (n *town) files(p *warble.Photo) bool {
	n.Helper()
	for _, name := range []string{p.Full(), p.Small()} {
		b, err := n.Blobs.Open(n.ctx, name)
		if errors.Is(err, warble.ErrNotFound) {
			return false
		}
		n.ok(err)
		n.ok(b.Close())
	}
	return true
}

func TestPhotosGoWithTheirTweetAndUnusedOnesAfterADay(t *testing.T) {
	n := newTown(t, warble.Options{})
	_, f := n.roles(warble.Options{})
	ann := n.person("ann")
	unused, used, kept := n.upload(ann), n.upload(ann), n.upload(ann)
	lost := n.media(unused).Photo
	tweet := n.post(ann, write.Draft{Text: "a photo", Media: []warble.DocID{used}})
	n.post(ann, write.Draft{Text: "another", Media: []warble.DocID{kept}})
	n.carry(f)
	n.ok(n.w.DeleteTweet(n.ctx, ann, tweet.ID))
	n.carry(f)
	if n.files(&tweet.Photos[0]) {
		t.Error("a deleted tweet's photo is still stored")
	}
	if !n.files(&lost) {
		t.Error("an upload that nothing uses went before its day was over")
	}
	n.later(26 * time.Hour)
	n.carry(f)
	n.settle(f, func() bool { return !n.files(&lost) })
	if p := n.media(kept).Photo; !n.files(&p) {
		t.Error("a photo in use went")
	}
}

func TestAReplacedAvatarGoes(t *testing.T) {
	n := newTown(t, warble.Options{})
	_, f := n.roles(warble.Options{})
	ann := n.person("ann")
	first, second := n.upload(ann), n.upload(ann)
	for _, id := range []warble.DocID{first, second} {
		_, err := n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Avatar: &id})
		n.ok(err)
		n.carry(f)
	}
	docs, err := n.Docs.Get(n.ctx, first, second)
	n.ok(err)
	if docs[0] != nil || docs[1] == nil {
		t.Errorf("after a second avatar the first is %v, the second %v", docs[0], docs[1])
	}
}

func TestADeletedAccountIsTakenApart(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{})
	ann, ben := n.person("ann"), n.person("ben")
	for _, pair := range [][2]warble.UserID{{ann, ben}, {ben, ann}} {
		_, err := n.w.Follow(n.ctx, pair[0], pair[1])
		n.ok(err)
	}
	bens, anns := n.say(ben, "hello"), n.say(ann, "bye")
	n.ok(n.w.RecordUserTweetLike(n.ctx, ann, bens.ID))
	_, err := n.w.Retweet(n.ctx, ann, bens.ID)
	n.ok(err)
	n.carry(f)
	n.ok(n.w.DeleteAccount(n.ctx, ann))
	n.settle(f, func() bool {
		people, err := r.People(n.ctx, 0, read.PeopleInclude{Counts: true}, ben)
		n.ok(err)
		tl, _, err := r.Tweets(n.ctx, 0, read.Include{Counts: true}, bens.ID)
		n.ok(err)
		return people[0].Counts.Followers == 0 && people[0].Counts.Following == 0 && tl.Items[0].Counts == read.TweetCounts{}
	})
	if row := n.tweet(anns.ID); !row.Gone {
		t.Error("a deleted account's tweet is still there")
	}
}

func TestWorkThatOneHourDoesNotFinishGoesOnInTheNext(t *testing.T) {
	n := newTown(t, warble.Options{})
	_, f := n.roles(warble.Options{})
	ann := n.person("ann")
	for i := range 50 { // followers go twenty at a time
		_, err := n.w.Follow(n.ctx, n.person(fmt.Sprint("f", i)), ann)
		n.ok(err)
	}
	n.carry(f)
	followers := func() int {
		edges, err := n.Edges.To(n.ctx, warble.Follow, ann, warble.Page{Limit: 100})
		n.ok(err)
		return len(edges)
	}
	n.ok(n.w.DeleteAccount(n.ctx, ann))
	n.settle(f, func() bool { return followers() < 50 })
	n.later(3 * time.Hour)
	n.settle(f, func() bool { return followers() == 0 })
}

func TestADeletedListNoLongerCounts(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{})
	ann, ben := n.person("ann"), n.person("ben")
	name := "friends"
	l, err := n.w.CreateList(n.ctx, ann, 0, write.ListEdit{Name: &name})
	n.ok(err)
	n.ok(n.w.AddMember(n.ctx, ann, l.ID, ben))
	n.carry(f)
	n.ok(n.w.DeleteList(n.ctx, ann, l.ID))
	n.carry(f)
	n.settle(f, func() bool { return n.counts(r, ben).Listed == 0 })
}

func TestADeletedAccountsListsNoLongerCount(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{})
	ann, ben := n.person("ann"), n.person("ben")
	name := "friends"
	l, err := n.w.CreateList(n.ctx, ann, 0, write.ListEdit{Name: &name})
	n.ok(err)
	n.ok(n.w.AddMember(n.ctx, ann, l.ID, ben))
	n.carry(f)
	n.ok(n.w.DeleteAccount(n.ctx, ann))
	n.settle(f, func() bool { return n.counts(r, ben).Listed == 0 })
}

func TestTheAvatarOfTheSlowerOfTwoEditsGoes(t *testing.T) {
	n := newTown(t, warble.Options{})
	_, f := n.roles(warble.Options{})
	ann := n.person("ann")
	mine, theirs := n.upload(ann), n.upload(ann)
	n.carry(f) // the uploads' own events are done with
	claims := &watchedClaims{Claims: n.Claims}
	other := n.elsewhere()
	s := *n.Stores
	s.Claims = claims
	slow := write.NewWriter(&s, n.ids, warble.Options{Clock: n.now})
	_, err := slow.EditProfile(n.ctx, ann, write.ProfileEdit{Name: ptr("a version claim to be swapped")})
	n.ok(err)
	claims.takeover = func() { // mine is taken, its row not yet claimed
		_, err := other.EditProfile(n.ctx, ann, write.ProfileEdit{Avatar: &theirs})
		n.ok(err)
	}
	_, err = slow.EditProfile(n.ctx, ann, write.ProfileEdit{Avatar: &mine})
	n.ok(err)
	n.carry(f)
	docs, err := n.Docs.Get(n.ctx, theirs, mine)
	n.ok(err)
	if docs[0] != nil || docs[1] == nil {
		t.Errorf("the replaced avatar is %v, the one shown %v", docs[0], docs[1])
	}
}

func TestAPhotoOfAnEditThatCrossesADeletionGoes(t *testing.T) {
	n := newTown(t, warble.Options{})
	_, f := n.roles(warble.Options{})
	ann := n.person("ann")
	tweet, id := n.say(ann, "hello"), n.upload(ann)
	photo := n.media(id).Photo
	n.carry(f) // the upload's own event is done with
	other := n.elsewhere()
	n.watch().first(func() { n.ok(other.DeleteTweet(n.ctx, ann, tweet.ID)) })
	_, err := n.w.EditTweet(n.ctx, ann, tweet.ID, write.Draft{Text: "a photo", Media: []warble.DocID{id}})
	wantError(t, err, warble.ErrNotFound, "tweet")
	n.carry(f)
	if n.files(&photo) {
		t.Error("the photo is still stored")
	}
}

func TestFilesOfAnUploadThatWasCutShortGoAfterADay(t *testing.T) {
	n := newTown(t, warble.Options{})
	_, f := n.roles(warble.Options{})
	ann := n.person("ann")
	blobs := &watchedBlobs{Blobs: n.Blobs}
	n.Blobs = blobs
	c := n.watch()
	c.first(func() { c.refuse = 1 }) // after the note, and so of the document: the files are stored by then
	up := write.Upload{Full: []byte("big"), Small: []byte("small"), MIME: "image/jpeg", Width: 8, Height: 8, SmallW: 4, SmallH: 4}
	if _, err := n.w.Upload(n.ctx, ann, up); !errors.Is(err, warble.ErrUnavailable) {
		t.Fatal(err)
	}
	left := func() int {
		there := 0
		for _, name := range blobs.put {
			if b, err := n.Blobs.Open(n.ctx, name); err == nil {
				there++
				n.ok(b.Close())
			}
		}
		return there
	}
	n.carry(f)
	if left() != 2 {
		t.Fatalf("%d files before the day is over", left())
	}
	n.later(26 * time.Hour)
	n.settle(f, func() bool { return left() == 0 })
}

func TestPartsOfAnUploadThatWasGivenUpGoAfterADay(t *testing.T) {
	n := newTown(t, warble.Options{})
	_, f := n.roles(warble.Options{})
	ann := n.person("ann")
	id, err := n.w.NextID(n.ctx)
	n.ok(err)
	part := &warble.Photo{ID: warble.PhotoID{1}, Media: id, MIME: "image/jpeg"}
	n.ok(n.w.SaveDoc(n.ctx, &warble.Doc{ID: id, Owner: ann, Kind: warble.DocUpload, Version: 1, Data: []byte("{}")}))
	n.ok(n.w.PutFile(n.ctx, part, []byte("a part")))
	n.later(26 * time.Hour)
	n.settle(f, func() bool {
		_, err := n.Blobs.Open(n.ctx, part.Full())
		docs, err2 := n.Docs.Get(n.ctx, id)
		n.ok(err2)
		return errors.Is(err, warble.ErrNotFound) && docs[0] == nil
	})
}

// watchedBlobs notes the names that were put.
type watchedBlobs struct {
	warble.Blobs
	put []string
}

func (b *watchedBlobs) Put(ctx context.Context, name, contentType string, data []byte) error {
	b.put = append(b.put, name)
	return b.Blobs.Put(ctx, name, contentType, data)
}

func TestGoingPublicAcceptsManyRequestsWithoutHoldingUpTheLog(t *testing.T) {
	n := newTown(t, warble.Options{MaxFollowing: -1})
	_, f := n.roles(warble.Options{})
	ann := n.person("ann")
	n.protect(ann, true)
	const fans = 60
	for i := range fans {
		n.follow(n.person(fmt.Sprint("f", i)), ann)
	}
	n.carry(f)
	n.protect(ann, false)
	c := n.watch()
	followers := func() int {
		edges, err := n.Edges.To(n.ctx, warble.Follow, ann, warble.Page{Limit: fans + 1})
		n.ok(err)
		return len(edges)
	}
	lag := func() int64 {
		pos, err := f.Lag(n.ctx)
		n.ok(err)
		return pos.Behind
	}
	ctx, stop := context.WithTimeout(n.ctx, 20*time.Second)
	defer stop()
	held := make(chan struct{})
	var accepted atomic.Int32
	c.before = func(ch *warble.Change) {
		if len(ch.Put) == 1 && ch.Put[0].Kind == warble.Follow {
			if accepted.Add(1) == warble.MaxChangeRows+1 {
				for ctx.Err() == nil && lag() != 0 { // while the job stands still, the log goes on
					<-time.After(time.Millisecond)
				}
				if ctx.Err() == nil {
					close(held)
				}
			}
		}
	}
	n.settle(f, func() bool { return followers() == fans })
	select {
	case <-held:
	default:
		t.Error("no request was accepted by the job")
	}
	// Once more: a note that was done with does not stand in the way.
	c.before = nil
	n.protect(ann, true)
	for i := range fans {
		n.follow(n.person(fmt.Sprint("g", i)), ann)
	}
	n.carry(f)
	n.protect(ann, false)
	waiting := func() bool {
		edges, err := n.Edges.To(n.ctx, warble.FollowRequest, ann, warble.Page{Limit: 1})
		n.ok(err)
		return len(edges) == 0
	}
	n.settle(f, waiting)
}

func TestADeletedTweetNoLongerCountsForThoseWhoLikedAndRetweetedIt(t *testing.T) {
	n := newTown(t, warble.Options{})
	r, f := n.roles(warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	gone, kept := n.say(ann, "gone"), n.say(ann, "kept")
	reply := n.post(bob, write.Draft{Text: "a reply", ReplyTo: gone.ID})
	for i := range 30 { // more than one change removes
		n.ok(n.w.RecordUserTweetLike(n.ctx, n.person(fmt.Sprint("u", i)), gone.ID))
	}
	var row warble.TweetID
	for _, id := range []warble.TweetID{kept.ID, gone.ID} {
		n.ok(n.w.RecordUserTweetLike(n.ctx, bob, id))
		n.ok(n.w.Bookmark(n.ctx, bob, id))
		var err error
		row, err = n.w.Retweet(n.ctx, bob, id)
		n.ok(err)
	}
	n.carry(f)
	if c := n.counts(r, bob); c.Liked != 2 || c.Tweets != 3 {
		t.Fatalf("before: %+v", c)
	}
	n.ok(n.w.DeleteTweet(n.ctx, ann, gone.ID))
	n.carry(f)
	n.later(2 * time.Minute)
	n.settle(f, func() bool { c := n.counts(r, bob); return c.Liked == 1 && c.Tweets == 2 })
	if !n.tweet(row).Gone || n.has(warble.Retweet, bob, gone.ID) || n.has(warble.Bookmark, bob, gone.ID) || !n.has(warble.Bookmark, bob, kept.ID) {
		t.Error("the retweet or the bookmark stands, or another went")
	}
	if !n.has(warble.Reply, reply.ID, gone.ID) {
		t.Error("the reply's edge went")
	}
	n.carry(f)
	n.ok(fanout.NewChecker(n.Stores, func(b fanout.Breach) { t.Error(b) }).Run(n.ctx))
	liked, err := r.Liked(n.ctx, bob, bob, read.TimelineQuery{})
	n.ok(err)
	if len(liked.Items) != 1 {
		t.Errorf("%d liked tweets", len(liked.Items))
	}
}
