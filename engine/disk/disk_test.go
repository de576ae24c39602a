package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"warble"
	"warble/engine/disk"
	"warble/engine/enginetest"
)

func open(t *testing.T, opt disk.Options) (warble.Blobs, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "photos")
	b, err := disk.Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return b, dir
}

func TestContract(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) *warble.Stores {
		b, _ := open(t, disk.Options{Reserve: -1})
		return &warble.Stores{Blobs: b}
	}, enginetest.Options{Only: []string{"blobs"}})
}

const digits = "00112233445566778899aabbccddeeff"

func TestAFileLiesUnderTwoLevelsWithItsTypeInItsName(t *testing.T) {
	b, dir := open(t, disk.Options{Reserve: -1})
	for contentType, suffix := range map[string]string{"image/jpeg": "full.jpg", "image/png": "small.png"} {
		name := digits + "/" + strings.Split(suffix, ".")[0]
		if err := b.Put(t.Context(), name, contentType, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "00", "11", digits+"."+suffix)); err != nil {
			t.Fatal(err)
		}
		if err := b.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPutRefusesNamesAndTypesItDoesNotKnow(t *testing.T) {
	b, dir := open(t, disk.Options{Reserve: -1})
	for _, name := range []string{"", digits, digits + "/", digits + "/huge", "../" + digits + "/full", strings.ToUpper(digits) + "/full", digits[:31] + "/full", digits[:30] + "../full", digits + "/full/..", digits + "/full.jpg"} {
		if err := b.Put(t.Context(), name, "image/jpeg", []byte("x")); !errors.Is(err, warble.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
		if err := b.Delete(t.Context(), name); !errors.Is(err, warble.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := b.Put(t.Context(), digits+"/full", "text/html", []byte("x")); !errors.Is(err, warble.ErrInvalid) {
		t.Errorf("text/html: %v", err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(found) != 1 {
		t.Errorf("refused puts left %v, %v", found, err)
	}
}

func TestADiskNearlyFullRefusesPhotosAndStillServes(t *testing.T) {
	b, dir := open(t, disk.Options{Reserve: -1})
	if err := b.Put(t.Context(), digits+"/full", "image/jpeg", []byte("old")); err != nil {
		t.Fatal(err)
	}
	full, err := disk.Open(dir, disk.Options{Reserve: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	err = full.Put(t.Context(), digits+"/small", "image/jpeg", []byte("new"))
	if !errors.Is(err, warble.ErrUnavailable) || !strings.Contains(err.Error(), "disk full") {
		t.Fatalf("a put on a full disk: %v", err)
	}
	if _, err := full.Open(t.Context(), digits+"/small"); !errors.Is(err, warble.ErrNotFound) {
		t.Fatalf("a refused put left something: %v", err)
	}
	f, err := full.Open(t.Context(), digits+"/full")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenGivesUpUnfinishedFiles(t *testing.T) {
	_, dir := open(t, disk.Options{})
	left := filepath.Join(dir, "unfinished", "put-123")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(dir, disk.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the unfinished file is still there: %v", err)
	}
}
