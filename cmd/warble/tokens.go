package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"warble"
	"warble/internal/httpx"
	"warble/server"
)

func tokenCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use: "token HANDLE", Short: "Make an access token with every scope; list and revoke tokens", Args: cobra.ExactArgs(1),
		Long: `Make an access token with every scope and without an end. The token alone is the last
line of standard output. For somebody with the handle list or revoke write @list.`,
		Example: "  TOKEN=$(warble token ann | tail -n 1)\n  curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8080/2/users/me",
		RunE: func(c *cobra.Command, args []string) error {
			return e.withUser(c.Context(), args[0], func(ctx context.Context, app *server.App, u *warble.User) error {
				token, err := app.Auth.IssueToken(ctx, u.ID, httpx.AllScopes, "command line")
				if err != nil {
					return err
				}
				fmt.Fprintln(e.out, token)
				return nil
			})
		},
	}
	c.AddCommand(tokenList(e), tokenRevoke(e))
	return c
}

// withUser is withStore for work on an account.
func (e *env) withUser(ctx context.Context, handle string, work func(context.Context, *server.App, *warble.User) error) error {
	return e.withStore(ctx, func(ctx context.Context, app *server.App) error {
		u, err := user(ctx, app, handle)
		if err != nil {
			return err
		}
		return work(ctx, app, u)
	})
}

func tokenList(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "list HANDLE", Short: "List the tokens that work in somebody's name", Args: cobra.ExactArgs(1),
		Long: `List the tokens that work in somebody's name: those made by hand and those of apps
they allowed. A token itself is shown only when it is made; ID is for warble token revoke.`,
		Example: "  warble token list ann",
		RunE: func(c *cobra.Command, args []string) error {
			return e.withUser(c.Context(), args[0], func(ctx context.Context, app *server.App, u *warble.User) error {
				tokens, err := app.Auth.Tokens(ctx, u.ID)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tOF\tKIND\tENDS")
				for _, t := range tokens {
					of, err := holder(ctx, app, t.App, t.Name)
					if err != nil {
						return err
					}
					kind, ends := "access", "never"
					if t.Refresh {
						kind = "refresh"
					}
					if !t.Expires.IsZero() {
						ends = t.Expires.UTC().Format(time.RFC3339)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.ID, of, kind, ends)
				}
				return w.Flush()
			})
		},
	}
}

// holder says who has a token: an app, or what it was made for by hand.
func holder(ctx context.Context, app *server.App, id warble.DocID, name string) (string, error) {
	if id == 0 {
		return name, nil
	}
	a, err := app.Auth.App(ctx, id.String())
	if err != nil || a == nil {
		return "app " + id.String(), err
	}
	return "app " + a.Name, nil
}

func tokenRevoke(e *env) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "revoke HANDLE ID...", Short: "End tokens of somebody's", Args: cobra.MinimumNArgs(1),
		Long: `End tokens by their IDs, as warble token list shows them. With a token of an app all end
that the same consent brought about.`,
		Example: "  warble token revoke ann 7264391833021553\n  warble token revoke ann --all",
		RunE: func(c *cobra.Command, args []string) error {
			ids := make([]warble.DocID, len(args)-1)
			for i, arg := range args[1:] {
				var err error
				if ids[i], err = warble.ParseID(arg); err != nil {
					return usagef("%q is no ID of a token: warble token list %s shows them", arg, args[0])
				}
			}
			if all == (len(ids) > 0) {
				return usagef("say which tokens: IDs, as warble token list %s shows them, or --all", args[0])
			}
			return e.withUser(c.Context(), args[0], func(ctx context.Context, app *server.App, u *warble.User) error {
				if all {
					if err := app.Auth.RevokeAll(ctx, u.ID); err != nil {
						return err
					}
					fmt.Fprintf(e.out, "every token of @%s is revoked\n", u.Handle)
				}
				for _, id := range ids {
					if err := app.Auth.RevokeID(ctx, u.ID, id); err != nil {
						return err
					}
					fmt.Fprintf(e.out, "token %s of @%s is revoked\n", id, u.Handle)
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "every token, those of apps included")
	return c
}

func appCommand(e *env) *cobra.Command {
	c := &cobra.Command{Use: "app", Short: "Register and list OAuth 2 apps",
		Example: "  warble app add 'My client' --redirect http://127.0.0.1:3000/callback\n  warble app list"}
	c.AddCommand(appAdd(e), appList(e))
	return c
}

func appAdd(e *env) *cobra.Command {
	var redirects []string
	var confidential bool
	c := &cobra.Command{
		Use: "add NAME", Short: "Register an app", Args: cobra.ExactArgs(1),
		Example: "  warble app add 'My client' --redirect http://127.0.0.1:3000/callback\n" +
			"  warble app add Phone --redirect phone.example:/back --confidential=false",
		RunE: func(c *cobra.Command, args []string) error {
			if len(redirects) == 0 && !confidential {
				return usagef("an app that can keep no secret needs a redirect URI to do anything: add --redirect URI")
			}
			return e.withApp(c.Context(), func(ctx context.Context, app *server.App) error {
				a, secret, err := app.Auth.AddApp(ctx, 0, args[0], redirects, confidential)
				if err != nil {
					return err
				}
				fmt.Fprintf(e.out, "client id:     %s\n", a.ClientID())
				if secret != "" {
					fmt.Fprintf(e.out, "client secret: %s\n", secret)
				}
				if len(redirects) == 0 {
					fmt.Fprintln(e.errOut, "without --redirect nobody can allow this app: it can only use client credentials")
				}
				return nil
			})
		},
	}
	c.Flags().StringArrayVar(&redirects, "redirect", nil, "redirect URI, exactly as the app will send it; may be repeated")
	c.Flags().BoolVar(&confidential, "confidential", true, "the app can keep a secret (a server, a script)")
	return c
}

func appList(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the apps registered here", Args: cobra.NoArgs,
		Example: "  warble app list",
		RunE: func(c *cobra.Command, _ []string) error {
			return e.withStore(c.Context(), func(ctx context.Context, app *server.App) error {
				apps, err := app.Auth.Apps(ctx, 0)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "CLIENT ID\tNAME\tSECRET\tREDIRECTS")
				for _, a := range apps {
					secret := "no"
					if a.Confidential() {
						secret = "yes"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.ClientID(), a.Name, secret, strings.Join(a.Redirects, " "))
				}
				return w.Flush()
			})
		},
	}
}
