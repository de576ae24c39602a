package twitter

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"

	"warble"
	"warble/internal/httpx"
	"warble/role/read"
)

func unixMilli(ms int64) time.Time { return time.UnixMilli(ms) }

// answer is a document being put together: data, includes, errors, meta.
type answer struct {
	a      *api
	q      *query
	viewer warble.UserID
	b      []byte

	users  []*warble.User // to include, in order of appearance
	tweets []*read.Item
}

// send sends a finished document. b grew out of buf and goes back there.
func send(w http.ResponseWriter, r *http.Request, buf *buffer, status int, b []byte) {
	httpx.ReplyJSON(w, r, status, b)
	buf.b = b
	buf.free()
}

// replyTweets answers with a page of tweets.
func (a *api) replyTweets(w http.ResponseWriter, r *http.Request, viewer warble.UserID, q *query, tl *read.Timeline, o order) error {
	buf := getBuffer()
	d := answer{a: a, q: q, viewer: viewer, b: buf.b}
	d.b = append(d.b, '{')
	if tl.Kept != nil && q.plain() {
		if err := d.splice(r.Context(), tl); err != nil {
			return err
		}
	} else if len(tl.Items) > 0 {
		d.b = append(d.b, `"data":[`...)
		for i := range tl.Items {
			if i > 0 {
				d.b = append(d.b, ',')
			}
			d.tweet(&tl.Items[i], tl)
		}
		d.b = append(d.b, "],"...)
		if err := d.includes(r.Context(), tl); err != nil {
			return err
		}
	}
	d.meta(tl, o)
	send(w, r, buf, http.StatusOK, append(d.b, '}'))
	return nil
}

// spliced is what of an answer is the same as long as its page is kept: the
// fragments of its tweets, and the includes.
type spliced struct {
	q        *query
	tweets   [][]byte
	includes []byte
}

// plain says whether an answer holds nothing that changes but the tweets'
// numbers and flags.
func (q *query) plain() bool { return q.exp&^xAuthor == 0 && q.user&uLive == 0 }

// splice appends data and includes of a kept page, from what the same query
// made of it before.
func (d *answer) splice(ctx context.Context, tl *read.Timeline) (err error) {
	p, _ := tl.Kept.Load().(*spliced)
	if p == nil || p.q != d.q {
		if p, err = d.fragments(ctx, tl); err != nil {
			return err
		}
		tl.Kept.Store(p)
	}
	p.fetch(tl.Items)
	d.b = append(d.b, `"data":[`...)
	for i := range tl.Items {
		if i > 0 {
			d.b = append(d.b, ',')
		}
		d.b = appendLive(append(d.b, p.tweets[i]...), &tl.Items[i], d.q.tweet)
	}
	d.b = append(append(d.b, "],"...), p.includes...)
	return nil
}

// fetch touches every cache line of what is about to be copied: the processor
// then waits for many at once, not for one fragment after the other.
func (p *spliced) fetch(items []read.Item) {
	const line = 64
	var sum byte
	for i, fragment := range p.tweets {
		for at := 0; at < len(fragment); at += line {
			sum ^= fragment[at]
		}
		sum ^= byte(items[i].Counts.Likes)
	}
	for at := 0; at < len(p.includes); at += line {
		sum ^= p.includes[at]
	}
	runtime.KeepAlive(sum)
}

func (d *answer) fragments(ctx context.Context, tl *read.Timeline) (*spliced, error) {
	p := &spliced{q: d.q, tweets: make([][]byte, len(tl.Items))}
	for i := range tl.Items {
		it := &tl.Items[i]
		p.tweets[i] = d.a.tweetFragment(it, tl.Original(it), d.q.tweet)
		if d.q.exp&xAuthor != 0 {
			d.user(it.Author)
		}
	}
	start := len(d.b)
	err := d.includes(ctx, tl)
	p.includes, d.b = slices.Clone(d.b[start:]), d.b[:start]
	return p, err
}

