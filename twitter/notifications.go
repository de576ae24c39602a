package twitter

import (
	"net/http"

	"warble"
	"warble/internal/httpx"
	"warble/role/read"
)

// noticeNames are what the kinds of notification are called on the wire.
var noticeNames = map[warble.NoticeKind]string{
	warble.NoticeMention: "mention", warble.NoticeReply: "reply", warble.NoticeLike: "like", warble.NoticeRetweet: "retweet",
	warble.NoticeQuote: "quote", warble.NoticeFollow: "follow", warble.NoticeFollowRequest: "follow_request",
	warble.NoticePollEnded: "poll_ended",
}

// notifications answers with what happened to somebody. Who and what it is
// about is always included.
func (a *api) notifications(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	q, err := a.specs.notices.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	viewer := c.Who.User
	list, next, err := a.Reader.Notifications(r.Context(), viewer, q.page)
	if err != nil {
		return err
	}
	buf := getBuffer()
	d := answer{a: a, q: q, viewer: viewer, b: append(buf.b, '{')}
	n := 0
	for i := range list {
		v := &list[i]
		if v.Tweet != nil && v.Tweet.Tweet == nil {
			continue
		}
		d.dataItem(n)
		n++
		d.notice(v)
	}
	d.endData(n)
	if err := d.includes(r.Context(), nil); err != nil {
		return err
	}
	d.listMeta(n, next, byNotice)
	send(w, r, buf, http.StatusOK, append(d.b, '}'))
	return nil
}

func (d *answer) notice(v *read.Notification) {
	d.b = appendID(append(d.b, `{"id":`...), v.ID)
	d.b = appendStringMember(d.b, "type", noticeNames[v.Kind])
	d.b = appendTimeMember(d.b, "created_at", v.At)
	if v.Actor != nil {
		d.b = appendIDMember(d.b, "actor_id", v.Actor.ID)
		d.user(v.Actor)
	}
	if v.Tweet != nil {
		d.b = appendIDMember(d.b, d.q.word("tweet_id", "post_id"), v.Tweet.Tweet.ID)
		d.ref(v.Tweet)
	}
	d.b = append(d.b, '}')
}
