package twitter

import (
	"context"
	"net/http"

	"warble"
	"warble/internal/httpx"
	"warble/role/read"
)

// home is generateTimeline: the hot read.
func (a *api) home(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	user, err := own(r, c)
	if err != nil {
		return err
	}
	q, err := a.specs.home.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	tl, err := a.Reader.GenerateTimeline(r.Context(), user, q.timeline(user))
	if err != nil {
		return err
	}
	return a.replyTweets(w, r, user, q, tl, byTweet)
}

// aList is a list of tweets that belongs to a thing named in the path.
type aList func(ctx context.Context, viewer, thing warble.ID, q read.TimelineQuery) (*read.Timeline, error)

func (a *api) tweetsOf(w http.ResponseWriter, r *http.Request, c *httpx.Call, s *spec, list aList) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	q, err := s.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	tl, err := list(r.Context(), c.Who.User, id, q.timeline(c.Who.User))
	if err != nil {
		return err
	}
	return a.replyTweets(w, r, c.Who.User, q, tl, s.order)
}

func (a *api) userTweets(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.tweetsOf(w, r, c, a.specs.user, a.Reader.UserTimeline)
}

func (a *api) mentions(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.tweetsOf(w, r, c, a.specs.mentions, a.Reader.Mentions)
}

func (a *api) likedTweets(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.tweetsOf(w, r, c, a.specs.liked, a.Reader.Liked)
}

func (a *api) quoteTweets(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.tweetsOf(w, r, c, a.specs.quotes, a.Reader.QuotesOf)
}

func (a *api) listTweets(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.tweetsOf(w, r, c, a.specs.listTweets, a.Reader.ListTimeline)
}

func (a *api) bookmarks(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	if _, err := own(r, c); err != nil {
		return err
	}
	return a.tweetsOf(w, r, c, a.specs.bookmarks, func(ctx context.Context, viewer, _ warble.ID, q read.TimelineQuery) (*read.Timeline, error) {
		return a.Reader.Bookmarks(ctx, viewer, q)
	})
}
