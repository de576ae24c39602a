// Warble is a Twitter-like service in one binary: `warble serve` starts it.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// waiting is how many threads may wait for the disk at a time. Each holds a
// processor of the scheduler until that notices, so there are as many more of
// them than cores: on two cores a third more tweets a second.
const waiting = 4

func main() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + waiting)
	}
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
