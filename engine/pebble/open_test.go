package pebble

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestASecondOwnerIsRefusedWithASentence(t *testing.T) {
	for name, fs := range map[string]vfs.FS{"memory": vfs.NewMem(), "disk": vfs.Default} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data")
			first, err := Open(path, Options{FS: fs})
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(path, Options{FS: fs})
			if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
				t.Fatalf("a second Open gives %v", err)
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := Open(path, Options{FS: fs})
			if err != nil {
				t.Fatalf("after Close: %v", err)
			}
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestADirectoryThatCannotBeMadeIsNotCalledLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{path, filepath.Join(path, "below")} {
		if _, err := Open(at, Options{}); err == nil || errors.Is(err, ErrLocked) {
			t.Errorf("Open(%s) gives %v", at, err)
		}
	}
}

func TestAnUnknownFormatIsRefusedAndNothingIsTouched(t *testing.T) {
	for text, says := range map[string]string{
		"2\n": "newer", "0\n": "older", "": "damaged", "one\n": "damaged",
	} {
		fs := vfs.NewMem()
		e := openTest(t, fs, Options{})
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := fs.Create("/data/FORMAT", vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open("/data", Options{FS: fs}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), says) {
			t.Errorf("format %q: %v", text, err)
		}
		if lock, err := fs.Lock("/data/LOCK"); err != nil {
			t.Errorf("format %q: the lock was not given back: %v", text, err)
		} else if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
}
