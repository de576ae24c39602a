package fanout

import (
	"context"
	"time"
	"warble"
)

// sweeper holds the claim on an upload that is being removed, so that nobody
// takes it meanwhile.
const sweeper warble.ID = 1

// followDoc does what a changed document asks for.
func (f *Fanout) followDoc(ctx context.Context, ev warble.Event) error {
	docs, err := f.s.Docs.Get(ctx, ev.ID)
	if err != nil {
		return err
	}
	d := docs[0]
	if d == nil {
		return f.endList(ctx, ev.ID)
	}
	if d.Kind != warble.DocMedia {
		return nil
	}
	m, err := warble.MediaOf(d)
	if err != nil {
		return nil //nolint:nilerr // not readable: nothing to look after
	}
	if m.Tweet != 0 || m.Profile != 0 {
		_, err := f.dropUnused(ctx, d.ID, true)
		return err
	}
	return nil // the note of its files has it looked at
}

// endUpload looks at an upload a day later. Files that no photo's document
// names are those of an upload that was not finished, or of a part of one.
func (f *Fanout) endUpload(ctx context.Context, d warble.Due) (done bool, err error) {
	if d.Photo == (warble.PhotoID{}) {
		return f.dropUnused(ctx, d.ID, false)
	}
	docs, err := f.s.Docs.Get(ctx, d.ID)
	if err != nil {
		return false, err
	}
	if doc := docs[0]; doc != nil && doc.Kind == warble.DocMedia {
		if m, err := warble.MediaOf(doc); err != nil || m.Photo.ID == d.Photo {
			return f.dropUnused(ctx, d.ID, false)
		}
	} else if doc != nil && doc.Kind == warble.DocUpload {
		gone := *doc
		gone.Version, gone.Gone = gone.Version+1, true
		if _, err := f.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{&gone}}); err != nil {
			return false, err
		}
	}
	return true, f.dropFiles(ctx, &warble.Photo{ID: d.Photo})
}

