package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"warble/engine"
)

func schemaCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use: "schema", Short: "Make or show the tables of a cluster",
		Example: "  warble schema apply --data cluster:/etc/warble/cluster.yaml\n  warble schema print",
	}
	c.AddCommand(&cobra.Command{
		Use: "apply", Short: "Bring the tables to the step this program needs", Args: cobra.NoArgs,
		Example: "  warble schema apply --data cluster:/etc/warble/cluster.yaml",
		Long: `Bring the tables to the step this program needs. Steps only add, so servers that are one
step behind go on; applying again changes nothing, and of several that apply at once
one does and the others wait.`,
		RunE: func(c *cobra.Command, _ []string) error {
			n := 0
			err := engine.ApplySchema(c.Context(), e.config.Data, func(step string) {
				n++
				fmt.Fprintf(e.errOut, "applying %s\n", step)
			})
			if err == nil {
				fmt.Fprintf(e.out, "%s applied\n", count(int64(n), "step", "steps"))
			}
			return err
		},
	}, &cobra.Command{
		Use: "print", Short: "Print every step, for who applies them by hand", Args: cobra.NoArgs,
		Example: "  warble schema print > schema.cql",
		RunE: func(*cobra.Command, []string) error {
			text, err := engine.Schema()
			fmt.Fprint(e.out, text)
			return err
		},
	})
	return c
}
