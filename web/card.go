package web

import (
	"strconv"
	"time"
	"warble/role/read"

	"warble"
)

// card is a tweet as a page shows it.
type card struct {
	*read.Item
	Retweeter *warble.User // who brought it here; nil for nobody
	Quoted    *read.Item   // nil: quotes nothing, or what may not be seen
	Answers   string       // the handle of whom it replies to; empty for nobody
	Now       time.Time
	Large     bool // the tweet its page is about
}

// cards are the tweets of a page. A retweet shows its original.
func (s *site) cards(tl *read.Timeline) []card {
	out := make([]card, 0, len(tl.Items))
	for i := range tl.Items {
		if c, ok := s.card(tl, &tl.Items[i]); ok {
			out = append(out, c)
		}
	}
	return out
}

func (s *site) card(tl *read.Timeline, it *read.Item) (card, bool) {
	c := card{Item: it, Now: s.Clock()}
	if it.Tweet == nil {
		return c, false
	}
	if id := it.Tweet.RetweetOf; id != 0 {
		c.Retweeter = it.Author
		if c.Item = tl.Refs[id]; c.Item == nil {
			return c, false
		}
	}
	t := c.Tweet
	if t.QuoteOf != 0 {
		c.Quoted = tl.Refs[t.QuoteOf]
	}
	if t.ReplyTo != 0 {
		c.Answers = "someone"
		if t.ReplyAuthor == t.Author {
			c.Answers = "@" + c.Author.Handle
		} else if u := tl.People[t.ReplyAuthor]; u != nil {
			c.Answers = "@" + u.Handle
		}
	}
	return c, true
}

// option is a line of a poll.
type option struct {
	Text  string
	Share string // as a percentage
	Votes int64
	Mine  bool
	Leads bool
}

// options is how a poll stands.
func options(it *read.Item) (lines []option, total int64) {
	best := int64(1)
	for _, n := range it.Poll.Votes {
		total += n
		best = max(best, n)
	}
	for i, text := range it.Tweet.Poll.Options {
		o := option{Text: text, Share: "0%", Mine: it.Poll.Voted>>i&1 != 0}
		if i < len(it.Poll.Votes) && total > 0 {
			o.Votes = it.Poll.Votes[i]
			o.Share = strconv.FormatInt((o.Votes*200+total)/(2*total), 10) + "%"
			o.Leads = o.Votes == best
		}
		lines = append(lines, o)
	}
	return lines, total
}

// closes says until when one may vote.
func closes(p *warble.Poll, now time.Time) string {
	left := time.UnixMilli(p.Ends).Sub(now)
	switch {
	case left <= 0:
		return "final result"
	case left < time.Hour:
		return "ends in " + many(int64(left/time.Minute)+1, "minute", "minutes")
	case left < 48*time.Hour:
		return "ends in " + many(int64(left/time.Hour)+1, "hour", "hours")
	}
	return "ends in " + many(int64(left/(24*time.Hour)), "day", "days")
}

// placeName is what to call a place.
func placeName(p *warble.Place) string {
	if p.Name != "" || !p.Point {
		return p.Name
	}
	return strconv.FormatFloat(p.Lat, 'f', 3, 64) + ", " + strconv.FormatFloat(p.Lon, 'f', 3, 64)
}

// described is the text instead of a photo.
func described(p *warble.Photo, author *warble.User) string {
	if p.Alt != "" {
		return p.Alt
	}
	return "Photo by " + author.Name + ", without a description"
}

// sources are the two sizes of a photo, for the browser to choose.
func sources(p *warble.Photo) string {
	if p.SmallW == 0 || p.SmallW >= p.Width {
		return ""
	}
	return photoURL(p, "small") + " " + itoa(p.SmallW) + "w, " + photoURL(p, "full") + " " + itoa(p.Width) + "w"
}
