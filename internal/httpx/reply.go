package httpx

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// GzipFrom is the size in bytes from which an answer is worth compressing:
// below it the answer fits one packet anyway.
const GzipFrom = 1400

// Header values that never change; shared by all answers, which only read them.
var (
	noStore  = []string{"no-store"}
	noSniff  = []string{"nosniff"}
	varyGzip = []string{"Accept-Encoding"}
	jsonType = []string{"application/json; charset=utf-8"}
	gzipCode = []string{"gzip"}
)

// gzipper is a compressor with the buffer it writes to.
type gzipper struct {
	z   *gzip.Writer
	out bytes.Buffer
}

// gzippers hold memory, not facts: 800 KB each that is not worth making anew.
var gzippers = sync.Pool{New: func() any {
	g := new(gzipper)
	g.z, _ = gzip.NewWriterLevel(&g.out, gzip.BestSpeed) // the level is valid
	return g
}}

// Reply writes a whole answer: Content-Length, one Write, gzip when the
// client takes it and it pays. body is not kept.
func Reply(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	h := w.Header()
	if contentType == jsonType[0] {
		h["Content-Type"] = jsonType
	} else {
		h["Content-Type"] = []string{contentType}
	}
	if len(body) >= GzipFrom {
		if !keptByNone(h) {
			addVary(h, varyGzip)
		}
		if AcceptsGzip(r.Header["Accept-Encoding"]) {
			writeGzip(w, status, body)
			return
		}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client went away: the access log has the bytes
}

// keptByNone says that no cache keeps the answer, so that none need know what
// it varies by.
func keptByNone(h http.Header) bool {
	v := h["Cache-Control"]
	return len(v) == 1 && v[0] == noStore[0]
}

func addVary(h http.Header, value []string) {
	if h["Vary"] == nil {
		h["Vary"] = value
		return
	}
	h.Add("Vary", value[0])
}

func writeGzip(w http.ResponseWriter, status int, body []byte) {
	g := gzippers.Get().(*gzipper)
	defer gzippers.Put(g)
	g.out.Reset()
	g.z.Reset(&g.out)
	_, _ = g.z.Write(body) // to memory: cannot fail
	_ = g.z.Close()
	h := w.Header()
	h["Content-Encoding"] = gzipCode
	h["Content-Length"] = []string{strconv.Itoa(g.out.Len())}
	w.WriteHeader(status)
	_, _ = w.Write(g.out.Bytes())
}

// ReplyJSON is Reply for a JSON document that must not be kept by caches.
func ReplyJSON(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header()["Cache-Control"] = noStore
	Reply(w, r, status, jsonType[0], body)
}

// AcceptsGzip reads Accept-Encoding: whether gzip (or *) is there with a
// quality above zero. A name of its own outweighs *.
func AcceptsGzip(header []string) bool {
	star := false
	for _, line := range header {
		for item := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(item, ";")
			name = strings.TrimSpace(name)
			ok := quality(params) > 0
			switch {
			case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
				return ok
			case name == "*":
				star = ok
			}
		}
	}
	return star
}

// quality is the q of a list item in thousandths; 1000 when there is none, 0
// when it cannot be read.
func quality(params string) int {
	for p := range strings.SplitSeq(params, ";") {
		key, value, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(key), "q") {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(f >= 0 && f <= 1) {
			return 0
		}
		return int(f * 1000)
	}
	return 1000
}

// NotModified sets ETag (which must come quoted) and answers 304 when the
// client has that version already; the caller is done then.
func NotModified(w http.ResponseWriter, r *http.Request, etag string) bool {
	w.Header()["Etag"] = []string{etag}
	for _, line := range r.Header["If-None-Match"] {
		for item := range strings.SplitSeq(line, ",") {
			item = strings.TrimSpace(item)
			if item == "*" || strings.TrimPrefix(item, "W/") == etag {
				w.WriteHeader(http.StatusNotModified)
				return true
			}
		}
	}
	return false
}

// PageHeaders sets what every page and picture a browser may show on its own
// should bear. policy is the Content-Security-Policy.
func PageHeaders(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}
