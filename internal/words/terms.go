package words

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"warble"
)

// Term is one term under which a document is found.
//
// A word stands as it is: no word begins with a byte below 0x21. An operator
// is one byte from the list below, then its value: ids in decimal, handles,
// tags and languages folded; Pos is NoPos. So no operator is a word, none is
// the beginning of a word, and a term holds no NUL and is valid UTF-8.
type Term struct {
	Text string
	Pos  int32
}

// NoPos is the position of an operator.
const NoPos = -1

// The first byte of operator terms.
const (
	opFrom    = '\x01' // author's id
	opTo      = '\x02' // id of the author replied to
	OpThread  = '\x03' // conversation's id
	opMention = '\x04' // handle
	opTag     = '\x05'
	opLang    = '\x06'
	opIs      = '\x07' // one of the letters below
)

const (
	hasMedia, hasLinks, isReply, isRetweet, isQuote = 'm', 'l', 'r', 't', 'q'
)

// gap parts the texts of one document, so that no phrase runs from one into
// the next.
const gap = 100

// Terms returns everything under which a document is found, words first.
func Terms(d warble.IndexDoc) []Term {
	var c Cutter
	c.Doc(d)
	all := string(c.buf)
	out := make([]Term, len(c.spans))
	for i, s := range c.spans {
		out[i] = Term{all[s.start:s.end], s.pos}
	}
	return out
}

// Doc adds the terms of a document.
func (c *Cutter) Doc(d warble.IndexDoc) {
	if d.User != nil {
		u := d.User
		for _, s := range []string{u.Handle, u.Name, u.Bio} {
			c.part(s)
		}
		return
	}
	t := d.Tweet
	c.part(t.Text)
	c.part(t.ContentWarning)
	if t.Poll != nil {
		for _, s := range t.Poll.Options {
			c.part(s)
		}
	}
	for i := range t.Photos {
		c.part(t.Photos[i].Alt)
	}
	c.operators(t)
}

func (c *Cutter) part(s string) {
	if s != "" {
		c.text(s)
		c.pos += gap
	}
}

func (c *Cutter) operators(t *warble.Tweet) {
	c.id(opFrom, t.Author)
	c.id(OpThread, t.Conversation)
	if t.ReplyTo != 0 {
		c.id(opTo, t.ReplyAuthor)
		c.is(isReply)
	}
	if t.RetweetOf != 0 {
		c.is(isRetweet)
	}
	if t.QuoteOf != 0 {
		c.is(isQuote)
	}
	if len(t.Photos) > 0 {
		c.is(hasMedia)
	}
	if t.Lang != "" {
		lang := strings.ToLower(t.Lang)
		c.value(opLang, lang)
		if main, _, ok := strings.Cut(lang, "-"); ok {
			c.value(opLang, main)
		}
	}
	if strings.ContainsAny(t.Text, "@#.＠＃") {
		c.entities(t.Text)
	}
}

func (c *Cutter) entities(text string) {
	links := false
	for _, e := range warble.Entities(text) {
		switch e.Kind {
		case warble.EntityMention:
			c.value(opMention, warble.FoldHandle(e.Text))
		case warble.EntityHashtag:
			c.value(opTag, foldTag(e.Text))
		case warble.EntityURL:
			links = true
		}
	}
	if links {
		c.is(hasLinks)
	}
}

func (c *Cutter) id(op byte, id warble.ID) {
	if id == 0 {
		return
	}
	start := len(c.buf)
	c.buf = append(c.buf, op)
	c.buf = strconv.AppendUint(c.buf, uint64(id), 10)
	c.operator(start)
}

func (c *Cutter) is(what byte) {
	start := len(c.buf)
	c.buf = append(c.buf, opIs, what)
	c.operator(start)
}

func (c *Cutter) value(op byte, value string) {
	start := len(c.buf)
	c.buf = append(c.buf, op)
	c.buf = append(c.buf, value...)
	c.operator(start)
}

// operator adds what stands in buf from start, once.
func (c *Cutter) operator(start int) {
	c.start = len(c.buf)
	for i := len(c.spans) - 1; i >= 0 && c.spans[i].pos == NoPos; i-- {
		if s := c.spans[i]; string(c.buf[s.start:s.end]) == string(c.buf[start:]) {
			return
		}
	}
	c.spans = append(c.spans, span{uint32(start), uint32(len(c.buf)), NoPos})
}

// Drop takes an operator out again, for an engine that answers it otherwise.
func (c *Cutter) Drop(operator string) {
	for i := len(c.spans) - 1; i >= 0 && c.spans[i].pos == NoPos; i-- {
		if s := c.spans[i]; string(c.buf[s.start:s.end]) == operator {
			c.spans = append(c.spans[:i], c.spans[i+1:]...)
			return
		}
	}
}

// foldTag is the form of a tag under which it is found: all
// its characters folded, none parted.
func foldTag(tag string) string {
	var c Cutter
	for _, r := range norm.NFKC.String(tag) {
		if unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.Pc) {
			c.fold(r)
		}
	}
	if len(c.buf) > MaxWord {
		c.buf = c.buf[:cut(c.buf)]
	}
	return string(c.buf)
}

// Operator returns the term of an operator's node: one that asks neither for
// words nor for other nodes. A handle without an account (Op QueryFrom or
// QueryTo without an ID) is a term no document has.
func Operator(q *warble.Query) string {
	switch q.Op {
	case warble.QueryFrom:
		return string(rune(opFrom)) + q.ID.String()
	case warble.QueryTo:
		return string(rune(opTo)) + q.ID.String()
	case warble.QueryThread:
		return string(rune(OpThread)) + q.ID.String()
	case warble.QueryMention:
		return string(rune(opMention)) + warble.FoldHandle(strings.TrimPrefix(q.Text, "@"))
	case warble.QueryTag:
		return string(rune(opTag)) + foldTag(strings.TrimPrefix(q.Text, "#"))
	case warble.QueryLang:
		return string(rune(opLang)) + strings.ToLower(q.Text)
	}
	return string([]byte{opIs, what(q.Op)})
}

func what(op warble.QueryOp) byte {
	switch op {
	case warble.QueryHasMedia:
		return hasMedia
	case warble.QueryHasLinks:
		return hasLinks
	case warble.QueryIsReply:
		return isReply
	case warble.QueryIsRetweet:
		return isRetweet
	case warble.QueryIsQuote:
		return isQuote
	}
	return '?'
}

// IsOperator tells whether a term is an operator.
func IsOperator(term string) bool { return term[0] <= opIs }
