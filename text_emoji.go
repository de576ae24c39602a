package warble

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Which emoji are one emoji: the sequences of twitter-text 3.1 (its emoji_regex,
// made from Unicode emoji 12) and those that Unicode added up to emoji 16.
// Single code points need no table: all of them count 2 as it is. So the tables
// say only what joins what. Other combinations count by their parts, or a
// page of emoji glued with joiners would count 2.

const (
	emojiStyle  = 0xfe0f  // variation selector 16: show the character before as emoji
	emojiJoiner = 0x200d  // zero-width joiner
	emojiKeycap = 0x20e3  // combining enclosing keycap
	regionalA   = 0x1f1e6 // regional indicator symbols A to Z: two are a flag
	regionalZ   = 0x1f1ff
)

// emojiStyled may take emojiStyle: characters that are text unless it follows.
const emojiStyled = "©®‼⁉™ℹ↔↕↖↗↘↙↩↪⌚⌛⌨⏏⏭⏮⏯⏱⏲⏸⏹⏺Ⓜ▪▫▶◀◻◼◽◾☀☁☂☃☄☎☑☔☕☘☝☠☢☣☦☪☮☯☸☹☺♀♂♈♉♊♋♌♍♎♏♐♑♒♓♟♠♣♥♦♨♻♿" +
	"⚒⚓⚔⚕⚖⚗⚙⚛⚜⚠⚡⚧⚪⚫⚰⚱⚽⚾⛄⛅⛈⛏⛑⛓⛔⛩⛪⛰⛱⛲⛳⛴⛵⛷⛸⛹⛺⛽✂✈✉✌✍✏✒✔✖✝✡✳✴❄❇❗❣❤➡⤴⤵⬅⬆⬇⬛⬜⭐⭕〰〽㊗㊙" +
	"🀄🅰🅱🅾🅿🈂🈚🈯🈷🌡🌤🌥🌦🌧🌨🌩🌪🌫🌬🌶🍽🎖🎗🎙🎚🎛🎞🎟🏋🏌🏍🏎🏔🏕🏖🏗🏘🏙🏚🏛🏜🏝🏞🏟🏳🏵🏷🐿👁📽🕉🕊🕯🕰🕳🕴🕵🕶🕷🕸🕹🖇🖊🖋🖌🖍🖐🖥🖨🖱🖲🖼🗂🗃🗄" +
	"🗑🗒🗓🗜🗝🗞🗡🗣🗨🗯🗳🗺🛋🛍🛎🛏🛠🛡🛢🛣🛤🛥🛩🛰🛳"

// emojiToned may take a skin tone.
var emojiToned = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x261d, Hi: 0x261d, Stride: 1}, {Lo: 0x26f7, Hi: 0x26f9, Stride: 2}, {Lo: 0x270a, Hi: 0x270d, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f385, Hi: 0x1f385, Stride: 1}, {Lo: 0x1f3c2, Hi: 0x1f3c4, Stride: 1}, {Lo: 0x1f3c7, Hi: 0x1f3ca, Stride: 3},
		{Lo: 0x1f3cb, Hi: 0x1f3cc, Stride: 1}, {Lo: 0x1f442, Hi: 0x1f443, Stride: 1}, {Lo: 0x1f446, Hi: 0x1f450, Stride: 1},
		{Lo: 0x1f466, Hi: 0x1f469, Stride: 1}, {Lo: 0x1f46b, Hi: 0x1f46e, Stride: 1}, {Lo: 0x1f470, Hi: 0x1f478, Stride: 1},
		{Lo: 0x1f47c, Hi: 0x1f47c, Stride: 1}, {Lo: 0x1f481, Hi: 0x1f483, Stride: 1}, {Lo: 0x1f485, Hi: 0x1f487, Stride: 1},
		{Lo: 0x1f48f, Hi: 0x1f491, Stride: 2}, {Lo: 0x1f4aa, Hi: 0x1f4aa, Stride: 1}, {Lo: 0x1f574, Hi: 0x1f575, Stride: 1},
		{Lo: 0x1f57a, Hi: 0x1f590, Stride: 0x16}, {Lo: 0x1f595, Hi: 0x1f596, Stride: 1}, {Lo: 0x1f645, Hi: 0x1f647, Stride: 1},
		{Lo: 0x1f64b, Hi: 0x1f64f, Stride: 1}, {Lo: 0x1f6a3, Hi: 0x1f6a3, Stride: 1}, {Lo: 0x1f6b4, Hi: 0x1f6b6, Stride: 1},
		{Lo: 0x1f6c0, Hi: 0x1f6cc, Stride: 12}, {Lo: 0x1f90c, Hi: 0x1f90f, Stride: 3}, {Lo: 0x1f918, Hi: 0x1f91f, Stride: 1},
		{Lo: 0x1f926, Hi: 0x1f926, Stride: 1}, {Lo: 0x1f930, Hi: 0x1f939, Stride: 1}, {Lo: 0x1f93c, Hi: 0x1f93e, Stride: 1},
		{Lo: 0x1f977, Hi: 0x1f977, Stride: 1}, {Lo: 0x1f9b5, Hi: 0x1f9b6, Stride: 1}, {Lo: 0x1f9b8, Hi: 0x1f9b9, Stride: 1},
		{Lo: 0x1f9bb, Hi: 0x1f9bb, Stride: 1}, {Lo: 0x1f9cd, Hi: 0x1f9cf, Stride: 1}, {Lo: 0x1f9d1, Hi: 0x1f9dd, Stride: 1},
		{Lo: 0x1fac3, Hi: 0x1fac5, Stride: 1}, {Lo: 0x1faf0, Hi: 0x1faf8, Stride: 1},
	},
}

