package twitter

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryRouteOfTheAPIIsDescribed(t *testing.T) {
	w := newWorld(t)
	doc := w.get("/2/openapi.json").want(200)
	seen := map[string]bool{}
	for _, r := range append(Routes(Deps{}), w.auth.Routes()...) {
		method := strings.ToLower(r.Method)
		op, ok := doc.at("paths", r.Pattern, method).(map[string]any)
		if !ok {
			t.Errorf("%s is not described", r.Name())
			continue
		}
		id := doc.str("paths", r.Pattern, method, "operationId")
		if seen[id] {
			t.Errorf("%s: another route has the id %s", r.Name(), id)
		}
		seen[id] = true
		if params, _ := op["parameters"].([]any); len(params) != strings.Count(r.Pattern, "{") {
			t.Errorf("%s has parameters %v", r.Name(), params)
		}
	}
	ways := func(path ...any) (names []string) {
		for _, way := range doc.list(append(path, "security")...) {
			for name := range way.(map[string]any) {
				names = append(names, name)
			}
			if len(way.(map[string]any)) == 0 {
				names = append(names, "nobody")
			}
		}
		return names
	}
	if got := ways("paths", "/2/tweets", "get"); !slices.Equal(got, []string{"nobody", "OAuth2", "BearerToken"}) {
		t.Errorf("reading tweets needs one of %q", got)
	}
	if got := ways("paths", "/2/tweets", "post"); !slices.Equal(got, []string{"OAuth2", "BearerToken"}) {
		t.Errorf("posting needs one of %q", got)
	}
	if got := doc.str("paths", "/2/tweets", "post", "security", 0, "OAuth2", 0); got != "tweet.write" {
		t.Errorf("posting needs the scope %q", got)
	}
}
