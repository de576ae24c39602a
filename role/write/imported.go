package write

import (
	"context"
	"slices"
	"strconv"
	"time"
	"warble"
)

// ImportedTweet is a tweet from elsewhere, with its own place in time.
type ImportedTweet struct {
	Author  *warble.User
	Text    string // of any length up to 10 × Options.Text.Max bytes; not empty
	Place   *warble.Place
	Created time.Time // to the millisecond; at least a minute ago
	KeyHash uint64    // of what makes it the same tweet the next time
}

// importAge is how old an imported tweet is at least, so that its id cannot be
// one that is being given out.
const importAge = time.Minute

// ImportTweet stores a tweet from elsewhere, without notices or live events.
// Its id is its time with the low 16 bits of KeyHash, or the next free one, so
// importing it again finds it: created is false then, also where it was
// deleted meanwhile. The daily quota does not count it.
func (w *Writer) ImportTweet(ctx context.Context, it ImportedTweet) (id warble.TweetID, created bool, err error) {
	defer warble.Wrap(&err, "Writer.ImportTweet")
	t, err := w.composeImport(ctx, it)
	if err != nil {
		return 0, false, err
	}
	const low = 1 << 16
	for n := range low {
		id = warble.IDAt(it.Created) | warble.ID((it.KeyHash+uint64(n))%low)
		there, err := w.importAt(ctx, t, id)
		switch {
		case err != nil:
			return 0, false, err
		case there == nil:
			return id, true, nil
		case there.Author == t.Author && (there.Gone || w.sameImport(ctx, there, t)):
			return id, false, nil
		}
	}
	return 0, false, warble.Invalid("created", it.Created.Format(time.RFC3339Nano), "all ids of this millisecond are taken")
}

// sameImport says whether the tweet that stands was imported from t. An edit
// since then does not make it another.
func (w *Writer) sameImport(ctx context.Context, there, t *warble.Tweet) bool {
	if there.Version == 1 {
		return there.Text == t.Text
	}
	versions, err := w.s.Tweets.Versions(ctx, there.ID)
	return err == nil && len(versions) > 0 && versions[0].Text == t.Text
}

func (w *Writer) composeImport(ctx context.Context, it ImportedTweet) (*warble.Tweet, error) {
	switch {
	case !it.Author.Active():
		return nil, refuse(warble.ErrForbidden, "author", "this account is missing, suspended or deleted")
	case it.Created.UnixMilli() <= 0 || w.opt.Clock().Sub(it.Created) < importAge:
		return nil, warble.Invalid("created", it.Created.Format(time.RFC3339), "an imported tweet was written after 1970 and at least a minute ago")
	case len(it.Text) > 10*w.opt.Text.Max:
		return nil, warble.Invalid("text", it.Text, "the text is too long; "+strconv.Itoa(10*w.opt.Text.Max)+" bytes is the limit for an import")
	}
	text, err := warble.NormalizeText(it.Text)
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, refuse(warble.ErrInvalid, "text", "the text is empty")
	}
	if err := checkPlace(it.Place); err != nil {
		return nil, err
	}
	t := &warble.Tweet{Author: it.Author.ID, Version: 1, Imported: true, Text: text, Lang: guessLang(text), Place: it.Place}
	t.Mentions, err = w.resolveMentions(ctx, text, nil)
	return t, err
}

// importAt stores t under id and returns nil, or returns what stands there.
func (w *Writer) importAt(ctx context.Context, t *warble.Tweet, id warble.TweetID) (there *warble.Tweet, err error) {
	rows, err := w.s.Tweets.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if rows[0] != nil {
		return rows[0], nil
	}
	row := *t
	row.ID, row.Conversation = id, id
	put := warble.TweetEdges(&row)
	changed, err := w.s.Commit.Apply(ctx, &warble.Change{
		Tweets: []*warble.Tweet{&row},
		Put:    put,
		Events: []warble.Event{{Kind: warble.EventTweet, Key: row.Author, ID: id, Quiet: true, Edges: slices.Clone(put)}},
	})
	if err != nil || changed {
		return nil, err
	}
	if rows, err = w.s.Tweets.Get(ctx, id); err != nil {
		return nil, err
	}
	return rows[0], nil
}

// ImportFollows puts follows of pairs (follower, followee), at most
// MaxChangeRows, in one Change, without notices, limits or requests, and
// returns how many of them are new. It is ErrInvalid for a pair of one person;
// whether the people exist is the caller's to know.
func (w *Writer) ImportFollows(ctx context.Context, pairs [][2]warble.UserID) (added int, err error) {
	defer warble.Wrap(&err, "Writer.ImportFollows")
	if len(pairs) > warble.MaxChangeRows {
		return 0, warble.Invalid("pairs", strconv.Itoa(len(pairs)), "at most 20 follows are imported at once")
	}
	c := &warble.Change{}
	since := make([]warble.ID, 0, len(pairs))
	owners := make([]warble.UserID, 0, len(pairs))
	for _, p := range pairs {
		from, to := p[0], p[1]
		if from == to {
			return 0, warble.Invalid("pairs", from.String(), "nobody follows themselves; leave this pair out")
		}
		key := warble.EdgeKey{Kind: warble.Follow, From: from, To: to}
		if slices.ContainsFunc(c.Put, func(e warble.Edge) bool { return e.Key() == key }) {
			continue
		}
		id, err := w.ids.Next(ctx, from, to)
		if err != nil {
			return 0, err
		}
		since, owners = append(since, id), append(owners, from)
		c.Put = append(c.Put, warble.Edge{Kind: warble.Follow, From: from, To: to, Since: id})
	}
	for _, e := range c.Put {
		c.Events = append(c.Events, warble.Event{Kind: warble.EventEdge, Key: e.To, Quiet: true, Edges: []warble.Edge{e}})
	}
	if _, err := w.s.Commit.Apply(ctx, c); err != nil {
		return 0, err
	}
	for i, e := range c.Put {
		if e.Since == since[i] {
			added++
		}
	}
	w.dropHomes(ctx, owners...)
	return added, nil
}
