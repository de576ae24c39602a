package twitter

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"warble"
	"warble/internal/httpx"
	"warble/role/write"
)

// wireNames says what the domain's parameters are called in this API.
var wireNames = map[string]string{
	"reply": "reply.in_reply_to_tweet_id", "quote": "quote_tweet_id", "media": "media.media_ids", "place": "geo",
	"poll": "poll.options", "poll.minutes": "poll.duration_minutes", "handle": "username", "bio": "description", "tweet": "id", "list": "id", "member": "user_id",
	"header": "header_media_id", "avatar": "avatar_media_id", "pinned": "pinned_tweet_id", "user": "id", "alt": "metadata.alt_text.text",
}

// named renames the parameter an error names: to its name on the wire or, for
// the one thing an endpoint is about, to what that endpoint calls it.
func named(err error, subject string) error {
	e, ok := errors.AsType[*warble.Error](err)
	if !ok || e.Param == "" {
		return err
	}
	c := *e
	switch c.Param {
	case "tweet", "target", "list", "member", "from", "user":
		if subject != "" {
			c.Param = subject
			break
		}
		fallthrough
	default:
		if wire := wireNames[c.Param]; wire != "" {
			c.Param = wire
		}
	}
	return &c
}

// wireID reads an id out of a body. Empty, which is not there: zero.
func wireID(name, s string) (warble.ID, error) {
	if s == "" {
		return 0, nil
	}
	id, err := warble.ParseID(s)
	if err != nil {
		return 0, warble.Invalid(name, s, "an id is a decimal number in a string")
	}
	return id, nil
}

