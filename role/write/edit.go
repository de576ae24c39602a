package write

import (
	"context"
	"slices"
	"strconv"
	"time"
	"warble"
)

// Limits on edits.
const (
	EditTime = 30 * time.Minute // after the tweet was posted
	MaxEdits = 5
)

// EditTweet stores a new version of one's own tweet under the same id, within
// EditTime and at most MaxEdits times, then ErrForbidden. Text, content
// warning, language and place become the draft's; Media names the photos it
// then has, of its own or new uploads (nil: as they are). What it answers or
// quotes cannot be changed and may be left out, and a tweet with a poll cannot
// be edited at all. ErrConflict where another edit came at the same moment.
func (w *Writer) EditTweet(ctx context.Context, user warble.UserID, tweet warble.TweetID, d Draft) (t *warble.Tweet, err error) {
	defer warble.Wrap(&err, "Writer.EditTweet")
	if _, err := w.actor(ctx, user); err != nil {
		return nil, err
	}
	old, err := w.ownTweet(ctx, user, tweet)
	if err != nil {
		return nil, err
	}
	if err := w.mayEdit(old, d); err != nil {
		return nil, err
	}
	p, err := w.composeEdit(ctx, old, d)
	if err != nil {
		return nil, err
	}
	// The photos first: a version claimed for nothing keeps other edits away for a minute.
	if err := w.takePhotos(ctx, p.photos, tweet); err != nil {
		return nil, err
	}
	if err := warble.TakeVersion(ctx, w.s.Claims, w.opt.Clock(), tweet, uint64(old.Version), uint64(p.tweet.Version)); err != nil {
		return nil, err
	}
	c, rest := p.edit(old)
	if _, err := w.s.Commit.Apply(ctx, c); err != nil {
		return nil, err
	}
	if rest != nil {
		if _, err = w.s.Commit.Apply(ctx, rest); err != nil {
			return nil, err
		}
	}
	return w.edited(ctx, p, c.Put)
}

// edited reads back: where the tweet was deleted meanwhile, the edges and photos
// of the edit must not outlive it.
func (w *Writer) edited(ctx context.Context, p *draft, put []warble.Edge) (*warble.Tweet, error) {
	t, err := w.row(ctx, "tweet", p.tweet.ID)
	switch {
	case err != nil:
		return nil, err
	case t.Gone:
		c := new(warble.Change)
		for _, e := range put {
			c.Gone = append(c.Gone, e.Key())
		}
		c.Events = []warble.Event{warble.EdgesGone(t.Author, c.Gone)}
		for _, f := range p.photos {
			d := f.taken(warble.Media{Photo: f.media.Photo, Tweet: t.ID})
			d.Version++ // a change, so that its event is stored
			c.Docs = append(c.Docs, d)
			c.Events = append(c.Events, warble.Event{Kind: warble.EventDoc, Key: t.Author, ID: d.ID})
		}
		if _, err := w.s.Commit.Apply(ctx, c); err != nil {
			return nil, err
		}
		return nil, &warble.Error{Kind: warble.ErrNotFound, Param: "tweet", Value: t.ID.String(), Detail: "the tweet was deleted meanwhile"}
	case t.Version < p.tweet.Version || t.Version == p.tweet.Version && t.Text != p.tweet.Text:
		return nil, warble.ErrOvertaken
	}
	return &p.tweet, nil
}

// ownTweet returns a tweet of the person's own.
func (w *Writer) ownTweet(ctx context.Context, user warble.UserID, id warble.TweetID) (*warble.Tweet, error) {
	t, err := w.row(ctx, "tweet", id)
	if err != nil {
		return nil, err
	}
	if t.Author == user && !t.Gone {
		return t, nil
	}
	if err := w.maySee(ctx, "tweet", user, t); err != nil {
		return nil, err
	}
	return nil, &warble.Error{Kind: warble.ErrForbidden, Param: "tweet", Value: id.String(), Detail: "only its author may change or delete a tweet"}
}

