package pebble

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"warble"
)

// smallFS is a file system whose disk can be full, or fail.
type smallFS struct {
	vfs.FS
	avail atomic.Uint64
	write atomic.Pointer[error] // what writing to a log gives
	sync  atomic.Pointer[error] // what syncing a log gives
	list  atomic.Pointer[error] // what writing to the store's list of files gives
}

func (f *smallFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: f.avail.Load(), TotalBytes: 1 << 40}, nil
}

func (f *smallFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return f.wrap(name, file, err)
}

func (f *smallFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(old, name, c)
	return f.wrap(name, file, err)
}

func (f *smallFS) wrap(name string, file vfs.File, err error) (vfs.File, error) {
	switch {
	case err == nil && strings.HasSuffix(name, ".log"):
		return &smallFile{file, f}, nil
	case err == nil && strings.Contains(name, "MANIFEST"):
		return &listFile{file, f}, nil
	}
	return file, err
}

func (f *smallFS) Unwrap() vfs.FS { return f.FS }

type smallFile struct {
	vfs.File
	fs *smallFS
}

func (f *smallFile) Write(p []byte) (int, error) {
	if err := f.fs.write.Load(); err != nil {
		return 0, *err
	}
	return f.File.Write(p)
}

func (f *smallFile) Sync() error {
	if err := f.fs.sync.Load(); err != nil {
		return *err
	}
	return f.File.Sync()
}

func (f *smallFile) SyncData() error { return f.Sync() }

func (f *smallFile) SyncTo(int64) (bool, error) { return true, f.Sync() }

type listFile struct {
	vfs.File
	fs *smallFS
}

func (f *listFile) Write(p []byte) (int, error) {
	if err := f.fs.list.Load(); err != nil {
		return 0, *err
	}
	return f.File.Write(p)
}

func tweetChange(id warble.ID) *warble.Change {
	return &warble.Change{
		Tweets: []*warble.Tweet{{ID: id, Author: 1, Version: 1, Text: "hello"}},
		Events: []warble.Event{{Kind: warble.EventTweet, Key: 1, ID: id}},
	}
}

func TestWithoutSpaceWritesAreRefusedAndComeBack(t *testing.T) {
	fs := &smallFS{FS: vfs.NewMem()}
	fs.avail.Store(1 << 30)
	e := openTest(t, fs, Options{})
	s, ctx := e.Stores(), t.Context()
	if _, err := s.Commit.Apply(ctx, tweetChange(10)); err != nil {
		t.Fatal(err)
	}
	fs.avail.Store(1 << 20)
	until(t, func() bool { return e.disk.writable() != nil })
	if _, err := s.Commit.Apply(ctx, tweetChange(11)); !errors.Is(err, warble.ErrUnavailable) || !strings.Contains(err.Error(), "disk is full") {
		t.Fatalf("with a full disk: %v", err)
	}
	if _, err := s.Claims.Swap(ctx, "a", warble.Claim{}, warble.Claim{Holder: 1}, 0); !errors.Is(err, warble.ErrUnavailable) {
		t.Fatalf("with a full disk a claim: %v", err)
	}
	rows, err := s.Tweets.Get(ctx, 10, 11)
	if err != nil || rows[0] == nil || rows[1] != nil {
		t.Fatalf("with a full disk: %v, %v", rows, err)
	}
	fs.avail.Store(1 << 30)
	until(t, func() bool { return e.disk.writable() == nil })
	if changed, err := s.Commit.Apply(ctx, tweetChange(11)); err != nil || !changed {
		t.Fatalf("with space again: %v, %v", changed, err)
	}
}

func TestAWriteThatMeetsAFullDiskWaitsForSpace(t *testing.T) {
	fs := &smallFS{FS: vfs.NewMem()}
	e := openTest(t, fs, Options{MinFree: -1})
	s := e.Stores()
	full := error(syscall.ENOSPC)
	fs.write.Store(&full)
	answered := make(chan error, 1)
	go func() {
		_, err := s.Commit.Apply(context.Background(), tweetChange(10))
		answered <- err
	}()
	until(t, func() bool { return e.disk.waiting.Load() > 0 })
	if _, err := s.Commit.Apply(t.Context(), tweetChange(11)); !errors.Is(err, warble.ErrUnavailable) {
		t.Fatalf("while one waits: %v", err)
	}
	if _, err := s.Tweets.Get(t.Context(), 11); err != nil {
		t.Fatalf("reads go on: %v", err)
	}
	select {
	case err := <-answered:
		t.Fatalf("answered without space: %v", err)
	default:
	}
	fs.write.Store(nil)
	if err := <-answered; err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if _, err := s.Commit.Apply(t.Context(), tweetChange(11)); err != nil {
		t.Fatal(err)
	}
}

