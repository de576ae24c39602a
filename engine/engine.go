// Package engine opens the stores one string names:
//
//	mem:          in memory, gone with the process
//	dir:PATH      a directory of this machine, for one process
//	cluster:FILE  the services a file names
package engine

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"warble"
	"warble/engine/disk"
	"warble/engine/mem"
	"warble/engine/pebble"
	"warble/engine/search"
)

// compactEvery is how often the search index looks for segments to write anew.
const compactEvery = 5 * time.Minute

// Options are what an operator may choose about an engine. The zero value is good.
type Options struct {
	// Log gets what an operator should see. Default: nothing.
	Log *slog.Logger
	// Clock is the time for claims, timelines and the log. Default: time.Now.
	Clock func() time.Time
	// CacheBytes is about how much memory the caches of dir: may use, stored timelines not counted. Default 320 MB.
	CacheBytes int64
	// TimelineBytes bounds the memory of the stored timelines of dir:, those not read lately are dropped. Default 1 GB.
	TimelineBytes int64
	// Gauge, if not nil, is handed each number of dir: that an operator should see.
	Gauge func(name, help string, value func() float64)
	// MinFree is how many bytes of the disk dir: leaves free: below it, writes are refused and reads go on. Default
	// 256 MB; negative: none.
	MinFree int64
}

// Open opens the stores that spec names. The caller closes them. A spec, a file or a directory that cannot be used is
// ErrInvalid or ErrUnavailable with one sentence that says what to do.
func Open(ctx context.Context, spec string, opt Options) (*warble.Stores, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	kind, rest, colon := strings.Cut(spec, ":")
	switch {
	case colon && kind == "mem" && rest == "":
		return mem.New(mem.Options{Clock: opt.Clock}), nil
	case colon && kind == "dir" && rest != "":
		s, err := openDir(rest, opt)
		if err != nil && !errors.Is(err, warble.ErrInvalid) {
			err = &warble.Error{Kind: warble.ErrUnavailable, Err: err}
		}
		return s, err
	case colon && kind == "cluster" && rest != "":
		s, err := openCluster(ctx, rest, opt)
		if err != nil && !errors.Is(err, warble.ErrInvalid) {
			err = &warble.Error{Kind: warble.ErrUnavailable, Err: err}
		}
		return s, err
	}
	return nil, warble.Invalid("data", spec, "say where the data is: dir:PATH for a directory of this machine, cluster:FILE for the services a file names, or mem: for memory, which forgets it at the end")
}

// strangers refuses a directory that has files of others in it and no store. What an interrupted first start leaves
// (LOCK, FORMAT.new), hidden files and what a file system has at its root are none.
func strangers(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil // opening it says what is wrong, or makes it
	}
	other := ""
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "FORMAT":
			return nil
		case name != "LOCK" && name != "FORMAT.new" && name != "lost+found" && name[0] != '.':
			other = name
		}
	}
	if other == "" {
		return nil
	}
	return warble.Invalid("data", path, "this directory holds other files ("+other+") and no store: name an empty one, or one that is not there yet")
}

// openDir opens the embedded engine: truth, log and timelines by engine/pebble, the index beside them in its derived
// store, and the photos as files below the same directory, whose lock covers all three.
func openDir(path string, opt Options) (_ *warble.Stores, err error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil, warble.Invalid("data", path, "dir: wants a directory, and this is a file")
	}
	if err := strangers(path); err != nil {
		return nil, err
	}
	e, err := pebble.Open(path, pebble.Options{
		Log: opt.Log, Clock: opt.Clock, CacheBytes: opt.CacheBytes, MinFree: opt.MinFree,
		TimelineBytes: opt.TimelineBytes, Gauge: opt.Gauge,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	index, err := search.Open(e.Derived(), search.Options{CompactEvery: compactEvery, Log: opt.Log})
	if err != nil {
		return nil, err
	}
	e.BeforeSave(func() error { return index.Sync(context.Background()) })
	photos, err := disk.Open(filepath.Join(path, "photos"), disk.Options{Reserve: opt.MinFree})
	if err != nil {
		return nil, err
	}
	s := e.Stores()
	s.Index, s.Blobs = index, photos
	s.Close = func() error { return errors.Join(index.Close(), e.Close()) }
	return s, nil
}
