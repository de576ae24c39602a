package warble

import "unicode"

// The character classes of twitter-text 3.1 (js/src/regexp, Apache License
// 2.0), restated as tables. Where its Ruby, Java and JavaScript editions
// differ we take the class two of them share.

// byteSet is a set of bytes. Of the sets below only triggerBytes has a byte of
// a longer UTF-8 sequence.
type byteSet [4]uint64

func bytesOf(members string) (s byteSet) {
	for i := 0; i < len(members); i++ {
		s[members[i]>>6] |= 1 << (members[i] & 63)
	}
	return s
}

func (s *byteSet) has(c byte) bool { return s[c>>6]>>(c&63)&1 != 0 }

const (
	asciiDigits  = "0123456789"
	asciiLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	asciiAlnum   = asciiLetters + asciiDigits
)

var (
	digitBytes  = bytesOf(asciiDigits)
	letterBytes = bytesOf(asciiLetters)
	alnumBytes  = bytesOf(asciiAlnum)
	handleBytes = bytesOf(asciiAlnum + "_")
	slugBytes   = bytesOf(asciiAlnum + "_-")
	punctBytes  = bytesOf("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")

	// triggerBytes are the bytes at which an entity may show itself: the signs,
	// the dot of a host name, and the first byte of ＠ and ＃.
	triggerBytes = bytesOf("@#$.\xEF")

	noMentionAfter = bytesOf(asciiAlnum + "_!#$%&*@") // before an at sign
	noRetweetAfter = bytesOf(asciiAlnum + "_+~.-")    // before the RT of RT@handle
	noURLAfter     = bytesOf(asciiAlnum + "@$#")
	noBareURLAfter = bytesOf("-_./")
	noTLDBefore    = bytesOf(asciiAlnum + "@+-")

	pathBytes     = bytesOf(asciiAlnum + "!*';:=+,.$/%#[]-_~@|&")
	pathEndBytes  = bytesOf(asciiAlnum + "+-=_#/")
	queryBytes    = bytesOf(asciiAlnum + "!?*'@();:&=+$/%#[]-_.,~|")
	queryEndBytes = bytesOf(asciiAlnum + "-_&=#/")
)

// latinAccents are the accented letters that may stand where ASCII letters
// may. U+00D7 (times) and U+00F7 (divided by) are left out on purpose.
var latinAccents = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x00c0, Hi: 0x00d6, Stride: 1}, {Lo: 0x00d8, Hi: 0x00f6, Stride: 1}, {Lo: 0x00f8, Hi: 0x00ff, Stride: 1},
	{Lo: 0x0100, Hi: 0x024f, Stride: 1}, {Lo: 0x0253, Hi: 0x0254, Stride: 1}, {Lo: 0x0256, Hi: 0x0257, Stride: 1},
	{Lo: 0x0259, Hi: 0x025b, Stride: 2}, {Lo: 0x0263, Hi: 0x0268, Stride: 5}, {Lo: 0x026f, Hi: 0x0272, Stride: 3},
	{Lo: 0x0289, Hi: 0x028b, Stride: 2}, {Lo: 0x02bb, Hi: 0x02bb, Stride: 1}, {Lo: 0x0300, Hi: 0x036f, Stride: 1},
	{Lo: 0x1e00, Hi: 0x1eff, Stride: 1},
}, LatinOffset: 3}

// hashtagPrivate are private-use code points that older Apple text has inside
// words; they count as letters of a hashtag.
var hashtagPrivate = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0xf870, Hi: 0xf87f, Stride: 1}, {Lo: 0xf882, Hi: 0xf882, Stride: 1}, {Lo: 0xf884, Hi: 0xf89f, Stride: 1},
	{Lo: 0xf8b8, Hi: 0xf8b8, Stride: 1}, {Lo: 0xf8c1, Hi: 0xf8d6, Stride: 1},
}}

func isLatinAccent(r rune) bool { return r >= 0xc0 && r <= 0x1eff && unicode.Is(latinAccents, r) }
func isCyrillic(r rune) bool    { return r >= 0x0400 && r <= 0x04ff }

// isInvalidRune tells the code points that make a tweet invalid: the byte
// order mark and the two that are its mistakes.
func isInvalidRune(r rune) bool { return r == 0xfeff || r == 0xfffe || r == 0xffff }

func isSpaceRune(r rune) bool {
	switch {
	case r >= 0x09 && r <= 0x0d, r == ' ', r == 0x85, r == 0xa0, r == 0x1680, r == 0x180e,
		r >= 0x2000 && r <= 0x200a, r == 0x2028, r == 0x2029, r == 0x202f, r == 0x205f, r == 0x3000:
		return true
	}
	return false
}

// isDirectional tells the marks that set the direction of writing.
func isDirectional(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// isRightToLeft tells letters of the scripts written from right to left.
func isRightToLeft(r rune) bool {
	return r >= 0x0590 && r <= 0x06ff || r >= 0x0750 && r <= 0x077f || r >= 0xfe70 && r <= 0xfeff
}

// tagClass is what a code point is to a hashtag.
type tagClass uint8

const (
	tagBoundary tagClass = iota // ends it
	tagInner                    // may stand in it: digits, _, and joining punctuation
	tagLetter                   // may stand in it, and one at least must
)

// hashtagInner is the punctuation of several scripts that stands inside words.
const hashtagInner = "_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\u00b7"

// tagClassOf follows the Unicode tables of the Go release, which know more
// scripts than twitter-text did.
func tagClassOf(r rune) tagClass {
	switch {
	case r < 0x80:
		switch c := byte(r); {
		case letterBytes.has(c):
			return tagLetter
		case handleBytes.has(c):
			return tagInner
		}
		return tagBoundary
	case unicode.IsLetter(r), unicode.IsMark(r), unicode.Is(hashtagPrivate, r):
		return tagLetter
	case unicode.Is(unicode.Nd, r):
		return tagInner
	}
	for _, inner := range hashtagInner {
		if r == inner {
			return tagInner
		}
	}
	return tagBoundary
}

// isHostRune tells what may stand at any place of a label of a host name.
// Nearly everything that is not ASCII may. The full-width ＠ and ＃ may not,
// here unlike in twitter-text: they begin mentions and hashtags.
func isHostRune(r rune, size int) bool {
	if r < 0x80 {
		return alnumBytes.has(byte(r))
	}
	if r == '\uFFFD' && size == 1 || r == '＠' || r == '＃' {
		return false
	}
	return !isSpaceRune(r) && !isDirectional(r) && !isInvalidRune(r)
}
