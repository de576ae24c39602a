package warble

import (
	"os"
	"path/filepath"
	"testing"
)

// shared returns the path of a file of the material that all our repositories
// share, as "text/validate.yml". It stands beside the checkout. Without it the
// test is skipped, and says so; where CI=true it fails, because there a test
// that does not run is a mistake.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "shared", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("SHARED MATERIAL MISSING: %v", err)
		}
		t.Skipf("SKIPPED, NOTHING CHECKED: shared material is missing: %v", err)
	}
	return path
}
