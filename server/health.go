package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"warble"
	"warble/internal/httpx"
)

// healthRoutes are what a load balancer asks. /healthz: the process lives.
// /readyz: it can serve, which a draining one does not.
func (s *Server) healthRoutes() []httpx.Route {
	return []httpx.Route{
		{Method: "GET", Pattern: "/healthz", Role: httpx.Reader, Access: httpx.NoIdentity, Handler: s.healthz},
		{Method: "GET", Pattern: "/readyz", Role: httpx.Reader, Access: httpx.NoIdentity, Handler: s.readyz},
	}
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request, _ *httpx.Call) error {
	return plain(w, http.StatusOK, "ok\n")
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request, _ *httpx.Call) error {
	if !s.ready.Load() {
		return plain(w, http.StatusServiceUnavailable, "not ready: starting or stopping\n")
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if _, err := s.App.Stores.Users.Get(ctx, 1); err != nil {
		s.App.Log.Warn("not ready", "error", err)
		return plain(w, http.StatusServiceUnavailable, "not ready: the store does not answer\n")
	}
	pos, err := s.App.Fanout.Lag(ctx)
	if err != nil {
		s.App.Log.Warn("not ready", "error", err)
		return plain(w, http.StatusServiceUnavailable, "not ready: the log does not answer\n")
	}
	return plain(w, http.StatusOK, fmt.Sprintf("ready\nfan-out behind: %d events\n", pos.Behind))
}

func plain(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err := w.Write([]byte(text))
	return err
}

// starting answers while the store is being opened.
func starting(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/healthz":
		_ = plain(w, http.StatusOK, "ok\n") // the client went away: nobody is left to tell
	case "/readyz":
		_ = plain(w, http.StatusServiceUnavailable, "not ready: starting or stopping\n")
	default:
		httpx.WriteError(w, r, warble.Fail(warble.ErrUnavailable, "The service is starting: try again in a moment."))
	}
}
