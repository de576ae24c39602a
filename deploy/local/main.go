//go:build linux

// Command local starts the whole of Warble's distributed shape on one Linux machine, from packages only: Cassandra,
// Redis, NATS, an S3 gateway and OpenSearch, each with as many nodes as its promises need, and a supervisor that
// keeps them running; before them a load balancer and the processes of Warble's roles, beside them Prometheus and
// Alertmanager. It is for trying and testing: every node of an engine shares one disk and one power supply.
//
//	go run ./deploy/local up        install what is missing, start, return when everything is ready
//	go run ./deploy/local status    every process; --json for programs
//	go run ./deploy/local hold X    end process X and keep it down; --signal stop to freeze it
//	go run ./deploy/local release X let it come back
//	go run ./deploy/local down      end everything; the data stays in the run folder
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := command().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}
