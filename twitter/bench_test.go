package twitter

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// sink is a ResponseWriter that costs nothing of its own.
type sink struct {
	h      http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { s.bytes += len(b); return len(b), nil }

// BenchmarkHome is the hot read: everything behind net/http's parsing. The
// project wants at most 25 µs of CPU for it.
func BenchmarkHome(b *testing.B) {
	w := newWorld(b)
	ann := w.join("ann")
	for i := range 20 {
		p := w.join(fmt.Sprint("friend", i))
		ann.follow(p)
		for j := range 4 {
			p.tweet(fmt.Sprintf("tweet %d of %s: twelve words about nothing much, but with a #hashtag and so on", j, p.name))
		}
	}
	const query = "?max_results=20&tweet.fields=created_at,author_id,public_metrics,entities,viewer&expansions=author_id"
	r := httptest.NewRequest("GET", ann.own("/timelines/reverse_chronological"+query), nil)
	r.Header.Set("Authorization", "Bearer "+ann.token)
	out := &sink{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(out.h)
		out.bytes = 0
		w.mux.ServeHTTP(out, r)
	}
	if out.status != 200 {
		b.Fatal(out.status)
	}
	b.ReportMetric(float64(out.bytes), "bytes/page")
	b.ReportMetric(25000/(float64(b.Elapsed().Nanoseconds())/float64(b.N)), "of-25µs")
}
