package twitter

import (
	"slices"
	"strconv"
	"warble/role/read"

	"warble"
)

// appendUser appends a person. p brings numbers and the relation to the
// viewer, where asked for; nil leaves them out.
func (a *api) appendUser(b []byte, u *warble.User, p *read.Person, m mask) []byte {
	key := fragmentKey{id: u.ID, version: u.Version, fields: m&^uLive | ofUser}
	if frag, ok := a.fragments.get(key); ok {
		b = append(b, frag...)
	} else {
		start := len(b)
		b = a.appendUserFragment(b, u, m)
		a.fragments.put(key, slices.Clone(b[start:]))
	}
	if p != nil && m&uMetrics != 0 {
		b = appendUserMetrics(b, &p.Counts, m)
	}
	if p != nil && m&uConnection != 0 {
		b = appendConnection(b, &p.Relation)
	}
	return append(b, '}')
}

// appendUserFragment appends what follows from the row alone, without the
// closing brace. E-mail, date of birth and last sign-in are not among it.
func (a *api) appendUserFragment(b []byte, u *warble.User, m mask) []byte {
	b = append(b, `{"id":`...)
	b = appendID(b, u.ID)
	b = appendStringMember(b, "name", u.Name)
	b = appendStringMember(b, "username", u.Handle)
	if m&uCreated != 0 {
		b = appendTimeMember(b, "created_at", u.ID.Time())
	}
	if m&uDescription != 0 {
		b = appendStringMember(b, "description", u.Bio)
	}
	if m&uLocation != 0 && u.Location != "" {
		b = appendStringMember(b, "location", u.Location)
	}
	if m&uURL != 0 {
		b = appendStringMember(b, "url", u.URL)
	}
	if m&uProtected != 0 {
		b = appendBoolMember(b, "protected", u.Protected)
	}
	if m&uVerified != 0 {
		b = append(b, `,"verified":false`...)
	}
	if m&uVerifiedType != 0 {
		b = append(b, `,"verified_type":"none"`...)
	}
	if m&uImage != 0 && u.Avatar != nil {
		b = a.appendPhotoURL(member(b, "profile_image_url"), u.Avatar, "small")
	}
	if m&uBanner != 0 && u.Header != nil {
		b = a.appendPhotoURL(member(b, "profile_banner_url"), u.Header, "full")
	}
	if m&uPinned != 0 && u.Pinned != 0 {
		name := "pinned_tweet_id"
		if m&tPosts != 0 {
			name = "pinned_post_id"
		}
		b = appendIDMember(b, name, u.Pinned)
	}
	if m&uEntities != 0 {
		b = appendUserEntities(b, u)
	}
	return b
}

func appendUserEntities(b []byte, u *warble.User) []byte {
	bio := appendEntities(nil, u.Bio, nil)
	if u.URL == "" && len(bio) == 0 {
		return b
	}
	b = append(b, `,"entities":{`...)
	if u.URL != "" {
		b = append(b, `"url":{"urls":[{"start":0,"end":`...)
		b = strconv.AppendInt(b, int64(len([]rune(u.URL))), 10)
		b = appendStringMember(b, "url", u.URL)
		b = appendStringMember(b, "expanded_url", u.URL)
		b = append(b, "}]}"...)
	}
	if len(bio) > 0 {
		if u.URL != "" {
			b = append(b, ',')
		}
		b = append(b, `"description":`...)
		b = append(b, bio[len(`,"entities":`):]...)
	}
	return append(b, '}')
}

func appendUserMetrics(b []byte, c *read.UserCounts, m mask) []byte {
	b = append(b, `,"public_metrics":{"followers_count":`...)
	b = strconv.AppendInt(b, c.Followers, 10)
	b = appendIntMember(b, "following_count", c.Following)
	if m&tPosts == 0 {
		b = appendIntMember(b, "tweet_count", c.Tweets)
	}
	// Newer SDKs insist on their word even where their request does not name
	// posts at all.
	b = appendIntMember(b, "post_count", c.Tweets)
	b = appendIntMember(b, "listed_count", c.Listed)
	b = appendIntMember(b, "like_count", c.Liked)
	b = appendIntMember(b, "media_count", c.Media)
	return append(b, '}')
}

// appendConnection appends the relation to the viewer in X's words. That
// somebody blocks the viewer is not among them.
func appendConnection(b []byte, r *read.Relation) []byte {
	b = append(b, `,"connection_status":[`...)
	for _, s := range [...]struct {
		name string
		on   bool
	}{
		{"blocking", r.Blocking}, {"follow_request_received", r.RequestedBy}, {"follow_request_sent", r.Requested},
		{"followed_by", r.FollowedBy}, {"following", r.Following}, {"muting", r.Muting},
	} {
		if !s.on {
			continue
		}
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		b = appendString(b, s.name)
	}
	return append(b, ']')
}

