//go:build linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"
)

// Ports of what is not an engine.
const (
	rolePort       = 8081 // writers; readers one above, fan-outs two
	privatePort    = 9081 // the same of their metrics
	supervisorPort = 9080
	balancerStats  = 8404
	prometheusPort = 9090
	alertsPort     = 9093
)

const processesPerRole = 2

// roleNames are in the order of their ports.
var roleNames = []string{"writer", "reader", "fanout"}

// url is where the balancer listens.
func (l *layout) url() string { return "http://" + l.of("haproxy").at(1, l.Port) }

func (l *layout) roles() []group {
	var out []group
	for r, role := range roleNames {
		var g group
		own := l.of(role)
		for i := range processesPerRole {
			addr := own.at(i+1, rolePort+r)
			n := node{
				Name: fmt.Sprintf("%s-%d", role, i+1), Role: role, Addr: addr,
				Argv: []string{l.Warble, "serve", "--dev", "--target", role, "--data", "cluster:" + l.clusterFile(),
					"--listen", addr, "--private", own.at(i+1, privatePort+r), "--public-url", l.url(), "--proxies", "1"},
				Alive: httpCheck("http://" + addr + "/healthz"),
				Ready: httpCheck("http://" + addr + "/readyz"),
			}
			if role == "fanout" {
				n.Term = 3 * time.Second // its successors need not wait for what it owned
			} else {
				n.Argv = append(n.Argv, "--drain", "5s") // until the balancer has seen it
			}
			g.Nodes = append(g.Nodes, n)
		}
		out = append(out, g)
	}
	return out
}

// applySchema brings the truth to the step of the binary that is about to serve it.
func (l *layout) applySchema(ctx context.Context) error {
	return run(exec.CommandContext(ctx, l.Warble, "schema", "apply", "--data", "cluster:"+l.clusterFile()))
}