const (
	emojiPersons  = "👨👩🧑"
	emojiChildren = "👦👧🧒"
	emojiRoles    = "⚕⚖✈🌾🍳🍼🎄🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦯🦰🦱🦲🦳🦼🦽🩰" // and hair: what a person is joined with
	emojiGendered = "⛹🏃🏄🏊🏋🏌👮👯👰👱👳👷💁💂💆💇🕵🙅🙆🙇🙋🙍🙎🚣🚴🚵🚶🤦🤵🤷🤸🤹🤼🤽🤾🦸🦹🧍🧎🧏🧔🧖🧗🧘🧙🧚🧛🧜🧝🧞🧟"
	emojiWalkers  = "🏃🚶🧎" // may go to the right: ➡ follows, or an aid and ➡
	emojiAids     = "🦯🦼🦽"
)

// emojiPairs are the other joined pairs: first and second, tones and styles
// left out.
var emojiPairs = [...]string{
	"🏳🌈", "🏳⚧", "🏴☠", "🐕🦺", "👁🗨", "🐻❄", "🐈⬛", "🐦⬛", "🐦🔥", "😮💨", "😵💫", "😶🌫", "❤🔥", "❤🩹", "⛓💥", "🍋🟩", "🍄🟫", "🙂↔", "🙂↕", "🫱🫲",
}

// emojiFlags lists, by the first letter of a region's code, the second letters.
var emojiFlags = [26]string{
	"CDEFGILMOQRSTUWXZ", "ABDEFGHIJLMNOQRSTVWYZ", "ACDFGHIKLMNOPQRUVWXYZ", "EGJKMOZ", "ACEGHRSTU", "IJKMOR",
	"ABDEFGHILMNPQRSTUWY", "KMNRTU", "CDELMNOQRST", "EMOP", "EGHIMNPRWYZ", "ABCIKRSTUVY", "ACDEFGHKLMNOPQRSTUVWXYZ",
	"ACEFGILOPRUZ", "M", "AEFGHKLMNRSTWY", "A", "EOSUW", "ABCDEGHIJKLMNORSTVXYZ", "ACDFGHJKLMNORTVWZ", "AGMNSYZ",
	"ACEGINU", "FS", "K", "ET", "AMW",
}

// emojiRegions are the flags of England, Scotland and Wales: a black flag and
// its code in tag characters.
var emojiRegions = [...]string{
	"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
	"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
	"🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
}

func isSkinTone(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }

