//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func command() *cobra.Command {
	l := &layout{Cache: &cache{}}
	root := &cobra.Command{Use: "local", Short: "Warble's engines on one machine", SilenceUsage: true, SilenceErrors: true}
	flags := root.PersistentFlags()
	flags.StringVar(&l.Run, "run", "warble-cluster", "folder for data, logs, secrets and the cluster file")
	flags.StringVar(&l.Cache.dir, "cache", "", "folder for the engines' programs (default: warble-cluster in the user's cache)")
	flags.StringVar(&l.Net, "net", "127.0.0", "first three numbers of the loopback addresses to listen on; two where --wrap gives every process a network")
	flags.StringVar(&l.Wrap, "wrap", "", "program that starts every process, given its name and command; for tests")
	flags.IntVar(&l.Search, "search", 1, "OpenSearch nodes: 1 or 3")
	flags.IntVar(&l.Port, "port", 8080, "port of the balancer")
	flags.StringVar(&l.Warble, "warble", "", "warble's binary; empty: start the engines only")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		out := cmd.OutOrStdout()
		l.Cache.say = func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
		return l.resolve()
	}
	root.AddCommand(upCommand(l), downCommand(l), statusCommand(l), holdCommand(l), releaseCommand(l), secretsCommand(l), superviseCommand(l))
	return root
}

// resolve checks the flags and makes names absolute.
func (l *layout) resolve() error {
	if ip := net.ParseIP(l.of("cassandra").host(1)); ip == nil || !ip.IsLoopback() && l.Wrap == "" {
		return fmt.Errorf("--net %s: want three numbers such as 127.0.0", l.Net)
	}
	if l.Search != 1 && l.Search != 3 {
		return fmt.Errorf("--search %d: want 1 or 3", l.Search)
	}
	var err error
	if l.Run, err = filepath.Abs(l.Run); err != nil {
		return err
	}
	if l.Cache.dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		l.Cache.dir = filepath.Join(base, "warble-cluster")
	}
	if l.Cache.dir, err = filepath.Abs(l.Cache.dir); err != nil || l.Warble == "" {
		return err
	}
	l.Warble, err = filepath.Abs(l.Warble)
	return err
}

// flags are those of a supervisor for the same layout.
func (l *layout) flags() []string {
	return []string{"--run", l.Run, "--cache", l.Cache.dir, "--net", l.Net, "--search", fmt.Sprint(l.Search),
		"--port", fmt.Sprint(l.Port), "--warble", l.Warble, "--wrap", l.Wrap}
}

func upCommand(l *layout) *cobra.Command {
	var installOnly bool
	cmd := &cobra.Command{
		Use: "up", Short: "Install what is missing, start everything, return when it is ready", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if err := l.Cache.install(ctx); err != nil || installOnly {
				return err
			}
			return l.up(ctx, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&installOnly, "install-only", false, "end when everything is installed")
	return cmd
}

// up is idempotent: where everything runs already it prints the same.
func (l *layout) up(ctx context.Context, out io.Writer) error {
	if err := os.MkdirAll(l.Run, 0o755); err != nil {
		return err
	}
	if _, err := l.askStatus(ctx); errors.Is(err, errDown) {
		if err := l.begin(ctx); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	err := l.follow(ctx, func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) })
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), l.takeDown(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return fmt.Errorf("%w; what runs goes on: see cluster-status, end it with cluster-down", err)
	}
	all, err := l.askStatus(ctx)
	if err != nil {
		return err
	}
	var memory int64
	var url string
	for _, s := range all {
		memory += s.Memory
		if s.Role == "haproxy" {
			url = "http://" + s.Address
		}
	}
	fmt.Fprintf(out, "logs: %s/*/log, %s\n", l.Run, l.dir("supervisor.log"))
	fmt.Fprintf(out, "memory: %d MB in %d processes\n", memory>>20, len(all))
	if url != "" {
		fmt.Fprintf(out, "url: %s\n", url)
	}
	fmt.Fprintf(out, "data: cluster:%s\n", l.clusterFile())
	return nil
}

// begin starts a supervisor and waits until it answers.
func (l *layout) begin(ctx context.Context) error {
	if err := os.Remove(l.clusterFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := l.sweep(ctx); err != nil {
		return err
	}
	if err := l.spawn(append([]string{"supervise"}, l.flags()...)); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	err := until(limit, func(ctx context.Context) error {
		_, err := l.askStatus(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w; its log: %s", err, l.dir("supervisor.log"))
	}
	return nil
}

func secretsCommand(l *layout) *cobra.Command {
	return &cobra.Command{
		Use: "secrets", Short: "Make those secrets of the run folder that are not there; nothing else", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return l.loadSecrets() },
	}
}

func superviseCommand(l *layout) *cobra.Command {
	return &cobra.Command{
		Use: "supervise", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if err := l.loadSecrets(); err != nil {
				return err
			}
			first, roles, err := l.plan()
			if err != nil {
				return err
			}
			return newSupervisor(l, first, roles).run(ctx)
		},
	}
}

func downCommand(l *layout) *cobra.Command {
	var wipe bool
	cmd := &cobra.Command{
		Use: "down", Short: "End everything; the data stays", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
			defer cancel()
			if err := l.takeDown(ctx); err != nil {
				return err
			}
			if wipe {
				return l.wipe()
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&wipe, "wipe", false, "remove the run folder with all data")
	return cmd
}

// wipe removes nothing but a folder that a cluster has run in.
func (l *layout) wipe() error {
	if _, err := os.Stat(l.dir("secrets")); err != nil {
		return fmt.Errorf("%s is not the run folder of a cluster: %w", l.Run, err)
	}
	return os.RemoveAll(l.Run)
}

func statusCommand(l *layout) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Every process with its health", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := l.askStatus(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				writeJSON(cmd.OutOrStdout(), all)
				return nil
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tROLE\tPID\tADDRESS\tMB\tRESTARTS\tHEALTH")
			for _, s := range all {
				fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%d\t%s\n", s.Name, s.Role, s.PID, s.Address, s.Memory>>20, s.Restarts, s.Health)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "a JSON array; memory in bytes")
	return cmd
}

func holdCommand(l *layout) *cobra.Command {
	var sig string
	cmd := &cobra.Command{
		Use: "hold NAME", Short: "End a process and keep it down", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if sig != "kill" && sig != "stop" {
				return fmt.Errorf("--signal %s: want kill or stop", sig)
			}
			return l.tell(cmd.Context(), "/hold", url.Values{"name": args, "signal": {sig}})
		},
	}
	cmd.Flags().StringVar(&sig, "signal", "kill", "kill it, or stop it in its tracks")
	return cmd
}

func releaseCommand(l *layout) *cobra.Command {
	return &cobra.Command{
		Use: "release NAME", Short: "Let a held process come back", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.tell(cmd.Context(), "/release", url.Values{"name": args})
		},
	}
}

func (l *layout) tell(ctx context.Context, path string, form url.Values) error {
	body, err := l.call(ctx, http.MethodPost, path, form)
	if err != nil {
		return err
	}
	return body.Close()
}
