package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"warble"
	"warble/server"
)

// Exit codes, as the manual says.
const (
	exitOK     = 0
	exitFailed = 1 // the work failed, or a check found a breach
	exitUsage  = 2 // the command line or the configuration cannot work
)

// env is what a command sees of the world: its own process, or, when a running
// server executes it, the server and the terminal at the other end.
type env struct {
	in          io.Reader // of the process that was typed; nil in a server
	out, errOut io.Writer
	args        []string
	dir         string      // working directory of whoever typed the command
	terminal    bool        // errOut is a terminal
	input       string      // what was read for the command, once; see password
	app         *server.App // set when a running server executes the command
	code        int         // exit code of a forwarded command
	config      server.Config
}

// run executes a command line and returns the exit code.
func run(ctx context.Context, e *env) int {
	root := newRoot(e)
	root.SetArgs(e.args)
	root.SetOut(e.out)
	root.SetErr(e.errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return e.code
	}
	var use *server.Usage
	switch {
	case errors.Is(err, errQuiet):
		return exitFailed
	case errors.As(err, &use):
		if use.Text != "" { // else it has been said
			fmt.Fprintln(e.errOut, "warble: "+use.Text)
		}
		return exitUsage
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(e.errOut, "warble: interrupted")
		return exitFailed
	case errors.Is(err, warble.ErrInvalid):
		fmt.Fprintln(e.errOut, "warble: "+sentence(err))
		return exitUsage
	}
	fmt.Fprintln(e.errOut, "warble: "+sentence(err))
	return exitFailed
}

// errQuiet ends a command whose output has said all there is.
var errQuiet = errors.New("failed")

// sentence is an error as a person at a terminal should read it.
func sentence(err error) string {
	if e, ok := errors.AsType[*warble.Error](err); ok && e.Detail != "" {
		if e.Param != "" {
			return e.Param + ": " + e.Detail
		}
		return e.Detail
	}
	return err.Error()
}

func usagef(format string, args ...any) error {
	return &server.Usage{Text: fmt.Sprintf(format, args...)}
}

const rootLong = `Warble is a Twitter-like service in one binary: tweets, photos, follows, likes,
home timelines and search, with the wire shape of the X API v2.

  warble serve --demo --dev     start a small living network on 127.0.0.1:8080
  warble user add ann --email ann@example.org --password -
  warble token ann              an access token for her, for curl and scripts

Every command takes --data; "dir:PATH" keeps everything in one directory. While
a server has that directory open, commands run inside it, through a socket.

Exit codes: 0 done; 1 failed, or a check found something; 2 the command line or
the configuration cannot work, and nothing was touched.`

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use: "warble", Short: "A Twitter-like service in one binary", Long: rootLong,
		SilenceUsage: true, SilenceErrors: true,
	}
	e.config = server.Config{Data: "dir:./warble-data", Target: "all", Listen: "127.0.0.1:8080"}
	if d := os.Getenv("WARBLE_DATA"); d != "" {
		e.config.Data = d
	}
	root.PersistentFlags().StringVar(&e.config.Data, "data", e.config.Data, `the store: "dir:PATH", "cluster:FILE", or "mem:" for one that forgets (WARBLE_DATA)`)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		text := err.Error()
		if cause := errors.Unwrap(err); cause != nil { // how a parser of the standard library puts it
			text = strings.TrimSuffix(text, ": "+cause.Error())
		}
		return usagef("%s; %s --help shows what there is", text, c.CommandPath())
	})
	root.AddCommand(serveCommand(e), userCommand(e), tokenCommand(e), appCommand(e), importCommand(e),
		checkCommand(e), rebuildCommand(e), loadCommand(e), benchCommand(e), routesCommand(e), schemaCommand(e), versionCommand(e))
	root.InitDefaultCompletionCmd()
	fixArgs(root)
	// Not cobra's own flag: its template would keep every exported method of every type in the program.
	help, show := root.RunE, root.Flags().Bool("version", false, "print the version")
	root.RunE = func(c *cobra.Command, args []string) error {
		if *show {
			_, err := fmt.Fprintln(e.out, version())
			return err
		}
		return help(c, args)
	}
	return root
}

