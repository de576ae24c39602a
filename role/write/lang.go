package write

import (
	"unicode"
	"warble"
)

// validLang says whether tag looks like a BCP 47 tag: groups of letters and
// digits, the first of letters.
func validLang(tag string) bool {
	if len(tag) > maxLang {
		return false
	}
	group := 0
	for i := 0; i < len(tag); i++ {
		c := tag[i]
		switch {
		case c == '-' && group > 0:
			group = 0
			continue
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' && i > 1:
		default:
			return false
		}
		if group++; group > 8 {
			return false
		}
	}
	return group > 0
}

// guessLang names the language of a text where its script alone tells, and is
// empty where it does not: Latin and Cyrillic are written by many.
func guessLang(text string) string {
	if warble.IsASCII(text) {
		return ""
	}
	var letters, han, kana, hangul, thai, hebrew, greek, armenian, georgian int
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r):
			continue
		case r < 0x370: // Latin: the common case ends here
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana++
		case unicode.Is(unicode.Hangul, r):
			hangul++
		case unicode.Is(unicode.Thai, r):
			thai++
		case unicode.Is(unicode.Hebrew, r):
			hebrew++
		case unicode.Is(unicode.Greek, r):
			greek++
		case unicode.Is(unicode.Armenian, r):
			armenian++
		case unicode.Is(unicode.Georgian, r):
			georgian++
		}
		letters++
	}
	half := letters / 2
	switch {
	case letters == 0:
		return ""
	case kana > 0 && kana+han > half:
		return "ja"
	case hangul > half:
		return "ko"
	case han > half:
		return "zh"
	case thai > half:
		return "th"
	case hebrew > half:
		return "he"
	case greek > half:
		return "el"
	case armenian > half:
		return "hy"
	case georgian > half:
		return "ka"
	}
	return ""
}
