package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// crowd opens n connections, each of which has made a request and waits.
func (c *child) crowd(n int) []net.Conn {
	c.t.Helper()
	conns := make([]net.Conn, n)
	errs := make([]error, n)
	gate := make(chan struct{}, 256)
	var group sync.WaitGroup
	for i := range n {
		gate <- struct{}{}
		group.Go(func() {
			defer func() { <-gate }()
			conns[i], errs[i] = c.guest()
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			c.t.Fatal(err)
		}
	}
	return conns
}

// guest is a connection that was served once and is kept.
func (c *child) guest() (net.Conn, error) {
	conn, err := net.Dial("tcp", c.Addr)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return conn, err
	}
	if _, err := io.WriteString(conn, "GET /2/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+c.Token+"\r\n\r\n"); err != nil {
		return conn, err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 1024), nil)
	if err != nil {
		return conn, err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return conn, err
	}
	if resp.StatusCode != http.StatusOK {
		return conn, fmt.Errorf("a guest got %s", resp.Status)
	}
	return conn, nil
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

func TestTenThousandIdleConnectionsCostLittle(t *testing.T) {
	wanted := 10_000
	if most := openFiles() - 500; most < wanted { // Go has raised the limit to what is allowed
		wanted = min(most, openFiles()-min(storeFiles, openFiles()/2))
		t.Logf("ONLY %d CONNECTIONS: this process may have %d files open; raise ulimit -n to test 10,000", wanted, openFiles())
	}
	c := newChild(t, childSpec{Header: 30_000, Body: 30_000, Answer: 30_000, Connections: wanted + 100})
	closeAll(c.crowd(64)) // warm
	before, residentBefore := c.memory()
	begun := time.Now()
	guests := c.crowd(wanted)
	if open := c.metric("warble_http_connections"); int(open) < wanted {
		t.Errorf("%v connections are open", open)
	}
	took := time.Since(begun)
	used, resident := c.memory()
	each := (used - before) / float64(wanted)
	t.Logf("%d idle connections in %v: %.0f bytes each in heap and stacks; resident %.0f → %.0f MB", wanted, took, each, residentBefore/1e6, resident/1e6)
	const most = 32 << 10
	if each > most || !raced && (resident-residentBefore)/float64(wanted) > 2*most {
		t.Errorf("a connection costs %.0f bytes of heap and stacks and %.0f resident, want at most %d and %d", each, (resident-residentBefore)/float64(wanted), most, 2*most)
	}
	c.works()
	closeAll(guests)
	c.settles(before)
}

func TestAFullServerClosesIdleConnectionsForNewOnes(t *testing.T) {
	c := newChild(t, childSpec{Header: 500, Body: 5000, Answer: 5000, Connections: 50})
	guests := c.crowd(200) // four times as many as there may be, one after another closed for the next
	defer closeAll(guests)
	if open, most := c.metric("warble_http_connections"), c.metric("warble_http_connections_max"); open > most || most != 50 {
		t.Errorf("%v connections are open of %v", open, most)
	}
	c.works()
	// Those that speak slowly are not idle: who comes then waits until they are cut off.
	var slow []net.Conn
	for range 100 {
		conn := c.dial()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nX: "); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	defer closeAll(slow)
	c.works()
	until(t, "there is room again", func() bool { return c.metric("warble_http_connections") < 25 })
	c.works() // keeps its connection again
	first, err := c.guest()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := io.WriteString(first, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(first), nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("a connection is not kept though there is room: %v %v", resp, err)
	}
}

func TestTheBoundOfConnectionsLeavesFilesForTheStore(t *testing.T) {
	for _, c := range []struct{ want, files, most int }{
		{0, 1 << 20, 16 << 10}, {0, 20000, 20000 - 4096}, {0, 1024, 512}, {100, 1024, 100}, {5000, 1024, 512}, {1, 1 << 20, 1}, {0, 1, 1},
	} {
		if got := connections(c.want, c.files); got != c.most {
			t.Errorf("connections(%d, %d) = %d, want %d", c.want, c.files, got, c.most)
		}
	}
	if openFiles() < 16 {
		t.Errorf("this process may open %d files, it says", openFiles())
	}
}
