package twitter

import (
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"warble/role/read"

	"warble"
)

// spec says what an endpoint's query may hold. Whatever else stands there is 400.
type spec struct {
	order         order    // of its pages; zero: not paged
	min, max, def int      // of max_results
	bounds        bool     // since_id, until_id, start_time, end_time
	exclude       bool     // exclude=replies,retweets
	needs         []string // further parameters that must be there
	takes         []string // further parameters that may

	cache *queryCache
}

// query is a parsed query string. Shared by requests: never changed.
type query struct {
	tweet, user, media, poll, list mask
	exp                            mask
	posts                          bool
	page                           warble.Page
	paged                          bool // a pagination token was given
	start, end                     time.Time
	noReplies, noRetweets          bool
	more                           map[string]string // of needs and takes
}

// word picks the word of the older or the newer SDKs.
func (q *query) word(tweet, post string) string {
	if q.posts {
		return post
	}
	return tweet
}

// include says what a page of tweets must bring for these fields. Refs are
// always there: a retweet's text is its original's.
func (q *query) include(viewer warble.UserID) read.Include {
	return read.Include{
		Counts:    q.tweet&tMetrics != 0 || q.exp&xPolls != 0,
		Flags:     q.tweet&tViewer != 0 && viewer != 0,
		Refs:      true,
		Replied:   q.exp&xRefs != 0,
		Mentioned: q.exp&(xMentions|xReplyTo) != 0,
	}
}

func (q *query) timeline(viewer warble.UserID) read.TimelineQuery {
	return read.TimelineQuery{Page: q.page, NoReplies: q.noReplies, NoRetweets: q.noRetweets, Include: q.include(viewer)}
}

func (q *query) people(viewer warble.UserID) read.PeopleInclude {
	return read.PeopleInclude{Counts: q.user&uMetrics != 0, Relation: q.user&uConnection != 0 && viewer != 0}
}

// queryCache remembers what query strings mean. Clients send the same few.
type queryCache struct {
	mu sync.RWMutex
	m  map[string]*query
}

const (
	cachedQueries  = 1024 // then it starts anew
	cachedQueryLen = 512
)

// parse reads a raw query string, from memory when it was seen before.
func (s *spec) parse(raw string) (*query, error) {
	s.cache.mu.RLock()
	q := s.cache.m[raw]
	s.cache.mu.RUnlock()
	if q != nil {
		return q, nil
	}
	q, err := s.read(raw)
	if err != nil {
		return nil, err
	}
	if len(raw) <= cachedQueryLen && !q.paged && q.page.Before == 0 && q.page.After == 0 && len(q.more) == 0 {
		s.cache.mu.Lock()
		if len(s.cache.m) >= cachedQueries {
			clear(s.cache.m)
		}
		s.cache.m[strings.Clone(raw)] = q
		s.cache.mu.Unlock()
	}
	return q, nil
}

func (s *spec) read(raw string) (*query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, warble.Invalid("query", raw, "the query string cannot be read")
	}
	q := &query{page: warble.Page{Limit: s.def}}
	token := position{}
	for name, v := range values {
		if len(v) != 1 && !listParam(name) {
			return nil, warble.Invalid(name, strings.Join(v, " "), "this parameter may be there once")
		}
		if err := s.param(q, &token, name, strings.Join(v, ",")); err != nil {
			return nil, err
		}
	}
	for _, name := range s.needs {
		if q.more[name] == "" {
			return nil, warble.Invalid(name, "", "this parameter is needed")
		}
	}
	return q, q.settle(token)
}

func listParam(name string) bool {
	return strings.HasSuffix(name, ".fields") || name == "expansions" || name == "exclude" || name == "ids" || name == "usernames"
}

