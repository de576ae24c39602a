package opensearch

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"warble"
	"warble/internal/credential"
)

// secureNode answers as an empty cluster would to who signs in rightly, over TLS. The configuration believes it.
func secureNode(t *testing.T, password string) Config {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch name, given, _ := r.BasicAuth(); {
		case name != "ann" || given != password:
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/_search"):
			fmt.Fprint(w, `{"hits":{"hits":[{"sort":[7]}]}}`)
		default:
			fmt.Fprint(w, `{}`)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	secret := filepath.Join(dir, "password")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := errors.Join(os.WriteFile(ca, cert, 0o600), os.WriteFile(secret, []byte("hunter2\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return Config{Hosts: []string{s.URL}, Username: "ann", Password: credential.Secret("file:" + secret), TLS: &credential.TLS{CAFile: ca}}
}

func TestANodeIsBelievedByItsAuthorityAndGetsThePassword(t *testing.T) {
	e, err := Open(t.Context(), secureNode(t, "hunter2"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if got, err := e.Search(t.Context(), &warble.Query{Op: warble.QueryAll}, warble.Page{Limit: 1}); err != nil || len(got) != 1 || got[0] != 7 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAWrongPasswordIsRefusedAtTheStartInASentence(t *testing.T) {
	_, err := Open(t.Context(), secureNode(t, "another"), Options{})
	if e, ok := errors.AsType[*warble.Error](err); !ok || !errors.Is(err, warble.ErrInvalid) || e.Param != "opensearch.username" || errors.Is(err, warble.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestANodeThatNobodyVouchesForIsNotTalkedTo(t *testing.T) {
	c := secureNode(t, "hunter2")
	c.TLS = nil
	if _, err := Open(t.Context(), c, Options{}); !errors.Is(err, warble.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// A call that was cut off may have been done, one that never left was not.
func TestOnlyAPutThatMayHaveArrivedIsUnknown(t *testing.T) {
	cut := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cut && r.URL.Path == "/_bulk" {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, `{}`)
	}))
	defer s.Close()
	e, err := Open(t.Context(), Config{Hosts: []string{s.URL}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	add := func() error {
		return e.Add(t.Context(), []warble.IndexDoc{{Tweet: &warble.Tweet{ID: 1, Author: 1, Version: 1, Text: "x"}}})
	}
	if err := add(); err != nil {
		t.Fatal(err)
	}
	cut = true
	if err := add(); !errors.Is(err, warble.ErrUnknown) {
		t.Errorf("cut off: %v", err)
	}
	s.Close()
	if err := add(); !errors.Is(err, warble.ErrUnavailable) || errors.Is(err, warble.ErrUnknown) {
		t.Errorf("nobody there: %v", err)
	}
}
