package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"warble"
	"warble/internal/httpx"
	"warble/role/write"
)

// serving starts a server and stops it at the end of the test.
func serving(t *testing.T, cfg Config) *Server {
	t.Helper()
	srv := started(t, cfg)
	t.Cleanup(func() {
		if err := srv.Stop(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func started(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.Target, cfg.Quiet, cfg.Dev = "all", true, true
	if cfg.Data == "" {
		cfg.Data = "mem:"
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	srv, err := Start(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

// account makes a person and a token.
func account(t *testing.T, app *App, handle string) (warble.UserID, string) {
	t.Helper()
	u, err := app.Writer.Register(t.Context(), write.Registration{Handle: handle, Name: handle, Email: handle + "@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := app.Auth.IssueToken(t.Context(), u.ID, httpx.AllScopes, "test")
	if err != nil {
		t.Fatal(err)
	}
	return u.ID, token
}

// call makes a request and returns status and body.
func call(t *testing.T, c *http.Client, method, url, token, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(data)
}

// until waits for a condition, for at most ten seconds.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("after 10 s not yet: %s", what)
		case <-tick.C:
		}
	}
}

// certificate writes a certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, data := range map[string][]byte{certFile: pair, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(pair)
	return certFile, keyFile, pool
}

func TestTLSServesBothVersionsOfHTTP(t *testing.T) {
	certFile, keyFile, pool := certificate(t)
	srv := serving(t, Config{TLSCert: certFile, TLSKey: keyFile})
	if !strings.HasPrefix(srv.URL, "https://127.0.0.1:") {
		t.Errorf("the address is %s", srv.URL)
	}
	for major, two := range map[int]bool{1: false, 2: true} {
		tr := &http.Transport{ForceAttemptHTTP2: two, TLSClientConfig: &tls.Config{RootCAs: pool}}
		resp, body := call(t, &http.Client{Transport: tr}, "GET", srv.URL+"/2/users/me", "", "")
		if resp.StatusCode != 401 || resp.ProtoMajor != major || resp.Header.Get("Strict-Transport-Security") == "" || !json.Valid([]byte(body)) {
			t.Errorf("HTTP/%d: %s %d %v %s", major, resp.Proto, resp.StatusCode, resp.Header, body)
		}
		tr.CloseIdleConnections()
	}
	old := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}}
	if resp, err := (&http.Client{Transport: old}).Get(srv.URL + "/healthz"); err == nil {
		resp.Body.Close()
		t.Error("TLS 1.1 was taken")
	}
	resp, _ := call(t, http.DefaultClient, "GET", strings.Replace(srv.URL, "https:", "http:", 1)+"/healthz", "", "")
	if resp.StatusCode != 400 {
		t.Errorf("plain HTTP on the TLS port: %d", resp.StatusCode)
	}
}

func TestWhileItStartsTheServerLivesAndIsNotReady(t *testing.T) {
	s := &Server{cfg: Config{Listen: "127.0.0.1:0", Quiet: true}, bounds: defaultBounds(), drain: make(chan struct{}), failed: make(chan error, 1)}
	if err := s.listenPublic(); err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/2/users/me": 503, "/": 503} {
		resp, body := call(t, http.DefaultClient, "GET", s.URL+path, "", "")
		if resp.StatusCode != want {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
		if path == "/2/users/me" && (resp.Header.Get("Retry-After") == "" || !strings.Contains(body, `"status":503`)) {
			t.Errorf("%v %s", resp.Header, body)
		}
	}
}

func TestADrainingServerGoesOnAndSaysItIsNotReady(t *testing.T) {
	srv := started(t, Config{Drain: time.Second})
	if resp, body := call(t, http.DefaultClient, "GET", srv.URL+"/readyz", "", ""); resp.StatusCode != 200 || !strings.HasPrefix(body, "ready\n") {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Stop() }()
	until(t, "not ready", func() bool {
		resp, _ := call(t, http.DefaultClient, "GET", srv.URL+"/readyz", "", "")
		return resp.StatusCode == 503
	})
	for path, want := range map[string]int{"/healthz": 200, "/2/users/me": 401} {
		if resp, body := call(t, http.DefaultClient, "GET", srv.URL+path, "", ""); resp.StatusCode != want {
			t.Errorf("%s while draining: %d %s", path, resp.StatusCode, body)
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", strings.TrimPrefix(srv.URL, "http://")); err == nil {
		c.Close()
		t.Error("it listens after it stopped")
	}
}

func TestStopFinishesARequestAndEndsAStream(t *testing.T) {
	srv := started(t, Config{})
	_, token := account(t, srv.App, "ann")
	req, _ := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/2/tweets/sample/stream", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	stream, err := http.DefaultClient.Do(req)
	if err != nil || stream.StatusCode != 200 {
		t.Fatal(stream, err)
	}
	defer stream.Body.Close()

	addr := strings.TrimPrefix(srv.URL, "http://")
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const body = `{"text":"the last word"}`
	fmt.Fprintf(c, "POST /2/tweets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", token, len(body))
	begun := make([]byte, 25) // HTTP/1.1 100 Continue, so the handler reads
	if _, err := io.ReadFull(c, begun); err != nil || !bytes.Contains(begun, []byte("100")) {
		t.Fatalf("%q %v", begun, err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Stop() }()
	if rest, err := io.ReadAll(stream.Body); err != nil {
		t.Errorf("the stream was cut: %q %v", rest, err)
	}
	until(t, "no new connections", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if _, err := io.WriteString(c, body); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 201 ")) {
		t.Errorf("%q %v", answer, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestARestartKeepsEverything(t *testing.T) {
	dir := "dir:" + filepath.Join(t.TempDir(), "store")
	srv := started(t, Config{Data: dir})
	ann, annToken := account(t, srv.App, "ann")
	bob, bobToken := account(t, srv.App, "bob")
	var posted struct{ Data struct{ ID string } }
	_, body := call(t, http.DefaultClient, "POST", srv.URL+"/2/tweets", annToken, `{"text":"a boat at sea"}`)
	if err := json.Unmarshal([]byte(body), &posted); err != nil || posted.Data.ID == "" {
		t.Fatal(body, err)
	}
	for path, body := range map[string]string{
		"/2/users/" + bob.String() + "/following": `{"target_user_id":"` + ann.String() + `"}`,
		"/2/users/" + bob.String() + "/likes":     `{"tweet_id":"` + posted.Data.ID + `"}`,
	} {
		if resp, text := call(t, http.DefaultClient, "POST", srv.URL+path, bobToken, body); resp.StatusCode != 200 {
			t.Fatalf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	if err := srv.App.Settled(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	look := func(srv *Server) (all []string) {
		for _, path := range []string{
			"/2/tweets/" + posted.Data.ID + "?tweet.fields=created_at,public_metrics", "/2/users/me?user.fields=public_metrics,created_at",
			"/2/users/" + bob.String() + "/timelines/reverse_chronological", "/2/users/" + ann.String() + "/followers",
			"/2/users/" + bob.String() + "/liked_tweets", "/2/tweets/search/recent?query=boat",
		} {
			resp, body := call(t, http.DefaultClient, "GET", srv.URL+path, bobToken, "")
			if resp.StatusCode != 200 || !strings.Contains(body, `"id"`) {
				t.Errorf("%s: %d %s", path, resp.StatusCode, body)
			}
			all = append(all, body)
		}
		return all
	}
	before := look(srv)
	if err := srv.Stop(); err != nil {
		t.Fatal(err)
	}
	if after := look(serving(t, Config{Data: dir})); !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

var metricName = regexp.MustCompile(`(?m)^# TYPE (warble_\w+) `)

func TestMetricsAreWhereOperatorsLookAndInTheirManual(t *testing.T) {
	srv := serving(t, Config{Private: "127.0.0.1:0", Data: "dir:" + t.TempDir()})
	_, token := account(t, srv.App, "ann")
	for _, path := range []string{"/2/users/me", "/nothing/at/all"} {
		call(t, http.DefaultClient, "GET", srv.URL+path, token, "")
	}
	call(t, http.DefaultClient, "POST", srv.URL+"/2/tweets", token, `{"text":"hello"}`)
	if err := srv.App.Settled(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	_, text := call(t, http.DefaultClient, "GET", srv.PrivateURL+"/metrics", "", "")
	for _, want := range []string{
		`warble_http_answers_total{role="reader",route="GET /2/users/me",status="2xx"} 1`,
		`warble_http_answers_total{role="",route="none",status="4xx"} 1`,
		`warble_http_request_seconds_count{role="writer",route="POST /2/tweets"} 1`,
		`warble_store_seconds_count{method="Apply",store="commit"}`,
		`warble_ready 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, firstLines(text, "warble_http_answers_total", "warble_ready"))
		}
	}
	manual, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, m := range metricName.FindAllStringSubmatch(text, -1) {
		shown[m[1]] = true
		if !strings.Contains(string(manual), m[1]) {
			t.Errorf("docs/operations.md does not say what %s is", m[1])
		}
	}
	for _, name := range regexp.MustCompile(`\bwarble_\w+`).FindAllString(string(manual), -1) {
		if base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, ""); !shown[name] && !shown[base] {
			t.Errorf("docs/operations.md speaks of %s, which there is not", name)
		}
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline"} {
		if resp, _ := call(t, http.DefaultClient, "GET", srv.URL+path, token, ""); resp.StatusCode != 404 {
			t.Errorf("%s answers %d in public", path, resp.StatusCode)
		}
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap"} {
		if resp, _ := call(t, http.DefaultClient, "GET", srv.PrivateURL+path, "", ""); resp.StatusCode != 200 {
			t.Errorf("%s answers %d in private", path, resp.StatusCode)
		}
	}
}

// firstLines are a few lines of a text that contain one of the words.
func firstLines(text string, words ...string) string {
	var out []string
	for line := range strings.Lines(text) {
		if len(out) < 40 && slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(line, w) }) && !strings.Contains(line, " 0\n") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}
