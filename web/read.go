package web

import (
	"errors"
	"net/http"
	"strings"
	"unicode"

	"warble"
	"warble/internal/httpx"
	"warble/role/read"
)

// listing is a page of tweets with the way to the next.
type listing struct {
	Cards []card
	Empty string // what to say when there are none
	Older string // the next page; empty: this is the last
	First string // the first page; empty: this is it
}

// listing makes one out of a timeline whose address is path with the query keep.
func (s *site) listing(r *http.Request, tl *read.Timeline, empty string) listing {
	l := listing{Cards: s.cards(tl), Empty: empty}
	q := r.URL.Query()
	if q.Get("before") != "" {
		q.Del("before")
		l.First = r.URL.Path
		if len(q) > 0 {
			l.First += "?" + q.Encode()
		}
		l.Empty = "That was all."
	}
	if tl.Next != 0 {
		l.Empty = "None so far; there may be older ones."
		q.Set("before", tl.Next.String())
		l.Older = r.URL.Path + "?" + q.Encode()
	}
	return l
}

// newest is the front page: what this is, and the newest public tweets.
func (s *site) newest(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	p, err := page(r)
	if err != nil {
		return err
	}
	tl, err := s.Reader.Public(r.Context(), viewer(c), read.TimelineQuery{Page: p, Include: all()})
	if err != nil {
		return err
	}
	f, err := s.frame(r, c, "Warble")
	if err != nil {
		return err
	}
	f.About, f.Canon = slogan, "/"
	return s.show(w, r, http.StatusOK, f, newestPage(f, s.listing(r, tl, "Nobody has tweeted yet. Be the first."), s.samples(r, tl)))
}

// home is the home timeline of who is signed in; others are asked to sign in.
func (s *site) home(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	p, err := page(r)
	if err != nil {
		return err
	}
	f, err := s.frame(r, c, "Home")
	if err != nil {
		return err
	}
	if f.Viewer == nil {
		return goTo(w, http.StatusFound, with("/login", "next", r.URL.RequestURI()))
	}
	tl, err := s.Reader.GenerateTimeline(r.Context(), viewer(c), read.TimelineQuery{Page: p, Include: all()})
	if err != nil {
		return err
	}
	f.Hidden = true
	return s.show(w, r, http.StatusOK, f, homePage(s.listing(r, tl, "Nobody you follow has tweeted yet, and neither have you.")))
}

// slogan is what Warble is, in one sentence.
const slogan = "Warble is a home for short messages: follow whom you like, read everything newest first, and do it all from your own programs too."

