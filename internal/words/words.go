// Package words cuts what people write into the terms under which it is found,
// and says which query finds which document. Every index of the house (the
// memory engine, engine/search, OpenSearch) cuts here, so that one query gives
// the same answer in every shape.
//
// How text is cut. A word is a run of letters, digits, marks and underscores
// within one Unicode word (UAX #29). It is brought to NFKC, lower case, and
// without the accents of Latin and Greek letters, so "Café", "cafe" and "ＣＡＦＥ"
// are one word. Apostrophes inside a word vanish, the English possessive with
// them: "don't" is "dont", "Ann's" is "ann". Dots, colons, hyphens and all other
// punctuation part words: "example.com" is "example", "com"; the scheme of a
// link is left out. "#Go" and "@ann" are also the words "go" and "ann".
//
// Scripts written without spaces, and Hangul, are cut into single characters
// and, at the same positions, pairs of neighbours; a query is cut into the pairs
// alone. An emoji is one word with all its joined parts, but without its skin
// colour; so is any other pictorial symbol.
//
// Cost is linear in the length of the text. A word is cut off after MaxWord
// bytes, a text after MaxWords words.
package words

import (
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"
)

// Bounds of what is indexed, of one document.
const (
	MaxWord  = 64   // bytes of a word; what is longer is found by its beginning
	MaxWords = 2048 // words; what comes later is not found
)

// Word is one word of a text. Positions count words from 0; words of one
// position are two readings of the same place.
type Word struct {
	Text string
	Pos  int
}

// Words cuts a text as it is indexed.
func Words(text string) []Word { return Append(nil, text) }

// Append is Words into a slice the caller may use again.
func Append(dst []Word, text string) []Word {
	var c Cutter
	c.text(text)
	return c.words(dst)
}

// Query cuts a text as it is looked for: as Words, but of scripts cut into
// pairs only the pairs, single characters only where they stand alone. A
// document holds the text if it holds every word at the same distances.
func Query(text string) []Word {
	c := Cutter{query: true}
	c.text(text)
	return c.words(nil)
}

func (c *Cutter) words(dst []Word) []Word {
	all := string(c.buf)
	for _, s := range c.spans {
		dst = append(dst, Word{all[s.start:s.end], int(s.pos)})
	}
	return dst
}

// Cutter cuts documents into terms, using its memory again. The zero Cutter
// is ready. It is for one goroutine.
type Cutter struct {
	buf   []byte
	spans []span
	query bool

	pos   int32  // of the next word
	start int    // of the word being made, in buf
	run   []rune // characters that will be found by pairs
}

type span struct {
	start, end uint32
	pos        int32
}

// Reset forgets the terms of the last document.
func (c *Cutter) Reset() { c.buf, c.spans, c.pos = c.buf[:0], c.spans[:0], 0 }

// Len is how many terms there are.
func (c *Cutter) Len() int { return len(c.spans) }

// Term is the i-th term; its bytes stand until Reset.
func (c *Cutter) Term(i int) ([]byte, int32) {
	s := c.spans[i]
	return c.buf[s.start:s.end], s.pos
}

// What an ASCII byte is to a word.
const (
	apart      = iota // parts words
	inWord            // letter, digit, underscore
	apostrophe        // vanishes between letters
)

// class says what a byte below 0x80 is to a word.
func class(b byte) int {
	switch {
	case 'a' <= b|0x20 && b|0x20 <= 'z', '0' <= b && b <= '9', b == '_':
		return inWord
	case b == '\'':
		return apostrophe
	}
	return apart
}

// text cuts one text. A piece between ASCII bytes that part words is cut by
// hand if it is ASCII throughout, else by Unicode's rules.
func (c *Cutter) text(s string) {
	for i := 0; i < len(s) && len(c.spans) < MaxWords; {
		if s[i] < utf8.RuneSelf && class(s[i]) == apart {
			i++
			continue
		}
		start, ascii := i, true
		for i < len(s) && (s[i] >= utf8.RuneSelf || class(s[i]) != apart) {
			ascii = ascii && s[i] < utf8.RuneSelf
			i++
		}
		switch piece := s[start:i]; {
		case !ascii:
			c.unicode(piece)
		case !scheme(piece, s[i:]):
			c.ascii(piece)
		}
	}
}

