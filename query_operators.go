package warble

import (
	"slices"
	"strings"
)

// operator reads "name:value". known is false if no operator has that name:
// then it is a word, as 10:30 is.
func (p *queryParser) operator(start int, name, value string) (q *Query, known bool, err error) {
	switch name {
	case "from", "to":
		op := QueryFrom
		if name == "to" {
			op = QueryTo
		}
		if value = strings.TrimPrefix(value, "@"); !mayBeHandle(value) {
			return nil, true, p.fail(start, "after %s: stands a handle, such as %s:ann", name, name)
		}
		return &Query{Op: op, Text: value}, true, nil
	case "conversation_id":
		id, err := ParseID(value)
		if err != nil {
			return nil, true, p.fail(start, "after conversation_id: stands the id of a tweet")
		}
		return &Query{Op: QueryThread, ID: id}, true, nil
	case "lang":
		if !mayBeLang(value) {
			return nil, true, p.fail(start, "after lang: stands a language, such as lang:en")
		}
		return &Query{Op: QueryLang, Text: strings.ToLower(value)}, true, nil
	case "has", "is":
		for op, written := range queryFlags() {
			if written != "" && name+":"+strings.ToLower(value) == written {
				return &Query{Op: QueryOp(op)}, true, nil
			}
		}
		return nil, true, p.fail(start, "there is no operator %s:%s here; there are has:media, has:links, is:reply, is:retweet, is:quote", name, shorten(value, 20))
	}
	if slices.Contains(foreignOperators(), name) {
		return nil, true, p.fail(start, "the operator %s: does not exist here", name)
	}
	return nil, false, nil
}

// queryFlags is how the operators without a value are written.
func queryFlags() []string {
	return []string{
		QueryHasMedia: "has:media", QueryHasLinks: "has:links",
		QueryIsReply: "is:reply", QueryIsRetweet: "is:retweet", QueryIsQuote: "is:quote",
	}
}

// foreignOperators are those of X we do not have: better refused than looked
// for as words.
func foreignOperators() []string {
	return []string{
		"url", "retweets_of", "in_reply_to_tweet_id", "retweets_of_tweet_id", "quotes_of_tweet_id", "context", "entity",
		"place", "place_country", "point_radius", "bounding_box", "sample", "list", "keyword", "bio", "bio_name",
		"bio_location", "followers_count", "tweets_count", "following_count", "listed_count", "url_title",
		"url_description", "url_contains", "source", "since", "until", "filter", "min_faves", "min_retweets", "near", "within",
	}
}

func mayBeLang(s string) bool {
	if len(s) < 2 || len(s) > 12 || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		if s[i] != '-' && !alnumBytes.has(s[i]) {
			return false
		}
	}
	return true
}

// Handles returns the distinct handles of from: and to:, folded.
func (q *Query) Handles() []string {
	var out []string
	q.walk(func(q *Query) {
		if q.Op != QueryFrom && q.Op != QueryTo || q.Text == "" {
			return
		}
		if h := FoldHandle(q.Text); !slices.Contains(out, h) {
			out = append(out, h)
		}
	})
	return out
}

func (q *Query) walk(visit func(*Query)) {
	visit(q)
	for _, k := range q.Kids {
		k.walk(visit)
	}
}

// Resolve returns the query with the ids of its handles filled in; ids has
// folded handles. A handle that is not there finds nothing.
func (q *Query) Resolve(ids map[string]UserID) *Query {
	c := *q
	if (q.Op == QueryFrom || q.Op == QueryTo) && q.Text != "" {
		c.ID = ids[FoldHandle(q.Text)]
	}
	c.Kids = nil
	for _, k := range q.Kids {
		c.Kids = append(c.Kids, k.Resolve(ids))
	}
	return &c
}

// String writes the query as [ParseQuery] reads it.
func (q *Query) String() string {
	var b strings.Builder
	q.write(&b, QueryOr)
	return b.String()
}

// write puts parentheses where the node above, in, would else take the
// query's parts for its own.
func (q *Query) write(b *strings.Builder, in QueryOp) {
	between := " "
	switch q.Op {
	case QueryAnd, QueryOr:
		group := in == QueryNot || in == QueryAnd && q.Op == QueryOr
		if q.Op == QueryOr {
			between = " OR "
		}
		if group {
			b.WriteByte('(')
		}
		for i, k := range q.Kids {
			if i > 0 {
				b.WriteString(between)
			}
			k.write(b, q.Op)
		}
		if group {
			b.WriteByte(')')
		}
	case QueryNot:
		b.WriteByte('-')
		q.Kids[0].write(b, QueryNot)
	default:
		b.WriteString(q.leaf())
	}
}

func (q *Query) leaf() string {
	switch q.Op {
	case QueryPhrase:
		return `"` + q.Text + `"`
	case QueryPrefix:
		return q.Text + "*"
	case QueryFrom:
		return "from:" + q.Text
	case QueryTo:
		return "to:" + q.Text
	case QueryMention:
		return "@" + q.Text
	case QueryTag:
		return "#" + q.Text
	case QueryLang:
		return "lang:" + q.Text
	case QueryThread:
		return "conversation_id:" + q.ID.String()
	}
	if flags := queryFlags(); int(q.Op) < len(flags) && flags[q.Op] != "" {
		return flags[q.Op]
	}
	return q.Text
}
