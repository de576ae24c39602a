package twitter

import (
	"net/http"
	"strconv"
	"time"

	"warble"
	"warble/internal/httpx"
)

// recentSpan is how far back "recent" reaches.
const recentSpan = 7 * 24 * time.Hour

func (a *api) searchRecent(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.search(w, r, c, a.specs.recent, recentSpan)
}

func (a *api) searchAll(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.search(w, r, c, a.specs.all, 0)
}

func (a *api) search(w http.ResponseWriter, r *http.Request, c *httpx.Call, s *spec, span time.Duration) error {
	q, err := s.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	switch order := q.more["sort_order"]; order {
	case "", "recency", "relevancy": // the newest is the most relevant
	default:
		return warble.Invalid("sort_order", order, "sort_order is recency or relevancy")
	}
	tq := q.timeline(c.Who.User)
	if span > 0 {
		tq.After = max(tq.After, warble.IDAt(a.clock().Add(-span)))
	}
	tl, err := a.Reader.Search(r.Context(), c.Who.User, q.more["query"], tq)
	if err != nil {
		return err
	}
	return a.replyTweets(w, r, c.Who.User, q, tl, byTweet)
}

func (a *api) countsRecent(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	q, err := a.specs.counts.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	step := time.Hour
	switch g := q.more["granularity"]; g {
	case "", "hour":
	case "day":
		step = 24 * time.Hour
	default:
		return warble.Invalid("granularity", g, "granularity is hour or day")
	}
	now := a.clock().UTC().Truncate(time.Millisecond).Add(time.Millisecond) // what is of this millisecond counts
	from, to := now.Add(-recentSpan), now
	if q.page.After != 0 && q.page.After.Time().After(from) {
		from = q.page.After.Time()
	}
	if q.page.Before != 0 && q.page.Before.Time().Before(to) {
		to = q.page.Before.Time()
	}
	if !from.Before(to) {
		return warble.Invalid("start_time", from.Format(time.RFC3339), "counts reach seven days back, and the start lies before the end")
	}
	buckets, err := a.Reader.SearchCounts(r.Context(), c.Who.User, q.more["query"], from, to, step)
	if err != nil {
		return err
	}
	buf := getBuffer()
	b, total := buf.b, 0
	b = append(b, `{"data":[`...)
	for i, n := range buckets {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTime(append(b, `{"start":`...), n.Start)
		b = appendTimeMember(b, "end", n.End)
		b = appendIntMember(b, "tweet_count", int64(n.N))
		b = appendIntMember(b, "post_count", int64(n.N))
		b = append(b, '}')
		total += n.N
	}
	b = strconv.AppendInt(append(b, `],"meta":{"total_tweet_count":`...), int64(total), 10)
	b = appendIntMember(b, "total_post_count", int64(total))
	send(w, r, buf, http.StatusOK, append(b, "}}"...))
	return nil
}
