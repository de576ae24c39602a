// Package disk keeps photo files in a directory: warble.Blobs for one machine.
//
// The files of photo 0a1b… are 0a/1b/0a1b….full.jpg and .small.jpg: two levels of 256 directories each, and an ending
// that says the content type, so that a person or a web server can look at the directory too. A file is written under
// another name, synced and renamed, and its directory synced: under its own name it is whole or not there.
package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"warble"
)

// Options of the directory.
type Options struct {
	// Reserve is how many bytes of the disk are left free: a photo that would take them is refused, so that photos
	// never starve the database beside them. Default 256 MiB; negative: none.
	Reserve int64
}

const defaultReserve = 256 << 20

// ending says what a file's name ends in, for each content type that may be stored.
var ending = []struct{ contentType, suffix string }{
	{"image/jpeg", ".jpg"},
	{"image/png", ".png"},
	{"image/gif", ".gif"},
	{"image/webp", ".webp"},
}

// Open makes the directory if it is not there and gives up the unfinished files of a process that died. The caller
// sees to it that one process at a time uses the directory.
func Open(path string, opt Options) (warble.Blobs, error) {
	if opt.Reserve == 0 {
		opt.Reserve = defaultReserve
	}
	for _, dir := range []string{path, filepath.Join(path, unfinished)} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fail(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(path, unfinished, "*"))
	if err != nil {
		return nil, fail(err)
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return nil, fail(err)
		}
	}
	return &blobs{root: path, reserve: opt.Reserve}, nil
}

// unfinished is the directory of files being written. It is on the same disk, so a rename out of it is atomic.
const unfinished = "unfinished"

type blobs struct {
	root    string
	reserve int64
}

// file returns the path of a name without its ending. Only 32 hexadecimal digits and the two known sizes pass, so no
// name leads out of the directory.
func (b *blobs) file(name string) (string, error) {
	digits, size, _ := strings.Cut(name, "/")
	if len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" || (size != "full" && size != "small") {
		return "", warble.Invalid("photo", name, "a photo file is named by 32 hexadecimal digits and /full or /small")
	}
	return filepath.Join(b.root, digits[:2], digits[2:4], digits+"."+size), nil
}

// find returns the path of a stored file with its ending.
func find(base string) (string, error) {
	for _, e := range ending {
		switch _, err := os.Lstat(base + e.suffix); {
		case err == nil:
			return base + e.suffix, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	return "", fs.ErrNotExist
}

func (b *blobs) Put(_ context.Context, name, contentType string, data []byte) error {
	base, err := b.file(name)
	if err != nil {
		return err
	}
	suffix := ""
	for _, e := range ending {
		if e.contentType == contentType {
			suffix = e.suffix
		}
	}
	if suffix == "" {
		return warble.Invalid("media_type", contentType, "photos are stored as JPEG, PNG, GIF or WebP")
	}
	dir := filepath.Dir(base)
	if _, err := find(base); err == nil {
		return fail(b.syncUp(dir)) // whoever put it may not have come so far
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	if free, err := freeBytes(b.root); err == nil && b.reserve >= 0 && free < b.reserve+int64(len(data)) {
		return warble.Fail(warble.ErrUnavailable, "disk full")
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fail(err)
	}
	if err := b.write(base+suffix, data); err != nil {
		return fail(err)
	}
	return fail(b.syncUp(dir))
}

// write makes the file appear under its name whole. When two put one name at once the later rename wins: both hold
// the same bytes.
func (b *blobs) write(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Join(b.root, unfinished), "put-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// syncUp makes the entry of a file durable, and those of the two directories above it, which may be new.
func (b *blobs) syncUp(dir string) error {
	for range 3 {
		if err := syncDir(dir); err != nil {
			return err
		}
		dir = filepath.Dir(dir)
	}
	return nil
}

func (b *blobs) Open(_ context.Context, name string) (warble.Blob, error) {
	base, err := b.file(name)
	if err != nil {
		return nil, warble.Fail(warble.ErrNotFound, "there is no such photo")
	}
	path, err := find(base)
	if err != nil {
		return nil, fail(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fail(err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fail(err), f.Close())
	}
	return &blob{f, info.Size()}, nil
}

type blob struct {
	*os.File
	size int64
}

func (b *blob) Size() int64 { return b.size }

func (b *blobs) Delete(_ context.Context, name string) error {
	base, err := b.file(name)
	if err != nil {
		return err
	}
	path, err := find(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	return fail(syncDir(filepath.Dir(base)))
}

func (b *blobs) URL(string) string { return "" }

// fail gives an error of the file system its kind. The path stays in the cause, for the log.
func fail(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return &warble.Error{Kind: warble.ErrNotFound, Detail: "there is no such photo", Err: err}
	case isFull(err):
		return &warble.Error{Kind: warble.ErrUnavailable, Detail: "disk full", Err: err}
	}
	return &warble.Error{Kind: warble.ErrUnavailable, Detail: "the photo directory cannot be used", Err: err}
}
