package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"warble"
	"warble/role/fanout"
	"warble/server"
)

func checkCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check every invariant of a store; exit 1 if one does not hold", Args: cobra.NoArgs,
		Example: "  warble check --data dir:/var/lib/warble",
		Long: `Check every invariant of a store: counts equal their rows, every edge is the same from
both ends, tweets are whole, photos are there, search and homes hold only what is
or was there. First fan-out catches up with the log. On a running store a breach
is looked at again before it is printed.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return e.withStore(c.Context(), e.check)
		},
	}
}

func (e *env) check(ctx context.Context, app *server.App) error {
	m := e.meter("catching up")
	settle := func(ctx context.Context) error { return app.Settled(ctx, nil) }
	catchUp := app.CatchUp
	if e.served() {
		catchUp = app.Settled
	}
	if err := catchUp(ctx, func(behind int64) { m.Set(-behind, 0) }); err != nil {
		return err
	}
	m.Done()
	breaches := 0
	checker := fanout.NewChecker(app.Stores, func(b fanout.Breach) {
		breaches++
		fmt.Fprintln(e.out, b)
	})
	if e.served() {
		checker.Settle = settle
	}
	m = e.meter("checking")
	var seen highest
	checker.Progress = func(shards int, rows int64) { seen.see(rows); m.Set(int64(shards), warble.Shards) }
	if err := checker.Run(ctx); err != nil {
		return err
	}
	m.Done()
	if breaches > 0 {
		fmt.Fprintln(e.out, count(int64(breaches), "invariant does not hold", "invariants do not hold"))
		fmt.Fprintln(e.out, "warble rebuild restores what is derived: search, counts and homes")
		return errQuiet
	}
	fmt.Fprintf(e.out, "clean: %s checked\n", count(seen.Load(), "thing", "things"))
	return nil
}

// highest is the highest number seen; progress is told by many workers at once.
type highest struct{ atomic.Int64 }

func (h *highest) see(n int64) {
	for old := h.Load(); n > old && !h.CompareAndSwap(old, n); old = h.Load() {
	}
}

func rebuildCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "rebuild", Short: "Restore search, counts and homes from truth", Args: cobra.NoArgs,
		Example: "  warble rebuild --data dir:/var/lib/warble",
		RunE: func(c *cobra.Command, _ []string) error {
			return e.withStore(c.Context(), func(ctx context.Context, app *server.App) error {
				m := e.meter("rebuilding")
				var things highest
				err := app.Fanout.Rebuild(ctx, func(shards int, n int64) { things.see(n); m.Set(int64(shards), warble.Shards) })
				if err != nil {
					return err
				}
				m.Done()
				fmt.Fprintf(e.out, "rebuilt from %d people and tweets\n", things.Load())
				return nil
			})
		},
	}
}

func routesCommand(e *env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "routes", Short: "Print the route table: method, path, role, scope, rate limit", Args: cobra.NoArgs,
		Example: "  warble routes\n  warble routes --json",
		RunE: func(*cobra.Command, []string) error {
			type row struct {
				Method, Path, Role, Scope string
				Limit                     int
			}
			var rows []row
			for _, r := range server.Routes(nil, "", nil) {
				rows = append(rows, row{r.Method, r.Pattern, string(r.Role), r.Scope, r.Limit.N})
			}
			if asJSON {
				enc := json.NewEncoder(e.out)
				enc.SetIndent("", "  ")
				return enc.Encode(rows)
			}
			w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "METHOD\tPATH\tROLE\tSCOPE\tPER 15 MIN")
			for _, r := range rows {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", r.Method, r.Path, r.Role, r.Scope, r.Limit)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

// versionDefault is the version of a program that was not built from a tagged commit.
const versionDefault = "development"

func versionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Example: "  warble version",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(e.out, version())
			return err
		},
	}
}

// version is the program's version and what it was built with and for.
func version() string {
	v := versionDefault
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		v = info.Main.Version
	}
	return fmt.Sprintf("warble %s %s %s/%s", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
