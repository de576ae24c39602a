// Package write is the write role: the rules of every change a person can make,
// from PostTweet and RecordUserTweetLike on. Each call ends in one Change that is
// durable, with its events, before it returns; what must be unique is claimed first.
package write

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
	"warble"
)

// Writer is the write role: every change of truth goes through one of its
// methods. Its methods may be called by many goroutines and many processes at
// once. Rows they return are shared and must not be changed.
//
// Unless a method says otherwise: an unknown person, tweet or list is
// ErrNotFound, naming the parameter; a suspended or deleted account may do
// nothing (ErrForbidden); what was asked for already is no error; ErrUnavailable
// means that nothing was stored, ErrUnknown that it may have been.
type Writer struct {
	s      *warble.Stores
	ids    *warble.IDs
	opt    warble.Options
	people *activity
	locks  stripes
}

// NewWriter makes a writer over stores. ids is shared with the other roles of
// the process.
func NewWriter(s *warble.Stores, ids *warble.IDs, opt warble.Options) *Writer {
	return &Writer{s: s, ids: ids, opt: opt.WithDefaults(), people: newActivity()}
}

// NextID gives out an id: for a document or a key that needs its id beforehand.
func (w *Writer) NextID(ctx context.Context) (warble.ID, error) { return w.ids.Next(ctx) }

// Draft is a tweet as its author hands it in.
type Draft struct {
	ID              warble.TweetID // given before by Claim, or 0
	Text            string         // at most Options.Text.Max of weighted length; may be empty with photos or a quote
	ContentWarning  string         // at most 280 characters
	Lang            string         // BCP 47; empty: guessed where the script tells
	ReplyTo         warble.TweetID
	QuoteOf         warble.TweetID
	Media           []warble.DocID // at most MaxPhotos uploads of the author's that nothing uses; not with a poll
	Poll            *PollDraft
	ReplySetting    warble.ReplySetting
	Place           *warble.Place
	ExcludeMentions []warble.UserID // people named in the text who are not to be mentioned
}

// PostTweet stores a tweet, a reply or a quote and returns its row. It is
// durable, with its event, before the answer.
//
// A draft with an ID is stored at most once: the row that stands under the id
// is returned as it is, and once that tweet was deleted the answer is ErrGone.
// ErrLimit says that the author posted Options.TweetsPerDay tweets and
// retweets in the last 24 hours. ErrInvalid, ErrNotFound and ErrForbidden name
// the parameter: text, media, poll, reply, quote, place, lang, content_warning.
func (w *Writer) PostTweet(ctx context.Context, user warble.UserID, d Draft) (t *warble.Tweet, err error) {
	defer warble.Wrap(&err, "Writer.PostTweet")
	if _, err := w.actor(ctx, user); err != nil {
		return nil, err
	}
	if d.ID != 0 {
		if t, err := w.posted(ctx, user, d.ID); t != nil || err != nil {
			return t, err
		}
	}
	p, err := w.compose(ctx, user, d)
	if err != nil && d.ID != 0 {
		// Another try with this id may have finished meanwhile and have the photos.
		if t, err := w.posted(ctx, user, d.ID); t != nil || errors.Is(err, warble.ErrGone) {
			return t, err
		}
	}
	if err != nil {
		return nil, err
	}
	if p.above[0], err = w.takeTurn(ctx, user); err != nil {
		return nil, err
	}
	t, err = w.store(ctx, p, d.ID)
	if err != nil && !errors.Is(err, warble.ErrUnknown) {
		w.people.of(user).giveBack(w.opt.Clock())
	}
	return t, err
}

// posted returns what stands under an id given before: nil where nothing does.
func (w *Writer) posted(ctx context.Context, user warble.UserID, id warble.TweetID) (*warble.Tweet, error) {
	rows, err := w.s.Tweets.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	t := rows[0]
	switch {
	case t == nil:
		return nil, nil
	case t.Author != user:
		return nil, refuse(warble.ErrConflict, "id", "this id belongs to somebody else's tweet")
	case t.Gone:
		return nil, refuse(warble.ErrGone, "id", "the tweet made with this key was deleted; use a new key to post again")
	}
	return t, nil
}

// store gives the composed tweet its id and applies it.
func (w *Writer) store(ctx context.Context, p *draft, id warble.TweetID) (*warble.Tweet, error) {
	given := id != 0
	if !given {
		var err error
		if id, err = w.ids.Next(ctx, p.above[:]...); err != nil {
			return nil, err
		}
	} else if id <= max(p.above[1], p.above[2]) {
		return nil, refuse(warble.ErrConflict, "id", "this key is older than the tweet it speaks of; use a new key")
	}
	p.number(id)
	if err := w.takePhotos(ctx, p.photos, id); err != nil {
		return nil, err
	}
	t := &p.tweet
	if _, err := w.s.Commit.Apply(ctx, p.change()); err != nil {
		if !given && errors.Is(err, warble.ErrUnavailable) { // under a given id another try may be on its way
			w.leavePhotos(ctx, p.photos, id)
		}
		return nil, err
	}
	w.people.of(t.Author).posted(id)
	if given { // another try may have been first
		return w.posted(ctx, t.Author, id)
	}
	return t, nil
}

// RecordUserTweetLike records that a person likes a tweet; liking a retweet
// likes the original. A tweet the person may not see is ErrNotFound or
// ErrForbidden.
func (w *Writer) RecordUserTweetLike(ctx context.Context, user warble.UserID, tweet warble.TweetID) (err error) {
	defer warble.Wrap(&err, "Writer.RecordUserTweetLike")
	return w.mark(ctx, warble.Like, user, tweet)
}

