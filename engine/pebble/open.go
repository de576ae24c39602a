package pebble

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	pdb "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
)

// Format is the number of the layout this program writes.
const Format = 1

// ErrLocked is a directory that another process has open.
var ErrLocked = errors.New("the directory is in use")

// ErrFormat is a directory whose layout this program does not know.
var ErrFormat = errors.New("unknown format")

// Options of the engine. The zero value is right for a server.
type Options struct {
	// FS is where the directory is. Default: the machine's file system.
	FS vfs.FS
	// Log gets what an operator should see. Default: nothing.
	Log *slog.Logger
	// Clock is the time for claims, timelines and the log. Default: time.Now.
	Clock func() time.Time
	// CacheBytes is about how much memory caches of rows may use, timelines
	// not counted. Default 320 MB.
	CacheBytes int64
	// TimelineBytes bounds the memory of stored timelines: above it those that
	// were not read lately are dropped. Default 1 GB, 130,000 full ones.
	TimelineBytes int64
	// Gauge, if not nil, is handed each number that an operator should see.
	Gauge func(name, help string, value func() float64)
	// MinFree is how many bytes of the disk stay free: below it writes are
	// refused. Default 256 MB: what memtables and compactions in flight may
	// still write. Negative: not measured.
	MinFree int64
	// Exit ends the process where the store is dead and the process has not
	// ended by itself for a while; it does not return. Default: os.Exit.
	Exit func(code int)
}

// Engine is an open directory.
type Engine struct {
	truth, derived *pdb.DB
	disk           *disk
	last           *lastWords
	now            func() time.Time
	note           *slog.Logger
	lock           io.Closer
	blocks         *pdb.Cache

	stripes  stripes
	claiming stripes // of claims: held until the swap is synced
	seed     maphash.Seed
	appliers sync.Pool                    // of *applier
	unsynced atomic.Int64                 // batches that can be read and are not synced
	highest  [warble.Shards]atomic.Uint64 // the highest tweet id ever stored in a shard

	users     *table[warble.UserID, *warble.User]
	tweets    *table[warble.TweetID, *warble.Tweet]
	docs      *table[warble.DocID, *warble.Doc]
	recent    *table[warble.UserID, recent]
	edges     *table[warble.EdgeKey, edgeRow]
	neighbors *table[end, neighbors]
	parts     *table[end, newestPart]
	months    *table[end, month]
	stamps    *warble.Stamps
	counts    *table[warble.ID, sums]

	log       *eventLog
	timelines *timelines
	hub       *hub

	closed  sync.Once
	working sync.WaitGroup
}

const (
	defaultCache   = 320 << 20
	defaultMinFree = 256 << 20

	defaultTimelines = 1 << 30
	memTable         = 16 << 20 // larger ones cost more to insert into: each level of the skip list misses the cache

	// syncApart is how long after one sync of the log the next begins at the
	// earliest: under load more commits share one, which is a tenth of what a
	// tweet costs; a commit that comes alone waits for nothing.
	syncApart = 300 * time.Microsecond
)

