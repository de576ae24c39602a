package web

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"warble/role/read"

	"github.com/a-h/templ"

	"warble"
)

// sample is a command to try, with what it does.
type sample struct{ Does, Line string }

// samples are commands that work when pasted, without a token, and find
// something on this very page.
func (s *site) samples(r *http.Request, tl *read.Timeline) []sample {
	base := s.base(r)
	out := []sample{{"Search", "curl -s '" + base + "/2/tweets/search/recent?query=" + seen(tl) + "&tweet.fields=created_at'"}}
	if len(tl.Items) > 0 {
		it := tl.Items[0]
		out = append(out,
			sample{"Read a tweet", "curl -s '" + base + "/2/tweets/" + it.Tweet.ID.String() + "?expansions=author_id'"},
			sample{"Look somebody up", "curl -s '" + base + "/2/users/by/username/" + it.Author.Handle + "?user.fields=public_metrics'"})
	}
	return append(out, sample{"Listen live", "curl -sN " + base + "/2/tweets/sample/stream"})
}

// base is the address this page was asked at, as far as it is safe to paste
// into a shell; else the configured one.
func (s *site) base(r *http.Request) string {
	safe := r.Host != "" && !strings.ContainsFunc(r.Host, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(".-:[]", c))
	})
	if !safe {
		return s.URL
	}
	if r.TLS != nil || strings.HasPrefix(s.URL, "https:") || r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// seen is a word to search for that a tweet of the page says: a tag if there
// is one, else a word of plain letters.
func seen(tl *read.Timeline) string {
	for _, it := range tl.Items {
		for _, tag := range warble.Hashtags(it.Tweet.Text) {
			if easy(tag) {
				return url.QueryEscape("#" + tag)
			}
		}
	}
	for _, it := range tl.Items {
		for word := range strings.FieldsSeq(it.Tweet.Text) {
			if len(word) > 4 && easy(word) {
				return strings.ToLower(word)
			}
		}
	}
	return "hello"
}

// easy says that a word needs no quoting anywhere.
func easy(word string) bool {
	return len(word) > 1 && len(word) < 20 && !strings.ContainsFunc(word, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	})
}

// breakable draws a command so that it wraps where an address has its joints.
func breakable(line string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		line := templ.EscapeString(line)
		for _, joint := range []string{"2/", "users/", "tweets/", "?", "&amp;"} {
			line = strings.ReplaceAll(line, joint, joint+"<wbr>")
		}
		_, err := io.WriteString(w, line)
		return err
	})
}
