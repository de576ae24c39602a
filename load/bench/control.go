package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	pdb "github.com/cockroachdb/pebble/v2"
)

// serveControl serves a handler on the loopback until ctx ends.
func serveControl(ctx context.Context, in *inside, h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	in.send(message{URL: l.Addr().String()})
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type staticConfig struct {
	Type string
	Body []byte
}

// staticRole answers everything with the same bytes.
func staticRole(ctx context.Context, in *inside, c *staticConfig) error {
	length := strconv.Itoa(len(c.Body))
	return serveControl(ctx, in, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", c.Type)
		w.Header().Set("Content-Length", length)
		_, _ = w.Write(c.Body) // a client that left needs no answer
	}))
}

type commitConfig struct {
	Dir   string
	Bytes int // of the write-ahead log, for each commit
	Body  []byte
}

// commitRole answers every request after one synced row.
func commitRole(ctx context.Context, in *inside, c *commitConfig) (err error) {
	raw, err := openRaw(c.Dir, c.Bytes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, raw.db.Close()) }()
	length := strconv.Itoa(len(c.Body))
	return serveControl(ctx, in, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		if err = errors.Join(err, raw.commit()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", length)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(c.Body) // a client that left needs no answer
	}))
}

// raw is a Pebble store that takes one row a commit, tuned as the truth of an
// embedded store is.
type raw struct {
	db    *pdb.DB
	next  atomic.Uint64
	value []byte
}

// openRaw makes a store whose commits write about so many bytes to its log.
func openRaw(dir string, bytes int) (*raw, error) {
	db, err := pdb.Open(dir, &pdb.Options{
		FormatMajorVersion: pdb.FormatNewest, MemTableSize: 32 << 20, MemTableStopWritesThreshold: 4,
		L0CompactionThreshold: 4, L0StopWritesThreshold: 24, BytesPerSync: 1 << 20, Logger: quiet{},
	})
	if err != nil {
		return nil, err
	}
	r := &raw{db: db}
	// What a row costs beside its value is found by writing some.
	const some = 200
	for range some {
		if err := r.commit(); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	empty := int(db.Metrics().WAL.BytesWritten) / some
	value := make([]byte, max(bytes-empty, 0))
	for i := range value { // text compresses too, but not to nothing
		value[i] = "abcdefghijklmnopqrstuvwxyz012345"[uint32(i)*2654435761>>27]
	}
	r.value = value
	return r, nil
}

func (r *raw) commit() error {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], r.next.Add(1))
	return r.db.Set(key[:], r.value, pdb.Sync)
}

// quiet keeps Pebble's story of its files out of the way.
type quiet struct{}

func (quiet) Infof(string, ...any)         {}
func (quiet) Errorf(string, ...any)        {}
func (quiet) Fatalf(text string, _ ...any) { panic(text) }
