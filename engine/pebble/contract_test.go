package pebble

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
	"warble/engine/enginetest"
)

// TestContract runs the suite in a directory in memory: this engine's own tests
// have what depends on the disk.
func TestContract(t *testing.T) {
	clock := enginetest.NewClock()
	enginetest.Run(t, func(t *testing.T) *warble.Stores {
		return openTest(t, vfs.NewMem(), Options{Clock: clock.Now}).Stores()
	}, enginetest.Options{Clock: clock, Except: map[string]string{
		"index": "engine/search fulfils it",
		"blobs": "engine/disk fulfils it",
	}})
}

// openTest opens an engine at /data of fs, closed when the test ends.
func openTest(t testing.TB, fs vfs.FS, opt Options) *Engine {
	t.Helper()
	opt.FS = fs
	e, err := Open("/data", opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}
