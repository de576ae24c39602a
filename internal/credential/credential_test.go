package credential

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"encoding/pem"

	"warble"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refused checks that an error names what the operator wrote, and where.
func refused(t *testing.T, err error, param, path string) {
	t.Helper()
	e, ok := errors.AsType[*warble.Error](err)
	if !ok || !errors.Is(err, warble.ErrInvalid) || e.Param != param || e.Value != path {
		t.Errorf("got %v, want a refusal of %s %s", err, param, path)
	}
	if strings.Count(err.Error(), path) > 1 {
		t.Errorf("the path stands twice in %q", err)
	}
}

func TestASecretIsTheFileWithoutItsLineEnd(t *testing.T) {
	got, err := Secret("redis.password_file", write(t, "p", " a b \r\n"))
	if err != nil || got != " a b " {
		t.Errorf("got %q, %v", got, err)
	}
	missing := filepath.Join(t.TempDir(), "none")
	_, err = Secret("redis.password_file", missing)
	refused(t, err, "redis.password_file", missing)
	empty := write(t, "e", "\n")
	_, err = Secret("redis.password_file", empty)
	refused(t, err, "redis.password_file", empty)
}

func TestAServerOfTheNamedAuthorityIsBelieved(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	ca := write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})))
	conf, err := (&TLS{CAFile: ca}).Config("s3.tls")
	if err != nil {
		t.Fatal(err)
	}
	get := func(transport *http.Transport) error {
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get(srv.URL)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	if err := get(&http.Transport{TLSClientConfig: conf}); err != nil {
		t.Error(err)
	}
	if err := get(&http.Transport{}); err == nil {
		t.Error("a server of an authority nobody named is believed")
	}
}

func TestFilesThatAreNoCertificatesAreNamed(t *testing.T) {
	text := write(t, "text", "hello")
	_, err := (&TLS{CAFile: text}).Config("s3.tls")
	refused(t, err, "s3.tls.ca_file", text)
	_, err = (&TLS{CertFile: text, KeyFile: text}).Config("s3.tls")
	refused(t, err, "s3.tls.cert_file", text)
	if conf, err := (*TLS)(nil).Config("s3.tls"); conf != nil || err != nil {
		t.Errorf("no section gives %v, %v", conf, err)
	}
}
