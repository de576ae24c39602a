package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"warble"
	"warble/internal/httpx"
	"warble/role/write"
	"warble/server"
)

func userCommand(e *env) *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "Make, list, suspend and delete accounts",
		Example: "  warble user add ann --email ann@example.org --password 'correct horse battery'\n  warble user suspend ann"}
	c.AddCommand(userAdd(e), userList(e), userSuspend(e), userDelete(e))
	return c
}

func userAdd(e *env) *cobra.Command {
	var email, password, name string
	c := &cobra.Command{
		Use: "add HANDLE", Short: "Make an account", Args: cobra.ExactArgs(1),
		Example: "  warble user add ann --email ann@example.org --password 'correct horse battery'",
		RunE: func(c *cobra.Command, args []string) error {
			if email == "" {
				return usagef("an account has an e-mail address: add --email %s@example.org", args[0])
			}
			return e.withApp(c.Context(), func(ctx context.Context, app *server.App) error {
				r := write.Registration{Handle: args[0], Name: name, Email: email}
				if r.Name == "" {
					r.Name = args[0]
				}
				if password != "" {
					hash, err := app.Auth.HashPassword(ctx, password)
					if err != nil {
						return err
					}
					r.PasswordHash = hash
				}
				u, err := app.Writer.Register(ctx, r)
				if err != nil {
					return err
				}
				fmt.Fprintf(e.out, "@%s is account %s\n", u.Handle, u.ID)
				return nil
			})
		},
	}
	c.Flags().StringVar(&email, "email", "", "e-mail address")
	c.Flags().StringVar(&password, "password", "", "password to sign in with; without one the account has tokens only")
	c.Flags().StringVar(&name, "name", "", "display name (default: the handle)")
	return c
}

func userList(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List accounts", Args: cobra.NoArgs,
		Example: "  warble user list\n  warble user list | grep suspended",
		RunE: func(c *cobra.Command, _ []string) error {
			return e.withStore(c.Context(), func(ctx context.Context, app *server.App) error {
				w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tHANDLE\tNAME\tSTATE")
				for shard := range warble.Shards {
					if err := listShard(ctx, app, shard, w); err != nil {
						return err
					}
				}
				return w.Flush()
			})
		},
	}
}

func listShard(ctx context.Context, app *server.App, shard int, w *tabwriter.Writer) error {
	for p := (warble.Page{Limit: 500}); ; {
		users, err := app.Stores.Users.Scan(ctx, shard, p)
		if err != nil {
			return err
		}
		for _, u := range users {
			fmt.Fprintf(w, "%s\t@%s\t%s\t%s\n", u.ID, u.Handle, u.Name, state(u))
		}
		if len(users) < p.Limit {
			return nil
		}
		p.Before = users[len(users)-1].ID
	}
}

func state(u *warble.User) string {
	switch {
	case u.Deleted:
		return "deleted"
	case u.Suspended:
		return "suspended"
	case u.Protected:
		return "private"
	}
	return ""
}

func userSuspend(e *env) *cobra.Command {
	var undo bool
	c := &cobra.Command{
		Use: "suspend HANDLE", Short: "Hide an account and its tweets, until --undo", Args: cobra.ExactArgs(1),
		Example: "  warble user suspend ann\n  warble user suspend ann --undo",
		RunE: func(c *cobra.Command, args []string) error {
			return e.withStore(c.Context(), func(ctx context.Context, app *server.App) error {
				u, err := user(ctx, app, args[0])
				if err != nil {
					return err
				}
				if err := app.Writer.Suspend(ctx, u.ID, !undo); err != nil {
					return err
				}
				word := "is suspended"
				if undo {
					word = "is no longer suspended"
				}
				fmt.Fprintf(e.out, "@%s %s\n", u.Handle, word)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&undo, "undo", false, "take it back")
	return c
}

func userDelete(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "delete HANDLE", Short: "Delete an account for good", Args: cobra.ExactArgs(1),
		Example: "  warble user delete ann",
		RunE: func(c *cobra.Command, args []string) error {
			return e.withStore(c.Context(), func(ctx context.Context, app *server.App) error {
				u, err := user(ctx, app, args[0])
				if err != nil {
					return err
				}
				if err := app.Writer.DeleteAccount(ctx, u.ID); err != nil {
					return err
				}
				fmt.Fprintf(e.out, "@%s is deleted\n", u.Handle)
				return nil
			})
		},
	}
}

func tokenCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "token HANDLE", Short: "Make an access token with every scope", Args: cobra.ExactArgs(1),
		Long:    "Make an access token with every scope. The token alone is the last line of standard output.",
		Example: "  TOKEN=$(warble token ann | tail -n 1)\n  curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8080/2/users/me",
		RunE: func(c *cobra.Command, args []string) error {
			return e.withStore(c.Context(), func(ctx context.Context, app *server.App) error {
				u, err := user(ctx, app, args[0])
				if err != nil {
					return err
				}
				token, err := app.Auth.IssueToken(ctx, u.ID, httpx.AllScopes, "command line")
				if err != nil {
					return err
				}
				fmt.Fprintln(e.out, token)
				return nil
			})
		},
	}
}

func appCommand(e *env) *cobra.Command {
	c := &cobra.Command{Use: "app", Short: "Register OAuth 2 apps",
		Example: "  warble app add 'My client' --redirect http://127.0.0.1:3000/callback"}
	var redirects []string
	var confidential bool
	add := &cobra.Command{
		Use: "add NAME", Short: "Register an app", Args: cobra.ExactArgs(1),
		Example: "  warble app add 'My client' --redirect http://127.0.0.1:3000/callback",
		RunE: func(c *cobra.Command, args []string) error {
			return e.withApp(c.Context(), func(ctx context.Context, app *server.App) error {
				a, secret, err := app.Auth.AddApp(ctx, 0, args[0], redirects, confidential)
				if err != nil {
					return err
				}
				fmt.Fprintf(e.out, "client id:     %s\n", a.ClientID())
				if secret != "" {
					fmt.Fprintf(e.out, "client secret: %s\n", secret)
				}
				return nil
			})
		},
	}
	add.Flags().StringArrayVar(&redirects, "redirect", nil, "redirect URI, exactly as the app will send it; may be repeated")
	add.Flags().BoolVar(&confidential, "confidential", true, "the app can keep a secret (a server, a script)")
	c.AddCommand(add)
	return c
}
