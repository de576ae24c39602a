package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"warble/internal/httpx"
	"warble/twitter"
	"warble/web"
)

// Bounds of one HTTP server: what a client gets for sending its headers and
// its body, for taking the answer (streams set deadlines of their own), and
// between requests.
const (
	headerTime  = 10 * time.Second
	bodyTime    = 60 * time.Second
	answerTime  = 3 * time.Minute // from the headers on; a profile on the private listener takes long
	idleTime    = 120 * time.Second
	headerBytes = 32 << 10
	drainTime   = 15 * time.Second
)

// Server is a serving process.
type Server struct {
	App *App
	// URL is the public address once Start has returned.
	URL string

	cfg    Config
	ready  atomic.Bool
	drain  chan struct{} // closed when Stop begins
	failed chan error
	stop   []func(context.Context) error
}

// Start opens the store and serves; when it returns the server is ready. run
// is what the command socket executes; nil: no socket.
func Start(ctx context.Context, cfg Config, run Command) (srv *Server, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	// The port first: a second start on it should fail before it touches the store.
	public, err := listen(cfg.Listen)
	if err != nil {
		return nil, err
	}
	app, err := Open(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, public.Close())
	}
	srv = &Server{App: app, cfg: cfg, drain: make(chan struct{}), failed: make(chan error, 4)}
	srv.stop = append(srv.stop, func(context.Context) error { return app.Close() })
	defer func() {
		if err != nil {
			err = errors.Join(err, public.Close(), srv.Stop())
			srv = nil
		}
	}()
	srv.runFanout(ctx)
	if err := srv.serveCommands(ctx, run); err != nil {
		return srv, err
	}
	if err := srv.servePrivate(); err != nil {
		return srv, err
	}
	if err := srv.servePublic(public); err != nil {
		return srv, err
	}
	srv.ready.Store(true)
	return srv, nil
}

// listen opens an address; a port in use is a sentence of its own.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	if inUse(err) {
		return nil, usage("%s is in use by another program: stop it, or choose another address with --listen", addr)
	}
	return nil, usage("cannot listen on %s: %v", addr, err)
}

func (s *Server) runFanout(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.App.Fanout.Run(ctx); err != nil {
			s.failed <- fmt.Errorf("fan-out stopped: %w", err)
		}
	}()
	s.stop = append(s.stop, func(context.Context) error { cancel(); <-done; return nil })
}

// servePublic mounts the edges.
func (s *Server) servePublic(l net.Listener) error {
	scheme := "http"
	if s.cfg.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(s.cfg.TLSCert, s.cfg.TLSKey)
		if err != nil {
			return usage("the certificate cannot be used: %v", err)
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
		scheme = "https"
	}
	s.URL = cmp.Or(strings.TrimRight(s.cfg.PublicURL, "/"), scheme+"://"+l.Addr().String())
	routes := append(Routes(s.App, s.URL, s.drain), s.healthRoutes()...)
	mux := httpx.NewMux(routes, s.App.Auth.Mux(httpx.Options{
		Observe:  s.App.observeRequests(routes),
		CORS:     []string{"/2/", "/media/"},
		TLS:      s.cfg.TLSCert != "",
		NotFound: web.NotFound,
		Access:   s.App.Log,
		Log:      s.App.Log,
	}))
	s.serve(l, mux, s.App.Log)
	return nil
}

// Routes is the route table of all edges; the handlers of a nil App cannot be
// called. Streams end when drain is closed.
func Routes(app *App, url string, drain <-chan struct{}) []httpx.Route {
	if app == nil {
		app = &App{}
	}
	deps := twitter.Deps{Reader: app.Reader, Writer: app.Writer, Auth: app.Auth, Stores: app.Stores, Photos: app.Photos, BaseURL: url, Drain: drain}
	routes := append(twitter.Routes(deps), app.Auth.Routes()...)
	return append(routes, web.Routes(web.Deps{Reader: app.Reader, Writer: app.Writer, Auth: app.Auth, URL: url, Log: app.Log})...)
}

// serve runs an HTTP server on a listener until Stop.
func (s *Server) serve(l net.Listener, h http.Handler, log *slog.Logger) {
	hs := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       bodyTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := hs.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving stopped: %w", err)
		}
	}()
	s.stop = append(s.stop, func(ctx context.Context) error {
		if err := hs.Shutdown(ctx); err != nil {
			return hs.Close() // who still streams or dawdles is cut off
		}
		return nil
	})
}

// Wait returns when ctx ends (nil) or something failed that cannot be got over.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// Stop finishes what is under way, for at most drainTime, and closes the store.
func (s *Server) Stop() error {
	s.ready.Store(false)
	close(s.drain)
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	var errs []error
	for i := len(s.stop) - 1; i >= 0; i-- {
		errs = append(errs, s.stop[i](ctx))
	}
	s.stop = nil
	return errors.Join(errs...)
}
