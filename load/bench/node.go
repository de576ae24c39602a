package bench

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"warble"
	"warble/engine/disk"
	"warble/engine/observe"
	"warble/engine/pebble"
	"warble/engine/search"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"
)

// node is the embedded shape inside this process, put together as a server is:
// the stores of a directory, measured by observe, and the three roles.
type node struct {
	engine *pebble.Engine
	stores *warble.Stores
	ids    *warble.IDs
	writer *write.Writer
	reader *read.Reader
	fanout *fanout.Fanout

	stop func() error
	ran  chan error
}

// open opens a directory. wrap may replace stores below the roles; it may be nil.
func open(ctx context.Context, dir string, opt warble.Options, wrap func(*warble.Stores)) (n *node, err error) {
	n = &node{stop: func() error { return nil }}
	if n.engine, err = pebble.Open(dir, pebble.Options{}); err != nil {
		return nil, err
	}
	index, err := search.Open(n.engine.Derived(), search.Options{})
	if err != nil {
		return nil, errors.Join(err, n.engine.Close())
	}
	photos, err := disk.Open(filepath.Join(dir, "photos"), disk.Options{})
	if err != nil {
		return nil, errors.Join(err, index.Close(), n.engine.Close())
	}
	s := n.engine.Stores()
	s.Index, s.Blobs = index, photos
	s.Close = func() error { return errors.Join(index.Close(), n.engine.Close()) }
	if n.stores, err = observe.Wrap(s, prometheus.NewRegistry()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if wrap != nil {
		wrap(n.stores)
	}
	if n.ids, err = warble.NewIDs(ctx, n.stores.Claims, time.Now); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	n.writer = write.NewWriter(n.stores, n.ids, opt)
	n.reader = read.NewReader(n.stores, opt)
	n.fanout = fanout.NewFanout(n.stores, n.ids, opt)
	return n, nil
}

// unlimited are the rules of lines that post more than a person may.
func unlimited() warble.Options { return warble.Options{TweetsPerDay: -1} }

// carry runs fan-out until rest.
func (n *node) carry(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	n.ran = make(chan error, 1)
	ran := n.ran
	go func() { ran <- n.fanout.Run(ctx) }()
	n.stop = func() error { cancel(); return <-ran }
}

// rest stops fan-out. What it knows stays.
func (n *node) rest() error {
	stop := n.stop
	n.stop = func() error { return nil }
	return stop()
}

func (n *node) close() error {
	return errors.Join(n.rest(), n.ids.Close(context.Background()), n.stores.Close())
}

// behind says for how long the oldest event has waited that is not done.
func (n *node) behind(ctx context.Context) (time.Duration, error) {
	pos, err := n.fanout.Lag(ctx)
	if err != nil || pos.Oldest.IsZero() {
		return 0, err
	}
	return time.Since(pos.Oldest), nil
}

// settle waits until fan-out has done all there is.
func (n *node) settle(ctx context.Context) error {
	return until(ctx, 2*time.Minute, func() (bool, error) {
		pos, err := n.fanout.Lag(ctx)
		return pos.Behind == 0, err
	})
}

// until waits for a condition, looking every few milliseconds.
func until(ctx context.Context, most time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, errors.New("waited too long for fan-out or a server"))
	defer cancel()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
	}
}

// visit reads the first page of homes, so that they are stored: all the cores share.
func (n *node) visit(ctx context.Context, people []int) error {
	return spread(ctx, len(people), 16, func(i int) error {
		_, err := n.reader.GenerateTimeline(ctx, user(people[i]), read.TimelineQuery{Page: warble.Page{Limit: 20}})
		return err
	})
}

// spread does n things with a number of goroutines.
func spread(ctx context.Context, n, goroutines int, do func(i int) error) error {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		next int
		bad  error
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= n && bad == nil && ctx.Err() == nil
	}
	for range goroutines {
		wg.Go(func() {
			for {
				i, ok := take()
				if !ok {
					return
				}
				if err := do(i); err != nil {
					mu.Lock()
					bad = errors.Join(bad, err)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(bad, ctx.Err())
}

// clone makes a store out of a closed one: what is never changed in place is
// linked, the rest copied.
func clone(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.Join(to, strings.TrimPrefix(path, from))
		switch ext := filepath.Ext(path); {
		case d.IsDir():
			return os.MkdirAll(name, 0o700)
		case ext == ".sst" || ext == ".blob":
			if os.Link(path, name) == nil {
				return nil
			}
			fallthrough
		default:
			data, err := os.ReadFile(path)
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			return os.WriteFile(name, data, 0o600)
		}
	})
}