func (f *Fanout) dropFiles(ctx context.Context, p *warble.Photo) error {
	for _, name := range []string{p.Full(), p.Small()} {
		if err := f.s.Blobs.Delete(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// dropUnused deletes an upload that no living tweet or profile shows: first its
// document, so that nobody is sent to files that are not there. done is false
// while somebody is about to take it; former says that it was shown before, so
// that nobody can be.
func (f *Fanout) dropUnused(ctx context.Context, id warble.DocID, former bool) (done bool, err error) {
	mine := warble.Claim{Holder: sweeper}
	stands, err := f.s.Claims.Swap(ctx, warble.PhotoClaim(id), warble.Claim{}, mine, time.Minute)
	if err != nil {
		return false, err
	}
	docs, err := f.s.Docs.Get(ctx, id) // after the claim: whoever took it before has written it down
	if err != nil || docs[0] == nil || docs[0].Kind != warble.DocMedia {
		return true, err
	}
	m, err := warble.MediaOf(docs[0])
	if err != nil {
		return true, nil //nolint:nilerr // not readable: left for an operator
	}
	used, err := f.shown(ctx, docs[0], m)
	if err != nil || used {
		return true, err
	}
	if !former && m.Tweet == 0 && stands != mine {
		return false, nil
	}
	gone := *docs[0]
	gone.Version, gone.Gone = gone.Version+1, true
	if _, err := f.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{&gone}}); err != nil {
		return false, err
	}
	return true, f.dropFiles(ctx, &m.Photo)
}

// shown says whether the tweet or profile that took an upload still shows it.
func (f *Fanout) shown(ctx context.Context, d *warble.Doc, m *warble.Media) (bool, error) {
	if m.Tweet != 0 {
		rows, err := f.s.Tweets.Get(ctx, m.Tweet)
		return err != nil || rows[0] == nil || !rows[0].Gone, err
	}
	if m.Profile != 0 {
		users, err := f.s.Users.Get(ctx, m.Profile)
		if err != nil || users[0] == nil {
			return true, err
		}
		u := users[0]
		return !u.Deleted && (u.Avatar != nil && u.Avatar.Media == d.ID || u.Header != nil && u.Header.Media == d.ID), nil
	}
	return false, nil
}

// endList removes the edges of a list that is gone.
func (f *Fanout) endList(ctx context.Context, id warble.DocID) error {
	for _, end := range []struct {
		kind warble.EdgeKind
		list func(context.Context, warble.EdgeKind, warble.ID, warble.Page) ([]warble.Edge, error)
	}{{warble.ListMember, f.s.Edges.From}, {warble.ListFollow, f.s.Edges.To}, {warble.ListPin, f.s.Edges.To}} {
		for {
			n, err := f.dropEdges(ctx, end.kind, id, end.list)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

// dropEdges removes some of the edges a list gives, and says how many.
func (f *Fanout) dropEdges(ctx context.Context, kind warble.EdgeKind, id warble.ID, list func(context.Context, warble.EdgeKind, warble.ID, warble.Page) ([]warble.Edge, error)) (int, error) {
	edges, err := list(ctx, kind, id, warble.Page{Limit: warble.MaxChangeRows})
	if err != nil || len(edges) == 0 {
		return 0, err
	}
	c := &warble.Change{}
	for _, e := range edges {
		key := e.To
		if kind == warble.Like || kind == warble.Bookmark || kind == warble.Vote {
			rows, err := f.s.Tweets.Get(ctx, e.To)
			if err != nil {
				return 0, err
			}
			if rows[0] != nil {
				key = rows[0].Author
			}
		}
		c.Gone = append(c.Gone, e.Key())
		c.Events = append(c.Events, warble.EdgesGone(key, []warble.EdgeKey{e.Key()}))
	}
	_, err = f.s.Commit.Apply(ctx, c)
	return len(edges), err
}

// edgesOnTweets are the edges that people put on a tweet and that go with it;
// the replies and quotes that point at it stay.
var edgesOnTweets = []warble.EdgeKind{warble.Like, warble.Bookmark, warble.Vote, warble.Retweet}

// endTweet removes what people put on a deleted tweet, some of it at a time, so
// that nobody's numbers count what no list shows; done says that nothing is left.
func (f *Fanout) endTweet(ctx context.Context, id warble.TweetID) (done bool, err error) {
	rows, err := f.s.Tweets.Get(ctx, id)
	if err != nil || rows[0] == nil || !rows[0].Gone {
		return true, err
	}
	const rounds = 20 // at a tick
	for range rounds {
		left, err := f.dropRetweets(ctx, id)
		if err != nil {
			return false, err
		}
		for _, kind := range edgesOnTweets {
			if kind == warble.Retweet {
				continue
			}
			n, err := f.dropEdges(ctx, kind, id, f.s.Edges.To)
			if err != nil {
				return false, err
			}
			left += n
		}
		if left == 0 {
			return true, nil
		}
	}
	return false, nil
}

// dropRetweets takes some retweets of a tweet back, each with its row, and says
// how many.
func (f *Fanout) dropRetweets(ctx context.Context, id warble.TweetID) (int, error) {
	edges, err := f.s.Edges.To(ctx, warble.Retweet, id, warble.Page{Limit: warble.MaxChangeRows / 2})
	if err != nil || len(edges) == 0 {
		return 0, err
	}
	c := &warble.Change{}
	for _, e := range edges {
		c.Tweets = append(c.Tweets, &warble.Tweet{ID: e.Since, Author: e.From, Version: 2, Gone: true})
		c.Gone = append(c.Gone, e.Key())
		c.Events = append(c.Events, warble.EdgesGone(e.From, []warble.EdgeKey{e.Key()}), warble.Event{Kind: warble.EventTweetGone, Key: e.From, ID: e.Since})
	}
	_, err = f.s.Commit.Apply(ctx, c)
	return len(edges), err
}

// endAccount takes apart what a deleted account left, some of it at a time;
// done says that nothing is left. The account itself stays as a row that hides everything.
func (f *Fanout) endAccount(ctx context.Context, id warble.UserID) (done bool, err error) {
	ids, err := f.s.Tweets.By(ctx, id, warble.Page{Limit: 100})
	if err != nil {
		return false, err
	}
	rows, err := f.s.Tweets.Get(ctx, ids...)
	if err != nil {
		return false, err
	}
	for _, t := range rows {
		if t == nil || t.Gone {
			continue
		}
		c, err := warble.Deletion(ctx, f.s, t)
		if err != nil {
			return false, err
		}
		if _, err := f.s.Commit.Apply(ctx, c); err != nil {
			return false, err
		}
	}
	lists, err := f.dropLists(ctx, id)
	if err != nil {
		return false, err
	}
	left := len(ids) + lists
	for _, kind := range []warble.EdgeKind{warble.Follow, warble.FollowRequest, warble.Like, warble.Retweet, warble.Bookmark, warble.Mute, warble.Block, warble.ListFollow, warble.ListPin, warble.FollowTag, warble.Note} {
		n, err := f.dropEdges(ctx, kind, id, f.s.Edges.From)
		if err != nil {
			return false, err
		}
		left += n
	}
	for _, kind := range []warble.EdgeKind{warble.Follow, warble.FollowRequest, warble.Mute, warble.Block, warble.ListMember, warble.Note} {
		n, err := f.dropEdges(ctx, kind, id, f.s.Edges.To)
		if err != nil {
			return false, err
		}
		left += n
	}
	return left == 0, nil
}

// dropLists deletes some of the lists a person made, and says how many: their
// events have the members' edges removed.
func (f *Fanout) dropLists(ctx context.Context, owner warble.UserID) (int, error) {
	docs, err := f.s.Docs.List(ctx, owner, warble.DocList, warble.Page{Limit: warble.MaxChangeRows})
	if err != nil || len(docs) == 0 {
		return 0, err
	}
	c := &warble.Change{}
	for _, d := range docs {
		c.Docs = append(c.Docs, &warble.Doc{ID: d.ID, Owner: owner, Kind: warble.DocList, Version: d.Version + 1, Gone: true})
		c.Events = append(c.Events, warble.Event{Kind: warble.EventDoc, Key: owner, ID: d.ID})
	}
	_, err = f.s.Commit.Apply(ctx, c)
	return len(docs), err
}
