// Package server is the assembly: a configuration becomes an engine, the
// engine the three roles, the roles the edges, and those listeners. It is the
// only package that sees all the others.
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"warble"
	"warble/auth"
	"warble/engine"
	"warble/engine/observe"
	"warble/engine/pebble"
	"warble/internal/photo"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"
)

// App is an open store with the roles over it: what every command works with.
type App struct {
	Stores *warble.Stores
	IDs    *warble.IDs
	Writer *write.Writer
	Reader *read.Reader
	Fanout *fanout.Fanout
	Auth   *auth.Service
	Photos *photo.Processor
	Limits warble.Options
	Dev    bool             // see Config
	Clock  func() time.Time // see Config

	Registry *prometheus.Registry
	Log      *slog.Logger

	close []func() error
}

// Open opens the store that spec names ("mem:", "dir:PATH") and makes the roles over it.
func Open(ctx context.Context, cfg Config) (app *App, err error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	app = &App{Registry: prometheus.NewRegistry(), Log: cfg.logger(), Dev: cfg.Dev, Clock: cfg.Clock}
	defer func() {
		if err != nil {
			err = errors.Join(err, app.Close())
			app = nil
		}
	}()
	stores, err := engine.Open(ctx, cfg.Data, engine.Options{
		Log: app.Log, Clock: app.Clock, CacheBytes: cfg.CacheBytes, TimelineBytes: cfg.HomeBytes, Gauge: app.gauge,
	})
	if err != nil {
		return app, unusable(cfg.Data, err)
	}
	app.close = append(app.close, stores.Close)
	if app.Stores, err = observe.Wrap(stores, app.Registry); err != nil {
		return app, err
	}
	if app.IDs, err = warble.NewIDs(ctx, app.Stores.Claims, app.Clock); err != nil {
		return app, err
	}
	app.close = append(app.close, func() error { return app.IDs.Close(context.WithoutCancel(ctx)) })
	app.Limits = cfg.options(app.Log)
	app.Writer = write.NewWriter(app.Stores, app.IDs, app.Limits)
	app.Reader = read.NewReader(app.Stores, app.Limits)
	app.Fanout = fanout.NewFanout(app.Stores, app.IDs, app.Limits)
	app.Auth = auth.NewService(app.Stores, app.Writer, auth.Options{Clock: app.Clock, Dev: cfg.Dev, TLS: cfg.TLSCert != "", Proxies: cfg.Proxies, Log: app.Log})
	app.Photos = photo.New(max(1, min(runtime.NumCPU(), runtime.GOMAXPROCS(0))/2))
	return app, nil
}

// gauge has the metrics ask for a number.
func (a *App) gauge(name, help string, value func() float64) {
	a.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// unusable makes a mistake of the operator's, with the way out, of a store that
// cannot be opened because of what or where it is. Anything else is a failure.
func unusable(spec string, err error) error {
	e, known := errors.AsType[*warble.Error](err)
	if errors.Is(err, warble.ErrInvalid) && known {
		return usage("--data %q: %s", spec, e.Detail)
	}
	if known && e.Detail == "" && e.Err != nil {
		err = e.Err
	}
	if errors.Is(err, pebble.ErrLocked) || errors.Is(err, pebble.ErrFormat) {
		return usage("%v", err)
	}
	for _, place := range []error{fs.ErrPermission, syscall.ENOTDIR, syscall.EROFS, syscall.ENAMETOOLONG} {
		if errors.Is(err, place) {
			return usage("--data %q: %v; choose another directory, or make this one usable", spec, err)
		}
	}
	return fmt.Errorf("the store %s cannot be opened: %w", spec, err)
}

// Close gives everything back, in the opposite order of Open.
func (a *App) Close() error {
	var errs []error
	for i := len(a.close) - 1; i >= 0; i-- {
		errs = append(errs, a.close[i]())
	}
	a.close = nil
	return errors.Join(errs...)
}

// CatchUp runs fan-out until the log is empty. It is for commands that work
// on a store no server serves.
func (a *App) CatchUp(ctx context.Context, progress func(behind int64)) error {
	ctx, stop := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() {
		defer stop() // where it fails there is nothing to wait for
		ran <- a.Fanout.Run(ctx)
	}()
	err := a.Settled(ctx, progress)
	stop()
	return errors.Join(err, <-ran)
}

// Settled waits until fan-out, which somebody else runs, has done all there was
// when it was called: on a busy store there is always something newer.
func (a *App) Settled(ctx context.Context, progress func(behind int64)) error {
	start := time.Now()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		pos, err := a.Fanout.Lag(ctx)
		if err != nil {
			return err
		}
		if progress != nil {
			progress(pos.Behind)
		}
		if pos.Behind == 0 || pos.Oldest.After(start) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