func (w *Writer) mayEdit(old *warble.Tweet, d Draft) error {
	forbidden := func(detail string) error {
		return &warble.Error{Kind: warble.ErrForbidden, Param: "tweet", Value: old.ID.String(), Detail: detail}
	}
	switch {
	case old.RetweetOf != 0:
		return forbidden("a retweet has no text to edit")
	case old.Poll != nil:
		return forbidden("a tweet with a poll cannot be edited")
	case old.Version > MaxEdits:
		return forbidden("a tweet can be edited " + strconv.Itoa(MaxEdits) + " times")
	case w.opt.Clock().Sub(old.Created()) > EditTime:
		return forbidden("a tweet can be edited for 30 minutes after it was posted")
	case d.Poll != nil:
		return refuse(warble.ErrInvalid, "poll", "a poll cannot be added to a tweet")
	case d.ReplyTo != 0 && d.ReplyTo != old.ReplyTo:
		return refuse(warble.ErrInvalid, "reply", "what a tweet answers cannot be changed")
	case d.QuoteOf != 0 && d.QuoteOf != old.QuoteOf:
		return refuse(warble.ErrInvalid, "quote", "what a tweet quotes cannot be changed")
	}
	return nil
}

// composeEdit makes the next version of old.
func (w *Writer) composeEdit(ctx context.Context, old *warble.Tweet, d Draft) (*draft, error) {
	p := &draft{tweet: *old}
	t := &p.tweet
	t.Version = old.Version + 1
	t.Edited = w.opt.Clock().UnixMilli()
	if err := w.composeText(ctx, p, d); err != nil {
		return nil, err
	}
	if err := checkPlace(d.Place); err != nil {
		return nil, err
	}
	t.Place = d.Place
	if d.Media != nil {
		if err := w.editPhotos(ctx, p, old, d.Media); err != nil {
			return nil, err
		}
	}
	if t.Text == "" && len(t.Photos) == 0 && t.QuoteOf == 0 {
		return nil, refuse(warble.ErrInvalid, "text", "a tweet needs a text, a photo, or a tweet to quote")
	}
	return p, nil
}

// editPhotos keeps the photos named that the tweet has already and takes the
// other ones from the author's uploads, in the order named. Photos left out
// stay with the version that shows them.
func (w *Writer) editPhotos(ctx context.Context, p *draft, old *warble.Tweet, media []warble.DocID) error {
	fresh := slices.DeleteFunc(slices.Clone(media), func(id warble.DocID) bool { return photoOf(old, id) != nil })
	if len(media) > warble.MaxPhotos {
		return warble.Invalid("media", strconv.Itoa(len(media)), "a tweet has at most four photos")
	}
	p.tweet.Photos = nil
	if err := w.composePhotos(ctx, p, old.Author, fresh); err != nil {
		return err
	}
	taken := p.tweet
	p.tweet.Photos = nil
	for i, id := range media {
		photo := photoOf(old, id)
		if photo == nil {
			photo = photoOf(&taken, id)
		}
		if slices.Contains(media[:i], id) {
			return warble.Invalid("media", id.String(), "the same photo is named twice")
		}
		p.tweet.Photos = append(p.tweet.Photos, *photo)
	}
	return nil
}

func photoOf(t *warble.Tweet, media warble.DocID) *warble.Photo {
	i := slices.IndexFunc(t.Photos, func(p warble.Photo) bool { return p.Media == media })
	if i < 0 {
		return nil
	}
	return &t.Photos[i]
}

// edit is the Change that stores the new version, and a second one for the
// mentions no longer in it where both do not fit into one. The mentions of a
// version that was replaced are shown nowhere in between: readers look at the
// row.
func (p *draft) edit(old *warble.Tweet) (c, rest *warble.Change) {
	t := &p.tweet
	c = &warble.Change{Tweets: []*warble.Tweet{t}}
	for _, e := range warble.TweetEdges(t) {
		if e.Kind == warble.Mention && !slices.Contains(old.Mentions, e.To) {
			c.Put = append(c.Put, e)
		}
	}
	for _, f := range p.photos {
		c.Docs = append(c.Docs, f.taken(warble.Media{Photo: f.media.Photo, Tweet: t.ID}))
	}
	c.Events = []warble.Event{{Kind: warble.EventTweetEdit, Key: t.Author, ID: t.ID, Edges: slices.Clone(c.Put)}}
	var gone []warble.EdgeKey
	for _, user := range old.Mentions {
		if !slices.Contains(t.Mentions, user) {
			gone = append(gone, warble.EdgeKey{Kind: warble.Mention, From: t.ID, To: user})
		}
	}
	if len(gone) == 0 {
		return c, nil
	}
	last := c
	if c.Rows()+len(gone) > warble.MaxChangeRows {
		rest = new(warble.Change)
		last = rest
	}
	last.Gone = gone
	last.Events = append(last.Events, warble.EdgesGone(t.Author, gone))
	return c, rest
}