// profile is a person with his tweets. /ann leads to /@ann.
func (s *site) profile(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	handle, at := strings.CutPrefix(r.PathValue("handle"), "@")
	if !warble.ValidHandle(handle) {
		return nothing()
	}
	p, err := page(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	person, err := s.Reader.PersonByHandle(ctx, viewer(c), read.PeopleInclude{Counts: true}, handle)
	if errors.Is(err, warble.ErrNotFound) && !at {
		return nothing() // not even meant as a handle, perhaps
	}
	if err != nil {
		return err
	}
	u := person.User
	if !at || u.Handle != handle {
		return goTo(w, http.StatusMovedPermanently, withQuery(profilePath(u), r))
	}
	f, err := s.frame(r, c, u.Name+" (@"+u.Handle+")")
	if err != nil {
		return err
	}
	f.About, f.Canon = plain(u.Bio, 160), profilePath(u)
	tl, err := s.Reader.UserTimeline(ctx, viewer(c), u.ID, read.TimelineQuery{Page: p, Include: all()})
	if errors.Is(err, warble.ErrForbidden) {
		f.Hidden = true
		return s.show(w, r, http.StatusOK, f, profilePage(person, nil, listing{Empty: sentence(httpx.ProblemOf(err).Reason())}))
	}
	if err != nil {
		return err
	}
	f.Hidden = u.Protected
	var pinned *card
	if u.Pinned != 0 && p.Before == 0 {
		if pinned, err = s.pinned(r, c, u); err != nil {
			return err
		}
	}
	return s.show(w, r, http.StatusOK, f, profilePage(person, pinned, s.listing(r, tl, "No tweets yet.")))
}

// pinned is the tweet somebody put on top of his profile; nil where it may not be seen.
func (s *site) pinned(r *http.Request, c *httpx.Call, u *warble.User) (*card, error) {
	tl, no, err := s.Reader.Tweets(r.Context(), viewer(c), all(), u.Pinned)
	if err != nil || no[0] != nil {
		return nil, err
	}
	if pin, ok := s.card(tl, &tl.Items[0]); ok {
		return &pin, nil
	}
	return nil, nil
}

// tweet is one tweet amid its conversation. Any handle in the address leads
// to the author's, a retweet to its original.
func (s *site) tweet(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	id, err := warble.ParseID(r.PathValue("tweet"))
	if err != nil {
		return nothing()
	}
	ctx := r.Context()
	tl, no, err := s.Reader.Tweets(ctx, viewer(c), all(), id)
	if err == nil {
		err = no[0]
	}
	if err != nil {
		return err
	}
	main, ok := s.card(tl, &tl.Items[0])
	if !ok {
		return nothing()
	}
	if at := tweetPath(main.Author, main.Tweet.ID); r.URL.Path != at {
		return goTo(w, http.StatusFound, at)
	}
	main.Large = true
	above, below, err := s.Reader.Thread(ctx, viewer(c), id, all())
	if err != nil {
		return err
	}
	f, err := s.frame(r, c, main.Author.Name+": “"+plain(titleOf(main.Tweet), 60)+"”")
	if err != nil {
		return err
	}
	f.About, f.Canon, f.Hidden = plain(titleOf(main.Tweet), 200), r.URL.Path, main.Author.Protected
	return s.show(w, r, http.StatusOK, f, tweetPage(s.cards(above), main, s.cards(below)))
}

// titleOf is what may stand in a title: not what a warning hides.
func titleOf(t *warble.Tweet) string {
	switch {
	case t.ContentWarning != "":
		return t.ContentWarning
	case t.Text == "" && len(t.Photos) > 0:
		return "a photo"
	}
	return t.Text
}

// results is what a search found.
type results struct {
	Query  string
	Wrong  string // why the query cannot be read
	People []*read.Person
	listing
}

func (s *site) search(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return s.find(w, r, c, strings.TrimSpace(r.URL.Query().Get("q")), "Search")
}

// tag is the search for a hashtag, under an address of its own.
func (s *site) tag(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	tag := r.PathValue("tag")
	if !warble.ValidHashtag(tag) {
		return nothing()
	}
	return s.find(w, r, c, "#"+tag, "#"+tag)
}

func (s *site) find(w http.ResponseWriter, r *http.Request, c *httpx.Call, query, title string) error {
	p, err := page(r)
	if err != nil {
		return err
	}
	f, err := s.frame(r, c, title)
	if err != nil {
		return err
	}
	f.Find, f.Hidden = false, true
	found := results{Query: query}
	if query == "" {
		return s.show(w, r, http.StatusOK, f, searchPage(title, found))
	}
	tl, err := s.Reader.Search(r.Context(), viewer(c), query, read.TimelineQuery{Page: p, Include: all()})
	if errors.Is(err, warble.ErrInvalid) {
		found.Wrong = sentence(httpx.ProblemOf(err).Reason())
		return s.show(w, r, http.StatusBadRequest, f, searchPage(title, found))
	}
	if err != nil {
		return err
	}
	found.listing = s.listing(r, tl, "No tweet says that.")
	if p.Before == 0 && !strings.ContainsFunc(query, isOperator) {
		people, err := s.Reader.SearchPeople(r.Context(), viewer(c), query, warble.Page{Limit: 3}, read.PeopleInclude{Counts: true})
		if err != nil && !refused(r.Context(), err) {
			return err
		}
		if people != nil {
			found.People = people.People
		}
	}
	return s.show(w, r, http.StatusOK, f, searchPage(title, found))
}

// isOperator finds what makes a query more than a name: people are looked for
// by plain words only.
func isOperator(r rune) bool {
	return !(unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || r == ' ' || r == '@' || r == '_')
}

func nothing() error {
	return warble.Fail(warble.ErrNotFound, "There is no page at this address.")
}

func withQuery(path string, r *http.Request) string {
	if r.URL.RawQuery == "" {
		return path
	}
	return path + "?" + r.URL.RawQuery
}
