package enginetest

import (
	"os"
	"path/filepath"
	"testing"

	"gopkg.in/yaml.v3"
)

// Section decodes an engine's section of the cluster file that the environment names in WARBLE_CLUSTER. It returns the
// file's directory, from which relative names are taken. Without such a file the test fails.
func Section(t testing.TB, name string, into any) (dir string) {
	t.Helper()
	path := os.Getenv("WARBLE_CLUSTER")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("WARBLE_CLUSTER must name the cluster file of a running cluster, as `make cluster` prints it: %v", err)
	}
	var sections map[string]yaml.Node
	if err := yaml.Unmarshal(text, &sections); err != nil {
		t.Fatal(err)
	}
	section, ok := sections[name]
	if !ok {
		t.Fatalf("%s has no section %s", path, name)
	}
	if err := section.Decode(into); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}
