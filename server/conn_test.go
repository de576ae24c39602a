package server

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestAnAnswerOfAnyLengthArrivesWhole(t *testing.T) {
	t.Parallel()
	tcp, err := listen("127.0.0.1:0", "--listen")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte("0123456789abcdef"), 8<<10)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	hs := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		switch r.URL.Path {
		case "/file":
			f, err := os.Open(file)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			w.Header().Set("Content-Length", strconv.Itoa(n))
			_, _ = io.Copy(w, io.LimitReader(f, int64(n)))
		case "/parts":
			w.Header().Set("Content-Length", strconv.Itoa(n))
			for rest := content[:n]; len(rest) > 0; {
				part := rest[:min(len(rest), 1000)]
				_, _ = w.Write(part)
				rest = rest[len(part):]
			}
		default:
			w.Header().Set("Content-Length", strconv.Itoa(n))
			_, _ = w.Write(content[:n])
		}
	})}
	go hs.Serve(newLimited(tcp, 10)) //nolint:errcheck // ends with the test
	t.Cleanup(func() { _ = hs.Close() })
	sizes := []int{0, 1, 5000, 9059, 12 << 10, 16 << 10, 20000, len(content)}
	for n := writeBuffer - 300; n <= writeBuffer+300; n += 7 {
		sizes = append(sizes, n)
	}
	for n := writeBuffer - 130; n <= writeBuffer-60; n++ { // one of them fills the buffer to its last byte
		sizes = append(sizes, n)
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	for _, path := range []string{"/", "/parts", "/file"} {
		for _, n := range sizes {
			res, err := client.Get("http://" + tcp.Addr().String() + path + "?n=" + strconv.Itoa(n))
			if err != nil {
				t.Fatalf("%s of %d bytes: %v", path, n, err)
			}
			got, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || !bytes.Equal(got, content[:n]) {
				t.Fatalf("%s of %d bytes: %d bytes, %v", path, n, len(got), err)
			}
		}
	}
}

func TestOnlyAnAnswerKnownToGoOnIsHeldBack(t *testing.T) {
	t.Parallel()
	head := func(length string) []byte {
		return append([]byte("HTTP/1.1 200 OK\r\nDate: today\r\n"+length+"\r\n\r\n"), make([]byte, 100)...)
	}
	for _, c := range []struct {
		head []byte
		want bool
	}{
		{head("Content-Length: 101"), true},
		{head("Content-Length: 100"), false},
		{head("Content-Length: many"), false},
		{head("Transfer-Encoding: chunked"), false},
		{[]byte("HTTP/1.1 200 OK\r\nContent-Length: 101"), false},
		{make([]byte, 10), false},
	} {
		if got := longer(c.head); got != c.want {
			t.Errorf("longer(%q) = %v", c.head, got)
		}
	}
}