// tweet appends one tweet and notes whom and what it brings along.
func (d *answer) tweet(it *read.Item, tl *read.Timeline) {
	d.b = d.a.appendTweet(d.b, it, tl.Original(it), d.q.tweet)
	x := d.q.exp
	if x&xAuthor != 0 {
		d.user(it.Author)
	}
	if x&(xRefs|xRefAuthors) != 0 {
		t := it.Tweet
		for _, id := range [...]warble.TweetID{t.RetweetOf, t.QuoteOf, t.ReplyTo} {
			if ref := tl.Refs[id]; id != 0 && ref != nil {
				d.ref(ref)
			}
		}
	}
	if x&(xReplyTo|xMentions) != 0 {
		d.mentioned(it.Tweet, tl)
	}
}

func (d *answer) mentioned(t *warble.Tweet, tl *read.Timeline) {
	if d.q.exp&xReplyTo != 0 && t.ReplyAuthor != 0 {
		d.user(tl.People[t.ReplyAuthor])
	}
	if d.q.exp&xMentions != 0 {
		for _, id := range t.Mentions {
			d.user(tl.People[id])
		}
	}
}

// user notes somebody to include, once.
func (d *answer) user(u *warble.User) {
	if u == nil {
		return
	}
	for _, have := range d.users {
		if have.ID == u.ID {
			return
		}
	}
	d.users = append(d.users, u)
}

func (d *answer) ref(it *read.Item) {
	if d.q.exp&xRefAuthors != 0 {
		d.user(it.Author)
	}
	for _, have := range d.tweets {
		if have.Tweet.ID == it.Tweet.ID {
			return
		}
	}
	d.tweets = append(d.tweets, it)
}

// includes appends "includes":{…}, — with its comma — when there is something.
func (d *answer) includes(ctx context.Context, tl *read.Timeline) error {
	open := len(d.b)
	d.b = append(d.b, `"includes":{`...)
	empty := len(d.b)
	if err := d.includeUsers(ctx); err != nil {
		return err
	}
	if len(d.tweets) > 0 {
		d.begin(empty, d.q.word("tweets", "posts"))
		for i, it := range d.tweets {
			if i > 0 {
				d.b = append(d.b, ',')
			}
			d.b = d.a.appendTweet(d.b, it, nil, d.q.tweet)
		}
		d.b = append(d.b, ']')
	}
	if tl != nil && d.q.exp&xMedia != 0 {
		d.includeMedia(empty, tl)
	}
	if tl != nil && d.q.exp&xPolls != 0 {
		d.includePolls(empty, tl)
	}
	if len(d.b) == empty {
		d.b = d.b[:open]
		return nil
	}
	d.b = append(d.b, "},"...)
	return nil
}

// begin opens a list among the includes.
func (d *answer) begin(empty int, name string) {
	if len(d.b) > empty {
		d.b = append(d.b, ',')
	}
	d.b = append(d.b, '"')
	d.b = append(d.b, name...)
	d.b = append(d.b, `":[`...)
}

func (d *answer) includeUsers(ctx context.Context) error {
	if len(d.users) == 0 {
		return nil
	}
	var people []*read.Person
	if inc := d.q.people(d.viewer); inc.Counts || inc.Relation {
		ids := make([]warble.UserID, len(d.users))
		for i, u := range d.users {
			ids[i] = u.ID
		}
		var err error
		if people, err = d.a.Reader.People(ctx, d.viewer, inc, ids...); err != nil {
			return err
		}
	}
	d.b = append(d.b, `"users":[`...)
	for i, u := range d.users {
		if i > 0 {
			d.b = append(d.b, ',')
		}
		var p *read.Person
		if people != nil {
			p = people[i]
		}
		d.b = d.a.appendUser(d.b, u, p, d.userMask())
	}
	d.b = append(d.b, ']')
	return nil
}

// userMask leaves out what has no meaning for a viewer nobody knows.
func (d *answer) userMask() mask {
	if d.viewer == 0 {
		return d.q.user &^ uConnection
	}
	return d.q.user
}

func (d *answer) includeMedia(empty int, tl *read.Timeline) {
	first := true
	var seen []warble.DocID
	d.each(tl, func(it *read.Item) {
	next:
		for i := range it.Tweet.Photos {
			p := &it.Tweet.Photos[i]
			for _, id := range seen {
				if id == p.Media {
					continue next
				}
			}
			seen = append(seen, p.Media)
			if first {
				d.begin(empty, "media")
			} else {
				d.b = append(d.b, ',')
			}
			first = false
			d.b = d.a.appendMedia(d.b, p, d.q.media)
		}
	})
	if !first {
		d.b = append(d.b, ']')
	}
}

