package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"warble/load"
	"warble/load/bench"
)

const benchLong = `Measure this machine's Warble against controls that do the least a machine could do
for the same answer: a static handler, a synced row, a bare insert. Servers,
controls and the client are processes of their own on the loopback; subject and
control take turns, and the ratio of their medians is what counts. A ratio over
HTTP is the control's server CPU time for a request ÷ ours; in process it is
throughput ÷ the control's. Every row says what we want of it.

The data (the ego-Twitter graph from ../shared/data, or one of the same degrees,
1M tweets, 10k hot users) is built once a run, in the temporary directory, and
removed at the end. The whole takes at most 25 minutes, --quick one.`

func benchCommand(e *env) *cobra.Command {
	opt := bench.Options{}
	var asJSON, strict bool
	c := &cobra.Command{
		Use: "bench", Short: "Measure against controls in the same run", Long: benchLong, Args: cobra.NoArgs,
		Example: "  warble bench --quick\n  warble bench --only home.native,post.http\n  warble bench --json > speed.json",
		RunE: func(c *cobra.Command, _ []string) error {
			return e.bench(c.Context(), opt, asJSON, strict)
		},
	}
	f := c.Flags()
	f.BoolVar(&opt.Quick, "quick", false, "a twentieth of the data, ratio lines only, 3 rounds of 1 s")
	f.StringSliceVar(&opt.Only, "only", nil, "measure these keys only: "+strings.Join(bench.Keys(), ", "))
	f.BoolVar(&asJSON, "json", false, "print one JSON document on standard output, and nothing else")
	f.BoolVar(&strict, "strict", false, "exit with 1 where a row falls short of what we want")
	f.StringVar(&opt.Temp, "temp", "", "where the data is built (default: the system's temporary directory); wants 5 GB")
	f.StringVar(&opt.Profile, "profile", "", "write CPU profiles of what is measured to this directory")
	f.IntVar(&opt.Shrink, "shrink", 1, "divide the data by so much")
	if err := f.MarkHidden("shrink"); err != nil {
		panic(err)
	}
	c.AddCommand(benchChildCommand(e))
	return c
}

func (e *env) bench(ctx context.Context, opt bench.Options, asJSON, strict bool) (err error) {
	if e.served() {
		return usagef("a bench runs on its own data: leave --data out")
	}
	if opt.Self, err = os.Executable(); err != nil {
		return err
	}
	opt.Shared = filepath.Join(e.dir, "..", "shared", "data")
	opt.Out = e.errOut
	opt.Meter = func(what string) load.Meter { return e.meter(what) }
	rep, err := bench.Run(ctx, opt)
	if rep != nil && (err == nil || len(rep.Results) > 0) {
		show := rep.Table
		if asJSON {
			show = rep.JSON
		}
		err = errors.Join(err, show(e.out))
	}
	if err == nil && strict && !rep.Good() {
		fmt.Fprintln(e.errOut, "warble: some rows fall short")
		return errQuiet
	}
	return err
}

// benchChildCommand is how the bench starts its servers and controls: they end
// with their standard input, however the bench ends.
func benchChildCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "child ROLE [FLAGS]", Hidden: true, DisableFlagParsing: true, Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == "serve" {
				ctx, cancel := bench.UntilEOF(c.Context(), os.Stdin)
				defer cancel()
				sub := &env{out: e.out, errOut: e.errOut, args: args, dir: e.dir}
				e.code = run(ctx, sub)
				return nil
			}
			return bench.Child(c.Context(), args[0], os.Stdin, e.out)
		},
	}
}
