package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"warble/load"
	"warble/server"
)

func serveCommand(e *env) *cobra.Command {
	cfg := &e.config
	c := &cobra.Command{
		Use: "serve", Short: "Serve the API and the pages", Args: cobra.NoArgs,
		Example: "  warble serve --demo --dev\n  warble serve --data dir:/var/lib/warble --listen :443 --tls-cert cert.pem --tls-key key.pem --private 127.0.0.1:9090",
		RunE:    func(c *cobra.Command, _ []string) error { return e.serve(c) },
	}
	clockFlag(c, cfg)
	f := c.Flags()
	f.StringVar(&cfg.Listen, "listen", fromEnv("WARBLE_LISTEN", cfg.Listen), "public address (WARBLE_LISTEN)")
	f.StringVar(&cfg.PublicURL, "public-url", os.Getenv("WARBLE_PUBLIC_URL"), "how clients reach this service, where that is another address (WARBLE_PUBLIC_URL)")
	f.StringVar(&cfg.Private, "private", os.Getenv("WARBLE_PRIVATE"), "address of /metrics and /debug/pprof; empty: none (WARBLE_PRIVATE)")
	f.StringVar(&cfg.Target, "target", cfg.Target, "roles of this process: all, writer, reader, fanout")
	f.BoolVar(&cfg.Dev, "dev", false, "plain HTTP without rate limits and daily quotas, for a machine of your own")
	f.BoolVar(&cfg.Demo, "demo", false, "fill an empty store with a small living network, or complete one that was cut off")
	f.StringVar(&cfg.TLSCert, "tls-cert", os.Getenv("WARBLE_TLS_CERT"), "certificate, PEM (WARBLE_TLS_CERT)")
	f.StringVar(&cfg.TLSKey, "tls-key", os.Getenv("WARBLE_TLS_KEY"), "its key, PEM (WARBLE_TLS_KEY)")
	f.IntVar(&cfg.Proxies, "proxies", 0, "trusted proxies in front, each of which adds to X-Forwarded-For")
	f.BoolVar(&cfg.LegacyLength, "legacy-length", false, "count a tweet's length as before emoji weighed two")
	f.IntVar(&cfg.MaxFollowing, "max-following", 0, "accounts one may follow (default 5,000; -1: no limit)")
	f.IntVar(&cfg.TweetsPerDay, "tweets-per-day", 0, "tweets one may post in 24 hours (default 2,400; -1: no limit)")
	f.IntVar(&cfg.PushLine, "push-line", 0, "followers from which an author is pulled by readers (default 1,000,000)")
	f.IntVar(&cfg.MaxConnections, "max-connections", 0, "open connections at most (default 16,384, or what the limit of open files allows)")
	f.DurationVar(&cfg.Drain, "drain", 0, "after a signal to stop, go on for so long with /readyz saying no, for load balancers")
	f.Int64Var(&cfg.CacheBytes, "cache-bytes", 0, "bound of the engine's caches (default: its own)")
	f.Int64Var(&cfg.HomeBytes, "home-bytes", 0, "bound of the memory of stored homes (default 1 GB); above it those not read lately are dropped")
	f.BoolVar(&cfg.Quiet, "quiet", false, "log warnings only")
	f.BoolVar(&cfg.Debug, "debug", false, "log every request")
	return c
}

func fromEnv(name, def string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return def
}

func (e *env) serve(c *cobra.Command) error {
	if e.served() {
		return usagef("this store is being served already")
	}
	ctx := c.Context()
	srv, err := server.Start(ctx, e.config, execute)
	if err != nil {
		return err
	}
	if err := e.welcome(c, srv); err != nil {
		return errors.Join(err, srv.Stop())
	}
	err = srv.Wait(ctx)
	fmt.Fprintln(e.errOut, "stopping: finishing what is under way")
	return errors.Join(err, srv.Stop())
}

// welcome fills a demo store and says where to go from here.
func (e *env) welcome(c *cobra.Command, srv *server.Server) error {
	var demo *load.Demo
	if e.config.Demo {
		var err error
		if demo, err = load.Fill(c.Context(), loadStore(srv.App, srv.App.Settled), e.meter("demo network")); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.out, "\nWarble serves %s from %s\n", srv.URL, e.config.Data)
	if srv.Everywhere {
		fmt.Fprintln(e.out, "\n  it listens on every address of this machine")
	}
	if srv.PrivateURL != "" {
		fmt.Fprintf(e.out, "\n  metrics:     %s/metrics\n", srv.PrivateURL)
	}
	if demo == nil {
		if e.config.Data == "mem:" {
			return nil // another process has another memory
		}
		fmt.Fprintf(e.out, "\n  an account:  warble user add NAME --email E --password - --data %s\n", e.config.Data)
		return nil
	}
	fmt.Fprintf(e.out, `
  sign in at %[1]s/login as  %[2]s / %[3]s  or  %[4]s / %[3]s

  curl -s '%[1]s/2/tweets/search/recent?query=sea&tweet.fields=created_at'
  curl -s -H 'Authorization: Bearer %[5]s' '%[1]s/2/users/%[6]s/timelines/reverse_chronological?expansions=author_id'
  curl -s -H 'Authorization: Bearer %[5]s' -H 'Content-Type: application/json' -d '{"text":"Hello, world"}' %[1]s/2/tweets

`, srv.URL, demo.Handles[0], demo.Password, demo.Handles[1], demo.Token, demo.User)
	return nil
}
