package server

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"warble"
)

// Config is what an operator may choose; its comments are the manual. Flags,
// environment (WARBLE_LISTEN, …) and defaults fill it, in that order.
type Config struct {
	// Data names the store: "dir:PATH" keeps everything in one directory,
	// "mem:" forgets everything at the end.
	Data string
	// Listen is the public address, host:port.
	Listen string
	// PublicURL is how clients reach this service, as https://warble.example,
	// where that is not the address it listens on.
	PublicURL string
	// Private is the address of /metrics and /debug/pprof; empty: none.
	Private string
	// Target is which roles this process runs: all, writer, reader or fanout.
	// A store in a directory can only be served by all.
	Target string
	// Dev: plain HTTP, no rate limits, no daily quotas.
	Dev bool
	// Demo fills an empty store with a small living network.
	Demo bool
	// TLSCert and TLSKey are PEM files; both or neither.
	TLSCert, TLSKey string
	// Proxies is how many trusted proxies stand in front.
	Proxies int
	// MaxConnections bounds the open connections of the public address. At the
	// bound idle ones are closed and new ones wait. 0: 16,384, or fewer where the
	// process may not open so many files.
	MaxConnections int
	// Drain is how long the server, told to stop, goes on and says at /readyz
	// that it is not ready, so that load balancers send nothing more.
	Drain time.Duration
	// CacheBytes bounds the engine's caches; 0: its default.
	CacheBytes int64
	// HomeBytes bounds the memory of stored homes; 0: the engine's default.
	HomeBytes int64
	// LegacyLength counts text as clients did before emoji weighed two.
	LegacyLength bool
	// MaxFollowing and TweetsPerDay: see warble.Options; 0: the default.
	MaxFollowing, TweetsPerDay int
	// PushLine: see warble.Options; 0: the default.
	PushLine int
	// Quiet leaves out everything below warnings from the log.
	Quiet bool
	// Debug logs every request.
	Debug bool
	// Log replaces the logger that Quiet and Debug would make.
	Log *slog.Logger
	// Clock is the time of day. Nil: time.Now.
	Clock func() time.Time

	bounds bounds // of clients; zero: the usual ones
}

// runs says whether the process has a role.
func (c *Config) runs(role string) bool { return c.Target == "all" || c.Target == role }

// Usage is a mistake in the configuration: one sentence that says what to do.
type Usage struct{ Text string }

func (u *Usage) Error() string { return u.Text }

func usage(format string, args ...any) error { return &Usage{fmt.Sprintf(format, args...)} }

// check refuses a configuration that cannot work.
func (c *Config) check() error {
	switch c.Target {
	case "all":
	case "writer", "reader", "fanout":
		if !strings.HasPrefix(c.Data, "cluster:") {
			return usage("--target %s needs a store that several processes can share, and %s belongs to one: use --target all", c.Target, c.Data)
		}
	default:
		return usage("--target %q: say all, writer, reader or fanout", c.Target)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return usage("--tls-cert and --tls-key go together: give both or neither")
	}
	if c.MaxConnections < 0 || c.Drain < 0 {
		return usage("--max-connections and --drain cannot be negative")
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return usage("--public-url %q is no address of a service: write https://warble.example", c.PublicURL)
	}
	if _, port, err := net.SplitHostPort(c.Listen); err == nil && c.Private == c.Listen && port != "0" {
		return usage("--private and --listen are both %s: give metrics an address of their own, as --private 127.0.0.1:9090", c.Listen)
	}
	for _, addr := range []string{c.Listen, c.Private} {
		if addr == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return usage("%q is no address to listen on: write host:port, as 127.0.0.1:8080", addr)
		}
	}
	return nil
}

func (c *Config) logger() *slog.Logger {
	if c.Log != nil {
		return c.Log
	}
	level := slog.LevelInfo
	switch {
	case c.Debug:
		level = slog.LevelDebug
	case c.Quiet:
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// options are the rules that follow from the configuration.
func (c *Config) options(log *slog.Logger) warble.Options {
	o := warble.Options{Clock: c.Clock, MaxFollowing: c.MaxFollowing, TweetsPerDay: c.TweetsPerDay, PushLine: c.PushLine, Log: log}
	if c.Dev {
		o.TweetsPerDay = -1
	}
	if c.LegacyLength {
		o.Text = warble.TextRulesV2
	}
	return o
}
