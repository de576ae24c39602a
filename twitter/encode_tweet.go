package twitter

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
	"warble/role/read"
	"warble/role/write"

	"warble"
)

// A tweet's object is a fragment, which depends on nothing but the row (for a
// retweet: and its original's row), followed by what changes: numbers and the
// viewer's flags. Fragments are kept without the closing brace.

// appendTweet appends a tweet as one viewer sees it. of is a retweet's
// original as the viewer sees it, else nil.
func (a *api) appendTweet(b []byte, it, of *read.Item, m mask) []byte {
	return appendLive(append(b, a.tweetFragment(it, of, m)...), it, m)
}

// tweetFragment is all of a tweet's object that does not change while its rows
// stay the same, without the closing brace. It must not be changed.
func (a *api) tweetFragment(it, of *read.Item, m mask) []byte {
	t := it.Tweet
	key := fragmentKey{id: t.ID, version: uint64(t.Version), fields: m &^ tLive}
	if of != nil {
		key.version |= uint64(of.Tweet.Version) << 32
		key.people = of.Author.Version
	}
	if m&tUsername != 0 && it.Author != nil {
		key.people |= it.Author.Version << 32
	}
	cacheable := of != nil || t.RetweetOf == 0
	if frag, ok := a.fragments.get(key); ok && cacheable {
		return frag
	}
	frag := slices.Clip(appendTweetFragment(make([]byte, 0, fragmentSize), t, it.Author, of, m))
	if cacheable {
		a.fragments.put(key, frag)
	}
	return frag
}

