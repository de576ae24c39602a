package warble

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// TextRules tell how long a text counts and how long it may be. They are
// comparable; the zero value means "not set" and allows no text.
type TextRules struct {
	Max        int  // the greatest weighted length of a valid text
	URL        int  // what any link counts
	Weighted   bool // other than Latin text, and some punctuation, counts double; else all code points count 1
	EmojiAsTwo bool // an emoji counts 2, of however many code points it is
}

// The rules of twitter-text's config/v1.json, v2.json and v3.json.
var (
	TextRulesV1      = TextRules{Max: 140, URL: 23}
	TextRulesV2      = TextRules{Max: 280, URL: 23, Weighted: true}
	DefaultTextRules = TextRules{Max: 280, URL: 23, Weighted: true, EmojiAsTwo: true}
)

// TextResult is what a text editor wants to know of a text. The ranges are in
// UTF-16 units and their ends are included, as twitter-text gives them; they
// refer to the text as it was passed in, before NFC.
type TextResult struct {
	WeightedLength int
	Permillage     int  // WeightedLength × 1000 ÷ Max, rounded down
	Valid          bool // not empty, not too long, without invalid characters

	DisplayRangeStart, DisplayRangeEnd int // the whole text
	ValidRangeStart, ValidRangeEnd     int // what fits
}

// WeightedLength returns how long the text counts, after NFC.
func (r TextRules) WeightedLength(text string) int {
	if IsASCII(text) {
		length := len(text)
		for _, e := range scanURLs(text) {
			length += r.URL - (e.End - e.Start)
		}
		return length
	}
	return r.measure(norm.NFC.String(text)).weight
}

// Parse tells what WeightedLength tells, whether the text may be posted, and
// how much of it fits.
func (r TextRules) Parse(text string) TextResult {
	normal := norm.NFC.String(text)
	m := r.measure(normal)
	units := utf16Len(text)
	return TextResult{
		WeightedLength:  m.weight,
		Permillage:      m.weight * 1000 / max(r.Max, 1),
		Valid:           m.weight > 0 && m.weight <= r.Max && !m.invalid,
		DisplayRangeEnd: max(units-1, 0),
		ValidRangeEnd:   m.fits + units - utf16Len(normal),
	}
}

// measured is what one walk over a normalized text finds.
type measured struct {
	weight  int
	invalid bool
	fits    int // index of the last UTF-16 unit that fits, or 0
}

func (r TextRules) measure(text string) (m measured) {
	urls := scanURLs(text)
	units := 0
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRuneInString(text[i:])
		end, weight := 0, 0
		if len(urls) > 0 && urls[0].Start == i {
			end, weight = urls[0].End, r.URL
			urls = urls[1:]
		} else if r.EmojiAsTwo {
			end, weight = emojiEnd(text, i), 2
		}
		if end == 0 {
			end, weight = i+n, r.weigh(c)
			m.invalid = m.invalid || isInvalidRune(c) || c == utf8.RuneError && n == 1
		}
		m.weight += weight
		units += utf16Len(text[i:end])
		if !m.invalid && m.weight <= r.Max {
			m.fits = units - 1
		}
		i = end
	}
	return m
}

// weigh returns what a code point counts. The ranges of weight 1: Latin up to
// Georgian; the spaces and joiners of general punctuation; dashes and quotes;
// primes.
func (r TextRules) weigh(c rune) int {
	if !r.Weighted || c <= 0x10ff || c >= 0x2000 && c <= 0x200d || c >= 0x2010 && c <= 0x201f || c >= 0x2032 && c <= 0x2037 {
		return 1
	}
	return 2
}

// IsASCII says whether every byte of s is an ASCII character.
func IsASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func utf16Width(c rune) int {
	if c >= 0x10000 {
		return 2
	}
	return 1
}

func utf16Len(s string) int {
	n := 0
	for _, c := range s {
		n += utf16Width(c)
	}
	return n
}
