package write

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	"warble"
)

// Limits on what goes with a tweet's text, in characters.
const (
	MaxContentWarning = 280
	MaxPlaceName      = 100
	maxPlaceSource    = 64 // bytes
	maxLang           = 35 // the longest tag BCP 47 asks programs to handle
)

// draft is a tweet that passed every rule and lacks only its id.
type draft struct {
	tweet   warble.Tweet
	photos  []freePhoto // the uploads it takes
	minutes int         // of its poll
	// above are the ids the tweet's id must be above: the author's newest
	// tweet, the one answered, the one quoted.
	above [3]warble.ID
}

// compose checks a draft against every rule and reads what it names.
func (w *Writer) compose(ctx context.Context, user warble.UserID, d Draft) (*draft, error) {
	p := &draft{tweet: warble.Tweet{Author: user, Version: 1, ReplySetting: d.ReplySetting, Place: d.Place}}
	if d.ReplySetting > warble.RepliesByMentioned {
		return nil, refuse(warble.ErrInvalid, "reply_settings", "replies are open to everyone, to people you follow, or to people mentioned")
	}
	if err := w.composeText(ctx, p, d); err != nil {
		return nil, err
	}
	if err := checkPlace(d.Place); err != nil {
		return nil, err
	}
	if err := p.composePoll(d); err != nil {
		return nil, err
	}
	if err := w.composePhotos(ctx, p, user, d.Media); err != nil {
		return nil, err
	}
	if d.ReplyTo != 0 {
		if err := w.composeReply(ctx, p, user, d.ReplyTo); err != nil {
			return nil, err
		}
	}
	if d.QuoteOf != 0 {
		quoted, err := w.original(ctx, "quote", user, d.QuoteOf)
		if err != nil {
			return nil, err
		}
		p.tweet.QuoteOf, p.tweet.QuoteAuthor, p.above[2] = quoted.ID, quoted.Author, quoted.ID
	}
	if p.tweet.Text == "" && len(p.photos) == 0 && d.QuoteOf == 0 {
		return nil, refuse(warble.ErrInvalid, "text", "a tweet needs a text, a photo, or a tweet to quote")
	}
	return p, nil
}

// composeText sets the text and what is made from it.
func (w *Writer) composeText(ctx context.Context, p *draft, d Draft) (err error) {
	t := &p.tweet
	if t.Text, err = w.checkText(d.Text); err != nil {
		return err
	}
	if t.ContentWarning, err = cleanText("content_warning", d.ContentWarning, MaxContentWarning, false); err != nil {
		return err
	}
	if t.Lang = d.Lang; t.Lang == "" {
		t.Lang = guessLang(t.Text)
	} else if !validLang(t.Lang) {
		return warble.Invalid("lang", d.Lang, "a language is a BCP 47 tag, such as en or pt-BR")
	}
	t.Mentions, err = w.resolveMentions(ctx, t.Text, d.ExcludeMentions)
	return err
}

// checkText normalizes a tweet's text and refuses one that is too long. A text
// of spaces only is no text.
func (w *Writer) checkText(text string) (string, error) {
	rules := w.opt.Text
	// Only links and emoji count less than their bytes; this bounds the work
	// for a text of nothing else.
	if limit := 64 * rules.Max; len(text) > limit {
		return "", warble.Invalid("text", text, "the text is too long; "+strconv.Itoa(rules.Max)+" characters is the limit")
	}
	text, err := warble.NormalizeText(text)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	if n := rules.WeightedLength(text); n > rules.Max {
		return "", warble.Invalid("text", text, "the text counts "+strconv.Itoa(n)+" characters; "+strconv.Itoa(rules.Max)+" is the limit")
	}
	return text, nil
}

