package warble

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// hostileTexts are patterns that cost a backtracking parser the square of
// their length or worse.
var hostileTexts = []string{
	"a.", ".", "あ.", "あ", "a_", "a_b.", "-.", "a.com", "a.com ", "http://", "http://a.", "http://a.co/(", "http://a.co/((a)", "a.co/(b",
	"http://a.co/,", "http://a.co/?,", "a.co?", "#", "#1", "#a", "##a", "@", "@a", "@a/b-", "rt@", "$A", "$A.", "＃", "＠a", "xn--", "a.xn--",
	"👨‍", "👨‍👩‍👧‍", "🇩", "️", "1️", "<", "<a", "<>", "&", "&amp;", "a\u0301", "\u0301", "भारत.", "é.com", "。", "日本.みんな", "1.", "\xff", "\xff.",
}

func TestCostIsLinear(t *testing.T) {
	for _, pattern := range hostileTexts {
		for _, head := range []string{"", "http://", "#", "a.com/", "あ"} {
			text := head + strings.Repeat(pattern, (1<<16)/len(pattern))
			begin := time.Now()
			Entities(text)
			DefaultTextRules.Parse(text)
			Highlight(text, [][2]int{{1, 5}, {1000, 1 << 20}})
			ValidURL(text)
			// Linear is 10 ms. A quadratic step would be 2^32 operations: seconds.
			if d := time.Since(begin); d > 2*time.Second {
				t.Errorf("%d bytes of %q after %q: %v", len(text), pattern, head, d)
			}
		}
	}
}

func fuzzSeeds(add func(text string)) {
	for _, s := range hostileTexts {
		add(s)
		add(strings.Repeat(s, 5))
	}
	for _, s := range []string{
		benchmarkTweet, "RT @ann: #日本 ＃タグ ＠bob $GO.A http://t.co/abc?a=1 日本語example.com/path(a(b)c)?q#f", "é.com a_b.com x.РФ",
		"👨‍👩‍👧‍👦🏴󠁧󠁢󠁷󠁬󠁳󠁿🇩🇪1️⃣ \u202aABC\uffff", "<a href=\"x\">y</a> &lt;b", "http://user@a.co:80/.,!-",
	} {
		add(s)
	}
}

func FuzzEntities(f *testing.F) {
	fuzzSeeds(func(text string) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text string) {
		for _, bare := range []bool{true, false} {
			end, runes := 0, 0
			for _, e := range scanText(text, bare) {
				if e.Start < end || e.End <= e.Start || e.End > len(text) {
					t.Fatalf("%q: %+v after %d", text, e, end)
				}
				runes += utf8.RuneCountInString(text[end:e.Start])
				if e.RuneStart != runes {
					t.Fatalf("%q: %+v starts inside a rune or at %d", text, e, runes)
				}
				runes += utf8.RuneCountInString(text[e.Start:e.End])
				if e.RuneEnd != runes || utf8.RuneCountInString(text) != runes+utf8.RuneCountInString(text[e.End:]) {
					t.Fatalf("%q: %+v ends inside a rune", text, e)
				}
				written := text[e.Start:e.End]
				if _, sign := utf8.DecodeRuneInString(written); e.Kind != EntityURL {
					written = written[sign:]
				}
				if written != e.Text+e.ListSlug || !bare && e.Kind == EntityURL && !hasScheme(e.Text) {
					t.Fatalf("%q: %+v is not %q", text, e, written)
				}
				end = e.End
			}
		}
		for _, m := range Mentions(text) {
			if !strings.Contains(text, m) || len(m) > maxMention {
				t.Fatalf("%q mentions %q", text, m)
			}
		}
		for _, tag := range Hashtags(text) {
			if !ValidHashtag(tag) {
				t.Fatalf("%q has the hashtag %q", text, tag)
			}
		}
		html := Autolink(text, AutolinkOptions{Bare: true})
		for i, part := range strings.Split(html, "<") {
			if i > 0 && !strings.HasPrefix(part, "a ") && !strings.HasPrefix(part, "/a>") {
				t.Fatalf("%q: a tag of its own: %q", text, html)
			}
		}
		ValidURL(text)
		LeadingMention(text)
	})
}

func FuzzWeightedLength(f *testing.F) {
	fuzzSeeds(func(text string) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text string) {
		for _, rules := range []TextRules{DefaultTextRules, TextRulesV2, TextRulesV1} {
			got := rules.Parse(text)
			if n := rules.WeightedLength(text); n != got.WeightedLength {
				t.Fatalf("%q: WeightedLength %d, Parse %+v", text, n, got)
			}
			if got.WeightedLength < 0 || (got.WeightedLength == 0) != (text == "") || got.Valid && got.WeightedLength > rules.Max {
				t.Fatalf("%q: %+v", text, got)
			}
			if got.DisplayRangeEnd < 0 || got.Valid && got.ValidRangeEnd != got.DisplayRangeEnd {
				t.Fatalf("%q: %+v", text, got)
			}
		}
		if normal, err := NormalizeText(text); err == nil {
			if again, err := NormalizeText(normal); again != normal || err != nil {
				t.Fatalf("%q: NormalizeText is not done after once: %q, %v", text, again, err)
			}
			if DefaultTextRules.WeightedLength(normal) != DefaultTextRules.WeightedLength(text) {
				t.Fatalf("%q counts otherwise once it is normal", text)
			}
		}
	})
}

func FuzzHighlight(f *testing.F) {
	fuzzSeeds(func(text string) { f.Add(text, 0, 2, 3, 4) })
	f.Fuzz(func(t *testing.T, text string, a, b, c, d int) {
		got := Highlight(text, [][2]int{{a, b}, {c, d}})
		if strings.Contains(text, "em") || strings.Contains(text, "<") {
			return // what was put in cannot be told apart
		}
		n := strings.Count(got, "<em>")
		if n > 2 || strings.Count(got, "</em>") != n || utf8.ValidString(text) != utf8.ValidString(got) {
			t.Fatalf("%q: %q", text, got)
		}
		if plain := strings.NewReplacer("<em>", "", "</em>", "").Replace(got); plain != text {
			t.Fatalf("%q: %q", text, got)
		}
		if i, j := strings.Index(got, "<em>"), strings.Index(got, "</em>"); n > 0 && j <= i {
			t.Fatalf("%q: %q", text, got)
		}
	})
}

// benchmarkTweet is an ordinary tweet: 80 bytes, ASCII.
const benchmarkTweet = "Shipping warble 0.1 today. Thanks @ann and @bob! #golang https://example.com/wrb"

func BenchmarkEntities(b *testing.B) { benchmarkText(b, func(s string) { Entities(s) }) }

func BenchmarkWeightedLength(b *testing.B) {
	benchmarkText(b, func(s string) { DefaultTextRules.WeightedLength(s) })
}

func benchmarkText(b *testing.B, run func(string)) {
	for _, c := range []struct{ name, text string }{
		{"tweet", benchmarkTweet},
		{"plain", "Shipping the first version of warble today, and it feels good to be back again :)"[:80]},
		{"japanese", "今日は朝からずっと雨です。#天気 @ann さん、example.com を見て"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run(c.text)
			}
		})
	}
}
