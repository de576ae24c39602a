//go:build linux

package main

import "testing"

func TestRulesSendWritesToWritersAndStreamsToStreams(t *testing.T) {
	got := rules([]route{
		{"POST", "/2/tweets", "writer"},
		{"GET", "/2/tweets/{id}", "reader"},
		{"DELETE", "/2/tweets/{id}", "writer"},
		{"GET", "/2/tweets/sample/stream", "reader"},
		{"POST", "/login", "writer"},
		{"GET", "/{$}", "reader"},
	})
	want := `  acl writers_POST path_reg '^/2/tweets$'
  acl writers_POST path_reg '^/login$'
  use_backend writers if { method POST } writers_POST
  acl writers_DELETE path_reg '^/2/tweets/[^/]+$'
  use_backend writers if { method DELETE } writers_DELETE
  acl streams_GET path_reg '^/2/tweets/sample/stream$'
  use_backend streams if { method GET } streams_GET
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPathPatterns(t *testing.T) {
	for path, want := range map[string]string{
		"/{$}":                "^/$",
		"/style.css":          `^/style\.css$`,
		"/2/users/{id}/likes": "^/2/users/[^/]+/likes$",
		"/files/{rest...}":    "^/files/.*$",
	} {
		if got := pathPattern(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