// emojiEnd returns the end of the emoji of two code points or more at i, or 0
// if there is none.
func emojiEnd(text string, i int) int {
	if text[i] < utf8.RuneSelf && (i+1 == len(text) || text[i+1] < utf8.RuneSelf) {
		return 0
	}
	e := emojiScan{text: text, at: i}
	first := e.next()
	start := e.at
	switch {
	case first < 0x80:
		if strings.ContainsRune("#*0123456789", first) {
			e.skip(emojiStyle)
			if e.skip(emojiKeycap) {
				return e.at
			}
		}
		return 0
	case first >= regionalA && first <= regionalZ:
		if r := e.next(); r >= regionalA && r <= regionalZ && strings.IndexByte(emojiFlags[first-regionalA], byte('A'+r-regionalA)) >= 0 {
			return e.at
		}
		return 0
	}
	e.dress(first)
	if end := e.at; e.skip(emojiJoiner) {
		if !e.joined(first) {
			e.at = end
		}
	}
	if e.at > start {
		return e.at
	}
	if first == '🏴' {
		for _, flag := range emojiRegions {
			if strings.HasPrefix(text[i:], flag) {
				return i + len(flag)
			}
		}
	}
	return 0
}

// emojiScan reads code points of a text. A method that returns false may have
// moved; its caller goes back.
type emojiScan struct {
	text string
	at   int
}

func (e *emojiScan) next() rune {
	r, n := utf8.DecodeRuneInString(e.text[e.at:])
	e.at += n
	return r
}

func (e *emojiScan) skip(want rune) bool {
	r, n := utf8.DecodeRuneInString(e.text[e.at:])
	if r == want {
		e.at += n
	}
	return r == want
}

func (e *emojiScan) peek() rune {
	r, _ := utf8.DecodeRuneInString(e.text[e.at:])
	return r
}

// dress takes the style and the skin tone that r may have.
func (e *emojiScan) dress(r rune) {
	if e.peek() == emojiStyle && strings.ContainsRune(emojiStyled, r) {
		e.next()
	}
	if isSkinTone(e.peek()) && unicode.Is(emojiToned, r) {
		e.next()
	}
}

// joined takes what may stand behind first and a joiner.
func (e *emojiScan) joined(first rune) bool {
	second := e.next()
	e.dress(second)
	switch {
	case (second == '♀' || second == '♂') && strings.ContainsRune(emojiGendered, first):
		e.towards(first)
		return true
	case second == '➡' && strings.ContainsRune(emojiWalkers, first):
		return true
	case strings.ContainsRune(emojiPersons, first):
		return e.person(second)
	}
	for _, pair := range emojiPairs {
		if a, n := utf8.DecodeRuneInString(pair); a == first {
			if b, _ := utf8.DecodeRuneInString(pair[n:]); b == second {
				return true
			}
		}
	}
	return false
}

// towards takes the joined arrow of those who go to the right.
func (e *emojiScan) towards(r rune) {
	if end := e.at; strings.ContainsRune(emojiWalkers+emojiAids, r) && (!e.skip(emojiJoiner) || !e.skip('➡') || !e.skip(emojiStyle)) {
		e.at = end
	}
}

// person takes the rest of a person joined with second: a trade, a couple, or
// a family.
func (e *emojiScan) person(second rune) bool {
	switch {
	case strings.ContainsRune(emojiRoles, second):
		e.towards(second)
		return true
	case second == '🤝':
		return e.another(emojiPersons)
	case second == '❤':
		if end := e.at; !e.skip(emojiJoiner) || !e.skip('💋') {
			e.at = end
		}
		return e.another(emojiPersons)
	case strings.ContainsRune(emojiPersons, second):
		if !e.another(emojiChildren) {
			return false
		}
	case !strings.ContainsRune(emojiChildren, second):
		return false
	}
	if end := e.at; !e.another(emojiChildren) {
		e.at = end
	}
	return true
}

// another takes a joiner and one of set.
func (e *emojiScan) another(set string) bool {
	if !e.skip(emojiJoiner) {
		return false
	}
	r := e.next()
	e.dress(r)
	return strings.ContainsRune(set, r)
}
