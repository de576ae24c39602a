package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"warble/internal/httpx"
)

// conn is a connection of a limited listener. It gives its place back,
// sends an answer of some pages in one piece, and puts into the API's form what
// net/http, on its own, says to a request that it cannot read.
type conn struct {
	*net.TCPConn
	l    *limited
	once sync.Once
	held *[maxHeld]byte // its first writeBuffer bytes wait to be sent
}

func (c *conn) Close() error {
	c.once.Do(func() {
		c.l.open.Add(-1)
		select {
		case c.l.freed <- struct{}{}:
		default:
		}
	})
	return c.TCPConn.Close()
}

// Write holds back the first part of an answer that says it is longer, which
// net/http hands over in parts, and sends it with what follows.
func (c *conn) Write(p []byte) (int, error) {
	if c.held != nil {
		return c.writeHeld(p)
	}
	if len(p) == writeBuffer && longer(p) {
		c.held = heldBuffers.Get().(*[maxHeld]byte)
		return copy(c.held[:], p), nil
	}
	status := unreadable(p)
	if status == 0 {
		return c.TCPConn.Write(p)
	}
	if _, err := c.TCPConn.Write(refusal(status)); err != nil {
		return 0, err
	}
	return len(p), nil
}

const (
	writeBuffer = 4 << 10 // net/http's: a longer answer is handed over in parts
	maxHeld     = 16 << 10
)

// heldBuffers hold memory, not facts.
var heldBuffers = sync.Pool{New: func() any { return new([maxHeld]byte) }}

// writeHeld sends what was held back, and p with it where there is room.
func (c *conn) writeHeld(p []byte) (int, error) {
	held := c.held
	defer heldBuffers.Put(held)
	c.held = nil
	if writeBuffer+len(p) > maxHeld {
		if _, err := c.TCPConn.Write(held[:writeBuffer]); err != nil {
			return 0, err
		}
		return c.TCPConn.Write(p)
	}
	n, err := c.TCPConn.Write(held[:writeBuffer+copy(held[writeBuffer:], p)])
	return max(0, n-writeBuffer), err
}

// ReadFrom is how net/http sends a file.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if c.held != nil {
		if _, err := c.writeHeld(nil); err != nil {
			return 0, err
		}
	}
	return c.TCPConn.ReadFrom(r)
}

// longer says that p begins an answer and that by its Content-Length not all of
// it is in p.
func longer(p []byte) bool {
	const start, length = "HTTP/1.1 2", "\r\nContent-Length: "
	head, body, ok := bytes.Cut(p, []byte("\r\n\r\n"))
	if !ok || !bytes.HasPrefix(head, []byte(start)) {
		return false
	}
	_, line, ok := bytes.Cut(head, []byte(length))
	line, _, _ = bytes.Cut(line, []byte("\r"))
	n, err := strconv.Atoi(string(line))
	return ok && err == nil && n > len(body)
}

// unreadable is the status of an answer that net/http gives before any handler
// is asked, or 0: those have these two headers and no other, while what comes
// through the mux has at least a request id.
func unreadable(p []byte) int {
	const start, headers = "HTTP/1.1 ", "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	if len(p) < len(start)+3 || p[len(start)] < '4' {
		return 0
	}
	line, rest, _ := bytes.Cut(p, []byte("\r\n"))
	if !bytes.HasPrefix(line, []byte(start)) || !bytes.HasPrefix(rest, []byte(headers)) {
		return 0
	}
	status, err := strconv.Atoi(string(p[len(start) : len(start)+3]))
	if err != nil || http.StatusText(status) == "" {
		return 0
	}
	return status
}

// refusal is a whole answer that closes the connection.
func refusal(status int) []byte {
	detail := "This is not a request of HTTP/1.1 as its standard writes it."
	switch status {
	case http.StatusRequestHeaderFieldsTooLarge:
		detail = fmt.Sprintf("The request's headers may have at most %d bytes.", headerBytes)
	case http.StatusNotImplemented:
		detail = "The only transfer encoding is chunked."
	case http.StatusHTTPVersionNotSupported:
		detail = "The versions of HTTP here are 1.0, 1.1 and, over TLS, 2."
	}
	p := httpx.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
	body, err := json.Marshal(p)
	if err != nil { // a Problem holds strings and numbers only
		body = []byte("{}")
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\nContent-Type: application/problem+json; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n\r\n%s\n",
		status, p.Title, len(body)+1, body)
}
