//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func (l *layout) redis() (group, error) {
	l = l.of("redis")
	server, err := lookPath("redis-server")
	if err != nil {
		return group{}, err
	}
	var nodes []node
	for i := range redisNodes {
		name := fmt.Sprintf("redis-%d", i+1)
		dir := l.dir(name)
		values := map[string]string{"Dir": filepath.Join(dir, "data"), "Host": l.host(i + 1), "Password": l.secrets["redis-password"]}
		if err := writeConf(filepath.Join(dir, "redis.conf"), "redis.conf", values); err != nil {
			return group{}, err
		}
		if err := os.MkdirAll(values["Dir"], 0o755); err != nil {
			return group{}, err
		}
		nodes = append(nodes, node{
			Name: name, Role: "redis", Addr: l.at(i+1, 6379),
			Argv: []string{server, filepath.Join(dir, "redis.conf")}, Term: 5 * time.Second,
			Alive: func(ctx context.Context) error {
				_, err := l.askRedis(ctx, i+1, "PING")
				return err
			},
		})
	}
	return group{Nodes: nodes, Form: l.formRedis}, nil
}

// askRedis sends one command to one node and returns its answer as text.
func (l *layout) askRedis(ctx context.Context, n int, command string) (string, error) {
	conn, err := dial(ctx, l.at(n, 6379))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "AUTH %s\r\n%s\r\n", l.secrets["redis-password"], command); err != nil {
		return "", err
	}
	r := bufio.NewReader(conn)
	if _, err := redisReply(r); err != nil {
		return "", err
	}
	return redisReply(r)
}

// redisReply reads a status, an error or a bulk string.
func redisReply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("redis sent an empty line")
	}
	switch line[0] {
	case '-':
		return "", errors.New(line[1:])
	case '$':
		n, err := strconv.Atoi(line[1:])
		if err != nil || n < 0 {
			return "", err
		}
		body := make([]byte, n+2)
		_, err = io.ReadFull(r, body)
		return string(body[:n]), err
	}
	return line[1:], nil
}

// formRedis makes three primaries with a replica each, once, and waits for all six to agree.
func (l *layout) formRedis(ctx context.Context) error {
	info, err := l.askRedis(ctx, 1, "CLUSTER INFO")
	if err != nil {
		return err
	}
	if strings.Contains(info, "cluster_known_nodes:1\r\n") {
		if err := l.createRedis(ctx); err != nil {
			return err
		}
	}
	return until(ctx, func(ctx context.Context) error {
		replicas := 0
		for i := range redisNodes {
			info, err := l.askRedis(ctx, i+1, "CLUSTER INFO")
			if err != nil {
				return err
			}
			if !strings.Contains(info, "cluster_state:ok") {
				return fmt.Errorf("%s: the cluster is not formed", l.at(i+1, 6379))
			}
			if info, err = l.askRedis(ctx, i+1, "INFO replication"); err != nil {
				return err
			}
			if strings.Contains(info, "master_link_status:up") {
				replicas++
			}
		}
		if replicas != redisNodes/2 {
			return fmt.Errorf("%d of %d replicas are linked", replicas, redisNodes/2)
		}
		return nil
	})
}

func (l *layout) createRedis(ctx context.Context) error {
	cli, err := lookPath("redis-cli")
	if err != nil {
		return err
	}
	args := []string{"--cluster", "create"}
	for i := range redisNodes {
		args = append(args, l.at(i+1, 6379))
	}
	cmd := exec.CommandContext(ctx, cli, append(args, "--cluster-replicas", "1", "--cluster-yes")...)
	cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+l.secrets["redis-password"])
	return run(cmd)
}
