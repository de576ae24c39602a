// Package client is a Go client of Warble's native API, in the shape of the X
// API v2. It speaks for one person, with a bearer token, and knows the calls
// that programs use most; every other call of the API is one Do away.
//
//	c := client.New("http://127.0.0.1:8080", token)
//	t, err := c.Post(ctx, client.NewTweet{Text: "Hello"})
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"warble"
)

// Client calls one server as one person. It is safe for concurrent use.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// New makes a client. base is the server's address, as http://127.0.0.1:8080;
// an empty token is nobody.
func New(base, token string) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), token: token, http: http.DefaultClient}
}

// With returns the client with another HTTP client beneath, for its transport
// and timeout.
func (c *Client) With(h *http.Client) *Client {
	d := *c
	d.http = h
	return &d
}

// As returns the client with another token.
func (c *Client) As(token string) *Client {
	d := *c
	d.token = token
	return &d
}

// Tweet is a tweet as the API shows it. Fields that were not asked for are zero.
type Tweet struct {
	ID             warble.TweetID
	Text           string
	AuthorID       warble.UserID
	CreatedAt      time.Time
	ConversationID warble.TweetID
	Referenced     []Reference
	Metrics        TweetMetrics
	Geo            *Geo
	Lang           string
}

// Reference joins a tweet to another. Type is replied_to, quoted or retweeted.
type Reference struct {
	Type string         `json:"type"`
	ID   warble.TweetID `json:"id,string"`
}

// TweetMetrics are the public numbers of a tweet.
type TweetMetrics struct {
	Retweets int64 `json:"retweet_count"`
	Replies  int64 `json:"reply_count"`
	Likes    int64 `json:"like_count"`
	Quotes   int64 `json:"quote_count"`
}

// Geo is where a tweet was written.
type Geo struct {
	Name        string `json:"name,omitempty"`
	Coordinates *struct {
		Type        string     `json:"type"`
		Coordinates [2]float64 `json:"coordinates"` // longitude, latitude
	} `json:"coordinates,omitempty"`
}

