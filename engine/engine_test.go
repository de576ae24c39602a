package engine_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"warble"
	"warble/engine"
	"warble/engine/enginetest"
)

// open opens the stores of a spec with a clock, nil for the machine's.
func open(t testing.TB, spec string, clock func() time.Time) *warble.Stores {
	t.Helper()
	s, err := engine.Open(context.Background(), spec, engine.Options{Clock: clock, CacheBytes: 32 << 20, MinFree: -1})
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
	s := open(t, "dir:"+t.TempDir(), clock.Now) // one store for all: what a test leaves behind is in the way of the next
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
		"postgres://localhost":   "dir:PATH",
		"cluster:cluster.yaml":   "the cluster file cannot be read",
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
	open(t, "dir:"+dir, nil)
	if s, err := engine.Open(t.Context(), "dir:"+dir, engine.Options{}); err == nil {
		t.Error("a second owner opened the directory")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRandomOperationsReadTheSame holds a directory to the answers of the memory engine.
func TestRandomOperationsReadTheSame(t *testing.T) {
	for _, seed := range []uint64{
		7730148868760672312, // asks for words by nested negations
		rand.Uint64(), rand.Uint64(),
	} {
		clock := enginetest.NewClock()
		enginetest.Compare(t, seed, 400, clock,
			enginetest.Engine{Name: "mem", Stores: open(t, "mem:", clock.Now)},
			enginetest.Engine{Name: "dir", Stores: open(t, "dir:"+t.TempDir(), clock.Now)},
		)
	}
}

// TestRandomLivesReadTheSame does so for the roles: what people do through Writer, read through Reader.
func TestRandomLivesReadTheSame(t *testing.T) {
	enginetest.CompareRoles(t, rand.Uint64(), 300,
		enginetest.Engine{Name: "mem", Stores: open(t, "mem:", nil)},
		enginetest.Engine{Name: "dir", Stores: open(t, "dir:"+t.TempDir(), nil)},
	)
}

// TestBrokenWritesLeaveEveryInvariant breaks the two writes of truth in both ways, and derived stores, beneath the roles.
func TestBrokenWritesLeaveEveryInvariant(t *testing.T) {
	plan := enginetest.Plan{Seed: rand.Uint64(), Refused: 0.05, Lost: 0.05, Derived: 0.01}
	for _, spec := range []string{"mem:", "dir:" + t.TempDir()} {
		enginetest.BreakRoles(t, plan, 300, enginetest.Engine{Name: spec, Stores: open(t, spec, nil)})
	}
}
