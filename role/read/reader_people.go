package read

import (
	"context"
	"warble"
)

// Person is an account as one viewer sees it. Its tweets may still be hidden
// from the viewer.
type Person struct {
	User     *warble.User
	Counts   UserCounts
	Relation Relation
	Pos      warble.ID // the person's place in the list it came from
}

// UserCounts are the public numbers of an account.
type UserCounts struct{ Followers, Following, Tweets, Liked, Listed, Media int64 }

// Relation is what stands between the viewer and a person.
type Relation struct {
	Following, FollowedBy  bool
	Requested, RequestedBy bool // a follow request, by the viewer or by the person
	Muting                 bool
	Blocking, BlockedBy    bool
}

// PeopleInclude says what an answer should hold besides the accounts.
type PeopleInclude struct{ Counts, Relation bool }

// PeoplePage is one page of people, newest first.
type PeoplePage struct {
	People []*Person
	Next   warble.ID // Page.Before of the next page; 0: the end was reached
}

var (
	relationKinds  = []warble.EdgeKind{warble.Follow, warble.Follow | warble.Inverse, warble.FollowRequest, warble.FollowRequest | warble.Inverse, warble.Mute, warble.Block, warble.Block | warble.Inverse}
	userCountKinds = []warble.CountKind{warble.CountFollowers, warble.CountFollowing, warble.CountTweets, warble.CountLiked, warble.CountListed, warble.CountMedia}
)

// People looks accounts up, in the order of ids; nil where there is none that
// may be seen.
func (r *Reader) People(ctx context.Context, viewer warble.UserID, inc PeopleInclude, ids ...warble.UserID) (people []*Person, err error) {
	defer warble.Wrap(&err, "Reader.People")
	users, err := r.s.Users.Get(ctx, ids...)
	if err != nil {
		return nil, err
	}
	people = make([]*Person, len(ids))
	for i, u := range users {
		if u.Active() {
			people[i] = &Person{User: u}
		}
	}
	if inc.Relation && viewer != 0 {
		if err := r.relate(ctx, viewer, ids, people); err != nil {
			return nil, err
		}
	}
	if inc.Counts {
		n, err := r.s.Counts.Get(ctx, userCountKinds, ids)
		if err != nil {
			return nil, err
		}
		for i, p := range people {
			if p != nil {
				c := n[i*len(userCountKinds):]
				p.Counts = UserCounts{max(c[0], one(p.Relation.Following)), max(c[1], one(p.Relation.FollowedBy)), c[2], c[3], c[4], c[5]}
			}
		}
	}
	return people, nil
}

func (r *Reader) relate(ctx context.Context, viewer warble.UserID, ids []warble.UserID, people []*Person) error {
	bits, err := r.s.Edges.Among(ctx, viewer, relationKinds, ids)
	if err != nil {
		return err
	}
	for i, b := range bits {
		has := func(n int) bool { return b>>n&1 != 0 }
		if people[i] != nil {
			people[i].Relation = Relation{has(0), has(1), has(2), has(3), has(4), has(5), has(6)}
		}
	}
	return nil
}

// PersonByHandle looks an account up by its handle, without regard to case.
func (r *Reader) PersonByHandle(ctx context.Context, viewer warble.UserID, inc PeopleInclude, handle string) (p *Person, err error) {
	defer warble.Wrap(&err, "Reader.PersonByHandle")
	u, err := r.s.Users.ByHandle(ctx, handle)
	if err != nil {
		return nil, err
	}
	if !u.Active() {
		return nil, warble.ErrUserNotFound
	}
	people, err := r.People(ctx, viewer, inc, u.ID)
	if err != nil {
		return nil, err
	}
	if people[0] == nil {
		return nil, warble.ErrUserNotFound
	}
	return people[0], nil
}

// list pages the people of a source, skipping those who may not be seen.
func (r *Reader) list(ctx context.Context, viewer warble.UserID, p warble.Page, inc PeopleInclude, src source) (*PeoplePage, error) {
	show := func(ctx context.Context, spans []span) ([]*Person, error) {
		return r.listedPeople(ctx, viewer, inc, spans)
	}
	people, next, err := fill(ctx, p, src, show, func(p *Person) warble.ID { return p.Pos })
	if err != nil {
		return nil, err
	}
	return &PeoplePage{People: people, Next: next}, nil
}