// Open opens the directory at path and makes it when it is not there.
func Open(path string, opt Options) (_ *Engine, err error) {
	if opt.FS == nil {
		opt.FS = vfs.Default
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Exit == nil {
		opt.Exit = os.Exit
	}
	e := &Engine{
		now: opt.Clock, note: opt.Log, seed: maphash.MakeSeed(),
		disk: &disk{
			note: opt.Log, fs: opt.FS, path: path, minFree: cmp.Or(opt.MinFree, defaultMinFree),
			failing: make(chan struct{}), closing: make(chan struct{}),
		},
		hub: newHub(), stamps: new(warble.Stamps),
	}
	e.last = &lastWords{disk: e.disk, note: opt.Log, exit: opt.Exit}
	e.caches(cmp.Or(opt.CacheBytes, defaultCache))
	defer func() {
		if err != nil {
			err = errors.Join(err, e.release())
		}
	}()
	if err := makeDir(opt.FS, path); err != nil {
		return nil, fmt.Errorf("cannot make %s: %w", path, err)
	}
	if e.lock, err = opt.FS.Lock(opt.FS.PathJoin(path, "LOCK")); err != nil {
		return nil, locked(path, err)
	}
	if err := checkFormat(opt.FS, path); err != nil {
		return nil, err
	}
	if err := e.openStores(opt.FS, path); err != nil {
		return nil, err
	}
	e.last.patience.Store(int64(stopsByItself))
	e.timelines = newTimelines(opt.Clock, cmp.Or(opt.TimelineBytes, defaultTimelines))
	if opt.Gauge != nil {
		e.timelines.gauges(opt.Gauge)
	}
	if e.log, err = openLog(e); err != nil {
		return nil, err
	}
	e.disk.look()
	e.working.Go(e.watchDisk)
	e.working.Go(e.keepPlaces)
	e.working.Go(e.keepClaims)
	return e, nil
}

// caches shares the bytes out, by what a page of home touches.
func (e *Engine) caches(bytes int64) {
	id := func(id warble.ID) uint64 { return id.Hash() }
	// Pebble takes the memory of memtables out of its block cache: without room
	// for them, both stores busy, nothing would be left for blocks and filters.
	e.blocks = pdb.NewCache(bytes/5 + 4*memTable)
	e.tweets = newTable[warble.TweetID, *warble.Tweet](bytes*6/20, id)
	e.users = newTable[warble.UserID, *warble.User](bytes*2/20, id)
	e.docs = newTable[warble.DocID, *warble.Doc](bytes/40, id)
	e.recent = newTable[warble.UserID, recent](bytes/20, id)
	e.counts = newTable[warble.ID, sums](bytes*2/20, id)
	e.edges = newTable[warble.EdgeKey, edgeRow](bytes/20, edgeHash)
	e.neighbors = newTable[end, neighbors](bytes*3/20, end.hash)
	e.parts = newTable[end, newestPart](bytes*3/160, end.hash)
	e.months = newTable[end, month](bytes/160, end.hash)
}

func (e *Engine) openStores(fs vfs.FS, path string) (err error) {
	watched := &watchedFS{FS: fs, disk: e.disk}
	if e.truth, err = pdb.Open(fs.PathJoin(path, "truth"), e.options(watched)); err != nil {
		return fmt.Errorf("cannot open %s: %w", path, err)
	}
	opt := e.options(watched)
	opt.DisableWAL = true
	if e.derived, err = pdb.Open(fs.PathJoin(path, "derived"), opt); err != nil {
		return fmt.Errorf("cannot open %s: %w", path, err)
	}
	return e.findHighest()
}

func (e *Engine) options(fs vfs.FS) *pdb.Options {
	opt := &pdb.Options{
		FS:                          fs,
		Cache:                       e.blocks,
		Logger:                      e.last,
		FormatMajorVersion:          pdb.FormatNewest,
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		MaxOpenFiles:                1000,
		BytesPerSync:                1 << 20,
		WALMinSyncInterval:          func() time.Duration { return syncApart },
		FlushDelayDeleteRange:       time.Minute,
	}
	for i := range opt.Levels {
		opt.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	listen := pdb.EventListener{
		BackgroundError: func(err error) { e.note.Error("the store works on after an error", "error", err) },
		DataCorruption: func(info pdb.DataCorruptionInfo) {
			e.note.Error("a file of the store is damaged: below truth/ restore a backup, below derived/ stop, delete derived/ and rebuild",
				"file", info.Path, "error", info.Details)
		},
		WriteStallBegin: func(info pdb.WriteStallBeginInfo) {
			e.note.Warn("writes wait for the disk", "reason", info.Reason)
		},
	}
	opt.EventListener = &listen
	return opt
}

// Stores returns the contracts this engine fulfils: all but Index and Blobs.
func (e *Engine) Stores() *warble.Stores {
	return e.stamps.Of(&warble.Stores{
		Claims: claimStore{e}, Commit: commitStore{e}, Users: userStore{e}, Tweets: tweetStore{e},
		Edges: edgeStore{e}, Docs: docStore{e}, Log: e.log, Timelines: e.timelines, Counts: countStore{e},
		Hub: e.hub, Close: e.Close,
	})
}

// Derived is the store of what can be rebuilt, for the search index: keys that
// begin with s. It has no WAL; write to it without Sync.
func (e *Engine) Derived() *pdb.DB { return e.derived }

// BeforeSave has f run before the places of consumers are stored: what f's owner
// was told and keeps in memory must be in Derived when f returns.
func (e *Engine) BeforeSave(f func() error) { e.log.beforeSave.Store(&f) }

// WALBytes is how many bytes went into the log of truth since Open.
func (e *Engine) WALBytes() uint64 { return e.truth.Metrics().WAL.BytesWritten }

// Close ends consumers and gives everything back. What derived holds is flushed.
// A dead store is left as it is: the end of the process gives it back.
func (e *Engine) Close() (err error) {
	e.closed.Do(func() {
		e.log.stop()
		close(e.disk.closing)
		if e.disk.dead.Load() { // whoever works may wait for ever
			err = e.disk.working()
			return
		}
		e.working.Wait()
		err = errors.Join(e.checkpoint(), e.derived.Flush()) // also where no place moved
		err = errors.Join(err, e.release())
	})
	return err
}

// release closes what is open.
func (e *Engine) release() (err error) {
	for _, db := range []*pdb.DB{e.derived, e.truth} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	e.blocks.Unref()
	e.hub.close()
	if e.timelines != nil {
		e.timelines.close()
	}
	if e.lock != nil {
		err = errors.Join(err, e.lock.Close())
	}
	return err
}

// locked tells a lock somebody holds from a lock file that cannot be made.
func locked(path string, err error) error {
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		return fmt.Errorf("cannot use %s: %w", path, err)
	}
	return fmt.Errorf("%w: another warble has %s open; stop it, or choose another directory (%w)", ErrLocked, path, err)
}

// makeDir makes the directory and its parents so that they outlive a loss of power.
func makeDir(fs vfs.FS, path string) error {
	var made []string
	for dir := path; ; dir = fs.PathDir(dir) {
		if _, err := fs.Stat(dir); err == nil || dir == fs.PathDir(dir) {
			break
		}
		made = append(made, fs.PathDir(dir))
	}
	if err := fs.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for _, parent := range made {
		if err := syncDir(fs, parent); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(fs vfs.FS, path string) error {
	dir, err := fs.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// checkFormat refuses a layout of another number, and writes ours into a new directory.
func checkFormat(fs vfs.FS, path string) error {
	name := fs.PathJoin(path, "FORMAT")
	f, err := fs.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return writeFormat(fs, path, name)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s holds %q, which is no number; the directory is damaged or not warble's", ErrFormat, name, text)
	case n > Format:
		return fmt.Errorf("%w: %s was written in format %d by a newer warble, and this one knows up to %d; use the newer program", ErrFormat, path, n, Format)
	case n < Format:
		return fmt.Errorf("%w: %s is in format %d, which this warble (%d) cannot read any more; export it with the older program", ErrFormat, path, n, Format)
	}
	return nil
}

// writeFormat lets the file appear whole or not at all.
func writeFormat(fs vfs.FS, path, name string) error {
	f, err := fs.Create(name+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(strconv.Itoa(Format) + "\n"))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(name+".new", name); err != nil {
		return err
	}
	return syncDir(fs, path)
}

// watchDisk measures the free space all the time.
func (e *Engine) watchDisk() {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-e.disk.closing:
			return
		case <-tick.C:
			e.disk.look()
		}
	}
}
