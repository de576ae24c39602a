package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// dial opens a connection that gives up after 20 seconds.
func (c *child) dial() net.Conn {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.Addr)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
	return conn
}

// say sends bytes and returns all answers until the server closes.
func (c *child) say(raw string) (answers []*http.Response, bodies []string) {
	c.t.Helper()
	conn := c.dial()
	defer conn.Close()
	go io.WriteString(conn, raw) // a server that refuses does not read all of it
	in := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return answers, bodies
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			c.t.Errorf("half an answer: %v", err)
		}
		if resp.StatusCode == http.StatusContinue {
			continue
		}
		answers, bodies = append(answers, resp), append(bodies, string(body))
	}
}

// decent says what is wrong with an answer: an error that is not in the API's
// form, or one that tells of the inside.
func decent(resp *http.Response, body string) string {
	for _, word := range []string{"panic", "goroutine", ".go:", "pebble", "runtime", "net/http", "strconv", "json:", "EOF", "i/o"} {
		if strings.Contains(body, word) {
			return "it tells of the inside: " + word
		}
	}
	if resp.StatusCode < 400 || resp.StatusCode == http.StatusExpectationFailed && body == "" { // net/http's, and it has no body
		return ""
	}
	var p struct {
		Title, Detail string
		Status        int
	}
	switch err := json.Unmarshal([]byte(body), &p); {
	case !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json"):
		return "it is not a problem document: " + resp.Header.Get("Content-Type")
	case err != nil:
		return err.Error()
	case p.Status != resp.StatusCode || p.Title == "" || p.Detail == "":
		return "it does not say what happened"
	}
	return ""
}