// actor returns the row of who acts.
func (w *Writer) actor(ctx context.Context, user warble.UserID) (*warble.User, error) {
	u, err := w.person(ctx, "user", user)
	if err != nil {
		return nil, err
	}
	if !u.Active() {
		return nil, refuse(warble.ErrForbidden, "user", "this account is suspended or deleted and may not do this")
	}
	return u, nil
}

// person returns a row, whatever its state; param names it in the error.
func (w *Writer) person(ctx context.Context, param string, id warble.UserID) (*warble.User, error) {
	users, err := w.s.Users.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if users[0] == nil {
		return nil, &warble.Error{Kind: warble.ErrNotFound, Param: param, Value: id.String(), Detail: "there is no such account"}
	}
	return users[0], nil
}

// target returns the row of somebody else who can be acted upon.
func (w *Writer) target(ctx context.Context, user, target warble.UserID) (*warble.User, error) {
	if user == target {
		return nil, warble.Invalid("target", target.String(), "you cannot do this to your own account; name another")
	}
	if _, err := w.actor(ctx, user); err != nil {
		return nil, err
	}
	u, err := w.person(ctx, "target", target)
	if err != nil {
		return nil, err
	}
	if !u.Active() {
		return nil, &warble.Error{Kind: warble.ErrNotFound, Param: "target", Value: target.String(), Detail: "there is no such account"}
	}
	return u, nil
}

// original returns the tweet that is meant: for a retweet its original. The
// viewer may see it. param names it in errors.
func (w *Writer) original(ctx context.Context, param string, viewer warble.UserID, id warble.TweetID) (*warble.Tweet, error) {
	t, err := w.row(ctx, param, id)
	if err == nil && !t.Gone && t.RetweetOf != 0 {
		if err := w.maySee(ctx, param, viewer, t); err != nil {
			return nil, err
		}
		t, err = w.row(ctx, param, t.RetweetOf)
	}
	if err != nil {
		return nil, err
	}
	return t, w.maySee(ctx, param, viewer, t)
}

// row returns a tweet's row, tombstones included.
func (w *Writer) row(ctx context.Context, param string, id warble.TweetID) (*warble.Tweet, error) {
	rows, err := w.s.Tweets.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if rows[0] == nil {
		return nil, &warble.Error{Kind: warble.ErrNotFound, Param: param, Value: id.String(), Detail: "there is no such tweet"}
	}
	return rows[0], nil
}

// maySee is canSee with the parameter named.
func (w *Writer) maySee(ctx context.Context, param string, viewer warble.UserID, t *warble.Tweet) error {
	err := warble.CanSee(ctx, w.s, viewer, t)
	if e, ok := errors.AsType[*warble.Error](err); ok && e.Param == "" {
		c := *e
		c.Param, c.Value = param, t.ID.String()
		return &c
	}
	return err
}

// has says whether an edge stands.
func (w *Writer) has(ctx context.Context, kind warble.EdgeKind, from, to warble.ID) (bool, error) {
	edges, err := w.s.Edges.Get(ctx, kind, from, to)
	return err == nil && edges[0].Since != 0, err
}

// join puts one edge with its event. It fills in Since and says whether
// anything changed.
func (w *Writer) join(ctx context.Context, e *warble.Edge, key warble.ID) (bool, error) {
	since, err := w.ids.Next(ctx, e.From, e.To)
	if err != nil {
		return false, err
	}
	e.Since = since
	put := []warble.Edge{*e}
	c := &warble.Change{Put: put, Events: []warble.Event{{Kind: warble.EventEdge, Key: key, Edges: slices.Clone(put)}}}
	changed, err := w.s.Commit.Apply(ctx, c)
	*e = put[0]
	return changed, err
}

// part removes edges, which all share the event's key.
func (w *Writer) part(ctx context.Context, key warble.ID, gone ...warble.EdgeKey) (bool, error) {
	return w.s.Commit.Apply(ctx, &warble.Change{Gone: gone, Events: []warble.Event{warble.EdgesGone(key, gone)}})
}

// dropHomes forgets stored homes that a change of follows made wrong. The
// change is durable by then and Fanout drops them once more, so a failure is
// told to the operator only.
func (w *Writer) dropHomes(ctx context.Context, owners ...warble.UserID) {
	if err := w.s.Timelines.Drop(context.WithoutCancel(ctx), owners...); err != nil {
		w.opt.Log.Warn("homes were not dropped after a change of follows", "err", err)
	}
}

// refuse makes an error of a kind that names its parameter.
func refuse(kind error, param, detail string) *warble.Error {
	return &warble.Error{Kind: kind, Param: param, Detail: detail}
}

// stripes are locks shared by many names. They only keep the changes of one
// person in this process from crossing each other; what must hold between
// processes is held by claims and by reading back.
type stripes [256]sync.Mutex

func (s *stripes) of(id warble.ID) *sync.Mutex { return &s[id.Hash()>>56] }

// both locks for two people, in one order for everybody.
func (s *stripes) both(a, b warble.ID) (unlock func()) {
	x, y := a.Hash()>>56, b.Hash()>>56
	if x > y {
		x, y = y, x
	}
	s[x].Lock()
	if x == y {
		return s[x].Unlock
	}
	s[y].Lock()
	return func() { s[y].Unlock(); s[x].Unlock() }
}

// day is the span of the daily quota.
const day = 24 * time.Hour
