package enginetest

import (
	"testing"

	"warble"
)

// queryTexts are what the table's tweets say; a query's answer names them by their places here.
var queryTexts = []string{
	0:  "Don't stop Ann's dog, @Ann_B! #Go #東京",
	1:  "dont stop Ann and her dogs: https://Example.com/a?b=c",
	2:  "Café CRÈME, state-of-the-art",
	3:  "ＣＡＦＥ creme at the state fair",
	4:  "東京都に住む",
	5:  "京都の東",
	6:  "東 京 都",
	7:  "서울에서 만나요 abc한국",
	8:  "ที่นี่ประเทศไทย",
	9:  "nice 👍🏽 one 👩‍👩‍👧 ❤️",
	10: "👍 nice 🇩🇪🇫🇷",
	11: "Straße Ørsted Łódź ΟΔΟΣ Ещё",
	12: "strasse oersted lodz οδος еще",
	13: "½ 3.14 1,000 a|b . .. | c.d",
	14: "one two three one two four",
	15: "two one three",
	16: "a b a b c",
	17: "שָׁלוֹם مـرحبًا",
	18: "ガギグ ｶﾞｷﾞｸﾞ",
}

// queryTable is the queries, as people write them, that every shape of the service answers alike.
var queryTable = []struct {
	query string
	want  []int
}{
	{"dont", []int{0, 1}},
	{"DON’T", []int{0, 1}},
	{"ann", []int{0, 1}},
	{"ann's dog", []int{0}},
	{`"ann dog"`, []int{0}},
	{"ann -dog", []int{1}},
	{"dog*", []int{0, 1}},
	{"#go", []int{0}},
	{"#東京", []int{0}},
	{"@ann_b", []int{0}},
	{"has:links", []int{1}},
	{`"example com"`, []int{1}},
	{"cafe", []int{2, 3}},
	{"crème cafe", []int{2, 3}},
	{`"cafe creme"`, []int{2, 3}},
	{`"state of the art"`, []int{2}},
	{`"the state"`, []int{3}},
	{`"the state" OR "of the"`, []int{2, 3}},
	{"東京", []int{0, 4}},
	{"京都", []int{4, 5}},
	{"東京都", []int{4}},
	{"東都", nil},
	{"東", []int{0, 4, 5, 6}},
	{`"東 京"`, []int{0, 4, 6}},
	{"京都 -住む", []int{5}},
	{"東京 OR 서울", []int{0, 4, 7}},
	{"한국", []int{7}},
	{"만나", []int{7}},
	{`"abc 한국"`, []int{7}},
	{"ไทย", []int{8}},
	{"ประเทศ", []int{8}},
	{"👍", []int{9, 10}},
	{"👍🏿 nice", []int{9, 10}},
	{`"nice 👍"`, []int{9}},
	{"👩‍👩‍👧", []int{9}},
	{"👩", nil},
	{"❤", []int{9}},
	{"🇫🇷", []int{10}},
	{"strasse", []int{11, 12}},
	{"orsted", []int{11}},
	{"ŁÓDŹ οδοσ", []int{11, 12}},
	{"еще", []int{11, 12}},
	{`"1 000"`, []int{13}},
	{"3.14", []int{13}},
	{`"a b c"`, []int{1, 13, 16}},
	{`"b c d"`, []int{13}},
	{`"one two four"`, []int{14}},
	{`"one two"`, []int{14}},
	{`"two one"`, []int{15}},
	{`"one three"`, []int{15}},
	{`"three one"`, []int{14}},
	{`"one two" OR "a b"`, []int{1, 13, 14, 16}},
	{`"one two" -four`, nil},
	{"(one OR a) -(two OR c)", []int{9}},
	{"שלום", []int{17}},
	{"مرحبا", []int{17}},
	{"ガギグ", []int{18}},
	{"th*", []int{2, 3, 14, 15}},
}

// indexTable asks for the table's tweets only: all are by one author.
func indexTable(t *testing.T, s *suite) {
	author := s.id()
	ids := make([]warble.TweetID, len(queryTexts))
	for i, text := range queryTexts {
		ids[i] = s.says(t, text, func(tw *warble.Tweet) { tw.Author = author })
	}
	by := &warble.Query{Op: warble.QueryFrom, ID: author}
	s.finds(t, "all", by, ids...)
	for _, c := range queryTable {
		t.Run(c.query, func(t *testing.T) {
			q, err := warble.ParseQuery(c.query)
			check(t, err)
			want := make([]warble.ID, len(c.want))
			for i, n := range c.want {
				want[i] = ids[n]
			}
			s.finds(t, c.query, and(by, q), want...)
		})
	}
}