func TestAfterAFailedSyncNothingIsAcknowledged(t *testing.T) {
	mem := vfs.NewCrashableMem()
	fs := &smallFS{FS: mem}
	e, err := Open("/data", Options{FS: fs, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	s, ctx := e.Stores(), t.Context()
	for id := range warble.ID(100) {
		if _, err := s.Commit.Apply(ctx, tweetChange(id+1)); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("broken disk")
	fs.sync.Store(&broken)
	var writers sync.WaitGroup
	for w := range warble.ID(64) {
		writers.Go(func() {
			for i := range warble.ID(100) {
				_, err := s.Commit.Apply(ctx, tweetChange(1000+w*100+i))
				if !errors.Is(err, warble.ErrUnknown) && !errors.Is(err, warble.ErrUnavailable) {
					t.Errorf("after the failure: %v", err)
				}
			}
		})
	}
	writers.Wait()
	if _, err := s.Commit.Apply(ctx, tweetChange(1)); !errors.Is(err, warble.ErrUnavailable) {
		t.Errorf("a change that changes nothing: %v", err)
	}
	if _, err := s.Claims.Get(ctx, "a"); !errors.Is(err, warble.ErrUnavailable) {
		t.Errorf("a claim: %v", err)
	}
	if rows, err := s.Tweets.Get(ctx, 1, 100); err != nil || rows[0] == nil || rows[1] == nil {
		t.Errorf("reads go on: %v, %v", rows, err)
	}
	clone := mem.CrashClone(vfs.CrashCloneCfg{})
	again := openTest(t, clone, Options{})
	if rows, err := again.Stores().Tweets.Get(ctx, 1, 100); err != nil || rows[0] == nil || rows[1] == nil {
		t.Errorf("after a start: %v, %v", rows, err)
	}
	_ = e.Close() // of a broken disk: that it ends is all there is to ask
}

// until waits for a condition that must come.
func until(t *testing.T, met func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !met() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it never came to be")
		}
	}
}

// consuming runs a consumer that is busy for ever, and gives what it ends with.
func consuming(t *testing.T, log warble.Log) <-chan error {
	ended := make(chan error, 1)
	go func() {
		ended <- log.Consume(t.Context(), "test", func(ctx context.Context, _ warble.Batch) error {
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	return ended
}

func TestAFailedDiskEndsConsumersWithWhatToDo(t *testing.T) {
	fs := &smallFS{FS: vfs.NewMem()}
	var said lines
	e, err := Open("/data", Options{FS: fs, MinFree: -1, Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	s, ctx := e.Stores(), t.Context()
	ended := consuming(t, s.Log)
	if _, err := s.Commit.Apply(ctx, tweetChange(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Log.Position(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken disk")
	fs.sync.Store(&broken)
	if _, err := s.Commit.Apply(ctx, tweetChange(2)); !errors.Is(err, warble.ErrUnknown) {
		t.Fatalf("with a broken disk: %v", err)
	}
	if err := <-ended; !errors.Is(err, warble.ErrUnavailable) || !errors.Is(err, broken) || !strings.Contains(err.Error(), whatToDo) {
		t.Errorf("the consumer ended with %v", err)
	}
	if _, err := s.Log.Position(ctx, "test"); !errors.Is(err, warble.ErrUnavailable) {
		t.Errorf("the log's position: %v", err)
	}
	if n := strings.Count(said.String(), whatToDo); n != 1 {
		t.Errorf("the log says %d times what to do:\n%s", n, said.String())
	}
	_ = e.Close() // of a broken disk
}

func TestAStoreThatCannotGoOnEndsTheProcessAndOpensAgain(t *testing.T) {
	mem := vfs.NewCrashableMem()
	fs := &smallFS{FS: mem}
	var said lines
	code := make(chan int)
	e, err := Open("/data", Options{FS: fs, MinFree: -1, Log: slog.New(slog.NewTextHandler(&said, nil)), Exit: func(n int) { code <- n; select {} }})
	if err != nil {
		t.Fatal(err)
	}
	e.last.patience.Store(0)
	s, ctx := e.Stores(), t.Context()
	ended := consuming(t, s.Log)
	if _, err := s.Commit.Apply(ctx, tweetChange(1)); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken disk")
	fs.list.Store(&broken)
	go func() { _ = e.truth.Flush() }() // never returns
	if err := <-ended; !errors.Is(err, warble.ErrUnavailable) || !strings.Contains(err.Error(), whatToDo) {
		t.Errorf("the consumer ended with %v", err)
	}
	if got := <-code; got != 1 || !strings.Contains(said.String(), whatToDo) {
		t.Errorf("exit code %d after:\n%s", got, said.String())
	}
	if err := e.Close(); !errors.Is(err, warble.ErrUnavailable) {
		t.Errorf("closing says %v", err)
	}
	again := openTest(t, mem.CrashClone(vfs.CrashCloneCfg{}), Options{})
	if rows, err := again.Stores().Tweets.Get(ctx, 1); err != nil || rows[0] == nil {
		t.Errorf("after a start: %v, %v", rows, err)
	}
}

// lines is a log to look at while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
