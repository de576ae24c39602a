package words

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"warble"
)

func show(words []Word) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s@%d", w.Text, w.Pos)
	}
	return b.String()
}

func TestWordsAreCutAndFolded(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"!!! ...":                     "",
		"Hello, World":                "hello@0 world@1",
		"don't stop Ann's dog":        "dont@0 stop@1 ann@2 dog@3",
		"don’t stop Ann’s dog":        "dont@0 stop@1 ann@2 dog@3",
		"#Go @Ann_B state-of-the-art": "go@0 ann_b@1 state@2 of@3 the@4 art@5",
		"see https://Example.com/a?b=c http://t.co/Xy": "see@0 example@1 com@2 a@3 b@4 c@5 t@6 co@7 xy@8",
		"Café CAFE ＣＡＦＥ cafe\u0301":                    "cafe@0 cafe@1 cafe@2 cafe@3",
		"Straße Ørsted Łódź":                           "strasse@0 orsted@1 lodz@2",
		"ΟΔΟΣ Άλφα":                                    "οδοσ@0 αλφα@1",
		"Ещё й":                                        "еще@0 й@1",
		"½ 3.14 1,000":                                 "1@0 2@1 3@2 14@3 1@4 000@5",
		"東京都 a":                                        "東@0 東京@0 京@1 京都@1 都@2 a@3",
		"学":                                            "学@0",
		"abc한국":                                        "abc@0 한@1 한국@1 국@2",
		"がｶﾞ":                                          "が@0 がガ@0 ガ@1",
		"東、京":                                          "東@0 京@1",
		"辻\U000e0100堂 x\ufe0fy":                        "辻@0 辻堂@0 堂@1 xy@2",
		"๑๒ ก๑":                                        "๑๒@0 ก@1 ๑@2",
		"ไทย":                                          "ไ@0 ไท@0 ท@1 ทย@1 ย@2",
		"nice 👍🏽👍 ❤️❤":                                 "nice@0 👍@1 👍@2 ❤@3 ❤@4",
		"👩‍👩‍👧 🇩🇪🇫🇷 1️⃣": "👩\u200d👩\u200d👧@0 🇩🇪@1 🇫🇷@2 1@3",
		"wait…what":                "wait@0 what@1",
		"a\u00adb שָׁלוֹם مـرحبًا": "ab@0 שלום@1 مرحبا@2",
	} {
		if got := show(Words(text)); got != want {
			t.Errorf("Words(%q)\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestQueriesOfPairedScriptsAskForPairs(t *testing.T) {
	for text, want := range map[string]string{
		"東京都": "東京@0 京都@1",
		"東":   "東@0",
		"東 京": "東@0 京@1",
	} {
		if got := show(Query(text)); got != want {
			t.Errorf("Query(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestLongWordsAndTextsAreBounded(t *testing.T) {
	got := Words(strings.Repeat("a", 200) + " " + strings.Repeat("é", 200) + " " + strings.Repeat("ж", 200))
	for _, w := range got {
		if len(w.Text) != MaxWord || !utf8.ValidString(w.Text) {
			t.Errorf("word of %d bytes: %q", len(w.Text), w.Text)
		}
	}
	for _, text := range []string{strings.Repeat("a ", 10000), strings.Repeat("東", 10000), strings.Repeat("😀", 10000)} {
		if n := len(Words(text)); n != MaxWords {
			t.Errorf("%d words of a long text, want %d", n, MaxWords)
		}
	}
}

// By hand or by Unicode's rules, ASCII is cut the same way.
func TestASCIIByHandIsUnicodeByRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "text")
		text = strings.NewReplacer("http://", "", "https://", "", "'", "").Replace(text)
		byHand := Words(text)
		var byRule Cutter
		byRule.unicode(text)
		if got := byRule.words(nil); show(got) != show(byHand) {
			t.Fatalf("by rule %s\nby hand %s", show(got), show(byHand))
		}
	})
}

func TestAnyTextFindsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		words := Words(text)
		for _, w := range words {
			if !utf8.ValidString(w.Text) || w.Text == "" || w.Text[0] < 0x21 || strings.IndexByte(w.Text, 0) >= 0 {
				t.Fatalf("word %q", w.Text)
			}
		}
		doc := warble.IndexDoc{Tweet: &warble.Tweet{ID: 1, Text: text}}
		if len(words) > 0 && !Match(&warble.Query{Op: warble.QueryPhrase, Text: text}, doc) {
			t.Fatalf("%q does not find itself: %s", text, show(words))
		}
	})
}

