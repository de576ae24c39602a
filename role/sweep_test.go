package role_test

import (
	"errors"
	"fmt"
	"testing"
	"time"
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
