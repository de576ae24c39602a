package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestEveryCommandShowsAnExample(t *testing.T) {
	root := newRoot(&env{out: io.Discard, errOut: io.Discard})
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			look(sub)
		}
		path := c.CommandPath()
		if c == root || c.Hidden || strings.HasPrefix(path, "warble completion") || strings.HasPrefix(path, "warble help") {
			return
		}
		if c.Short == "" || !strings.Contains(c.Example, path) {
			t.Errorf("%s: its help has no example of it", path)
		}
	}
	look(root)
}
