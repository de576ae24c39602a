package s3

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"warble"
	"warble/internal/credential"
)

// config is a section for an endpoint, with a key of its own.
func config(t *testing.T, endpoint string) Config {
	t.Helper()
	t.Setenv("WARBLE_TEST_KEY", "key")
	return Config{Endpoint: endpoint, Bucket: "photos-here", AccessKey: "env:WARBLE_TEST_KEY", SecretKey: "env:WARBLE_TEST_KEY"}
}

const name = "00112233445566778899aabbccddeeff/full"

func TestAConfigurationThatCannotWorkNamesWhatIsWrong(t *testing.T) {
	for param, spoil := range map[string]func(*Config){
		"s3.endpoint":    func(c *Config) { c.Endpoint = "127.0.0.1:7070" },
		"s3.bucket":      func(c *Config) { c.Bucket = "Photos!" },
		"s3.public_url":  func(c *Config) { c.PublicURL = "img.example.org" },
		"s3.access_key":  func(c *Config) { c.AccessKey += "x" },
		"s3.secret_key":  func(c *Config) { c.SecretKey = "not-a-place" },
		"s3.tls":         func(c *Config) { c.TLS = &credential.TLS{} },
		"s3.tls.ca_file": func(c *Config) { c.Endpoint, c.TLS = "https://127.0.0.1:1", &credential.TLS{CAFile: "/none"} },
	} {
		c := config(t, "http://127.0.0.1:1")
		spoil(&c)
		_, err := Open(t.Context(), c, Options{})
		if e, ok := errors.AsType[*warble.Error](err); !ok || !errors.Is(err, warble.ErrInvalid) || e.Param != param {
			t.Errorf("%s: %v", param, err)
		}
	}
}

func TestAStoreThatIsNotThereIsUnavailable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := Open(t.Context(), config(t, "http://"+l.Addr().String()), Options{}); !errors.Is(err, warble.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
}

// A put is answered by its last try, and its error says whether any try may have been stored.
func TestAPutThatWasCutOffIsTriedAgainAndElseUnknown(t *testing.T) {
	var puts, fail atomic.Int32
	var last atomic.Int32 // status after the failures
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			return
		}
		io.Copy(io.Discard, r.Body)
		if puts.Add(1) <= fail.Load() {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(int(last.Load()))
	}))
	defer s.Close()
	e, err := Open(t.Context(), config(t, s.URL), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, c := range []struct {
		failures, status, puts int32
		want                   error
	}{
		{0, 200, 1, nil}, {1, 200, 2, nil}, {1, 412, 2, nil},
		{9, 200, mostTries, warble.ErrUnknown}, {1, 403, 2, warble.ErrUnknown},
		{0, 403, 1, warble.ErrUnavailable}, {0, 503, mostTries, warble.ErrUnavailable}, {0, 500, mostTries, warble.ErrUnknown},
	} {
		puts.Store(0)
		fail.Store(c.failures)
		last.Store(c.status)
		err := e.Put(t.Context(), name, "image/jpeg", []byte("x"))
		if !errors.Is(err, c.want) || puts.Load() != c.puts {
			t.Errorf("%d failures, then %d: %v after %d puts, want %v after %d", c.failures, c.status, err, puts.Load(), c.want, c.puts)
		}
	}
}

func TestPutAndDeleteRefuseNamesAndTypesTheyDoNotKnow(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	e, err := Open(t.Context(), config(t, s.URL), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, bad := range []string{"", "x/full", name + ".jpg", "../" + name, name[:32] + "/huge"} {
		if err := e.Put(t.Context(), bad, "image/jpeg", []byte("x")); !errors.Is(err, warble.ErrInvalid) {
			t.Errorf("put %q: %v", bad, err)
		}
		if err := e.Delete(t.Context(), bad); !errors.Is(err, warble.ErrInvalid) {
			t.Errorf("delete %q: %v", bad, err)
		}
	}
	if err := e.Put(t.Context(), name, "text/html", []byte("x")); !errors.Is(err, warble.ErrInvalid) {
		t.Errorf("text/html: %v", err)
	}
	if got := e.URL(name); got != "" {
		t.Errorf("without a public URL there is %s", got)
	}
}