// appendPhotoURL appends where a photo is served. size is full or small.
func (a *api) appendPhotoURL(b []byte, p *warble.Photo, size string) []byte {
	b = append(b, '"')
	b = append(b, a.base...)
	b = append(b, "/media/"...)
	b = strconv.AppendUint(b, uint64(p.Media), 10)
	b = append(b, '/')
	b = append(b, p.ID.String()...)
	b = append(b, '/')
	b = append(b, size...)
	return append(b, `.jpg"`...)
}

// appendMedia appends a photo of a tweet.
func (a *api) appendMedia(b []byte, p *warble.Photo, m mask) []byte {
	b = append(b, `{"media_key":`...)
	b = appendMediaKey(b, p.Media)
	b = append(b, `,"type":"photo"`...)
	if m&mURL != 0 {
		b = a.appendPhotoURL(member(b, "url"), p, "full")
	}
	if m&mPreview != 0 {
		b = a.appendPhotoURL(member(b, "preview_image_url"), p, "small")
	}
	if m&mWidth != 0 {
		b = appendIntMember(b, "width", int64(p.Width))
	}
	if m&mHeight != 0 {
		b = appendIntMember(b, "height", int64(p.Height))
	}
	if m&mAlt != 0 && p.Alt != "" {
		b = appendStringMember(b, "alt_text", p.Alt)
	}
	if m&mBlurhash != 0 && p.Blurhash != "" {
		b = appendStringMember(b, "blurhash", p.Blurhash)
	}
	return append(b, '}')
}

// appendPoll appends a tweet's poll and how it stands.
func (a *api) appendPoll(b []byte, it *read.Item, m mask) []byte {
	p := it.Tweet.Poll
	b = append(b, `{"id":`...)
	b = appendID(b, p.ID)
	b = append(b, `,"options":[`...)
	for i, label := range p.Options {
		if i > 0 {
			b = append(b, ',')
		}
		var votes int64
		if it.Poll != nil && i < len(it.Poll.Votes) {
			votes = it.Poll.Votes[i]
		}
		b = append(b, `{"position":`...)
		b = strconv.AppendInt(b, int64(i+1), 10)
		b = appendStringMember(b, "label", label)
		b = appendIntMember(b, "votes", votes)
		b = append(b, '}')
	}
	b = append(b, ']')
	ends := p.Ends
	if m&pDuration != 0 {
		b = appendIntMember(b, "duration_minutes", (ends-it.Tweet.ID.Millis()+30_000)/60_000)
	}
	if m&pEnd != 0 {
		b = appendTimeMember(b, "end_datetime", unixMilli(ends))
	}
	if m&pStatus != 0 {
		status := "open"
		if a.clock().UnixMilli() >= ends {
			status = "closed"
		}
		b = appendStringMember(b, "voting_status", status)
	}
	if m&pViewer != 0 {
		b = appendChoices(member(b, "viewer"), it.Poll)
	}
	return append(b, '}')
}

// appendChoices appends what the viewer voted for, by position.
func appendChoices(b []byte, p *read.PollResult) []byte {
	b = append(b, `{"choices":[`...)
	first := true
	for i := 0; p != nil && i < len(p.Votes); i++ {
		if p.Voted>>i&1 == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = strconv.AppendInt(b, int64(i+1), 10)
	}
	return append(b, "]}"...)
}

// appendList appends a list.
func appendList(b []byte, l *warble.List, n *read.ListCounts, m mask) []byte {
	b = append(b, `{"id":`...)
	b = appendID(b, l.ID)
	b = appendStringMember(b, "name", l.Name)
	if m&lCreated != 0 {
		b = appendTimeMember(b, "created_at", l.ID.Time())
	}
	if m&lDescription != 0 {
		b = appendStringMember(b, "description", l.Description)
	}
	if m&lOwner != 0 {
		b = appendIDMember(b, "owner_id", l.Owner)
	}
	if m&lPrivate != 0 {
		b = appendBoolMember(b, "private", l.Private)
	}
	if n != nil && m&lMembers != 0 {
		b = appendIntMember(b, "member_count", n.Members)
	}
	if n != nil && m&lFollowers != 0 {
		b = appendIntMember(b, "follower_count", n.Followers)
	}
	return append(b, '}')
}
