package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"warble"
	"warble/internal/httpx"
	"warble/load"
	"warble/server"
)

// store is an open store as the load package needs it.
func (e *env) store(app *server.App) *load.Store {
	settle := app.CatchUp
	if e.served() {
		settle = app.Settled
	}
	return loadStore(app, settle)
}

func loadStore(app *server.App, settle func(context.Context, func(int64)) error) *load.Store {
	return &load.Store{
		Stores: app.Stores, Writer: app.Writer, Photos: app.Photos, Settle: settle,
		HashPassword: app.Auth.HashPassword,
		Token: func(ctx context.Context, user warble.UserID) (string, error) {
			return app.Auth.IssueTokenFor(ctx, user, httpx.AllScopes, "demo", tokenLife)
		},
	}
}

const importLong = `Import tweets, follows or photos. Importing the same file again changes nothing, so
an import that was broken off is simply run again; it goes on where it stopped.
Rows that cannot be imported are listed with line and reason, and the rest is; where
not a single row could be, the exit code is 1.`

func importCommand(e *env) *cobra.Command {
	c := &cobra.Command{Use: "import", Short: "Import tweets, follows or photos", Long: importLong,
		Example: "  warble import tweets tweets.csv\n  warble import follows ego-twitter.edges.gz --handles tweets.csv --both\n  warble import photos ./holiday --as ann"}
	c.AddCommand(importTweets(e), importFollows(e), importPhotos(e))
	return c
}

func importTweets(e *env) *cobra.Command {
	var rejects string
	c := &cobra.Command{
		Use: "tweets FILE.csv", Short: "Import tweets and their authors", Args: cobra.ExactArgs(1),
		Example: "  warble import tweets tweets.csv --rejects rejected.txt",
		Long: `Import tweets from a CSV file with the columns name, text and tweet_created, and if it
has them tweet_coord and tweet_location. A tweet is the same as another if handle,
time and text are. Authors without an account get one.

A time is written 2/24/2015 11:35 (month/day/year, UTC) or as RFC 3339 has it:
2015-02-24T11:35:00Z, 2015-02-24T12:35:00+01:00. An imported tweet is at least a minute old.

  name,text,tweet_created
  ann,"Hello, world",2015-02-24T11:35:00Z`,
		RunE: func(c *cobra.Command, args []string) error {
			return e.importWith(c.Context(), args[0], rejects, "tweets", func(ctx context.Context, s *load.Store, opt load.ImportOptions) (load.Report, error) {
				return s.ImportTweets(ctx, e.path(args[0]), opt)
			})
		},
	}
	c.Flags().StringVar(&rejects, "rejects", "", "file for all rejected rows")
	return c
}

func importFollows(e *env) *cobra.Command {
	var rejects string
	var opt load.FollowsOptions
	c := &cobra.Command{
		Use: "follows FILE.edges.gz", Short: "Import a follow graph and its people", Args: cobra.ExactArgs(1),
		Example: "  warble import follows ego-twitter.edges.gz --handles tweets.csv --both",
		Long: `Import a follow graph: a gzip file of a line USERS,PAIRS,u,graph and a line A,B for each
pair, where A follows B. People without an account get one: n1, n2 and so on.`,
		RunE: func(c *cobra.Command, args []string) error {
			if opt.Handles != "" {
				if err := e.readable(opt.Handles, false); err != nil {
					return err
				}
			}
			return e.importWith(c.Context(), args[0], rejects, "follows", func(ctx context.Context, s *load.Store, common load.ImportOptions) (load.Report, error) {
				o := opt
				o.ImportOptions = common
				if o.Handles != "" {
					o.Handles = e.path(o.Handles)
				}
				return s.ImportFollows(ctx, e.path(args[0]), o)
			})
		},
	}
	c.Flags().StringVar(&rejects, "rejects", "", "file for all rejected rows")
	c.Flags().StringVar(&opt.Handles, "handles", "", "CSV file of tweets: its k-th distinct handle is graph user k")
	c.Flags().BoolVar(&opt.Both, "both", false, "read each pair both ways")
	return c
}

func importPhotos(e *env) *cobra.Command {
	var rejects, as string
	c := &cobra.Command{
		Use: "photos DIR", Short: "Post every photo of a folder as a tweet", Args: cobra.ExactArgs(1),
		Example: "  warble import photos ./holiday --as ann",
		RunE: func(c *cobra.Command, args []string) error {
			return e.importWith(c.Context(), args[0], rejects, "photos", func(ctx context.Context, s *load.Store, opt load.ImportOptions) (load.Report, error) {
				return s.ImportPhotos(ctx, e.path(args[0]), as, opt)
			})
		},
	}
	c.Flags().StringVar(&rejects, "rejects", "", "file for all rejected files")
	c.Flags().StringVar(&as, "as", load.PhotosHandle, "handle of who posts them; made if there is none")
	return c
}

