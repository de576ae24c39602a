package credential

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	if path != "" && strings.Count(err.Error(), path) > 1 {
		t.Errorf("the path stands twice in %q", err)
	}
}

func TestASecretIsReadWhereItIsSaidToBe(t *testing.T) {
	path := write(t, "p", " a b \r\n")
	got, err := Secret("file:p").In(filepath.Dir(path)).Read("redis.password")
	if err != nil || got != " a b " {
		t.Errorf("the file gives %q, %v", got, err)
	}
	t.Setenv("WARBLE_TEST_SECRET", "c")
	if got, err := Secret("env:WARBLE_TEST_SECRET").In("/elsewhere").Read("redis.password"); err != nil || got != "c" {
		t.Errorf("the environment gives %q, %v", got, err)
	}
	if got, err := Secret("").In("/elsewhere").Read("redis.password"); err != nil || got != "" {
		t.Errorf("none gives %q, %v", got, err)
	}
}

func TestASecretThatIsNotThereIsNamed(t *testing.T) {
	missing, empty := filepath.Join(t.TempDir(), "none"), write(t, "e", "\n")
	_, err := Secret("file:" + missing).Read("redis.password")
	refused(t, err, "redis.password", missing)
	_, err = Secret("file:" + empty).Read("redis.password")
	refused(t, err, "redis.password", "file:"+empty)
	_, err = Secret("env:WARBLE_TEST_NONE").Read("redis.password")
	refused(t, err, "redis.password", "env:WARBLE_TEST_NONE")
}

func TestASecretWrittenOutIsRefusedAndNotRepeated(t *testing.T) {
	for _, value := range []Secret{"hunter2", "file:", "hunter:2"} {
		_, err := value.Read("redis.password")
		refused(t, err, "redis.password", "")
		if strings.Contains(err.Error(), "hunter") {
			t.Errorf("the secret stands in %q", err)
		}
	}
}

func TestAServerOfTheNamedAuthorityIsBelieved(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
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