// resolveMentions returns the accounts a text names: the first MaxMentions
// that exist.
func (w *Writer) resolveMentions(ctx context.Context, text string, exclude []warble.UserID) ([]warble.UserID, error) {
	if !strings.ContainsAny(text, "@＠") {
		return nil, nil
	}
	var ids []warble.UserID
	for tried, handle := range warble.Mentions(text) {
		// A text of nothing but names must not cost more look-ups than this.
		if len(ids) == warble.MaxMentions || tried == 5*warble.MaxMentions {
			break
		}
		if !warble.ValidHandle(handle) {
			continue
		}
		u, err := w.s.Users.ByHandle(ctx, handle)
		if err != nil {
			return nil, err
		}
		if u.Active() && !slices.Contains(exclude, u.ID) && !slices.Contains(ids, u.ID) {
			ids = append(ids, u.ID)
		}
	}
	return ids, nil
}

// composeReply joins the tweet to the thread it answers in, where its author
// may.
func (w *Writer) composeReply(ctx context.Context, p *draft, user warble.UserID, id warble.TweetID) error {
	to, err := w.original(ctx, "reply", user, id)
	if err != nil {
		return err
	}
	if err := w.mayReply(ctx, user, to); err != nil {
		return err
	}
	p.tweet.ReplyTo, p.tweet.ReplyAuthor, p.above[1] = to.ID, to.Author, to.ID
	p.tweet.Conversation = to.ID
	if to.Conversation != 0 && to.Conversation != to.ID {
		p.tweet.Conversation = to.Conversation
		roots, err := w.s.Tweets.Get(ctx, to.Conversation)
		if err != nil {
			return err
		}
		if roots[0] != nil && !roots[0].Gone {
			return w.mayReply(ctx, user, roots[0])
		}
	}
	return nil
}

// mayReply obeys a tweet's reply setting. A thread's first tweet speaks for
// the whole thread, and every tweet for its own replies.
func (w *Writer) mayReply(ctx context.Context, user warble.UserID, to *warble.Tweet) error {
	if to.ReplySetting == warble.RepliesByEveryone || to.Author == user || slices.Contains(to.Mentions, user) {
		return nil
	}
	if to.ReplySetting == warble.RepliesByFollowing {
		follows, err := w.has(ctx, warble.Follow, to.Author, user)
		if follows || err != nil {
			return err
		}
	}
	return &warble.Error{Kind: warble.ErrForbidden, Param: "reply", Value: to.ID.String(), Detail: "the author chose who may reply here, and you are not among them"}
}

// number gives the composed tweet its id.
func (p *draft) number(id warble.TweetID) {
	t := &p.tweet
	t.ID = id
	if t.Conversation == 0 {
		t.Conversation = id
	}
	if t.Poll != nil {
		// The tweet's own number: so a retry makes the same poll.
		t.Poll.ID = id
		t.Poll.Ends = id.Millis() + int64(p.minutes)*60_000
	}
}

// change is the one Change that stores the tweet: at most 17 rows.
func (p *draft) change() *warble.Change {
	t := &p.tweet
	c := &warble.Change{Tweets: []*warble.Tweet{t}, Put: warble.TweetEdges(t)}
	c.Events = []warble.Event{{Kind: warble.EventTweet, Key: t.Author, ID: t.ID, Edges: slices.Clone(c.Put)}}
	for _, f := range p.photos {
		c.Docs = append(c.Docs, f.taken(warble.Media{Photo: f.media.Photo, Tweet: t.ID}))
	}
	return c
}

func checkPlace(p *warble.Place) error {
	switch {
	case p == nil:
		return nil
	case utf8.RuneCountInString(p.Name) > MaxPlaceName || !utf8.ValidString(p.Name):
		return warble.Invalid("place", p.Name, "the name of a place has at most "+strconv.Itoa(MaxPlaceName)+" characters")
	case len(p.Source) > maxPlaceSource || !utf8.ValidString(p.Source):
		return warble.Invalid("place", p.Source, "the id of a place has at most "+strconv.Itoa(maxPlaceSource)+" bytes")
	case p.Point && !(math.Abs(p.Lon) <= 180 && math.Abs(p.Lat) <= 90): // also refuses NaN
		return refuse(warble.ErrInvalid, "place", "a longitude lies between -180 and 180 and a latitude between -90 and 90")
	}
	return nil
}