// hostile requests: what they are, their bytes and the statuses that are right.
// AUTH stands for the header of a person. The connection is closed by the last
// header where the server has no reason to close it.
func hostile() []struct {
	name, raw string
	want      []int
} {
	const end = "Host: x\r\nConnection: close\r\n\r\n"
	post := func(headers, body string) string {
		return fmt.Sprintf("POST /2/tweets HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAUTHContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", headers, len(body), body)
	}
	unsized := func(headers, body string) string {
		return "POST /2/tweets HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAUTHContent-Type: application/json\r\n" + headers + "\r\n" + body
	}
	many := strings.Repeat("X-Header: some value\r\n", 300)
	return []struct {
		name, raw string
		want      []int
	}{
		{"a header of 40 KB", "GET /2/users/me HTTP/1.1\r\nX: " + strings.Repeat("x", 40<<10) + "\r\n" + end, []int{431}},
		{"a flood of headers", "GET /2/users/me HTTP/1.1\r\n" + strings.Repeat(many, 40) + end, []int{431}},
		{"many headers", "GET /healthz HTTP/1.1\r\n" + many + end, []int{200}},
		{"a target of 40 KB", "GET /" + strings.Repeat("x", 40<<10) + " HTTP/1.1\r\n" + end, []int{431}},
		{"a query of 30 KB", "GET /2/tweets/search/recent?query=" + strings.Repeat("x", 30<<10) + " HTTP/1.1\r\n" + end, []int{400}},
		{"a query that is none", "GET /2/tweets/search/recent?query=%zz&%=%&=;& HTTP/1.1\r\n" + end, []int{400}},
		{"ten thousand ids", "GET /2/tweets?ids=" + strings.Repeat("1,", 10000) + "1 HTTP/1.1\r\n" + end, []int{400}},
		{"a token of 30 KB", "GET /2/users/me HTTP/1.1\r\nAuthorization: Bearer " + strings.Repeat("x", 30<<10) + "\r\n" + end, []int{401}},
		{"two tokens", "GET /2/users/me HTTP/1.1\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n" + end, []int{401}},
		{"no host", "GET / HTTP/1.1\r\n\r\n", []int{400}},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", []int{400}},
		{"a host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", []int{400}},
		{"a header's name with a space", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", []int{400}},
		{"a header with NUL", "GET / HTTP/1.1\r\nX: a\x00b\r\n" + end, []int{400}},
		{"bytes", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400}},
		{"HTTP/0.9", "GET /\r\n\r\n", []int{400}},
		{"HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n", []int{200}},
		{"HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 505}},
		{"HTTP/3.7", "GET / HTTP/3.7\r\n" + end, []int{505}},
		{"TRACE", "TRACE / HTTP/1.1\r\nX-Secret: 1\r\n" + end, []int{404, 405}},
		{"CONNECT", "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nConnection: close\r\n\r\n", []int{400, 404, 405}},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + end, []int{200}},
		{"a method that is none", "STEAL /2/tweets HTTP/1.1\r\n" + end, []int{405}},
		{"a method in small letters", "get /2/users/me HTTP/1.1\r\n" + end, []int{405}},
		{"slashes", "GET //2//users//me HTTP/1.1\r\n" + end, []int{301, 307, 404}},
		{"dots", "GET /2/../../etc/passwd HTTP/1.1\r\n" + end, []int{301, 307, 404}},
		{"written dots", "GET /2/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + end, []int{301, 307, 404}},
		{"dots for a photo", "GET /media/%2e%2e%2f%2e%2e%2fFORMAT HTTP/1.1\r\n" + end, []int{301, 307, 404}},
		{"NUL for a handle", "GET /2/users/by/username/%00 HTTP/1.1\r\n" + end, []int{400, 404}},
		{"NUL for an id", "GET /2/tweets/%00 HTTP/1.1\r\n" + end, []int{400, 404}},
		{"no UTF-8 for a handle", "GET /2/users/by/username/%ff%fe HTTP/1.1\r\n" + end, []int{400, 404}},
		{"no UTF-8 for a page", "GET /%ff%fe HTTP/1.1\r\n" + end, []int{404}},
		{"a path that is none", "GET /%zz HTTP/1.1\r\n" + end, []int{400}},
		{"a target of another host", "GET http://elsewhere.example/2/users/me HTTP/1.1\r\n" + end, []int{401}},
		{"a target without a slash", "GET 2/users/me HTTP/1.1\r\n" + end, []int{400}},
		{"a body of 1 MB", post("", `{"text":"`+strings.Repeat("x", 1<<20)+`"}`), []int{413}},
		{"a body of 1 MB in chunks", unsized("Transfer-Encoding: chunked\r\n", "100000\r\n"+strings.Repeat(" ", 1<<20)+"\r\n0\r\n\r\n"), []int{413}},
		{"a photo of 17 MB", "POST /2/media/upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAUTHContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"1100000\r\n--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a\"\r\n\r\n" + strings.Repeat("x", 17<<20-66) + "\r\n0\r\n\r\n", []int{413}},
		{"a photo of 30 MB in base64", "POST /2/media/upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAUTHContent-Type: application/json\r\nContent-Length: 30000000\r\n\r\n{", []int{413}},
		{"a photo that is none", "POST /2/media/upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAUTHContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 5\r\n\r\n--b--", []int{400}},
		{"a length beyond numbers", unsized("Content-Length: 99999999999999999999999\r\n", "{}"), []int{400}},
		{"a length beyond sense", unsized("Content-Length: 9000000000000000000\r\n", "{}"), []int{413}},
		{"a length below zero", unsized("Content-Length: -1\r\n", "{}"), []int{400}},
		{"two lengths", unsized("Content-Length: 2\r\nContent-Length: 20\r\n", "{}"), []int{400}},
		{"a length and chunks", unsized("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), []int{400}},
		{"chunks that are none", unsized("Transfer-Encoding: chunked\r\n", "zzz\r\n{}\r\n0\r\n\r\n"), []int{400}},
		{"a chunk without an end", unsized("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n{}"), []int{400, 413}},
		{"an encoding of transfer that is none", unsized("Transfer-Encoding: gzip\r\n", "{}"), []int{501}},
		{"a body in gzip", post("Content-Encoding: gzip\r\n", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), []int{415}},
		{"no UTF-8 in a tweet", post("", "{\"text\":\"a\xff\xfe\"}"), []int{201, 400}},
		{"half a surrogate", post("", `{"text":"a\ud800"}`), []int{201, 400}},
		{"NUL in a tweet", post("", `{"text":"a\u0000b"}`), []int{201, 400}},
		{"brackets", post("", strings.Repeat("[", 60<<10)), []int{400}},
		{"a number beyond numbers", post("", `{"text":1e999999}`), []int{400}},
		{"two documents", post("", `{"text":"a"}{"text":"b"}`), []int{400}},
		{"a key of 20 KB", post("Idempotency-Key: "+strings.Repeat("k", 20<<10)+"\r\n", `{"text":"keyed"}`), []int{201, 400}},
		{"a condition nobody fulfils", post("Expect: a miracle\r\n", `{"text":"expected"}`), []int{201, 417}},
		{"a WebSocket", "GET /2/users/me HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nHost: x\r\n\r\n", []int{401}},
		{"h2c", "GET /2/users/me HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings, close\r\nHost: x\r\n\r\n", []int{401}},
	}
}

func TestHostileRequestsAreAnsweredInTheAPIsForm(t *testing.T) {
	c := newChild(t, childSpec{Header: 1500, Body: 3000, Answer: 10_000})
	var group sync.WaitGroup
	gate := make(chan struct{}, 8)
	for _, h := range hostile() {
		gate <- struct{}{}
		group.Go(func() {
			defer func() { <-gate }()
			answers, bodies := c.say(strings.ReplaceAll(h.raw, "AUTH", "Authorization: Bearer "+c.Token+"\r\n"))
			if len(answers) != 1 {
				t.Errorf("%s: %d answers", h.name, len(answers))
				return
			}
			if got := answers[0].StatusCode; !slices.Contains(h.want, got) {
				t.Errorf("%s: %d, want one of %v: %.200s", h.name, got, h.want, bodies[0])
			}
			if wrong := decent(answers[0], bodies[0]); wrong != "" {
				t.Errorf("%s: %d, %s: %.200s", h.name, answers[0].StatusCode, wrong, bodies[0])
			}
		})
	}
	group.Wait()
	c.works()
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	c := newChild(t, childSpec{Header: 10_000, Body: 10_000, Answer: 10_000})
	var raw strings.Builder
	for i := range 100 {
		fmt.Fprintf(&raw, "GET /2/users/me HTTP/1.1\r\nHost: x\r\nX-Request-Id: request-%d\r\n\r\n", i)
	}
	raw.WriteString("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	answers, _ := c.say(raw.String())
	if len(answers) != 101 {
		t.Fatalf("%d answers", len(answers))
	}
	for i, a := range answers[:100] {
		if got, want := a.Header.Get("X-Request-Id"), fmt.Sprintf("request-%d", i); got != want {
			t.Errorf("answer %d is that of %s", i, got)
		}
	}
}

// dribble sends a byte at a time, for ever, and says how long it took until
// the server had enough.
func dribble(conn net.Conn, start, drop string) time.Duration {
	begun := time.Now()
	closed := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, conn) // ends when the server closes, however
		close(closed)
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	_, err := io.WriteString(conn, start)
	for err == nil {
		select {
		case <-closed:
			return time.Since(begun)
		case <-tick.C:
			_, err = io.WriteString(conn, drop)
		}
	}
	return time.Since(begun)
}

func TestSlowClientsAreCutOff(t *testing.T) {
	c := newChild(t, childSpec{Header: 500, Body: 1000, Answer: 2000})
	before, _ := c.memory()
	slow := []struct {
		name, start, drop string
		within            time.Duration
	}{
		{"nothing", "", "", 500 * time.Millisecond},
		{"headers", "GET / HTTP/1.1\r\nHost: x\r\nX: ", "x", 500 * time.Millisecond},
		{"lines of headers", "GET / HTTP/1.1\r\nHost: x\r\n", "A: b\r\n", 500 * time.Millisecond},
		{"a body", "POST /2/tweets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + c.Token + "\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{", " ", time.Second},
		{"chunks", "POST /2/tweets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + c.Token + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", time.Second},
		{"a photo", "POST /2/media/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + c.Token + "\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 16000000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a\"\r\n\r\n", "x", time.Second},
		{"a body for nobody", "POST /2/tweets HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n", " ", time.Second},
	}
	var group sync.WaitGroup
	for _, s := range slow {
		for range 40 {
			conn := c.dial()
			group.Go(func() {
				defer conn.Close()
				if took := dribble(conn, s.start, s.drop); took < s.within/2 && s.name != "a photo" && s.name != "a body for nobody" || took > s.within+5*time.Second {
					t.Errorf("%s: cut off after %v, want about %v", s.name, took, s.within)
				}
			})
		}
	}
	group.Wait()
	c.works()
	c.settles(before)
}

// settles waits until the connections are gone and the memory they took is back.
func (c *child) settles(before float64) {
	c.t.Helper()
	until(c.t, "the connections are closed", func() bool { return c.metric("warble_http_connections") <= 1 })
	until(c.t, "memory is back", func() bool {
		used, _ := c.memory()
		return used < before+16<<20
	})
}

func TestWhoDoesNotReadIsCutOff(t *testing.T) {
	c := newChild(t, childSpec{Header: 1000, Body: 1000, Answer: 1500})
	before, _ := c.memory()
	request := "GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n"
	var group sync.WaitGroup
	for range 20 {
		conn := c.dial()
		group.Go(func() {
			defer conn.Close()
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetReadBuffer(4096) // smaller, so that it is full sooner; a wish
			}
			// Until the server closes: it reads no more when its answers are stuck.
			for {
				if _, err := io.WriteString(conn, request); err != nil {
					if errors.Is(err, os.ErrDeadlineExceeded) {
						t.Error("not cut off in 20 s")
					}
					return
				}
			}
		})
	}
	group.Wait()
	c.works()
	c.settles(before)
}
