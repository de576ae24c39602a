//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

func (l *layout) cassandra() (group, error) {
	l = l.of("cassandra")
	java, err := lookPath("java")
	if err != nil {
		return group{}, err
	}
	var nodes []node
	for i := range cassandraNodes {
		name := fmt.Sprintf("cassandra-%d", i+1)
		dir := l.dir(name)
		values := map[string]string{
			"Dir": dir, "Host": l.host(i + 1), "Seeds": strings.Join(l.hosts(cassandraNodes), ","),
			"Replicas": strconv.Itoa(cassandraNodes), "Token": token(i, cassandraNodes), "JMX": strconv.Itoa(l.jmx(i)),
		}
		for _, file := range []string{"cassandra.yaml", "cassandra.options", "logback.xml"} {
			if err := writeConf(filepath.Join(dir, file), file, values); err != nil {
				return group{}, err
			}
		}
		argv := []string{java, "@" + filepath.Join(dir, "cassandra.options"),
			"-cp", filepath.Join(l.Cache.cassandra(), "lib", "*"), "org.apache.cassandra.service.CassandraDaemon"}
		if root() {
			// As root it pins its whole heap in memory.
			argv = append([]string{"setpriv", "--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock"}, argv...)
		}
		nodes = append(nodes, node{Name: name, Role: "cassandra", Addr: l.at(i+1, 9042), Argv: argv, Alive: cqlCheck(l.at(i+1, 9042))})
	}
	return group{Nodes: nodes, Form: l.formCassandra}, nil
}

// token is the i-th of n evenly spaced tokens: -2^63+1 + i*2^64/n.
func token(i, n int) string {
	step := new(big.Int).Lsh(big.NewInt(1), 64)
	step.Mul(step, big.NewInt(int64(i))).Div(step, big.NewInt(int64(n)))
	first := new(big.Int).Lsh(big.NewInt(1), 63)
	first.Neg(first).Add(first, big.NewInt(1))
	return first.Add(first, step).String()
}

// jmx listens on 127.0.0.1 whatever the node's address, so the port tells clusters and nodes apart.
func (l *layout) jmx(i int) int {
	third, _ := strconv.Atoi(l.Net[strings.LastIndexByte(l.Net, '.')+1:])
	return 7199 + 100*i + third
}

// cqlCheck asks for the options that a node serves before anybody has signed in.
func cqlCheck(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := dial(ctx, addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		const version, options, supported = 4, 5, 6
		if _, err := conn.Write([]byte{version, 0, 0, 0, options, 0, 0, 0, 0}); err != nil {
			return err
		}
		var header [9]byte
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return err
		}
		if header[4] != supported {
			return fmt.Errorf("answered with opcode %d", header[4])
		}
		return nil
	}
}

// dial returns a connection whose reads and writes end when ctx does.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// formCassandra waits until every node sees all others up, gives the administrator a password of its own and makes
// the role that Warble signs in with.
func (l *layout) formCassandra(ctx context.Context) error {
	var s *gocql.Session
	err := until(ctx, func(context.Context) (err error) {
		s, err = l.cassandraAdmin()
		return err
	})
	if err != nil {
		return err
	}
	defer s.Close()
	for _, cql := range []string{
		"ALTER ROLE cassandra WITH PASSWORD = '" + l.secrets["cassandra-admin"] + "'",
		"CREATE ROLE IF NOT EXISTS warble WITH LOGIN = true AND PASSWORD = '" + l.secrets["cassandra-password"] + "'",
		"GRANT ALL ON ALL KEYSPACES TO warble",
	} {
		if err := until(ctx, func(ctx context.Context) error { return s.Query(cql).ExecContext(ctx) }); err != nil {
			return err
		}
	}
	for i := range cassandraNodes {
		if err := until(ctx, func(ctx context.Context) error { return l.cassandraWhole(ctx, i+1) }); err != nil {
			return fmt.Errorf("%s: %w", l.at(i+1, 9042), err)
		}
	}
	return nil
}

// cassandraAdmin signs in with the password of a fresh ring or with that of one formed before.
func (l *layout) cassandraAdmin() (*gocql.Session, error) {
	s, err := l.cassandraSession("cassandra", l.secrets["cassandra-admin"], l.at(1, 9042))
	if err == nil {
		return s, nil
	}
	s, fresh := l.cassandraSession("cassandra", "cassandra", l.at(1, 9042))
	if fresh != nil {
		return nil, errors.Join(err, fresh)
	}
	return s, nil
}

func (l *layout) cassandraSession(user, password, host string) (*gocql.Session, error) {
	c := gocql.NewCluster(host)
	c.Authenticator = gocql.PasswordAuthenticator{Username: user, Password: password}
	c.Timeout = 10 * time.Second
	c.ConnectTimeout = 3 * time.Second
	c.NumConns = 1
	c.DisableInitialHostLookup = true
	c.Logger = gocql.NewLogger(gocql.LogLevelNone)
	return c.CreateSession()
}

// cassandraWhole signs in to one node as Warble and wants it to know all others, with one schema.
func (l *layout) cassandraWhole(ctx context.Context, n int) error {
	s, err := l.cassandraSession("warble", l.secrets["cassandra-password"], l.at(n, 9042))
	if err != nil {
		return err
	}
	defer s.Close()
	versions := map[string]bool{}
	peers := 0
	rows := s.Query("SELECT schema_version FROM system.peers_v2").IterContext(ctx)
	var version gocql.UUID
	for rows.Scan(&version) {
		peers++
		versions[version.String()] = true
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if peers != cassandraNodes-1 || len(versions) != 1 {
		return fmt.Errorf("knows %d peers with %d schemas", peers, len(versions))
	}
	return nil
}
