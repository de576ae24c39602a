//go:build !faults

package main

import (
	"github.com/spf13/cobra"

	"warble/server"
)

// clockFlag adds nothing: only what is built to be broken has a clock that can be set.
func clockFlag(*cobra.Command, *server.Config) {}
