package twitter

import (
	"context"
	"net/http"

	"warble"
	"warble/internal/httpx"
)

// deed is something a person does to a thing, or takes back.
type deed func(ctx context.Context, user warble.UserID, thing warble.ID) error

// do runs a deed on the thing a body names and answers {"data":{name:true}}.
func do(w http.ResponseWriter, r *http.Request, c *httpx.Call, member, name string, f deed) error {
	user, thing, err := ownAndBody(w, r, c, member)
	if err != nil {
		return err
	}
	if err := f(r.Context(), user, thing); err != nil {
		return named(err, member)
	}
	return replyBool(w, r, name, true)
}

// undo runs a deed on the thing the path names and answers {"data":{name:false}}.
func undo(w http.ResponseWriter, r *http.Request, c *httpx.Call, member, name string, f deed) error {
	user, thing, err := ownAnd(r, c, member)
	if err != nil {
		return err
	}
	if err := f(r.Context(), user, thing); err != nil {
		return named(err, member)
	}
	return replyBool(w, r, name, false)
}

// like is recordUserTweetLike.
func (a *api) like(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return do(w, r, c, "tweet_id", "liked", a.Writer.RecordUserTweetLike)
}

func (a *api) unlike(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return undo(w, r, c, "tweet_id", "liked", a.Writer.RemoveLike)
}

func (a *api) bookmark(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return do(w, r, c, "tweet_id", "bookmarked", a.Writer.Bookmark)
}

func (a *api) unbookmark(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return undo(w, r, c, "tweet_id", "bookmarked", a.Writer.RemoveBookmark)
}

func (a *api) retweet(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	user, tweet, err := ownAndBody(w, r, c, "tweet_id")
	if err != nil {
		return err
	}
	id, err := a.Writer.Retweet(r.Context(), user, tweet)
	if err != nil {
		return named(err, "tweet_id")
	}
	b := append(make([]byte, 0, 96), `{"data":{"retweeted":true`...)
	b = appendIDMember(b, "rest_id", id)
	b = appendIDMember(b, "id", id) // what older SDKs call it
	httpx.ReplyJSON(w, r, http.StatusOK, append(b, "}}"...))
	return nil
}

func (a *api) unretweet(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return undo(w, r, c, "tweet_id", "retweeted", a.Writer.RemoveRetweet)
}