func (r *Reader) listedPeople(ctx context.Context, viewer warble.UserID, inc PeopleInclude, spans []span) ([]*Person, error) {
	if len(spans) == 0 {
		return nil, nil
	}
	ids := make([]warble.UserID, len(spans))
	for i, s := range spans {
		ids[i] = s.id
	}
	inc.Relation = true
	people, err := r.People(ctx, viewer, inc, ids...)
	if err != nil {
		return nil, err
	}
	found := people[:0]
	for i, p := range people {
		// Who blocks the viewer is not shown to him, but where he must be able
		// to take his own block or mute back.
		if p != nil && (!p.Relation.BlockedBy || p.Relation.Blocking || p.Relation.Muting) {
			p.Pos = spans[i].pos
			found = append(found, p)
		}
	}
	return found, nil
}

// ofPerson pages the edges of a person whom viewer may read.
func (r *Reader) ofPerson(ctx context.Context, viewer, user warble.UserID, p warble.Page, inc PeopleInclude, src source) (*PeoplePage, error) {
	if _, err := r.person(ctx, viewer, user); err != nil {
		return nil, err
	}
	return r.list(ctx, viewer, p, inc, src)
}

// Followers are the people who follow user, newest follow first.
func (r *Reader) Followers(ctx context.Context, viewer, user warble.UserID, p warble.Page, inc PeopleInclude) (page *PeoplePage, err error) {
	defer warble.Wrap(&err, "Reader.Followers")
	return r.ofPerson(ctx, viewer, user, p, inc, fromEdges(r.s.Edges.To, warble.Follow, user, edgeFrom))
}

// Following are the people whom user follows, newest follow first.
func (r *Reader) Following(ctx context.Context, viewer, user warble.UserID, p warble.Page, inc PeopleInclude) (page *PeoplePage, err error) {
	defer warble.Wrap(&err, "Reader.Following")
	return r.ofPerson(ctx, viewer, user, p, inc, fromEdges(r.s.Edges.From, warble.Follow, user, edgeTo))
}

// LikedBy are the people who like a tweet, newest like first.
func (r *Reader) LikedBy(ctx context.Context, viewer warble.UserID, tweet warble.TweetID, p warble.Page, inc PeopleInclude) (page *PeoplePage, err error) {
	defer warble.Wrap(&err, "Reader.LikedBy")
	return r.ofTweet(ctx, viewer, tweet, p, inc, warble.Like)
}

// RetweetedBy are the people who retweeted a tweet, newest first.
func (r *Reader) RetweetedBy(ctx context.Context, viewer warble.UserID, tweet warble.TweetID, p warble.Page, inc PeopleInclude) (page *PeoplePage, err error) {
	defer warble.Wrap(&err, "Reader.RetweetedBy")
	return r.ofTweet(ctx, viewer, tweet, p, inc, warble.Retweet)
}

func (r *Reader) ofTweet(ctx context.Context, viewer warble.UserID, tweet warble.TweetID, p warble.Page, inc PeopleInclude, kind warble.EdgeKind) (*PeoplePage, error) {
	t, err := r.tweet(ctx, viewer, tweet)
	if err != nil {
		return nil, err
	}
	return r.list(ctx, viewer, p, inc, fromEdges(r.s.Edges.To, kind, t.Original(), edgeFrom))
}

// Muted are the people whom viewer mutes.
func (r *Reader) Muted(ctx context.Context, viewer warble.UserID, p warble.Page, inc PeopleInclude) (page *PeoplePage, err error) {
	defer warble.Wrap(&err, "Reader.Muted")
	return r.own(ctx, viewer, p, inc, fromEdges(r.s.Edges.From, warble.Mute, viewer, edgeTo))
}

// Blocked are the people whom viewer blocks.
func (r *Reader) Blocked(ctx context.Context, viewer warble.UserID, p warble.Page, inc PeopleInclude) (page *PeoplePage, err error) {
	defer warble.Wrap(&err, "Reader.Blocked")
	return r.own(ctx, viewer, p, inc, fromEdges(r.s.Edges.From, warble.Block, viewer, edgeTo))
}

// FollowRequests are the people who wait for viewer's approval.
func (r *Reader) FollowRequests(ctx context.Context, viewer warble.UserID, p warble.Page, inc PeopleInclude) (page *PeoplePage, err error) {
	defer warble.Wrap(&err, "Reader.FollowRequests")
	return r.own(ctx, viewer, p, inc, fromEdges(r.s.Edges.To, warble.FollowRequest, viewer, edgeFrom))
}

// own pages a list that only the viewer himself may read.
func (r *Reader) own(ctx context.Context, viewer warble.UserID, p warble.Page, inc PeopleInclude, src source) (*PeoplePage, error) {
	if viewer == 0 {
		return nil, warble.Fail(warble.ErrUnauthorized, "sign in to read this list")
	}
	return r.list(ctx, viewer, p, inc, src)
}
