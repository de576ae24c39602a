package web

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"

	"warble/internal/httpx"
)

//go:embed style.css
var styleSheet string

//go:embed favicon.svg
var iconFile string

// tagOf is an ETag that changes with the content.
func tagOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:9]) + `"`
}

// style serves the style sheet. Pages link it with its version, so a browser
// may keep it: a new version has a new address.
func (s *site) style(w http.ResponseWriter, r *http.Request, _ *httpx.Call) error {
	w.Header().Set("Cache-Control", "public, max-age=604800")
	if !httpx.NotModified(w, r, s.styleTag) {
		httpx.Reply(w, r, http.StatusOK, "text/css; charset=utf-8", []byte(styleSheet))
	}
	return nil
}

func favicon(w http.ResponseWriter, r *http.Request, _ *httpx.Call) error {
	httpx.PageHeaders(w.Header(), "default-src 'none'; sandbox")
	w.Header().Set("Cache-Control", "public, max-age=604800")
	if !httpx.NotModified(w, r, tagOf(iconFile)) {
		httpx.Reply(w, r, http.StatusOK, "image/svg+xml", []byte(iconFile))
	}
	return nil
}

// robots keeps crawlers to what is worth finding.
func robots(w http.ResponseWriter, r *http.Request, _ *httpx.Call) error {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	httpx.Reply(w, r, http.StatusOK, "text/plain; charset=utf-8", []byte("User-agent: *\nDisallow: /2/\nDisallow: /i/\nDisallow: /login\nDisallow: /signup\nDisallow: /search\n"))
	return nil
}
