package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"warble"
	"warble/internal/httpx"
	"warble/load"
	"warble/server"
)

const loadLong = `Make traffic over the native API and print rates and latencies. With --rate the loop
is open: requests start at that rate whatever the answers, and latencies are counted
from when a request was meant to start. Without it the next request of a connection
starts when the last one is answered.

Requests are made in the name of the tokens given. Without tokens, some that last a
day are made for random people of --data, which must be the store that the server at
--url serves. A mix with post, like or follow does that in these people's names, for
everybody to see, and nothing takes it back: a server started with --dev lets it, any
other wants --yes.

Kinds of request in a mix: `

func loadCommand(e *env) *cobra.Command {
	opt := load.RunOptions{}
	var token, tokens string
	var people int
	var asJSON, yes bool
	c := &cobra.Command{
		Use: "load", Short: "Make traffic on a server and measure it", Args: cobra.NoArgs,
		Long:    loadLong + strings.Join(load.Kinds(), ", ") + ".",
		Example: "  warble load --rate 500 --duration 30s\n  warble load --mix home=80,search=20\n  warble load --url http://127.0.0.1:8080 --token $TOKEN --mix home=90,post=10 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := opt.Check(); err != nil {
				return usagef("%v", err)
			}
			callers, err := e.callers(c.Context(), token, tokens, people, yes || !opt.Writes())
			if err != nil {
				return err
			}
			opt.Callers = callers
			if opt.Writes() {
				fmt.Fprintf(e.errOut, "writing to %s in the name of %s\n", opt.URL, count(int64(len(callers)), "person", "people"))
			}
			m := e.meter("load, ms")
			opt.Meter = m
			t, err := load.Run(c.Context(), opt)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(e.out)
				enc.SetIndent("", "  ")
				return enc.Encode(t)
			}
			return e.printTraffic(t)
		},
	}
	f := c.Flags()
	f.StringVar(&opt.URL, "url", "http://127.0.0.1:8080", "the server")
	f.BoolVar(&opt.AnyHost, "any-host", false, "accept a server that is not this machine")
	f.StringVar(&token, "token", "", "access token of who makes the requests")
	f.StringVar(&tokens, "tokens", "", "file of access tokens, one a line, each after the person's id if that is known")
	f.IntVar(&people, "people", 64, "without tokens: how many random people of --data make the requests")
	f.Float64Var(&opt.Rate, "rate", 0, "requests a second; 0: as fast as answers come")
	f.DurationVar(&opt.Duration, "duration", 30*time.Second, "how long")
	f.StringVar(&opt.Mix, "mix", "home=70,post=5,like=15,search=5,profile=5", "kinds of request and their weights")
	f.IntVar(&opt.Connections, "connections", 64, "requests in flight at most")
	f.Uint64Var(&opt.Seed, "seed", 1, "of the random choices")
	f.BoolVar(&asJSON, "json", false, "as JSON")
	f.BoolVar(&yes, "yes", false, "without tokens: write in the names of people of a server that is not --dev")
	c.AddCommand(loadTokens(e))
	return c
}

// tokenLife is how long a token for load works: longer than any run, and not for ever.
const tokenLife = 24 * time.Hour

// loadTokens runs where the store is, while the traffic is made here.
func loadTokens(e *env) *cobra.Command {
	var people int
	var yes bool
	c := &cobra.Command{
		Use: "tokens", Short: "Make access tokens for random people: lines of id and token", Args: cobra.NoArgs,
		Long: `Make access tokens for random people, as lines of id and token. They have every scope
and last a day. A store that is not served with --dev wants --yes.`,
		Example: "  warble load tokens --people 8 > tokens.txt\n  warble load --tokens tokens.txt",
		RunE: func(c *cobra.Command, _ []string) error {
			return e.withStore(c.Context(), func(ctx context.Context, app *server.App) error {
				if !app.Dev && !yes {
					return usagef("load writes in the names of people of this store, and nothing takes that back: serve a store for trials with warble serve --dev, give the --token of an account for trials, or add --yes")
				}
				ids, err := somePeople(ctx, app, people)
				if err != nil {
					return err
				}
				for _, id := range ids {
					token, err := app.Auth.IssueTokenFor(ctx, id, httpx.AllScopes, "load", tokenLife)
					if err != nil {
						return err
					}
					fmt.Fprintln(e.out, id, token)
				}
				return nil
			})
		},
	}
	c.Flags().IntVar(&people, "people", 64, "how many")
	c.Flags().BoolVar(&yes, "yes", false, "also on a store that is not served with --dev")
	return c
}

// somePeople picks active people evenly from all shards.
func somePeople(ctx context.Context, app *server.App, n int) ([]warble.UserID, error) {
	var ids []warble.UserID
	per := n/warble.Shards + 1
	for shard := range warble.Shards {
		users, err := app.Stores.Users.Scan(ctx, shard, warble.Page{Limit: 8 * per})
		if err != nil {
			return nil, err
		}
		rand.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
		for _, u := range users {
			if u.Active() {
				ids = append(ids, u.ID)
			}
		}
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	if len(ids) == 0 {
		return nil, errors.New("there is nobody in this store to make traffic: warble serve --demo fills an empty one")
	}
	return ids[:min(n, len(ids))], nil
}

// callers reads the tokens there are, or has some made; yes: for anybody.
func (e *env) callers(ctx context.Context, token, file string, people int, yes bool) ([]load.Caller, error) {
	switch {
	case token != "":
		return []load.Caller{{Token: token}}, nil
	case file != "":
		data, err := os.ReadFile(e.path(file))
		if err != nil {
			return nil, usagef("the tokens cannot be read: %v", err)
		}
		return parseCallers(string(data))
	}
	var made bytes.Buffer
	sub := *e
	sub.out = &made
	sub.args = []string{"load", "tokens", "--data", e.config.Data, "--people", strconv.Itoa(people), "--yes=" + strconv.FormatBool(yes)}
	switch run(ctx, &sub) {
	case exitOK:
	case exitUsage:
		return nil, &server.Usage{} // it said why
	default:
		return nil, errQuiet
	}
	return parseCallers(made.String())
}

func parseCallers(text string) ([]load.Caller, error) {
	var list []load.Caller
	n := 0
	for line := range strings.Lines(text) {
		n++
		f := strings.Fields(line)
		switch len(f) {
		case 0:
		case 1:
			list = append(list, load.Caller{Token: f[0]})
		default:
			id, err := warble.ParseID(f[0])
			if err != nil || len(f) > 2 {
				return nil, usagef("line %d of the tokens is neither a token nor an id and a token", n)
			}
			list = append(list, load.Caller{ID: id, Token: f[1]})
		}
	}
	return list, nil
}

func (e *env) printTraffic(t *load.Traffic) error {
	fmt.Fprintf(e.out, "%d requests in %.1f s: %.0f/s", t.Requests, t.Seconds, t.Rate)
	if t.Wanted > 0 {
		fmt.Fprintf(e.out, " of %.0f/s wanted", t.Wanted)
	}
	fmt.Fprintln(e.out)
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tREQUESTS\tP50 MS\tP99 MS\tP99.9 MS\tMAX MS")
	for _, k := range t.Kinds {
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\n", k.Kind, k.Requests, k.P50, k.P99, k.P999, k.Max)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, status := range slices.Sorted(maps.Keys(t.Failed)) {
		fmt.Fprintf(e.out, "failed with %s: %d\n", status, t.Failed[status])
	}
	return nil
}
