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
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"warble/internal/httpx"
	"warble/twitter"
	"warble/web"
)

// bounds of an HTTP server: what a client gets for sending its headers and its
// body, for the whole request until it has taken the answer (streams set
// deadlines of their own), and between requests; and what Stop gives them all.
type bounds struct{ header, body, answer, idle, drain time.Duration }

func defaultBounds() bounds {
	return bounds{header: 10 * time.Second, body: 60 * time.Second, answer: 2 * time.Minute, idle: 2 * time.Minute, drain: 15 * time.Second}
}

// headerBytes bounds a request's headers; net/http adds 4 KB.
const headerBytes = 32 << 10

// Server is a serving process.
type Server struct {
	App *App
	// URL is the public address, PrivateURL that of metrics and profiles; empty: none.
	URL, PrivateURL string
	// Everywhere: URL is one of many, the server listens on every address of the machine.
	Everywhere bool

	cfg    Config
	bounds bounds
	public *limited
	edges  atomic.Pointer[httpx.Mux] // nil until there is a store to ask
	ready  atomic.Bool
	drain  chan struct{} // closed when listeners close
	failed chan error
	leave  func(context.Context) error   // closes the public listener; nil: there is none
	stop   []func(context.Context) error // the rest, the first to be called last
}

// Start opens the store and serves; when it returns the server is ready. Until
// then the public address answers that it is starting. run is what the command
// socket executes; nil: no socket.
func Start(ctx context.Context, cfg Config, run Command) (srv *Server, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	srv = &Server{cfg: cfg, bounds: cfg.bounds, drain: make(chan struct{}), failed: make(chan error, 4)}
	if srv.bounds == (bounds{}) {
		srv.bounds = defaultBounds()
	}
	defer func() {
		if err != nil {
			srv.cfg.Drain = 0
			err = errors.Join(err, srv.Stop())
			srv = nil
		}
	}()
	// Addresses and certificate first: what is wrong there should be said before the store is touched.
	private, err := srv.listenPrivate()
	if err != nil {
		return srv, err
	}
	if err := srv.listenPublic(); err != nil {
		return srv, err
	}
	if srv.App, err = Open(ctx, cfg); err != nil {
		return srv, err
	}
	srv.stop = append(srv.stop, func(context.Context) error { return srv.App.Close() })
	if srv.cfg.runs("fanout") {
		srv.runFanout(ctx)
	}
	if err := srv.serveCommands(ctx, run); err != nil {
		return srv, err
	}
	srv.servePrivate(private)
	srv.mountEdges()
	srv.ready.Store(true)
	return srv, nil
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

// listenPublic opens the public address, which says that it is starting until
// mountEdges.
func (s *Server) listenPublic() error {
	scheme, certs := "http", []tls.Certificate(nil)
	if s.cfg.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(s.cfg.TLSCert, s.cfg.TLSKey)
		if err != nil {
			return usage("the certificate cannot be used: %v", err)
		}
		scheme, certs = "https", append(certs, cert)
	}
	tcp, err := listen(s.cfg.Listen, "--listen")
	if err != nil {
		return err
	}
	s.URL = cmp.Or(strings.TrimRight(s.cfg.PublicURL, "/"), scheme+"://"+reachable(tcp.Addr()))
	s.Everywhere = s.cfg.PublicURL == "" && unspecified(tcp.Addr())
	log := s.cfg.logger()
	s.public = newLimited(tcp, connections(s.cfg.MaxConnections, openFiles()))
	if wish := int64(s.cfg.MaxConnections); wish > s.public.max {
		log.Warn("fewer connections than asked for: the process may not open more files", "connections", s.public.max, "asked", wish)
	}
	hs := s.newHTTP(http.HandlerFunc(s.serveHTTP), log)
	s.public.full = func() {
		log.Warn("too many connections: idle ones are closed", "connections", s.public.max)
		hs.SetKeepAlivesEnabled(false) // closes what is idle, and what becomes idle
	}
	s.public.room = func() { hs.SetKeepAlivesEnabled(true) }
	l := net.Listener(s.public)
	if certs != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: certs, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	}
	s.leave = s.serve(hs, l)
	return nil
}

// mountEdges lets the edges answer, as far as the process has the role.
func (s *Server) mountEdges() {
	routes := slices.DeleteFunc(Routes(s.App, s.URL, s.drain), func(r httpx.Route) bool { return !s.cfg.runs(string(r.Role)) })
	routes = append(routes, s.healthRoutes()...)
	s.edges.Store(httpx.NewMux(routes, s.App.Auth.Mux(httpx.Options{
		Observe:  s.App.observeRequests(routes),
		CORS:     []string{"/2/", "/media/"},
		TLS:      s.cfg.TLSCert != "",
		NotFound: web.NotFound(pages(s.App, s.URL)),
		Access:   s.App.Log,
		Log:      s.App.Log,
	})))
}

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if mux := s.edges.Load(); mux != nil {
		mux.ServeHTTP(w, r)
		return
	}
	starting(w, r)
}

// Routes is the route table of all edges; the handlers of a nil App cannot be
// called. Streams end when drain is closed.
func Routes(app *App, url string, drain <-chan struct{}) []httpx.Route {
	if app == nil {
		app = &App{}
	}
	deps := twitter.Deps{Reader: app.Reader, Writer: app.Writer, Auth: app.Auth, Stores: app.Stores, Photos: app.Photos, BaseURL: url, Drain: drain, Clock: app.Clock}
	routes := append(twitter.Routes(deps), app.Auth.Routes()...)
	return append(routes, web.Routes(pages(app, url))...)
}

// pages is what the pages stand on.
func pages(app *App, url string) web.Deps {
	return web.Deps{Reader: app.Reader, Writer: app.Writer, Auth: app.Auth, URL: url, Log: app.Log, Clock: app.Clock}
}

func (s *Server) newHTTP(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: s.bounds.header,
		ReadTimeout:       s.bounds.body,
		WriteTimeout:      s.bounds.answer,
		IdleTimeout:       s.bounds.idle,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		// A connection of HTTP/2 may have this under way and unread, not the megabyte and 250 that are usual.
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 100, MaxReceiveBufferPerConnection: 256 << 10, MaxReceiveBufferPerStream: 128 << 10},
	}
}

// serve runs an HTTP server on a listener. stop finishes what is under way.
func (s *Server) serve(hs *http.Server, l net.Listener) (stop func(context.Context) error) {
	go func() {
		if err := hs.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving stopped: %w", err)
		}
	}()
	return func(ctx context.Context) error {
		if err := hs.Shutdown(ctx); err != nil {
			return hs.Close() // who still dawdles is cut off
		}
		return nil
	}
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

// Stop finishes what is under way, for a bounded time, and closes the store.
// Before that, for Config.Drain, the server goes on and only says that it is
// not ready.
func (s *Server) Stop() error {
	s.ready.Store(false)
	if s.cfg.Drain > 0 {
		<-time.After(s.cfg.Drain)
	}
	close(s.drain)
	ctx, cancel := context.WithTimeout(context.Background(), s.bounds.drain)
	defer cancel()
	var errs []error
	if s.leave != nil {
		errs = append(errs, s.leave(ctx))
	}
	for i := len(s.stop) - 1; i >= 0; i-- {
		errs = append(errs, s.stop[i](ctx))
	}
	s.stop = nil
	return errors.Join(errs...)
}