func TestOperatorsFindWhatATweetIs(t *testing.T) {
	doc := warble.IndexDoc{Tweet: &warble.Tweet{
		ID: 9, Author: 5, Conversation: 7, ReplyTo: 8, ReplyAuthor: 6, QuoteOf: 3, QuoteAuthor: 4, Lang: "pt-BR",
		Text:           "@Ann look at #Café and #東京 on example.com @ann",
		ContentWarning: "food", Photos: []warble.Photo{{Alt: "a cup"}},
	}}
	q := func(op warble.QueryOp, text string, id warble.ID) *warble.Query {
		return &warble.Query{Op: op, Text: text, ID: id}
	}
	for _, yes := range []*warble.Query{
		q(warble.QueryFrom, "", 5), q(warble.QueryTo, "", 6), q(warble.QueryThread, "", 7), q(warble.QueryMention, "ANN", 0),
		q(warble.QueryTag, "cafe", 0), q(warble.QueryTag, "東京", 0), q(warble.QueryLang, "pt", 0), q(warble.QueryLang, "PT-br", 0),
		q(warble.QueryHasMedia, "", 0), q(warble.QueryHasLinks, "", 0), q(warble.QueryIsReply, "", 0), q(warble.QueryIsQuote, "", 0),
		q(warble.QueryWord, "cafe", 0), q(warble.QueryWord, "example.com", 0), q(warble.QueryPhrase, "at cafe and", 0),
		q(warble.QueryPrefix, "exam", 0), q(warble.QueryWord, "food", 0), q(warble.QueryWord, "cup", 0), q(warble.QueryAll, "", 0),
		q(warble.QueryAnd, "", 0), {Op: warble.QueryNot, Kids: []*warble.Query{q(warble.QueryWord, "tea", 0)}},
	} {
		if !Match(yes, doc) {
			t.Errorf("%+v does not find the tweet", yes)
		}
	}
	for _, no := range []*warble.Query{
		q(warble.QueryFrom, "", 6), q(warble.QueryFrom, "", 0), q(warble.QueryMention, "an", 0), q(warble.QueryTag, "caf", 0),
		q(warble.QueryIsRetweet, "", 0), q(warble.QueryPhrase, "cafe at", 0), q(warble.QueryPhrase, "ann food", 0),
		q(warble.QueryPrefix, "e", 0), q(warble.QueryWord, "exam", 0), q(warble.QueryWord, "!", 0), q(warble.QueryOr, "", 0),
		q(warble.QueryWord, "https", 0), {Op: warble.QueryAll, People: true},
	} {
		if Match(no, doc) {
			t.Errorf("%+v finds the tweet", no)
		}
	}
}

func TestPeopleAreFoundByHandleNameAndBio(t *testing.T) {
	doc := warble.IndexDoc{User: &warble.User{ID: 2, Handle: "ann_lee", Name: "Ann Lee", Bio: "Tea. Cats."}}
	for _, text := range []string{"ann_", "ann", "lee", "cat"} {
		if !Match(&warble.Query{Op: warble.QueryPrefix, Text: text, People: true}, doc) {
			t.Errorf("%q does not find her", text)
		}
	}
	if Match(&warble.Query{Op: warble.QueryWord, Text: "ann"}, doc) {
		t.Error("a search for tweets finds a person")
	}
}

func TestTermsAreDistinctOperatorsAndWordsWithPositions(t *testing.T) {
	got := Terms(warble.IndexDoc{Tweet: &warble.Tweet{ID: 4, Author: 5, Conversation: 4, Text: "a #a b"}})
	want := []Term{{"a", 0}, {"a", 1}, {"b", 2}, {"\x015", NoPos}, {"\x034", NoPos}, {"\x05a", NoPos}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Terms = %q, want %q", got, want)
	}
}

func BenchmarkCutTweet(b *testing.B) {
	for _, bench := range []struct{ name, text string }{
		{"ascii", "plus you've added commercials to the experience of flying with you today"},
		{"entities", "@VirginAmerica plus you've added commercials to the #experience... tacky http://t.co/mWpG7grEZP"},
		{"emoji", "I ❤️ flying with you so very much today my friends ☺️👍 see you"},
		{"japanese", "東京都の天気はとても良いですね。明日も晴れるでしょう"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			doc := warble.IndexDoc{Tweet: &warble.Tweet{ID: 1 << 60, Author: 1 << 59, Conversation: 1 << 60, Text: bench.text, Lang: "en"}}
			var c Cutter
			b.ReportAllocs()
			for b.Loop() {
				c.Reset()
				c.Doc(doc)
			}
		})
	}
}
