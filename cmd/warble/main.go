// Warble is a Twitter-like service in one binary: `warble serve` starts it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	env := &env{in: os.Stdin, out: os.Stdout, errOut: os.Stderr, args: os.Args[1:], dir: dir, terminal: isTerminal(os.Stderr)}
	code := run(ctx, env)
	stop()
	os.Exit(code)
}