// UnmarshalJSON reads the wire form: ids are strings.
func (t *Tweet) UnmarshalJSON(b []byte) error {
	var w struct {
		ID             warble.TweetID `json:"id,string"`
		Text           string         `json:"text"`
		AuthorID       wireID         `json:"author_id"`
		CreatedAt      time.Time      `json:"created_at"`
		ConversationID wireID         `json:"conversation_id"`
		Referenced     []Reference    `json:"referenced_tweets"`
		Metrics        TweetMetrics   `json:"public_metrics"`
		Geo            *Geo           `json:"geo"`
		Lang           string         `json:"lang"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*t = Tweet{w.ID, w.Text, warble.ID(w.AuthorID), w.CreatedAt, warble.ID(w.ConversationID), w.Referenced, w.Metrics, w.Geo, w.Lang}
	return nil
}

// wireID is an id that may be absent.
type wireID warble.ID

func (id *wireID) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	n, err := warble.ParseID(s)
	*id = wireID(n)
	return err
}

// User is a person as the API shows them.
type User struct {
	ID       warble.UserID `json:"id,string"`
	Name     string        `json:"name"`
	Username string        `json:"username"`
	Metrics  struct {
		Followers int64 `json:"followers_count"`
		Following int64 `json:"following_count"`
		Tweets    int64 `json:"tweet_count"`
	} `json:"public_metrics"`
}

// Page is a page of tweets. Next is empty on the last one.
type Page struct {
	Tweets []Tweet
	Users  []User // the authors, where asked for
	Next   string
}

// PageQuery asks for a page.
type PageQuery struct {
	Max    int    // tweets on it; 0: the server's default
	Next   string // of the page before
	Fields string // tweet.fields; empty: the default ones
	Expand string // expansions
}

func (q PageQuery) values() url.Values {
	v := url.Values{}
	if q.Max > 0 {
		v.Set("max_results", strconv.Itoa(q.Max))
	}
	for name, value := range map[string]string{"pagination_token": q.Next, "tweet.fields": q.Fields, "expansions": q.Expand} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// NewTweet is a tweet to post.
type NewTweet struct {
	Text    string
	ReplyTo warble.TweetID
	QuoteOf warble.TweetID
	// Key makes posting safe to repeat: the same key posts once. May be empty.
	Key string
}

// Post posts a tweet.
func (c *Client) Post(ctx context.Context, n NewTweet) (t Tweet, err error) {
	body := map[string]any{"text": n.Text}
	if n.ReplyTo != 0 {
		body["reply"] = map[string]string{"in_reply_to_tweet_id": n.ReplyTo.String()}
	}
	if n.QuoteOf != 0 {
		body["quote_tweet_id"] = n.QuoteOf.String()
	}
	err = c.do(ctx, http.MethodPost, "/2/tweets", nil, body, &answer{Data: &t}, n.Key)
	return t, err
}

// Tweet returns one tweet. fields are tweet.fields; empty: the default ones.
func (c *Client) Tweet(ctx context.Context, id warble.TweetID, fields string) (t Tweet, err error) {
	err = c.Do(ctx, http.MethodGet, "/2/tweets/"+id.String(), PageQuery{Fields: fields}.values(), nil, &answer{Data: &t})
	return t, err
}

// Delete deletes a tweet of one's own.
func (c *Client) Delete(ctx context.Context, id warble.TweetID) error {
	return c.Do(ctx, http.MethodDelete, "/2/tweets/"+id.String(), nil, nil, nil)
}

// Me returns who the token belongs to.
func (c *Client) Me(ctx context.Context) (u User, err error) {
	err = c.Do(ctx, http.MethodGet, "/2/users/me", nil, nil, &answer{Data: &u})
	return u, err
}

// User finds a person by handle.
func (c *Client) User(ctx context.Context, handle string) (u User, err error) {
	err = c.Do(ctx, http.MethodGet, "/2/users/by/username/"+url.PathEscape(handle), url.Values{"user.fields": {"public_metrics"}}, nil, &answer{Data: &u})
	return u, err
}

// Home returns a page of me's home timeline, newest first; me is the token's person.
func (c *Client) Home(ctx context.Context, me warble.UserID, q PageQuery) (Page, error) {
	return c.page(ctx, "/2/users/"+me.String()+"/timelines/reverse_chronological", q.values())
}

// Tweets returns a page of a person's tweets, newest first.
func (c *Client) Tweets(ctx context.Context, user warble.UserID, q PageQuery) (Page, error) {
	return c.page(ctx, "/2/users/"+user.String()+"/tweets", q.values())
}

// Search returns a page of the tweets a query finds, newest first.
func (c *Client) Search(ctx context.Context, query string, q PageQuery) (Page, error) {
	v := q.values()
	v.Set("query", query)
	return c.page(ctx, "/2/tweets/search/all", v)
}

func (c *Client) page(ctx context.Context, path string, v url.Values) (Page, error) {
	var tweets []Tweet
	a := answer{Data: &tweets}
	err := c.Do(ctx, http.MethodGet, path, v, nil, &a)
	return Page{Tweets: tweets, Users: a.Includes.Users, Next: a.Meta.Next}, err
}

// Get fetches a page and looks at nothing but its status: for load and probes.
func (c *Client) Get(ctx context.Context, path string, q PageQuery) error {
	return c.Do(ctx, http.MethodGet, path, q.values(), nil, nil)
}

// Like likes a tweet as me, the token's person.
func (c *Client) Like(ctx context.Context, me warble.UserID, tweet warble.TweetID) error {
	return c.Do(ctx, http.MethodPost, "/2/users/"+me.String()+"/likes", nil, map[string]string{"tweet_id": tweet.String()}, nil)
}

// Follow follows a person as me, the token's person.
func (c *Client) Follow(ctx context.Context, me, target warble.UserID) error {
	return c.Do(ctx, http.MethodPost, "/2/users/"+me.String()+"/following", nil, map[string]string{"target_user_id": target.String()}, nil)
}

// answer is what every success looks like.
type answer struct {
	Data     any `json:"data"`
	Includes struct {
		Users []User `json:"users"`
	} `json:"includes"`
	Meta struct {
		Next string `json:"next_token"`
	} `json:"meta"`
}

// Error is an answer that is no success.
type Error struct {
	Status     int
	Title      string        `json:"title"`
	Detail     string        `json:"detail"`
	RetryAfter time.Duration // zero: not said
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Title, e.Detail) }

// answerLimit is how much of an answer is read.
const answerLimit = 16 << 20

// Do makes any call of the API. body and into may be nil; a body is sent as
// JSON, and a success is decoded into into. An answer that is no success is an
// *Error.
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, body, into any) error {
	return c.do(ctx, method, path, query, body, into, "")
}

func (c *Client) do(ctx context.Context, method, path string, query url.Values, body, into any, key string) error {
	var send io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(b)
	}
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, send)
	if err != nil {
		return err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return problem(resp, data)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(data, into)
}

func problem(resp *http.Response, data []byte) error {
	e := &Error{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode)}
	_ = json.Unmarshal(data, e) // a proxy's page is no problem document: the status says enough
	e.Status = resp.StatusCode
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