// wireIDs reads a list of ids, none of them empty.
func wireIDs(name string, list []string) ([]warble.ID, error) {
	var ids []warble.ID
	for _, s := range list {
		id, err := wireID(name, s)
		if err == nil && id == 0 {
			err = warble.Invalid(name, s, "an id is a decimal number in a string")
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// tweetBody is the body of POST /2/tweets. Members of X's that change nothing
// here are read and let be; those that would change what is posted are refused.
type tweetBody struct {
	Text           string `json:"text"`
	ContentWarning string `json:"content_warning"`
	Lang           string `json:"lang"`
	Reply          *struct {
		To       string   `json:"in_reply_to_tweet_id"`
		Exclude  []string `json:"exclude_reply_user_ids"`
		Populate *bool    `json:"auto_populate_reply_metadata"`
	} `json:"reply"`
	Quote string `json:"quote_tweet_id"`
	Media *struct {
		IDs    []string `json:"media_ids"`
		Tagged []string `json:"tagged_user_ids"`
	} `json:"media"`
	Poll *struct {
		Options       []string `json:"options"`
		Minutes       int      `json:"duration_minutes"`
		ReplySettings string   `json:"reply_settings"`
	} `json:"poll"`
	ReplySettings string   `json:"reply_settings"`
	Geo           *geoBody `json:"geo"`
	Edit          *struct {
		Previous      string `json:"previous_post_id"`
		PreviousTweet string `json:"previous_tweet_id"`
	} `json:"edit_options"`

	MadeWithAI       bool   `json:"made_with_ai"`
	PaidPartnership  bool   `json:"paid_partnership"`
	Nullcast         bool   `json:"nullcast"`
	Share            bool   `json:"share_with_followers"`
	SuperFollowers   bool   `json:"for_super_followers_only"`
	CardURI          string `json:"card_uri"`
	CommunityID      string `json:"community_id"`
	DirectMessageURI string `json:"direct_message_deep_link"`
}

type geoBody struct {
	PlaceID     string `json:"place_id"`
	Name        string `json:"name"`
	Coordinates *struct {
		Type        string    `json:"type"`
		Coordinates []float64 `json:"coordinates"`
	} `json:"coordinates"`
}

// draft turns the body into the domain's words.
func (t *tweetBody) draft() (write.Draft, error) {
	d := write.Draft{Text: t.Text, ContentWarning: t.ContentWarning, Lang: t.Lang}
	for name, given := range map[string]bool{
		"card_uri": t.CardURI != "", "community_id": t.CommunityID != "", "direct_message_deep_link": t.DirectMessageURI != "",
		"nullcast": t.Nullcast, "for_super_followers_only": t.SuperFollowers,
	} {
		if given {
			return d, warble.Invalid(name, "", "Warble has no such thing")
		}
	}
	var err error
	if d.QuoteOf, err = wireID("quote_tweet_id", t.Quote); err != nil {
		return d, err
	}
	if t.Reply != nil {
		if d.ReplyTo, err = wireID("reply.in_reply_to_tweet_id", t.Reply.To); err != nil {
			return d, err
		}
		if d.ReplyTo == 0 {
			return d, warble.Invalid("reply.in_reply_to_tweet_id", "", "this member is needed")
		}
		if d.ExcludeMentions, err = wireIDs("reply.exclude_reply_user_ids", t.Reply.Exclude); err != nil {
			return d, err
		}
	}
	if t.Media != nil {
		if len(t.Media.IDs) == 0 || len(t.Media.IDs) > warble.MaxPhotos {
			return d, warble.Invalid("media.media_ids", "", "a tweet has one to four photos")
		}
		if d.Media, err = wireIDs("media.media_ids", t.Media.IDs); err != nil {
			return d, err
		}
	}
	if t.Poll != nil {
		d.Poll = &write.PollDraft{Options: t.Poll.Options, Minutes: t.Poll.Minutes}
		if t.ReplySettings == "" {
			t.ReplySettings = t.Poll.ReplySettings
		}
	}
	if d.ReplySetting, err = replySetting(t.ReplySettings); err != nil {
		return d, err
	}
	if t.Geo != nil {
		d.Place, err = t.Geo.place()
	}
	return d, err
}

func replySetting(s string) (warble.ReplySetting, error) {
	if s == "" {
		return warble.RepliesByEveryone, nil
	}
	for setting, name := range replySettings {
		if s == name {
			return warble.ReplySetting(setting), nil
		}
	}
	return 0, warble.Invalid("reply_settings", s, "reply_settings is following or mentionedUsers, or is left out")
}

func (g *geoBody) place() (*warble.Place, error) {
	p := &warble.Place{Name: strings.TrimSpace(g.Name), Source: g.PlaceID}
	if c := g.Coordinates; c != nil {
		if c.Type != "Point" || len(c.Coordinates) != 2 {
			return nil, warble.Invalid("geo.coordinates", c.Type, `coordinates are {"type":"Point","coordinates":[longitude,latitude]}`)
		}
		p.Point, p.Lon, p.Lat = true, c.Coordinates[0], c.Coordinates[1]
	}
	if p.Name == "" && p.Source == "" && !p.Point {
		return nil, warble.Invalid("geo", "", "geo holds place_id, name or coordinates")
	}
	return p, nil
}

// postTweet is postTweet. With edit_options it is an edit.
func (a *api) postTweet(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	var body tweetBody
	if err := httpx.Decode(w, r, 0, &body); err != nil {
		return err
	}
	d, err := body.draft()
	if err != nil {
		return err
	}
	var t *warble.Tweet
	if e := body.Edit; e != nil {
		t, err = a.edit(r, c, cmp.Or(e.Previous, e.PreviousTweet), d)
	} else {
		c.Changing = true // a retry must notice that the tweet was deleted
		d.ID = c.ID
		t, err = a.Writer.PostTweet(r.Context(), c.Who.User, d)
		err = named(err, "")
	}
	if err != nil {
		return err
	}
	buf := getBuffer()
	b := buf.b
	b = append(b, `{"data":{"id":`...)
	b = appendID(b, t.ID)
	b = appendStringMember(b, "text", t.Text)
	b = appendIDs(member(b, "edit_history_tweet_ids"), t.ID)
	b = appendIDs(member(b, "edit_history_post_ids"), t.ID)
	send(w, r, buf, http.StatusCreated, append(b, "}}"...))
	return nil
}

func (a *api) edit(r *http.Request, c *httpx.Call, previous string, d write.Draft) (*warble.Tweet, error) {
	const param = "edit_options.previous_post_id"
	id, err := warble.ParseID(previous)
	if err != nil {
		return nil, warble.Invalid(param, previous, "an id is a decimal number in a string")
	}
	t, err := a.Writer.EditTweet(r.Context(), c.Who.User, id, d)
	return t, named(err, param)
}

func (a *api) deleteTweet(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := a.Writer.DeleteTweet(r.Context(), c.Who.User, id); err != nil {
		return named(err, "id")
	}
	return replyBool(w, r, "deleted", true)
}

func (a *api) getTweet(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	q, err := a.specs.tweet.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	viewer := c.Who.User
	tl, refused, err := a.Reader.Tweets(r.Context(), viewer, q.include(viewer), id)
	if err != nil {
		return err
	}
	if tl.Items[0].Tweet == nil {
		return refused[0]
	}
	buf := getBuffer()
	d := answer{a: a, q: q, viewer: viewer, b: append(buf.b, `{"data":`...)}
	d.tweet(&tl.Items[0], tl)
	d.b = append(d.b, ',')
	if err := d.includes(r.Context(), tl); err != nil {
		return err
	}
	d.b[len(d.b)-1] = '}' // the comma that came last
	send(w, r, buf, http.StatusOK, d.b)
	return nil
}

func (a *api) getTweets(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	q, err := a.specs.tweets.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	ids, err := idList("ids", q.more["ids"])
	if err != nil {
		return err
	}
	viewer := c.Who.User
	tl, refused, err := a.Reader.Tweets(r.Context(), viewer, q.include(viewer), ids...)
	if err != nil {
		return err
	}
	buf := getBuffer()
	d := answer{a: a, q: q, viewer: viewer, b: append(buf.b, '{')}
	var missing []*httpx.Problem
	found := 0
	for i := range tl.Items {
		if tl.Items[i].Tweet == nil {
			missing = append(missing, partial(refused[i], q.word("tweet", "post"), "ids", ids[i].String()))
			continue
		}
		d.dataItem(found)
		found++
		d.tweet(&tl.Items[i], tl)
	}
	d.endData(found)
	if err := d.includes(r.Context(), tl); err != nil {
		return err
	}
	if err := d.errors(missing); err != nil {
		return err
	}
	d.listMeta(found, 0, 0)
	send(w, r, buf, http.StatusOK, append(d.b, '}'))
	return nil
}

// dataItem opens the list of data, or goes on with it.
func (d *answer) dataItem(before int) {
	if before == 0 {
		d.b = append(d.b, `"data":[`...)
		return
	}
	d.b = append(d.b, ',')
}

// endData closes the list of data, if it was opened.
func (d *answer) endData(n int) {
	if n > 0 {
		d.b = append(d.b, "],"...)
	}
}

// errors appends "errors":[…], when there are some.
func (d *answer) errors(missing []*httpx.Problem) error {
	if len(missing) == 0 {
		return nil
	}
	list, err := json.Marshal(missing)
	if err != nil {
		return err
	}
	d.b = append(d.b, `"errors":`...)
	d.b = append(d.b, list...)
	d.b = append(d.b, ',')
	return nil
}

// history answers with the versions of a tweet, newest first.
func (a *api) history(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	q, err := a.specs.history.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	versions, err := a.Reader.History(r.Context(), c.Who.User, id)
	if err != nil {
		return err
	}
	buf := getBuffer()
	d := answer{a: a, q: q, viewer: c.Who.User, b: append(buf.b, '{')}
	for i := range versions {
		d.dataItem(i)
		d.b = appendVersion(d.b, versions[len(versions)-1-i], nil, q.tweet&^tLive)
	}
	d.endData(len(versions))
	d.listMeta(len(versions), 0, 0)
	send(w, r, buf, http.StatusOK, append(d.b, '}'))
	return nil
}