func (d *answer) includePolls(empty int, tl *read.Timeline) {
	first := true
	d.each(tl, func(it *read.Item) {
		if it.Tweet.Poll == nil {
			return
		}
		if first {
			d.begin(empty, "polls")
		} else {
			d.b = append(d.b, ',')
		}
		first = false
		d.b = d.a.appendPoll(d.b, it, d.q.poll)
	})
	if !first {
		d.b = append(d.b, ']')
	}
}

// each walks the tweets of the answer: the page's, then the included ones.
func (d *answer) each(tl *read.Timeline, f func(*read.Item)) {
	for i := range tl.Items {
		if tl.Items[i].Tweet != nil {
			f(&tl.Items[i])
		}
	}
next:
	for _, it := range d.tweets {
		for i := range tl.Items {
			if t := tl.Items[i].Tweet; t != nil && t.ID == it.Tweet.ID {
				continue next
			}
		}
		f(it)
	}
}

// meta appends "meta":{…} of a page of tweets.
func (d *answer) meta(tl *read.Timeline, o order) {
	d.b = append(d.b, `"meta":{"result_count":`...)
	d.b = strconv.AppendInt(d.b, int64(len(tl.Items)), 10)
	if n := len(tl.Items); n > 0 {
		newest, oldest := tl.Items[0].Tweet.ID, tl.Items[n-1].Tweet.ID
		d.b = appendIDMember(d.b, "newest_id", max(newest, oldest))
		d.b = appendIDMember(d.b, "oldest_id", min(newest, oldest))
		if d.q.paged {
			d.b = appendToken(member(d.b, "previous_token"), position{order: o, newer: true, id: tl.Items[0].Pos})
		}
	}
	if tl.Next != 0 { // a search may stop with nothing found yet
		d.b = appendToken(member(d.b, "next_token"), position{order: o, id: tl.Next})
	}
	d.b = append(d.b, '}')
}

// listMeta appends "meta":{…} of any other page.
func (d *answer) listMeta(n int, next warble.ID, o order) {
	d.b = append(d.b, `"meta":{"result_count":`...)
	d.b = strconv.AppendInt(d.b, int64(n), 10)
	if next != 0 {
		d.b = appendToken(member(d.b, "next_token"), position{order: o, id: next})
	}
	d.b = append(d.b, '}')
}

// replyPeople answers with a page of people.
func (a *api) replyPeople(w http.ResponseWriter, r *http.Request, viewer warble.UserID, q *query, page *read.PeoplePage, o order) error {
	buf := getBuffer()
	d := answer{a: a, q: q, viewer: viewer, b: append(buf.b, '{')}
	n := 0
	for _, p := range page.People {
		if p == nil {
			continue
		}
		if n++; n == 1 {
			d.b = append(d.b, `"data":[`...)
		} else {
			d.b = append(d.b, ',')
		}
		d.b = a.appendUser(d.b, p.User, p, d.userMask())
	}
	if n > 0 {
		d.b = append(d.b, "],"...)
	}
	if err := d.pinned(r.Context(), page.People); err != nil {
		return err
	}
	d.listMeta(n, page.Next, o)
	send(w, r, buf, http.StatusOK, append(d.b, '}'))
	return nil
}

// pinned includes people's pinned tweets, as far as the viewer may see them.
func (d *answer) pinned(ctx context.Context, people []*read.Person) error {
	if d.q.exp&xPinned == 0 {
		return nil
	}
	var ids []warble.TweetID
	for _, p := range people {
		if p != nil && p.User.Pinned != 0 {
			ids = append(ids, p.User.Pinned)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	tl, _, err := d.a.Reader.Tweets(ctx, d.viewer, d.q.include(d.viewer), ids...)
	if err != nil {
		return err
	}
	for i := range tl.Items {
		if tl.Items[i].Tweet != nil {
			d.ref(&tl.Items[i])
		}
	}
	tl.Items = nil // they are not data
	return d.includes(ctx, tl)
}