// importWith runs an import, waits until what it brought is searchable and
// counted, and prints its report.
func (e *env) importWith(ctx context.Context, from, rejects, what string, run func(context.Context, *load.Store, load.ImportOptions) (load.Report, error)) error {
	if err := e.readable(from, what == "photos"); err != nil {
		return err
	}
	return e.withApp(ctx, func(ctx context.Context, app *server.App) error {
		list, err := e.openRejects(rejects)
		if err != nil {
			return err
		}
		s := e.store(app)
		opt := load.ImportOptions{Rejects: list.add, Meter: func(what string) load.Meter { return e.meter(what) }}
		r, err := run(ctx, s, opt)
		err = errors.Join(err, list.close())
		if err == nil || r.Read > 0 {
			e.printReport(r, what)
		}
		if err != nil && r.Read > 0 {
			fmt.Fprintln(e.errOut, "warble: what was imported is kept, and the same command goes on from there")
		}
		if err != nil {
			return err
		}
		if r.Rejected > 0 && r.Added+r.There == 0 {
			row := "row"
			if what == "photos" {
				row = "file"
			}
			return fmt.Errorf("nothing was imported, since every %s was rejected: mend %s by the reasons above and run the same command again; %s --help says what it should look like", row, from, "warble import "+what)
		}
		m := e.meter("search, counts and homes")
		start := time.Now()
		if err := s.Settle(ctx, func(behind int64) { m.Set(-behind, 0) }); err != nil {
			return err
		}
		m.Done()
		fmt.Fprintf(e.out, "search, counts and homes followed in %s\n", time.Since(start).Round(100*time.Millisecond))
		return nil
	})
}

// readable refuses the name of a file, or of a directory, that is not there.
func (e *env) readable(name string, dir bool) error {
	info, err := os.Stat(e.path(name))
	switch {
	case err != nil:
		return usagef("%s cannot be read: %v", name, errors.Unwrap(err))
	case info.IsDir() && !dir:
		return usagef("%s cannot be read: it is a directory, and this wants a file", name)
	case !dir && info.Mode().IsRegular() && info.Size() == 0:
		return usagef("%s is empty: there is nothing in it to import", name)
	case dir && !info.IsDir():
		return usagef("%s cannot be read: it is a file, and this wants a directory", name)
	}
	return nil
}

func (e *env) printReport(r load.Report, what string) {
	if r.Resumed > 0 {
		fmt.Fprintf(e.out, "went on after line %d, where an earlier import had come to\n", r.Resumed)
	}
	read := count(r.Read, "row", "rows")
	if what == "photos" {
		read = count(r.Read, "file", "files")
	}
	fmt.Fprintf(e.out, "%s: %s read, %d added, %d already there, %d rejected; %s made; %s\n",
		what, read, r.Added, r.There, r.Rejected, count(r.People, "person", "people"), r.Took.Round(10*time.Millisecond))
}

// count is a number with its noun.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// rejectsShown is how many rejected rows are shown; a file takes them all.
const rejectsShown = 100

// rejectList prints rejected rows.
type rejectList struct {
	e    *env
	file *os.File // nil: none
	mu   sync.Mutex
	n    int
	err  error
}

func (e *env) openRejects(name string) (*rejectList, error) {
	l := &rejectList{e: e}
	if name == "" {
		return l, nil
	}
	var err error
	// Added to, so that an import that goes on keeps what its beginning found.
	l.file, err = os.OpenFile(e.path(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, usagef("the file for rejected rows cannot be written: %v", err)
	}
	return l, nil
}

func (l *rejectList) add(r load.Reject) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n++; l.n <= rejectsShown {
		fmt.Fprintf(l.e.errOut, "rejected: %s\n", r)
	}
	if l.file != nil && l.err == nil {
		_, l.err = fmt.Fprintln(l.file, r)
	}
}

func (l *rejectList) close() error {
	if more := l.n - rejectsShown; more > 0 {
		fmt.Fprintf(l.e.errOut, "and %s; --rejects FILE writes them all\n", count(int64(more), "more rejected row", "more rejected rows"))
	}
	if l.file == nil {
		return nil
	}
	return errors.Join(l.err, l.file.Close())
}
