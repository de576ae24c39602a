package warble

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What stands in a tweet's text, by the rules of twitter-text 3: mentions,
// hashtags, cashtags, links (this file and text_entities.go, text_url.go), how
// long the text counts (text_weight.go, text_emoji.go), and the text as HTML
// (text_html.go). Everything here is a pure function of its arguments and its
// cost is linear in the length of the text.
//
// Known differences, each where the editions of twitter-text differ or misread:
// ＠ and ＃ end a host name; a host's label may hold _ without a scheme too; a
// label that begins with xn-- is ASCII; a path belongs to a link without a
// scheme only if the link's host runs up to it; the first character of a text
// may be an accented letter of a link's host; emoji newer than 2019 count 2.

// EntityKind tells what a piece of a text is.
type EntityKind uint8

// The kinds.
const (
	EntityMention EntityKind = iota + 1 // @handle
	EntityHashtag                       // #tag
	EntityCashtag                       // $TAG
	EntityURL                           // a link, with or without http:// or https://
	EntityList                          // @handle/list-slug
)

// Entity is one piece of a text with a meaning of its own. Start and End are
// a half-open range in bytes, RuneStart and RuneEnd the same range in Unicode
// code points, which is what the wire calls indices. The range includes the
// sign (@, #, $); Text does not.
type Entity struct {
	Kind               EntityKind
	Start, End         int
	RuneStart, RuneEnd int
	Text               string // the handle, the tag, or the link as written
	ListSlug           string // of an EntityList, with its slash: "/team-mates"
}

// Entities returns what stands in the text, in order and without overlap:
// where two overlap the earlier one stays, so a hashtag inside a link is part
// of the link. Links without a scheme count. A handle of up to 20 characters
// is returned here; whether somebody has that name is asked elsewhere.
func Entities(text string) []Entity { return scanText(text, true) }

// Mentions returns the distinct handles mentioned, in order, as first written.
// @Ann and @ann are one handle. Lists (@ann/friends) mention nobody.
func Mentions(text string) []string {
	return distinct(Entities(text), EntityMention)
}

// Hashtags returns the distinct tags without their signs, in order, as first
// written. #Go and #go are one tag.
func Hashtags(text string) []string {
	return distinct(Entities(text), EntityHashtag)
}

func distinct(entities []Entity, kind EntityKind) []string {
	var out []string
	var seen map[string]bool
	for _, e := range entities {
		if e.Kind != kind {
			continue
		}
		if seen == nil {
			seen = make(map[string]bool, len(entities))
		}
		if folded := strings.ToLower(e.Text); !seen[folded] {
			seen[folded] = true
			out = append(out, e.Text)
		}
	}
	return out
}

// LeadingMention returns the handle with which the text begins, after spaces
// only, or "": such a text reads as a reply to that person.
func LeadingMention(text string) string {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case isSpaceRune(r):
			i += n
		case r == '@' || r == '＠':
			end := handleEnd(text, i+n)
			if end == i+n || mentionRefused(text[end:]) {
				return ""
			}
			return text[i+n : end]
		default:
			return ""
		}
	}
	return ""
}

// MaxHandle is the longest handle an account can have, in characters. Older
// accounts of the network we resemble had up to 20, so texts may mention those.
const MaxHandle = 15

// ValidHandle tells whether an account may have this name: 1 to 15 of A–Z,
// a–z, 0–9 and _, without the @.
func ValidHandle(s string) bool {
	if len(s) == 0 || len(s) > MaxHandle {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !handleBytes.has(s[i]) {
			return false
		}
	}
	return true
}

// ValidHashtag tells whether "#"+tag is one hashtag and nothing else.
func ValidHashtag(tag string) bool {
	end, ok := hashtagEnd(tag, 0)
	return ok && end == len(tag)
}

// NormalizeText returns the text in the form in which it is stored, counted
// and compared: Unicode NFC. It refuses, as ErrInvalid, what is not UTF-8 and
// the code points no tweet may hold: U+0000, U+FEFF, U+FFFE, U+FFFF.
func NormalizeText(s string) (string, error) {
	ascii := true
	for i := 0; i < len(s); i++ {
		if s[i] == 0 {
			return "", Invalid("text", "", "The text contains a NUL character.")
		}
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	if ascii {
		return s, nil
	}
	if !utf8.ValidString(s) {
		return "", Invalid("text", "", "The text is not valid UTF-8.")
	}
	for _, r := range s {
		if isInvalidRune(r) {
			return "", Invalid("text", "", "The text contains a character that is not allowed.")
		}
	}
	return norm.NFC.String(s), nil
}
