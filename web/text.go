package web

import (
	"context"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"

	"warble"
)

// piece is a stretch of a text: plain, or a link where Href is set.
type piece struct {
	Text string
	Href string
	Away bool // the link leads to another site
}

// maxShown is how many characters of a link are shown.
const maxShown = 40

// pieces cuts a text at its entities. The links are paths of ours, or http and
// https addresses, whatever the text says.
func pieces(text string) []piece {
	var out []piece
	at := 0
	for _, e := range warble.Entities(text) {
		p := piece{Text: text[e.Start:e.End]}
		switch e.Kind {
		case warble.EntityMention, warble.EntityList:
			if warble.ValidHandle(e.Text) {
				p.Href = "/@" + e.Text
			}
		case warble.EntityHashtag:
			p.Href = tagPath(e.Text)
		case warble.EntityCashtag:
			p.Href = with("/search", "q", "$"+e.Text)
		case warble.EntityURL:
			p.Href, p.Away, p.Text = address(e.Text), true, shownURL(e.Text)
		}
		if e.Start > at {
			out = append(out, piece{Text: text[at:e.Start]})
		}
		out, at = append(out, p), e.End
	}
	if at < len(text) {
		out = append(out, piece{Text: text[at:]})
	}
	return out
}

// address gives a link without a scheme one.
func address(url string) string {
	if s, _, ok := strings.Cut(url, "://"); ok && (strings.EqualFold(s, "http") || strings.EqualFold(s, "https")) {
		return url
	}
	return "http://" + url
}

// shownURL is a link without what every link has, and not longer than fits.
func shownURL(url string) string {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		url = rest
	}
	url = strings.TrimSuffix(strings.TrimPrefix(url, "www."), "/")
	if utf8.RuneCountInString(url) <= maxShown {
		return url
	}
	return string([]rune(url)[:maxShown-1]) + "…"
}

// plain is the beginning of a text on one line, for titles.
func plain(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:limit-1])) + "…"
}

// words draws a text with its links. It is written by hand because a template
// may put white space between its pieces, and here every space is the author's.
func words(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for _, p := range pieces(text) {
			if p.Href == "" {
				b.WriteString(templ.EscapeString(p.Text))
				continue
			}
			b.WriteString(`<a href="` + templ.EscapeString(string(templ.URL(p.Href))) + `"`)
			if p.Away {
				b.WriteString(` rel="nofollow noopener ugc"`)
			}
			b.WriteString(`>` + templ.EscapeString(p.Text) + `</a>`)
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}