// appendLive appends what changes without the tweet: numbers, flags, and the closing brace.
func appendLive(b []byte, it *read.Item, m mask) []byte {
	if m&tMetrics != 0 {
		b = appendTweetMetrics(b, &it.Counts, m)
	}
	if m&tViewer != 0 {
		v := it.Viewer
		b = append(b, `,"viewer":{"liked":`...)
		b = strconv.AppendBool(b, v.Liked)
		b = appendBoolMember(b, "retweeted", v.Retweeted)
		b = appendBoolMember(b, "bookmarked", v.Bookmarked)
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendTweetMetrics appends public_metrics. Warble does not count views: the
// member is there because strict clients want it.
func appendTweetMetrics(b []byte, c *read.TweetCounts, m mask) []byte {
	if m&tPosts != 0 {
		b = append(b, `,"public_metrics":{"repost_count":`...)
	} else {
		b = append(b, `,"public_metrics":{"retweet_count":`...)
	}
	b = strconv.AppendInt(b, c.Retweets, 10)
	b = appendIntMember(b, "reply_count", c.Replies)
	b = appendIntMember(b, "like_count", c.Likes)
	b = appendIntMember(b, "quote_count", c.Quotes)
	b = appendIntMember(b, "bookmark_count", c.Bookmarks)
	return append(b, `,"impression_count":0}`...)
}

// appendTweetFragment appends all of a tweet's object that does not change
// while its rows stay the same, without the closing brace.
func appendTweetFragment(b []byte, t *warble.Tweet, author *warble.User, of *read.Item, m mask) []byte {
	text := textOf(t, of)
	b = append(b, `{"id":`...)
	b = appendID(b, t.ID)
	b = appendStringMember(b, "text", text)
	if m&tPosts != 0 {
		b = member(b, "edit_history_post_ids")
	} else {
		b = member(b, "edit_history_tweet_ids")
	}
	b = appendIDs(b, t.ID)
	if m&tCreated != 0 {
		b = appendTimeMember(b, "created_at", t.Created())
	}
	if m&tAuthor != 0 {
		b = appendIDMember(b, "author_id", t.Author)
	}
	if m&tUsername != 0 && author != nil {
		b = appendStringMember(b, "username", author.Handle)
	}
	if m&tConversation != 0 {
		b = appendIDMember(b, "conversation_id", conversationOf(t))
	}
	if m&tReplyTo != 0 && t.ReplyAuthor != 0 {
		b = appendIDMember(b, "in_reply_to_user_id", t.ReplyAuthor)
	}
	if m&tReferenced != 0 {
		b = appendReferenced(b, t, m)
	}
	if m&tEntities != 0 {
		b = appendEntities(b, text, mentionsOf(t, of))
	}
	if m&tAttachments != 0 {
		b = appendAttachments(b, t)
	}
	lang := t.Lang
	if of != nil {
		lang = of.Tweet.Lang
	}
	return appendRareFields(b, t, lang, m)
}

// textOf is the text shown: a retweet's begins with whom it is of.
func textOf(t *warble.Tweet, of *read.Item) string {
	switch {
	case t.RetweetOf == 0:
		return t.Text
	case of == nil || of.Author == nil:
		return "RT"
	}
	return "RT @" + of.Author.Handle + ": " + of.Tweet.Text
}

func mentionsOf(t *warble.Tweet, of *read.Item) []warble.UserID {
	if of == nil {
		return t.Mentions
	}
	return append([]warble.UserID{of.Tweet.Author}, of.Tweet.Mentions...)
}

func conversationOf(t *warble.Tweet) warble.TweetID {
	if t.Conversation != 0 {
		return t.Conversation
	}
	return t.ID
}

func appendRareFields(b []byte, t *warble.Tweet, lang string, m mask) []byte {
	if m&tLang != 0 {
		if lang == "" {
			lang = "und"
		}
		b = appendStringMember(b, "lang", lang)
	}
	if m&tReplySettings != 0 {
		b = appendStringMember(b, "reply_settings", replySettings[t.ReplySetting])
	}
	if m&tSensitive != 0 {
		b = appendBoolMember(b, "possibly_sensitive", t.ContentWarning != "")
	}
	if m&tWarning != 0 && t.ContentWarning != "" {
		b = appendStringMember(b, "content_warning", t.ContentWarning)
	}
	if m&tGeo != 0 && t.Place != nil {
		b = appendPlace(b, t.Place)
	}
	if m&tEdit != 0 {
		b = append(b, `,"edit_controls":{"is_edit_eligible":`...)
		b = strconv.AppendBool(b, t.RetweetOf == 0 && t.Poll == nil)
		b = appendIntMember(b, "edits_remaining", int64(write.MaxEdits)+1-int64(t.Version))
		b = appendTimeMember(b, "editable_until", t.Created().Add(write.EditTime))
		b = append(b, '}')
	}
	return b
}

// replySettings are X's words for [warble.ReplySetting].
var replySettings = [...]string{
	warble.RepliesByEveryone:  "everyone",
	warble.RepliesByFollowing: "following",
	warble.RepliesByMentioned: "mentionedUsers",
}

func appendReferenced(b []byte, t *warble.Tweet, m mask) []byte {
	if t.RetweetOf == 0 && t.QuoteOf == 0 && t.ReplyTo == 0 {
		return b
	}
	name := `,"referenced_tweets":[`
	if m&tPosts != 0 {
		name = `,"referenced_posts":[`
	}
	b = append(b, name...)
	for _, ref := range [...]struct {
		kind string
		id   warble.TweetID
	}{{"retweeted", t.RetweetOf}, {"quoted", t.QuoteOf}, {"replied_to", t.ReplyTo}} {
		if ref.id == 0 {
			continue
		}
		if b[len(b)-1] == '}' {
			b = append(b, ',')
		}
		b = append(b, `{"type":"`...)
		b = append(b, ref.kind...)
		b = append(b, `","id":`...)
		b = appendID(b, ref.id)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendAttachments(b []byte, t *warble.Tweet) []byte {
	if len(t.Photos) == 0 && t.Poll == nil {
		return b
	}
	b = append(b, `,"attachments":{`...)
	if len(t.Photos) > 0 {
		b = append(b, `"media_keys":[`...)
		for i := range t.Photos {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendMediaKey(b, t.Photos[i].Media)
		}
		b = append(b, ']')
	}
	if t.Poll != nil {
		if len(t.Photos) > 0 {
			b = append(b, ',')
		}
		b = append(b, `"poll_ids":`...)
		b = appendIDs(b, t.Poll.ID)
	}
	return append(b, '}')
}

// appendMediaKey appends X's name of a picture: 3 is its number for photos.
func appendMediaKey(b []byte, id warble.DocID) []byte {
	b = append(b, `"3_`...)
	b = strconv.AppendUint(b, uint64(id), 10)
	return append(b, '"')
}

func appendPlace(b []byte, p *warble.Place) []byte {
	b = append(b, `,"geo":{"place_id":`...)
	b = appendString(b, placeID(p))
	if p.Name != "" {
		b = appendStringMember(b, "name", p.Name)
	}
	if p.Point {
		b = append(b, `,"coordinates":{"type":"Point","coordinates":[`...)
		b = strconv.AppendFloat(b, p.Lon, 'f', -1, 64)
		b = append(b, ',')
		b = strconv.AppendFloat(b, p.Lat, 'f', -1, 64)
		b = append(b, "]}"...)
	}
	return append(b, '}')
}

// placeID is what the author's client sent, or a name made from what it did
// send: X's clients want one.
func placeID(p *warble.Place) string {
	if p.Source != "" {
		return p.Source
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.Name)) // to memory
	_, _ = h.Write(strconv.AppendFloat(strconv.AppendFloat(nil, p.Lon, 'f', -1, 64), p.Lat, 'f', -1, 64))
	return strconv.FormatUint(h.Sum64(), 16)
}

// appendEntities appends what stands in the text; nothing when nothing does.
func appendEntities(b []byte, text string, mentioned []warble.UserID) []byte {
	if !strings.ContainsAny(text, "@＠#＃$.") {
		return b
	}
	found := warble.Entities(text)
	if len(found) == 0 {
		return b
	}
	ids := resolveMentions(found, mentioned)
	open := len(b)
	for _, kind := range [...]struct {
		kind warble.EntityKind
		name string
	}{
		{warble.EntityHashtag, "hashtags"}, {warble.EntityCashtag, "cashtags"},
		{warble.EntityMention, "mentions"}, {warble.EntityURL, "urls"},
	} {
		b = appendEntityKind(b, open, kind.name, kind.kind, found, ids)
	}
	if len(b) == open {
		return b
	}
	return append(b, '}')
}

// resolveMentions joins handles in the text with the accounts that were found
// when it was posted. The row holds them in order, but not the handles nobody
// had; only when the numbers agree is it known which is whose.
func resolveMentions(found []warble.Entity, mentioned []warble.UserID) map[string]warble.UserID {
	if len(mentioned) == 0 {
		return nil
	}
	ids := map[string]warble.UserID{}
	n := 0
	for i := range found {
		e := &found[i]
		if e.Kind != warble.EntityMention {
			continue
		}
		name := warble.FoldHandle(e.Text)
		if _, ok := ids[name]; ok {
			continue
		}
		if n < len(mentioned) {
			ids[name] = mentioned[n]
		}
		n++
	}
	if n != len(mentioned) {
		return nil
	}
	return ids
}

func appendEntityKind(b []byte, open int, name string, kind warble.EntityKind, found []warble.Entity, ids map[string]warble.UserID) []byte {
	first := true
	for i := range found {
		e := &found[i]
		if e.Kind != kind && !(kind == warble.EntityMention && e.Kind == warble.EntityList) {
			continue
		}
		switch {
		case !first:
			b = append(b, ',')
		case len(b) == open:
			b = append(b, `,"entities":{"`...)
			b = append(append(b, name...), `":[`...)
		default:
			b = append(b, `,"`...)
			b = append(append(b, name...), `":[`...)
		}
		first = false
		b = append(b, `{"start":`...)
		b = strconv.AppendInt(b, int64(e.RuneStart), 10)
		b = appendIntMember(b, "end", int64(e.RuneEnd))
		b = appendEntityText(b, e, kind, ids)
		b = append(b, '}')
	}
	if !first {
		b = append(b, ']')
	}
	return b
}

func appendEntityText(b []byte, e *warble.Entity, kind warble.EntityKind, ids map[string]warble.UserID) []byte {
	switch kind {
	case warble.EntityMention:
		b = appendStringMember(b, "username", e.Text)
		if id := ids[warble.FoldHandle(e.Text)]; id != 0 {
			b = appendIDMember(b, "id", id)
		}
	case warble.EntityURL:
		full, shown := e.Text, e.Text
		if _, rest, ok := strings.Cut(e.Text, "://"); ok {
			shown = rest
		} else {
			full = "https://" + e.Text
		}
		b = appendStringMember(b, "url", e.Text)
		b = appendStringMember(b, "expanded_url", full)
		b = appendStringMember(b, "display_url", shown)
	default:
		b = appendStringMember(b, "tag", e.Text)
	}
	return b
}

// appendVersion appends one version of a tweet for its history.
func appendVersion(b []byte, t *warble.Tweet, author *warble.User, m mask) []byte {
	b = appendTweetFragment(b, t, author, nil, m)
	b = appendIntMember(b, "version", int64(t.Version))
	if t.Version > 1 {
		b = appendTimeMember(b, "edited_at", time.UnixMilli(t.Edited))
	}
	return append(b, '}')
}
