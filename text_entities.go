package warble

import (
	"strings"
	"unicode/utf8"
)

const (
	maxMention = 20 // characters of a handle in a text
	maxSlug    = 25 // characters of a list's slug, without the slash
)

// textScan walks a text once and collects entities. The rules were written as
// regular expressions that consume what they match, refused matches too, so
// each kind remembers where its last match ended: the character before an
// entity must lie behind that point.
type textScan struct {
	text string
	bare bool // links without a scheme count
	only EntityKind
	out  []Entity
	end  int // of the last entity kept

	mentionFrom, hashtagFrom int
	urlFrom                  int // end of the last match of a link
	urlDone                  int // dots before this are dealt with
}

func scanText(text string, bare bool) []Entity {
	s := textScan{text: text, bare: bare}
	s.run()
	return s.out
}

// scanURLs is scanText for links alone.
func scanURLs(text string) []Entity {
	s := textScan{text: text, bare: true, only: EntityURL}
	s.run()
	return s.out
}

func (s *textScan) run() {
	ascii := true
	for i := 0; i < len(s.text); i++ {
		c := s.text[i]
		if c >= utf8.RuneSelf {
			ascii = false
		}
		if !triggerBytes.has(c) {
			continue
		}
		switch {
		case c == '.':
			if i >= s.urlDone {
				s.urls(i)
			}
		case s.only == EntityURL:
		case c == '@':
			s.mention(i, 1)
		case c == '#':
			s.hashtag(i, 1)
		case c == '$':
			s.cashtag(i)
		case strings.HasPrefix(s.text[i:], "＠"):
			s.mention(i, len("＠"))
		case strings.HasPrefix(s.text[i:], "＃"):
			s.hashtag(i, len("＃"))
		}
	}
	if !ascii {
		s.countRunes()
	}
}

// add keeps an entity unless it overlaps the one before. Entities arrive in
// the order of their starts: a link is found at the first dot of its host, and
// nothing between its start and that dot can begin another entity.
func (s *textScan) add(kind EntityKind, start, end int, text string) *Entity {
	if start < s.end {
		return nil
	}
	if s.out == nil {
		s.out = make([]Entity, 0, 4)
	}
	s.end = end
	s.out = append(s.out, Entity{Kind: kind, Start: start, End: end, RuneStart: start, RuneEnd: end, Text: text})
	return &s.out[len(s.out)-1]
}

// countRunes sets the ranges in code points.
func (s *textScan) countRunes() {
	at, runes := 0, 0
	for i := range s.out {
		e := &s.out[i]
		e.RuneStart = runes + utf8.RuneCountInString(s.text[at:e.Start])
		e.RuneEnd = e.RuneStart + utf8.RuneCountInString(s.text[e.Start:e.End])
		at, runes = e.End, e.RuneEnd
	}
}

// before returns the rune in front of i and where it starts, unless it lies
// before from.
func (s *textScan) before(i, from int) (r rune, start int, ok bool) {
	r, n := utf8.DecodeLastRuneInString(s.text[:i])
	return r, i - n, n > 0 && i-n >= from
}

// mention reads the mention or list whose at sign stands at [at, at+width).
func (s *textScan) mention(at, width int) {
	if !s.mayMention(at) {
		return
	}
	text, start := s.text, at+width
	end := handleEnd(text, start)
	if end == start {
		return
	}
	kind, handle, slug := EntityMention, text[start:end], ""
	if n := slugEnd(text, end); n > end {
		kind, slug, end = EntityList, text[end:n], n
	}
	s.mentionFrom = end
	if mentionRefused(text[end:]) {
		return
	}
	if e := s.add(kind, at, end, handle); e != nil {
		e.ListSlug = slug
	}
}