// param reads one parameter.
func (s *spec) param(q *query, token *position, name, value string) (err error) {
	switch name {
	case "tweet.fields":
		return q.fields(&q.tweet, tweetFields, name, value)
	case "post.fields":
		q.posts = true
		return q.fields(&q.tweet, tweetFields, name, value)
	case "user.fields":
		return q.fields(&q.user, userFields, name, value)
	case "media.fields":
		return q.fields(&q.media, mediaFields, name, value)
	case "poll.fields":
		return q.fields(&q.poll, pollFields, name, value)
	case "list.fields":
		return q.fields(&q.list, listFields, name, value)
	case "expansions":
		return q.fields(&q.exp, expansionNames, name, value)
	case "place.fields":
		return q.fields(new(mask), placeFields, name, value)
	case "search_count.fields":
		return q.fields(new(mask), countFields, name, value)
	}
	if s.order != 0 {
		switch name {
		case "max_results":
			return s.limit(q, value)
		case "pagination_token", "next_token":
			q.paged = true
			if *token, err = parseToken(value, s.order); err != nil {
				return warble.Invalid(name, value, "this is not a token that this endpoint gave")
			}
			return nil
		}
	}
	if s.bounds {
		if known, err := q.bound(name, value); known {
			return err
		}
	}
	if s.exclude && name == "exclude" {
		return q.exclude(value)
	}
	for _, list := range [2][]string{s.needs, s.takes} {
		for _, known := range list {
			if name == known {
				if q.more == nil {
					q.more = map[string]string{}
				}
				q.more[name] = value
				return nil
			}
		}
	}
	return warble.Invalid(name, value, "this endpoint has no such parameter")
}

func (q *query) fields(into *mask, names fieldNames, param, value string) error {
	m, bad := names.parse(value)
	if bad != "" || value == "" {
		return warble.Invalid(param, bad, "there is no such name in "+param+names.list())
	}
	q.posts = q.posts || m&tPosts != 0
	*into |= m &^ tPosts
	return nil
}

func (s *spec) limit(q *query, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < s.min || n > s.max {
		return warble.Invalid("max_results", value, "max_results is a number between "+strconv.Itoa(s.min)+" and "+strconv.Itoa(s.max))
	}
	q.page.Limit = n
	return nil
}

// bound reads since_id, until_id, start_time and end_time.
func (q *query) bound(name, value string) (known bool, err error) {
	var id warble.ID
	var t time.Time
	switch name {
	case "since_id", "until_id":
		if id, err = warble.ParseID(value); err != nil {
			return true, warble.Invalid(name, value, "an id is a decimal number")
		}
	case "start_time", "end_time":
		t, err = time.Parse(time.RFC3339, value)
		if err != nil || t.Year() < 1970 || t.Year() > 4000 {
			return true, warble.Invalid(name, value, "a time is written as 2026-01-02T03:04:05Z")
		}
	}
	switch name {
	case "since_id":
		q.page.After = max(q.page.After, id)
	case "until_id":
		q.page.Before = below(q.page.Before, id)
	case "start_time":
		q.start = t
		if id := warble.IDAt(t); id > 0 {
			q.page.After = max(q.page.After, id-1)
		}
	case "end_time":
		q.end = t
		q.page.Before = below(q.page.Before, max(warble.IDAt(t), 1))
	default:
		return false, nil
	}
	return true, nil
}

// below is the lower of two upper bounds, where zero is none.
func below(a, b warble.ID) warble.ID {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func (q *query) exclude(value string) error {
	for name := range strings.SplitSeq(value, ",") {
		switch name {
		case "replies":
			q.noReplies = true
		case "retweets", "reposts":
			q.noRetweets = true
		default:
			return warble.Invalid("exclude", name, "exclude takes replies and retweets")
		}
	}
	return nil
}

// settle works out what follows from the parameters together.
func (q *query) settle(token position) error {
	if !q.start.IsZero() && !q.end.IsZero() && !q.start.Before(q.end) {
		return warble.Invalid("start_time", q.start.Format(time.RFC3339), "start_time lies before end_time")
	}
	if q.page.Before != 0 && q.page.After >= q.page.Before {
		q.page.After = q.page.Before // nothing lies between
	}
	switch {
	case token.id == 0:
	case token.newer:
		q.page.Oldest, q.page.After = true, max(q.page.After, token.id)
	default:
		q.page.Before = below(q.page.Before, token.id)
	}
	q.tweet |= expanded(q.exp)
	if q.posts {
		q.tweet |= tPosts
		q.user |= tPosts
	}
	if q.exp&xPinned != 0 {
		q.user |= uPinned
	}
	if q.exp&xOwner != 0 {
		q.list |= lOwner
	}
	return nil
}

// idList reads ids=1,2,3: 1 to 100 of them, without repeats.
func idList(param, value string) ([]warble.ID, error) {
	parts := strings.Split(value, ",")
	if len(parts) > 100 {
		return nil, warble.Invalid(param, strconv.Itoa(len(parts))+" values", "at most 100 may be asked for at once")
	}
	ids := make([]warble.ID, 0, len(parts))
	seen := make(map[warble.ID]bool, len(parts))
	for _, p := range parts {
		id, err := warble.ParseID(p)
		if err != nil {
			return nil, warble.Invalid(param, p, "an id is a decimal number")
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}
