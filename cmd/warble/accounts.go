package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"warble"
	"warble/role/write"
	"warble/server"
)

func userCommand(e *env) *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "Make, list, suspend and delete accounts; set passwords",
		Example: "  warble user add ann --email ann@example.org --password -\n  warble user suspend ann"}
	c.AddCommand(userAdd(e), userList(e), userPasswd(e), userSuspend(e), userDelete(e))
	return c
}

func userAdd(e *env) *cobra.Command {
	var password string
	var r write.Registration
	c := &cobra.Command{
		Use: "add HANDLE", Short: "Make an account", Args: cobra.ExactArgs(1),
		Example: "  warble user add ann --email ann@example.org --password -\n" +
			"  warble user add bot --email bot@example.org && warble token bot",
		Long: `Make an account. A handle is 1 to 15 of the characters A-Z, a-z, 0-9 and _, is one
person's however it is written, and stays taken when the account is deleted.`,
		RunE: func(c *cobra.Command, args []string) (err error) {
			r.Handle = strings.TrimPrefix(args[0], "@")
			if !warble.ValidHandle(r.Handle) {
				return usagef("%q is no handle: a handle is 1 to 15 of the characters A-Z, a-z, 0-9 and _", args[0])
			}
			if r.Email == "" {
				return usagef("an account has an e-mail address: add --email %s@example.org", r.Handle)
			}
			if password, err = e.password(c.Context(), password); err != nil {
				return err
			}
			return e.withApp(c.Context(), func(ctx context.Context, app *server.App) error { return e.register(ctx, app, r, password) })
		},
	}
	c.Flags().StringVar(&r.Email, "email", "", "e-mail address (required)")
	c.Flags().StringVar(&password, "password", "", passwordHelp+"; none: tokens only")
	c.Flags().StringVar(&r.Name, "name", "", "display name (default: the handle)")
	return c
}

const passwordHelp = "to sign in with, at least 8 characters; \"-\": from standard input, so that no history keeps it"

func (e *env) register(ctx context.Context, app *server.App, r write.Registration, password string) (err error) {
	if password != "" {
		if r.PasswordHash, err = app.Auth.HashPassword(ctx, password); err != nil {
			return err
		}
	}
	u, err := app.Writer.Register(ctx, r)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "@%s is account %s\n", u.Handle, u.ID)
	return nil
}

func userPasswd(e *env) *cobra.Command {
	password := "-"
	c := &cobra.Command{
		Use: "passwd HANDLE", Short: "Set an account's password", Args: cobra.ExactArgs(1),
		Example: "  warble user passwd ann\n  pass show warble/ann | warble user passwd ann",
		Long: `Set an account's password, and sign it out of every browser. Access tokens go on
working: warble token revoke ends them.`,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if err := e.storeThere(); err != nil {
				return err
			}
			if password, err = e.password(c.Context(), password); err != nil {
				return err
			}
			return e.withStore(c.Context(), func(ctx context.Context, app *server.App) error {
				u, err := user(ctx, app, args[0])
				if err != nil {
					return err
				}
				hash, err := app.Auth.HashPassword(ctx, password)
				if err != nil {
					return err
				}
				if _, err := app.Writer.EditProfile(ctx, u.ID, write.ProfileEdit{PasswordHash: &hash}); err != nil {
					return err
				}
				if err := app.Auth.EndSessions(ctx, u.ID); err != nil {
					return err
				}
				fmt.Fprintf(e.out, "@%s has a new password and is signed out of every browser\n", u.Handle)
				return nil
			})
		},
	}
	c.Flags().StringVar(&password, "password", password, passwordHelp)
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
	var yes bool
	c := &cobra.Command{
		Use: "delete HANDLE", Short: "Delete an account for good", Args: cobra.ExactArgs(1),
		Example: "  warble user delete ann\n  warble user delete ann --yes",
		Long: `Delete an account for good, and with it what it posted. Nobody can have its handle
again. On a terminal you are asked first; elsewhere --yes is needed.`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := e.storeThere(); err != nil {
				return err
			}
			if err := e.confirm(c.Context(), yes, "delete @"+strings.TrimPrefix(args[0], "@")+" for good"); err != nil {
				return err
			}
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
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
