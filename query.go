package warble

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The search language, a part of X's:
//
//	tea cats          both words              "green tea"   these words in this order
//	tea OR coffee     either; OR binds less   (a OR b) c    groups
//	-milk -is:retweet without                 tea*          words that begin so
//	from:ann to:ann @ann                      #tea lang:en conversation_id:1234
//	has:media has:links is:reply is:retweet is:quote
//
// Punctuation standing alone is passed over. What is left must say what to
// find, not only what to leave out, in every group and on both sides of OR.

const maxQueryDepth = 16 // groups inside each other

// ParseQuery reads a search query. What is wrong is an ErrInvalid of "query"
// that says at which character. The handles of from: and to: stand in Text
// until [Query.Resolve].
func ParseQuery(s string) (*Query, error) {
	if n := utf8.RuneCountInString(s); n > MaxQuery {
		return nil, Invalid("query", s, fmt.Sprintf("A query has at most %d characters; this one has %d.", MaxQuery, n))
	}
	return parseQuery(s)
}

func parseQuery(s string) (*Query, error) {
	if !utf8.ValidString(s) {
		return nil, Invalid("query", strings.ToValidUTF8(s, "\ufffd"), "The query is not valid UTF-8.")
	}
	p := &queryParser{text: s}
	q, err := p.either(0)
	switch {
	case err != nil:
		return nil, err
	case p.at < len(s):
		return nil, p.fail(p.at, "a group is closed that was never opened")
	case q == nil:
		return nil, p.fail(0, "there is nothing to search for")
	}
	return q, nil
}

// queryParser walks the text once; at is the next byte.
type queryParser struct {
	text string
	at   int
}

func (p *queryParser) fail(at int, format string, args ...any) error {
	return Invalid("query", p.text, fmt.Sprintf("At character %d: %s.",
		utf8.RuneCountInString(p.text[:at])+1, fmt.Sprintf(format, args...)))
}

func (p *queryParser) skipSpace() {
	p.at += len(p.text[p.at:]) - len(strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace))
}

// takeOr passes the word OR, if that is next.
func (p *queryParser) takeOr() bool {
	if p.word() != "OR" {
		return false
	}
	p.at += len("OR")
	return true
}

// word is what comes next up to a space, a quotation mark or a parenthesis.
func (p *queryParser) word() string {
	rest := p.text[p.at:]
	if end := strings.IndexFunc(rest, endsWord); end >= 0 {
		return rest[:end]
	}
	return rest
}

func endsWord(r rune) bool {
	return r == '(' || r == ')' || quotes(r) || unicode.IsSpace(r)
}

// quotes tells whether a character is a quotation mark; phones write the
// curved ones by themselves.
func quotes(r rune) bool { return r == '"' || r == '“' || r == '”' }

// either reads "a b OR c". nil: there is nothing but passed-over punctuation.
func (p *queryParser) either(depth int) (*Query, error) {
	var kids []*Query
	for missing := false; ; missing = true {
		start := p.at
		q, err := p.all(depth)
		if err != nil {
			return nil, err
		}
		p.skipSpace()
		or := p.takeOr()
		if q == nil && (or || missing) {
			return nil, p.fail(start, "OR needs something to search for on both sides")
		}
		if q != nil && q.Op == QueryOr {
			kids = append(kids, q.Kids...)
		} else if q != nil {
			kids = append(kids, q)
		}
		if !or {
			return joined(QueryOr, kids), nil
		}
	}
}

// all reads "a b -c".
func (p *queryParser) all(depth int) (*Query, error) {
	var kids []*Query
	p.skipSpace()
	start := p.at
	for ; p.at < len(p.text) && p.text[p.at] != ')' && p.word() != "OR"; p.skipSpace() {
		q, err := p.one(depth)
		if err != nil {
			return nil, err
		}
		if q != nil && q.Op == QueryAnd {
			kids = append(kids, q.Kids...)
		} else if q != nil {
			kids = append(kids, q)
		}
	}
	if len(kids) > 0 && !slices.ContainsFunc(kids, func(q *Query) bool { return q.Op != QueryNot }) {
		return nil, p.fail(start, "a search cannot only leave things out; say also what to find")
	}
	return joined(QueryAnd, kids), nil
}

func joined(op QueryOp, kids []*Query) *Query {
	switch len(kids) {
	case 0:
		return nil
	case 1:
		return kids[0]
	}
	return &Query{Op: op, Kids: kids}
}

// one reads one item, negated or not.
func (p *queryParser) one(depth int) (*Query, error) {
	start := p.at
	rest := p.text[p.at+1:]
	if p.text[p.at] != '-' || rest == "" {
		return p.plain(depth)
	}
	if next, _ := utf8.DecodeRuneInString(rest); unicode.IsSpace(next) || next == ')' {
		p.at++ // a dash standing alone
		return nil, nil
	}
	p.at++
	if p.text[p.at] == '-' {
		return nil, p.fail(start, "one dash leaves something out; two say nothing")
	}
	q, err := p.plain(depth)
	if q == nil || err != nil {
		return nil, err
	}
	return &Query{Op: QueryNot, Kids: []*Query{q}}, nil
}

func (p *queryParser) plain(depth int) (*Query, error) {
	first, size := utf8.DecodeRuneInString(p.text[p.at:])
	switch {
	case first == '(':
		return p.group(depth)
	case quotes(first):
		return p.phrase(size)
	}
	start, word := p.at, p.word()
	p.at += len(word)
	if name, value, ok := strings.Cut(word, ":"); ok {
		if q, known, err := p.operator(start, strings.ToLower(name), value); known {
			return q, err
		}
	}
	return p.term(start, word)
}

func (p *queryParser) group(depth int) (*Query, error) {
	start := p.at
	if depth == maxQueryDepth {
		return nil, p.fail(start, "groups stand at most %d deep in each other", maxQueryDepth)
	}
	p.at++
	q, err := p.either(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.at == len(p.text) {
		return nil, p.fail(start, "the group is never closed")
	}
	p.at++
	return q, nil
}

func (p *queryParser) phrase(size int) (*Query, error) {
	rest := p.text[p.at+size:]
	end := strings.IndexFunc(rest, quotes)
	if end < 0 {
		return nil, p.fail(p.at, "the quotation is never closed")
	}
	_, closing := utf8.DecodeRuneInString(rest[end:])
	p.at += size + end + closing
	if !searchable(rest[:end]) {
		return nil, nil
	}
	return &Query{Op: QueryPhrase, Text: rest[:end]}, nil
}

// term reads a word, a hashtag, a mention or the beginning of a word.
func (p *queryParser) term(start int, word string) (*Query, error) {
	if !searchable(word) {
		return nil, nil
	}
	switch tag, ok := strings.CutPrefix(word, "#"); {
	case ok && ValidHashtag(tag):
		return &Query{Op: QueryTag, Text: tag}, nil
	case word[0] == '@' && mayBeHandle(word[1:]):
		return &Query{Op: QueryMention, Text: word[1:]}, nil
	}
	if beginning := strings.TrimRight(word, "*"); beginning != word {
		if utf8.RuneCountInString(beginning) < MinPrefix {
			return nil, p.fail(start, "%q is too short: at least %d characters stand before *", word, MinPrefix)
		}
		return &Query{Op: QueryPrefix, Text: beginning}, nil
	}
	return &Query{Op: QueryWord, Text: word}, nil
}

// searchable tells whether a text holds anything that can be found.
func searchable(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.So) || r == '_' })
}

// mayBeHandle allows the longer names of old texts.
func mayBeHandle(s string) bool { return s != "" && len(s) <= 20 && handleEnd(s, 0) == len(s) }
