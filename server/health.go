package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

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
