package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"warble"
	"warble/engine"
)

// TestAClusterFileThatCannotWorkIsRefused before anything is connected to, in one line that names what is wrong.
func TestAClusterFileThatCannotWorkIsRefused(t *testing.T) {
	hosts := "cassandra: {hosts: [127.0.0.1:1]"
	for text, want := range map[string]string{
		"":                                   "is empty",
		"cassandra: [":                       "cannot be read",
		"casandra: {}":                       "no such key as casandra",
		"redis: {hots: [127.0.0.1:1]}":       "no such key as hots",
		"{}\n---\n{}":                        "more than one document",
		"redis: {hosts: [127.0.0.1:1]}":      "cassandra.hosts",
		hosts + ", replication: 1}":          "fewer than 3 copies",
		hosts + ", password: hunter2}":       "a secret is not written here",
		hosts + ", password: file:nowhere}":  "nowhere",
		hosts + ", tls: {ca_file: nowhere}}": "nowhere",
	} {
		path := filepath.Join(t.TempDir(), "cluster.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := engine.Open(t.Context(), "cluster:"+path, engine.Options{})
		if !errors.Is(err, warble.ErrInvalid) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v, want a line about %q", text, err, want)
		}
	}
}