// scheme tells whether a piece is the beginning of a link, which says nothing.
func scheme(piece, after string) bool {
	return len(after) > 2 && after[:3] == "://" && (piece == "http" || piece == "https")
}

func (c *Cutter) ascii(s string) {
	c.begin()
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b == '\'' {
			if c.possessive(s[i+1:]) {
				break
			}
			continue
		}
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		c.buf = append(c.buf, b)
	}
	c.end()
}

// possessive tells whether what follows an apostrophe is the end of "Ann's".
func (c *Cutter) possessive(after string) bool {
	return len(c.buf) > c.start && (after == "s" || after == "S")
}

func (c *Cutter) begin() { c.start = len(c.buf) }

// end closes the word being made, if it has any bytes.
func (c *Cutter) end() {
	if len(c.buf) == c.start {
		return
	}
	end := len(c.buf)
	if end-c.start > MaxWord {
		end = c.start + cut(c.buf[c.start:])
		c.buf = c.buf[:end]
	}
	c.add(c.start, end, c.pos)
	c.pos++
	c.start = end
}

// cut is where a word longer than MaxWord ends: never inside a character.
func cut(word []byte) int {
	end := MaxWord
	for !utf8.RuneStart(word[end]) {
		end--
	}
	return end
}

func (c *Cutter) add(start, end int, pos int32) {
	if len(c.spans) < MaxWords {
		c.spans = append(c.spans, span{uint32(start), uint32(end), pos})
	}
}

// unicode cuts a piece that holds other characters than ASCII.
func (c *Cutter) unicode(s string) {
	s = norm.NFKC.String(s)
	state, rest := -1, s
	var seg string
	for rest != "" && len(c.spans)+len(c.run) < MaxWords {
		first, size := utf8.DecodeRuneInString(rest)
		if paired(first) { // needs no rules
			c.run, rest, state = append(c.run, first), rest[size:], -1
			continue
		}
		seg, rest, state = uniseg.FirstWordInString(rest, state)
		if unicode.Is(unicode.So, first) {
			c.flush()
			c.symbol(seg)
			continue
		}
		c.segment(seg)
	}
	c.flush()
}

// symbol adds an emoji or another picture as one word.
func (c *Cutter) symbol(seg string) {
	c.begin()
	for _, r := range seg {
		if r == 0xfe0e || r == 0xfe0f || 0x1f3fb <= r && r <= 0x1f3ff {
			continue // how it is drawn, or in which skin colour
		}
		c.buf = utf8.AppendRune(c.buf, r)
	}
	c.end()
}

// segment adds the words of one Unicode word.
func (c *Cutter) segment(seg string) {
	c.begin()
	for i, r := range seg {
		switch {
		case ignored(r):
			continue
		case paired(r):
			c.end()
			c.run = append(c.run, r)
			c.begin()
			continue
		case len(c.run) > 0:
			c.flush()
			c.begin()
		}
		switch {
		case r == '\'' || r == '’':
			if c.possessive(seg[i+utf8.RuneLen(r):]) {
				c.end()
				return
			}
		case unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.Pc):
			c.fold(r)
		case !unicode.Is(unicode.Cf, r): // joiners and soft hyphens vanish
			c.end()
		}
	}
	c.end()
}

// flush adds the run of characters that are found by pairs.
func (c *Cutter) flush() {
	run := c.run
	c.run = c.run[:0]
	for i, r := range run {
		start := len(c.buf)
		c.buf = utf8.AppendRune(c.buf, r)
		one := len(c.buf)
		if len(run) == 1 || !c.query {
			c.add(start, one, c.pos)
		}
		if i+1 < len(run) {
			if !c.query {
				start = len(c.buf)
				c.buf = utf8.AppendRune(c.buf, r)
			}
			c.buf = utf8.AppendRune(c.buf, run[i+1])
			c.add(start, len(c.buf), c.pos)
		}
		c.pos++
	}
	c.start = len(c.buf)
}
