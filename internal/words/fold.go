package words

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// paired tells whether a character belongs to a script whose words are not
// parted by spaces, or are (Hangul) but carry their endings with them.
func paired(r rune) bool {
	switch {
	case r < 0x0e00:
		return false
	case 0x3041 <= r && r <= 0x3096, 0x30a1 <= r && r <= 0x30fa, 0x4e00 <= r && r <= 0x9fff, 0xac00 <= r && r <= 0xd7a3:
		return true // most of Hiragana, Katakana, Han, Hangul
	}
	return r <= 0x0eff && unicode.In(r, unicode.L, unicode.M) || // Thai, Lao
		0x1000 <= r && r <= 0x109f && unicode.In(r, unicode.L, unicode.M) || // Myanmar
		0x1780 <= r && r <= 0x17ff && unicode.In(r, unicode.L, unicode.M) || // Khmer
		unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) || r == 'ー'
}

// fold appends the form of a character under which it is found. The text is
// in NFKC already.
func (c *Cutter) fold(r rune) {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r |= 0x20
		}
		c.buf = append(c.buf, byte(r))
		return
	}
	if ignored(r) {
		return
	}
	if long := spelled(r); long != "" {
		c.buf = append(c.buf, long...)
		return
	}
	if accented(r) {
		var b [utf8.UTFMax]byte
		if d := norm.NFD.Properties(b[:utf8.EncodeRune(b[:], r)]).Decomposition(); d != nil {
			r, _ = utf8.DecodeRune(d)
		}
	}
	switch r = unicode.ToLower(r); r {
	case 'ς':
		r = 'σ'
	case 'ё':
		r = 'е'
	}
	c.buf = utf8.AppendRune(c.buf, r)
}

// accented tells whether a letter is found without its accents: Latin and
// Greek. Elsewhere (й, が, ค่) a mark makes another letter.
func accented(r rune) bool {
	return 0x00c0 <= r && r <= 0x024f || 0x0370 <= r && r <= 0x03ff || 0x1e00 <= r && r <= 0x1fff
}

// ignored tells whether a mark is left out wherever it stands: loose accents,
// the vowel points of Arabic and Hebrew, the Arabic stretcher, and the marks
// that choose how something is drawn.
func ignored(r rune) bool {
	switch {
	case 0x0300 <= r && r <= 0x036f, 0x064b <= r && r <= 0x0652, 0x0591 <= r && r <= 0x05c7,
		0xfe00 <= r && r <= 0xfe0f, 0xe0100 <= r && r <= 0xe01ef:
		return true
	}
	return r == 0x0640 || r == 0x0670 || r == 0x20e3
}

// spelled is how a letter without a decomposition is written in plain letters.
func spelled(r rune) string {
	switch r {
	case 'ß', 'ẞ':
		return "ss"
	case 'æ', 'Æ', 'ǽ', 'Ǽ':
		return "ae"
	case 'œ', 'Œ':
		return "oe"
	case 'ø', 'Ø', 'ǿ', 'Ǿ':
		return "o"
	case 'đ', 'Đ', 'ð', 'Ð':
		return "d"
	case 'ł', 'Ł':
		return "l"
	case 'þ', 'Þ':
		return "th"
	case 'ı':
		return "i"
	case 'ħ', 'Ħ':
		return "h"
	}
	return ""
}
