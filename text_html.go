package warble

import (
	"html"
	"strings"
	"unicode/utf8"
)

// AutolinkOptions say how a text becomes HTML. The zero value gives safe HTML
// with links that are paths of our own site.
type AutolinkOptions struct {
	Base    string          // put before "ann", "ann/friends", "search?q=%23tag"; default "/"
	Bare    bool            // links without a scheme become links too, to http://
	Rel     string          // the rel attribute of links to other sites; none if empty
	Links   map[string]Link // what stands behind shortened links, by the link as written
	Hidden  string          // the attribute that hides parts of a Link; default is an inline style
	TextRaw bool            // the text is HTML already: what is no entity is copied, not escaped
}

// Link is what a shortened link stands for. The HTML shows Display and lets
// the reader copy Expanded. An ellipsis at either end of Display stands for
// the part left out.
type Link struct {
	Expanded, Display string
}

// Autolink returns the text as HTML with its entities as links.
func Autolink(text string, opt AutolinkOptions) string {
	return AutolinkEntities(text, scanText(text, opt.Bare), opt)
}

// AutolinkEntities is Autolink with entities that are known already: in order,
// without overlap, with their ranges in bytes.
func AutolinkEntities(text string, entities []Entity, opt AutolinkOptions) string {
	if opt.Base == "" {
		opt.Base = "/"
	}
	if opt.Hidden == "" {
		opt.Hidden = "style='position:absolute;left:-9999px;'"
	}
	var b strings.Builder
	b.Grow(len(text) + 120*len(entities))
	plain := html.EscapeString
	if opt.TextRaw {
		plain = func(s string) string { return s }
	}
	at := 0
	for _, e := range entities {
		b.WriteString(plain(text[at:e.Start]))
		opt.writeLink(&b, e, text[e.Start:e.End])
		at = e.End
	}
	b.WriteString(plain(text[at:]))
	return b.String()
}

// writeLink writes one entity; written is it as it stands in the text.
func (opt *AutolinkOptions) writeLink(b *strings.Builder, e Entity, written string) {
	_, sign := utf8.DecodeRuneInString(written)
	text := html.EscapeString(e.Text)
	base := html.EscapeString(opt.Base)
	switch e.Kind {
	case EntityMention:
		writeAll(b, written[:sign], `<a class="tweet-url username" href="`, base, text, `">`, text, `</a>`)
	case EntityList:
		text += html.EscapeString(e.ListSlug)
		writeAll(b, written[:sign], `<a class="tweet-url list-slug" href="`, base, text, `">`, text, `</a>`)
	case EntityHashtag:
		class := "tweet-url hashtag"
		if strings.ContainsFunc(e.Text, isRightToLeft) {
			class += " rtl"
		}
		writeAll(b, `<a href="`, base, `search?q=%23`, text, `" title="#`, text, `" class="`, class, `">`, written[:sign], text, `</a>`)
	case EntityCashtag:
		writeAll(b, `<a href="`, base, `search?q=%24`, text, `" title="$`, text, `" class="tweet-url cashtag">$`, text, `</a>`)
	case EntityURL:
		opt.writeURL(b, e.Text, text)
	}
}

func (opt *AutolinkOptions) writeURL(b *strings.Builder, url, text string) {
	href := text
	if !hasScheme(url) {
		href = "http://" + text
	}
	writeAll(b, `<a href="`, href, `"`)
	link, known := opt.Links[url]
	if known {
		writeAll(b, ` title="`, html.EscapeString(link.Expanded), `"`)
	}
	if opt.Rel != "" {
		writeAll(b, ` rel="`, html.EscapeString(opt.Rel), `"`)
	}
	b.WriteByte('>')
	if known {
		opt.writeDisplay(b, link)
	} else {
		b.WriteString(text)
	}
	b.WriteString(`</a>`)
}

func hasScheme(url string) bool {
	scheme, _, ok := strings.Cut(url, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// writeDisplay writes the parts of a link: the ellipses are shown and not
// copied, what they stand for is copied and not shown.
func (opt *AutolinkOptions) writeDisplay(b *strings.Builder, link Link) {
	const ellipsis = "…"
	shown := strings.ReplaceAll(link.Display, ellipsis, "")
	before, after, ok := strings.Cut(link.Expanded, shown)
	if !ok {
		b.WriteString(html.EscapeString(link.Display))
		return
	}
	lead, trail := "", ""
	if strings.HasPrefix(link.Display, ellipsis) {
		lead = ellipsis
	}
	if strings.HasSuffix(link.Display, ellipsis) {
		trail = ellipsis
	}
	hidden := `<span ` + opt.Hidden + `>`
	writeAll(b, `<span class='tco-ellipsis'>`, lead, hidden, `&nbsp;</span></span>`,
		hidden, html.EscapeString(before), `</span>`,
		`<span class='js-display-url'>`, html.EscapeString(shown), `</span>`,
		hidden, html.EscapeString(after), `</span>`,
		`<span class='tco-ellipsis'>`, hidden, `&nbsp;</span>`, trail, `</span>`)
}

func writeAll(b *strings.Builder, parts ...string) {
	for _, part := range parts {
		b.WriteString(part)
	}
}

// Highlight puts <em> around the hits of a search in a text that may hold HTML
// tags, as Autolink makes them. A hit is a half-open range in code points of
// the text that people see: tags count nothing, an escaped character (&amp;)
// counts one. Hits are in order; one that is empty, begins before the end of
// the hit before it, or begins behind the text is left out, and one that
// goes on behind the text ends with it.
func Highlight(text string, hits [][2]int) string {
	h := highlighter{hits: hits}
	if !h.nextHit() {
		return text
	}
	h.b.Grow(len(text) + 9*len(hits))
	noTags := false
	for i := 0; i < len(text); {
		if h.fresh {
			h.close() // opened since the last tag: close before the next one
		}
		if text[i] == '<' && !noTags {
			if n := strings.IndexByte(text[i:], '>'); n > 0 {
				h.b.WriteString(text[i : i+n+1])
				i += n + 1
				h.fresh = false
				continue
			}
			noTags = true
		}
		h.close()
		h.open()
		n := visibleLen(text[i:])
		h.b.WriteString(text[i : i+n])
		i += n
		h.at++
	}
	if h.opened {
		h.b.WriteString("</em>")
	}
	return h.b.String()
}

// highlighter is the state of Highlight at one character.
type highlighter struct {
	b      strings.Builder
	hits   [][2]int // those to come, the current one first
	at     int      // characters passed
	opened bool     // the current hit has begun,
	fresh  bool     // and no tag came since
}

// nextHit drops hits until the first is one that can be shown.
func (h *highlighter) nextHit() bool {
	for len(h.hits) > 0 && (h.hits[0][0] < h.at || h.hits[0][1] <= h.hits[0][0]) {
		h.hits = h.hits[1:]
	}
	return len(h.hits) > 0
}

func (h *highlighter) open() {
	if !h.opened && h.nextHit() && h.hits[0][0] == h.at {
		h.b.WriteString("<em>")
		h.opened, h.fresh = true, true
	}
}

func (h *highlighter) close() {
	if h.opened && h.hits[0][1] <= h.at {
		h.b.WriteString("</em>")
		h.hits = h.hits[1:]
		h.opened, h.fresh = false, false
	}
}

// visibleLen returns the length of the first character people see.
func visibleLen(s string) int {
	if s[0] == '&' {
		for _, escape := range [...]string{"&amp;", "&lt;", "&gt;", "&#34;", "&quot;", "&#39;"} {
			if strings.HasPrefix(s, escape) {
				return len(escape)
			}
		}
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}