// fixArgs makes wrong arguments a usage error, with the way out.
func fixArgs(c *cobra.Command) {
	if c.HasSubCommands() && !c.Runnable() {
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(c, args[0])
			}
			return c.Help()
		}
	} else if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return wrongArgs(c, args, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		fixArgs(sub)
	}
}

// wrongArgs says which argument is missing or too many, by the names that the
// command's Use line gives them.
func wrongArgs(c *cobra.Command, args []string, err error) error {
	what, names := err.Error(), strings.Fields(c.Use)[1:]
	switch {
	case len(args) < len(names):
		what = names[len(args)] + " is missing"
	case len(args) > len(names):
		what = fmt.Sprintf("%q is one argument too many", args[len(names)])
	}
	text := what + "; the command is: " + c.UseLine()
	if example, _, _ := strings.Cut(strings.TrimSpace(c.Example), "\n"); example != "" {
		text += "; for example: " + example
	}
	return usagef("%s", text)
}

func noCommand(c *cobra.Command, name string) error {
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(name); len(near) > 0 {
		return usagef("there is no command %q; did you mean %q?", c.CommandPath()+" "+name, c.CommandPath()+" "+near[0])
	}
	return usagef("there is no command %q; %s --help shows what there is", c.CommandPath()+" "+name, c.CommandPath())
}

// withStore is withApp for work that makes no sense on a store that is only
// just being made: a mistyped directory stays untouched.
func (e *env) withStore(ctx context.Context, work func(context.Context, *server.App) error) error {
	if err := e.storeThere(); err != nil {
		return err
	}
	return e.withApp(ctx, work)
}

// storeThere refuses a directory without a store in it.
func (e *env) storeThere() error {
	if dir, ok := strings.CutPrefix(e.config.Data, "dir:"); ok && e.app == nil && dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "FORMAT")); errors.Is(err, os.ErrNotExist) {
			return usagef("there is no store in %s: say where it is with --data, or make one with warble serve", dir)
		}
	}
	return nil
}

// withApp runs work on the store: in the server that has it open, or on the
// store itself where there is none.
func (e *env) withApp(ctx context.Context, work func(context.Context, *server.App) error) error {
	if e.app != nil {
		return work(ctx, e.app)
	}
	code, err := server.Forward(ctx, e.config.Data, server.Request{Args: e.args, Dir: e.dir, Terminal: e.terminal, Input: e.input}, e.out, e.errOut)
	if err == nil {
		e.code = code
		return nil
	}
	if !errors.Is(err, server.ErrNoServer) {
		return err
	}
	if e.config.Data == "mem:" {
		return usagef("mem: is a memory of this command alone, gone when it ends: name a store with --data dir:PATH; only warble serve takes mem:")
	}
	e.config.Quiet = true
	app, err := server.Open(ctx, e.config)
	if err != nil {
		return err
	}
	return errors.Join(work(ctx, app), app.Close())
}

// served says that a running server executes the command.
func (e *env) served() bool { return e.app != nil }

// path makes a file's name mean the same in the server as where it was typed.
func (e *env) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(e.dir, name)
}

// execute is what a running server does with a forwarded command line.
func execute(ctx context.Context, app *server.App, req server.Request, out, errOut io.Writer) int {
	return run(ctx, &env{out: out, errOut: errOut, args: req.Args, dir: req.Dir, terminal: req.Terminal, input: req.Input, app: app})
}

// user finds an account by its handle, with or without @.
func user(ctx context.Context, app *server.App, handle string) (*warble.User, error) {
	u, err := app.Stores.Users.ByHandle(ctx, strings.TrimPrefix(handle, "@"))
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, fmt.Errorf("there is no account with the handle %s", handle)
	}
	if u.Deleted {
		return nil, fmt.Errorf("the account %s has been deleted", handle)
	}
	return u, nil
}
