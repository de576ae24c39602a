package pebble

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
)

// disk says whether writing is safe. Pebble treats a failed write of its log as
// the end of the process, so the store must not run into one:
//
//   - below MinFree bytes of free space no write begins;
//   - a write that meets a full disk all the same waits there until there is
//     space (what was asked for is neither acknowledged nor lost);
//   - a log that cannot be written or synced for another reason closes the
//     store for writes: after a failed sync nobody knows what is on the disk;
//   - where Pebble itself cannot go on (its list of files cannot be written)
//     the store is dead: nothing may be asked of it any more, not even to close.
//
// After either failure consumers of the log end with the reason, which is how
// the server hears of it and stops; opening the store again is safe.
type disk struct {
	note    *slog.Logger
	fs      vfs.FS
	path    string
	minFree int64

	low     atomic.Bool  // less than minFree is left
	waiting atomic.Int32 // writes that met a full disk and wait
	failed  atomic.Pointer[error]
	failing chan struct{} // closed with failed
	dead    atomic.Bool
	closing chan struct{}
	// applying is held for reading while a batch enters the log, and taken once
	// when the log fails, so that the failure finds no batch half-way in.
	applying sync.RWMutex
}

// look measures the free space.
func (d *disk) look() {
	if d.minFree < 0 {
		return
	}
	if usage, err := d.fs.GetDiskUsage(d.path); err == nil {
		d.low.Store(usage.AvailBytes < uint64(d.minFree))
	}
}

// whatToDo is for operators: the line in the log and the server's last words.
const whatToDo = "the disk failed, so the server stops; nothing acknowledged is lost: see to the disk, then start the server again"

// working fails when the disk has failed.
func (d *disk) working() error {
	if failed := d.failed.Load(); failed != nil {
		return &warble.Error{Kind: warble.ErrUnavailable, Detail: whatToDo, Err: *failed}
	}
	return nil
}

// writable refuses a write that could not be stored.
func (d *disk) writable() error {
	if failed := d.failed.Load(); failed != nil {
		return &warble.Error{Kind: warble.ErrUnavailable, Detail: "the disk failed; nothing can be stored until the server is started again", Err: *failed}
	}
	if d.low.Load() || d.waiting.Load() > 0 {
		return warble.Fail(warble.ErrUnavailable, "the disk is full; nothing can be stored until there is space")
	}
	return nil
}

// fail closes the store for writes. It returns when no batch is half-way into
// the log, or after a second, where a batch is held up by this very failure.
func (d *disk) fail(err error) {
	if !d.failed.CompareAndSwap(nil, &err) {
		return
	}
	d.note.Error(whatToDo, "error", err)
	close(d.failing)
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if d.applying.TryLock() {
			d.applying.Unlock()
			return
		}
	}
}

// errRefused is a batch that met a failed log before it entered it.
var errRefused = errors.New("the log failed before")

// enter runs apply, which puts a batch into the log, unless the log failed.
func (d *disk) enter(apply func() error) error {
	d.applying.RLock()
	defer d.applying.RUnlock()
	if d.failed.Load() != nil {
		return errRefused
	}
	return apply()
}

// retryFull is how often a write that met a full disk is tried again.
const retryFull = 50 * time.Millisecond

// space waits before the next try; false: the store is being closed.
func (d *disk) space() bool {
	d.waiting.Add(1)
	defer d.waiting.Add(-1)
	select {
	case <-d.closing:
		return false
	case <-time.After(retryFull):
		return true
	}
}

// watchedFS is a file system that tells its disk of writes that fail.
type watchedFS struct {
	vfs.FS
	disk *disk
}

func (f *watchedFS) watch(name string, file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &watchedFile{File: file, disk: f.disk, log: strings.HasSuffix(name, ".log")}, nil
}

func (f *watchedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	for {
		file, err := f.FS.Create(name, category)
		if err == nil || !vfs.IsNoSpaceError(err) || !f.disk.space() {
			return f.watch(name, file, err)
		}
	}
}

func (f *watchedFS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, category, opts...)
	return f.watch(name, file, err)
}

func (f *watchedFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	for {
		file, err := f.FS.ReuseForWrite(oldname, newname, category)
		if err == nil || !vfs.IsNoSpaceError(err) || !f.disk.space() {
			return f.watch(newname, file, err)
		}
	}
}

func (f *watchedFS) Unwrap() vfs.FS { return f.FS }

type watchedFile struct {
	vfs.File
	disk *disk
	log  bool
}

func (f *watchedFile) Write(p []byte) (n int, err error) {
	for {
		m, err := f.File.Write(p[n:])
		n += m
		if err == nil {
			return n, nil
		}
		if !vfs.IsNoSpaceError(err) || !f.disk.space() {
			return n, f.told(err)
		}
	}
}

// Preallocate only saves time; a disk without room for it may have room for the write.
func (f *watchedFile) Preallocate(offset, length int64) error {
	if err := f.File.Preallocate(offset, length); err != nil && !vfs.IsNoSpaceError(err) {
		return err
	}
	return nil
}

func (f *watchedFile) Sync() error     { return f.told(f.File.Sync()) }
func (f *watchedFile) SyncData() error { return f.told(f.File.SyncData()) }

func (f *watchedFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.told(err)
}

func (f *watchedFile) told(err error) error {
	if err != nil && f.log {
		f.disk.fail(err)
	}
	return err
}
