//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"time"
)

// A node is one process and how to know that it serves.
type node struct {
	Name string
	Role string
	Addr string
	Argv []string
	Env  []string
	Attr *syscall.SysProcAttr // nil: none

	// Alive returns an error when the process should be started again. It is called again and again, with a deadline,
	// and says nothing of others that the process needs: to start it again would not bring them back.
	Alive func(ctx context.Context) error

	// Ready returns nil when the process serves; nil where what is alive serves.
	Ready func(ctx context.Context) error

	// Term is how long the process gets to end by itself when everything goes down; 0 where nothing must be flushed.
	Term time.Duration

	// Single is set where one machine has no second one to take over. While it is away the service is degraded.
	Single bool
}

// A group is nodes of one role that are started at once, and what makes a cluster of them.
type group struct {
	Nodes []node

	// Form runs when all nodes serve; nil where there is nothing to do. It may run on a cluster that is formed already.
	Form func(ctx context.Context) error
}

// plan writes the configuration of all processes and returns them: first what stands on nothing, then the roles, which
// stand on the engines, and the watchers, which would raise an alarm for roles that are still to come.
func (l *layout) plan() (first, roles []group, err error) {
	first, err = collect(l.cassandra, l.redis, l.nats, l.s3, l.openSearch)
	if err != nil || l.Warble == "" {
		return first, nil, err
	}
	balancer, err := collect(l.balancer)
	if err != nil {
		return nil, nil, err
	}
	watchers, err := collect(l.prometheus, l.alertmanager)
	return append(first, balancer...), append(l.roles(), watchers...), err
}

func collect(plans ...func() (group, error)) ([]group, error) {
	var out []group
	for _, plan := range plans {
		g, err := plan()
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}

// httpCheck wants 200 from url.
func httpCheck(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := httpGet(ctx, url)
		return err
	}
}

func httpGet(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return body, err
}

// until calls f until it returns nil, and says why it did not when ctx is over.
func until(ctx context.Context, f func(ctx context.Context) error) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, 3*time.Second)
		err := f(try)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

func root() bool { return os.Geteuid() == 0 }
