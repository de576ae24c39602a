package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// conn is an HTTP/1.1 connection that costs the client little: a request is
// bytes that were made before, and of an answer only what is needed is read.
type conn struct {
	net.Conn
	r    *bufio.Reader
	body []byte
}

func dial(ctx context.Context, addr string) (*conn, error) {
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, 64<<10)}, nil
}

// get and post make requests. An empty token is left out.
func get(path, token string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", path, bearer(token))
}

func post(path, token, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, bearer(token), len(body), body)
}

func bearer(token string) string {
	if token == "" {
		return ""
	}
	return "Authorization: Bearer " + token + "\r\n"
}

// requestTime is how long one request may take.
const requestTime = 30 * time.Second

// do sends a request and returns the answer's status and body. The body is
// valid until the next do.
func (c *conn) do(request []byte) (status int, body []byte, err error) {
	if err := c.SetDeadline(time.Now().Add(requestTime)); err != nil {
		return 0, nil, err
	}
	if _, err := c.Write(request); err != nil {
		return 0, nil, err
	}
	l, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(l) < 12 || !bytes.HasPrefix(l, []byte("HTTP/1.1 ")) {
		return 0, nil, fmt.Errorf("this is no HTTP answer: %q", l)
	}
	if status, err = strconv.Atoi(string(l[9:12])); err != nil {
		return 0, nil, err
	}
	length, chunked, err := c.headers()
	if err != nil {
		return 0, nil, err
	}
	c.body = c.body[:0]
	if chunked {
		return status, c.body, c.chunks()
	}
	err = c.read(length)
	return status, c.body, err
}

// headers reads up to the body and says how long it is.
func (c *conn) headers() (length int, chunked bool, err error) {
	for {
		l, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		l = bytes.TrimRight(l, "\r\n")
		if len(l) == 0 {
			return length, chunked, nil
		}
		name, value, _ := bytes.Cut(l, []byte(": "))
		switch {
		case len(name) == 14 && bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, err
			}
		case len(name) == 17 && bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.Equal(value, []byte("chunked"))
		}
	}
}

func (c *conn) read(n int) error {
	at := len(c.body)
	c.body = slices.Grow(c.body, n)[:at+n]
	_, err := io.ReadFull(c.r, c.body[at:])
	return err
}

func (c *conn) chunks() error {
	for {
		l, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(bytes.TrimRight(l, "\r\n")), 16, 31)
		if err != nil {
			return err
		}
		if err := c.read(int(n)); err != nil {
			return err
		}
		if _, err := c.r.Discard(2); err != nil || n == 0 {
			return err
		}
	}
}

// tally is what a load came to.
type tally struct {
	n     int
	took  time.Duration
	times []time.Duration // of all requests, sorted
}

func (t *tally) rate() float64 { return float64(t.n) / t.took.Seconds() }

// quantile of the requests' times, in milliseconds.
func (t *tally) quantile(q float64) float64 { return quantile(t.times, q) }

func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]) / float64(time.Millisecond)
}

// median of some figures.
func median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	if len(s) == 0 {
		return 0
	}
	if len(s)%2 == 0 {
		return (s[len(s)/2-1] + s[len(s)/2]) / 2
	}
	return s[len(s)/2]
}

// connections is the number of connections, and in process of goroutines.
const connections = 64

// pound sends requests over all connections, each as soon as the one before is
// answered, for a time; or, with d zero, n in all.
func pound(ctx context.Context, addr string, d time.Duration, n int, request func(worker, i int) []byte) (*tally, error) {
	conns := make([]*conn, connections)
	for i := range conns {
		c, err := dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		conns[i] = c
	}
	return closedLoop(ctx, connections, d, n, func(worker, i int) error {
		status, body, err := conns[worker].do(request(worker, i))
		if err == nil && (status < 200 || status > 299) {
			err = fmt.Errorf("the server answered %d: %s", status, body[:min(len(body), 300)])
		}
		return err
	})
}

// closedLoop has workers do something again and again for a time, or n times in all.
func closedLoop(ctx context.Context, workers int, d time.Duration, n int, do func(worker, i int) error) (*tally, error) {
	type part struct {
		times []time.Duration
		err   error
	}
	parts := make([]part, workers)
	start := time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			p := &parts[w]
			for i := w; (d == 0 || time.Since(start) < d) && (n == 0 || i < n) && ctx.Err() == nil; i += workers {
				began := time.Now()
				if p.err = do(w, i); p.err != nil {
					return
				}
				p.times = append(p.times, time.Since(began))
			}
		})
	}
	wg.Wait()
	t := &tally{took: time.Since(start)}
	var err error
	for i := range parts {
		t.times = append(t.times, parts[i].times...)
		if parts[i].err != nil && err == nil {
			err = parts[i].err
		}
	}
	slices.Sort(t.times)
	t.n = len(t.times)
	return t, errors.Join(err, ctx.Err())
}