// mayMention looks at what stands before an at sign: nothing, a character that
// is no part of a word or an address, or the RT of a retweet by hand.
func (s *textScan) mayMention(at int) bool {
	if at == 0 {
		return true
	}
	r, _, ok := s.before(at, s.mentionFrom)
	if !ok {
		return false
	}
	if r != '＠' && (r >= 0x80 || !noMentionAfter.has(byte(r))) {
		return true
	}
	rt := at - 2
	if rt < 0 || s.text[rt]|0x20 != 'r' || s.text[rt+1]|0x20 != 't' {
		return false
	}
	r, _, ok = s.before(rt, s.mentionFrom)
	return rt == 0 || ok && (r >= 0x80 || !noRetweetAfter.has(byte(r)))
}

func handleEnd(text string, i int) int {
	end := i
	for end < len(text) && end-i < maxMention && handleBytes.has(text[end]) {
		end++
	}
	return end
}

// slugEnd returns the end of the slash and list slug at i, or i.
func slugEnd(text string, i int) int {
	if i+1 >= len(text) || text[i] != '/' || !letterBytes.has(text[i+1]) {
		return i
	}
	end := i + 2
	for end < len(text) && end-i <= maxSlug && slugBytes.has(text[end]) {
		end++
	}
	return end
}

// mentionRefused tells whether what follows shows that it was no mention but
// an address, a word with accents, or a link.
func mentionRefused(after string) bool {
	if after == "" {
		return false
	}
	r, _ := utf8.DecodeRuneInString(after)
	return r == '@' || r == '＠' || isLatinAccent(r) || strings.HasPrefix(after, "://")
}

// hashtag reads the hashtag whose sign stands at [at, at+width).
func (s *textScan) hashtag(at, width int) {
	if at > 0 {
		r, _, ok := s.before(at, s.hashtagFrom)
		if !ok || r == '&' || r != 0xfe0e && r != 0xfe0f && tagClassOf(r) != tagBoundary {
			return
		}
	}
	start := at + width
	end, ok := hashtagEnd(s.text, start)
	if !ok {
		return
	}
	s.hashtagFrom = end
	after := s.text[end:]
	if strings.HasPrefix(after, "#") || strings.HasPrefix(after, "＃") || strings.HasPrefix(after, "://") {
		return
	}
	s.add(EntityHashtag, at, end, s.text[start:end])
}

// hashtagEnd returns the end of the tag that starts at i, which must hold a
// letter and not begin as a picture of the sign (#️ or #⃣) does.
func hashtagEnd(text string, i int) (end int, ok bool) {
	first, _ := utf8.DecodeRuneInString(text[i:])
	if first == 0xfe0f || first == 0x20e3 {
		return i, false
	}
	for i < len(text) {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(text[i:])
		}
		class := tagClassOf(r)
		if class == tagBoundary {
			break
		}
		ok = ok || class == tagLetter
		i += n
	}
	return i, ok
}

// cashtag reads the cashtag whose sign stands at at: one to six letters, then
// perhaps a dot or _ and one or two letters more ($BRK.A).
func (s *textScan) cashtag(at int) {
	if r, _, ok := s.before(at, 0); ok && !isSpaceRune(r) && !isDirectional(r) {
		return
	}
	text, end := s.text, at+1
	for end < len(text) && letterBytes.has(text[end]) {
		if end++; end-at > 7 {
			return
		}
	}
	if end == at+1 {
		return
	}
	if end < len(text) && (text[end] == '.' || text[end] == '_') {
		n := end + 1
		for n < len(text) && n-end <= 2 && letterBytes.has(text[n]) {
			n++
		}
		if n > end+1 && endsCashtag(text[n:]) {
			end = n
		}
	}
	if endsCashtag(text[end:]) {
		s.add(EntityCashtag, at, end, text[at+1:end])
	}
}

func endsCashtag(after string) bool {
	if after == "" || punctBytes.has(after[0]) {
		return true
	}
	r, _ := utf8.DecodeRuneInString(after)
	return isSpaceRune(r)
}
