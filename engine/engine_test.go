package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"warble"
	"warble/engine"
	"warble/engine/enginetest"
)

// open opens the stores of a spec with a clock in the test's hand.
func open(t testing.TB, spec string, clock *enginetest.Clock) *warble.Stores {
	t.Helper()
	s, err := engine.Open(context.Background(), spec, engine.Options{Clock: clock.Now, CacheBytes: 32 << 20, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestDirFulfilsTheContract(t *testing.T) {
	clock := enginetest.NewClock()
	s := open(t, "dir:"+t.TempDir(), clock) // one store for all: what a test leaves behind is in the way of the next
	enginetest.Run(t, func(*testing.T) *warble.Stores { return s }, enginetest.Options{Clock: clock})
}

func TestOpenSaysInOneSentenceWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		"":                       "mem:",
		"mem":                    "dir:PATH",
		"mem:x":                  "dir:PATH",
		"dir:":                   "dir:PATH",
		"./warble-data":          "dir:PATH",
		"postgres://localhost":   "cluster:FILE",
		"cluster:cluster.toml":   "not in this build",
		"dir:" + file:            "directory",
		"dir:" + file + "/below": "",
	} {
		s, err := engine.Open(t.Context(), spec, engine.Options{})
		if err == nil {
			t.Errorf("%q opened", spec)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		if !errors.Is(err, warble.ErrInvalid) && !errors.Is(err, warble.ErrUnavailable) {
			t.Errorf("%q: %v is of no kind", spec, err)
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v does not say %q in a line", spec, err, want)
		}
	}
}

func TestADirectoryHasOneOwner(t *testing.T) {
	dir := t.TempDir()
	open(t, "dir:"+dir, enginetest.NewClock())
	if s, err := engine.Open(t.Context(), "dir:"+dir, engine.Options{}); err == nil {
		t.Error("a second owner opened the directory")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
