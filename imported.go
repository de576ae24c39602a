package warble

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// ImportedTweet is a tweet from elsewhere, with its own place in time.
type ImportedTweet struct {
	Author  *User
	Text    string // of any length up to 10 × Options.Text.Max bytes; not empty
	Place   *Place
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
func (w *Writer) ImportTweet(ctx context.Context, it ImportedTweet) (id TweetID, created bool, err error) {
	defer wrap(&err, "Writer.ImportTweet")
	t, err := w.composeImport(ctx, it)
	if err != nil {
		return 0, false, err
	}
	const low = 1 << 16
	for n := range low {
		id = IDAt(it.Created) | ID((it.KeyHash+uint64(n))%low)
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
	return 0, false, Invalid("created", it.Created.Format(time.RFC3339Nano), "all ids of this millisecond are taken")
}

// sameImport says whether the tweet that stands was imported from t. An edit
// since then does not make it another.
func (w *Writer) sameImport(ctx context.Context, there, t *Tweet) bool {
	if there.Version == 1 {
		return there.Text == t.Text
	}
	versions, err := w.s.Tweets.Versions(ctx, there.ID)
	return err == nil && len(versions) > 0 && versions[0].Text == t.Text
}

func (w *Writer) composeImport(ctx context.Context, it ImportedTweet) (*Tweet, error) {
	switch {
	case !it.Author.Active():
		return nil, refuse(ErrForbidden, "author", "this account is missing, suspended or deleted")
	case it.Created.UnixMilli() <= 0 || w.opt.Clock().Sub(it.Created) < importAge:
		return nil, Invalid("created", it.Created.Format(time.RFC3339), "an imported tweet was written after 1970 and at least a minute ago")
	case len(it.Text) > 10*w.opt.Text.Max:
		return nil, Invalid("text", it.Text, "the text is too long; "+strconv.Itoa(10*w.opt.Text.Max)+" bytes is the limit for an import")
	}
	text, err := NormalizeText(it.Text)
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, refuse(ErrInvalid, "text", "the text is empty")
	}
	if err := checkPlace(it.Place); err != nil {
		return nil, err
	}
	t := &Tweet{Author: it.Author.ID, Version: 1, Imported: true, Text: text, Lang: guessLang(text), Place: it.Place}
	t.Mentions, err = w.resolveMentions(ctx, text, nil)
	return t, err
}

// importAt stores t under id and returns nil, or returns what stands there.
func (w *Writer) importAt(ctx context.Context, t *Tweet, id TweetID) (there *Tweet, err error) {
	rows, err := w.s.Tweets.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if rows[0] != nil {
		return rows[0], nil
	}
	row := *t
	row.ID, row.Conversation = id, id
	put := tweetEdges(&row)
	changed, err := w.s.Commit.Apply(ctx, &Change{
		Tweets: []*Tweet{&row},
		Put:    put,
		Events: []Event{{Kind: EventTweet, Key: row.Author, ID: id, Quiet: true, Edges: slices.Clone(put)}},
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
func (w *Writer) ImportFollows(ctx context.Context, pairs [][2]UserID) (added int, err error) {
	defer wrap(&err, "Writer.ImportFollows")
	if len(pairs) > MaxChangeRows {
		return 0, Invalid("pairs", strconv.Itoa(len(pairs)), "at most 20 follows are imported at once")
	}
	c := &Change{}
	since := make([]ID, 0, len(pairs))
	owners := make([]UserID, 0, len(pairs))
	for _, p := range pairs {
		from, to := p[0], p[1]
		if from == to {
			return 0, Invalid("pairs", from.String(), "nobody follows themselves; leave this pair out")
		}
		key := EdgeKey{Follow, from, to}
		if slices.ContainsFunc(c.Put, func(e Edge) bool { return e.Key() == key }) {
			continue
		}
		id, err := w.ids.Next(ctx, from, to)
		if err != nil {
			return 0, err
		}
		since, owners = append(since, id), append(owners, from)
		c.Put = append(c.Put, Edge{Kind: Follow, From: from, To: to, Since: id})
	}
	for _, e := range c.Put {
		c.Events = append(c.Events, Event{Kind: EventEdge, Key: e.To, Quiet: true, Edges: []Edge{e}})
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
