//go:build linux

package main

import (
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

//go:embed conf
var conf embed.FS

// A layout says where everything lies and listens. All nodes of an engine listen on the same port, each on an address
// of its own.
type layout struct {
	Run    string // absolute: the folder of configuration, data, logs, secrets and the supervisor's socket
	Cache  *cache
	Net    string // the first three numbers of the addresses, "127.0.0"; or two, and each role has a third of its own
	Wrap   string // a program that every process is started by, with its name and its command; empty: none
	Search int    // OpenSearch nodes: 1 or 3
	Port   int    // of the balancer
	Warble string // absolute: the binary that the roles are; empty: engines only

	secrets map[string]string
}

const (
	cassandraNodes = 3
	redisNodes     = 6
	natsNodes      = 3
)

// secretNames are files below secrets/ in the run folder.
var secretNames = []string{"cassandra-admin", "cassandra-password", "redis-password", "nats-password", "s3-access-key", "s3-secret-key"}

// thirds are the roles' own third numbers, where Net has two. Of the supervisor's network nobody is a node.
var thirds = map[string]string{
	"cassandra": "1", "redis": "2", "nats": "3", "s3": "4", "opensearch": "5",
	"writer": "6", "reader": "7", "fanout": "8", "haproxy": "9", "prometheus": "10", "alertmanager": "11", "supervisor": "255",
}

// of is the layout as a role sees it: with the addresses that are its own.
func (l *layout) of(role string) *layout {
	if strings.Count(l.Net, ".") > 1 {
		return l
	}
	own := *l
	own.Net += "." + thirds[role]
	return &own
}

// host is the address of the n-th node, from 1.
func (l *layout) host(n int) string { return fmt.Sprintf("%s.%d", l.Net, n) }

func (l *layout) hosts(nodes int) []string {
	out := make([]string, nodes)
	for i := range out {
		out[i] = l.host(i + 1)
	}
	return out
}

func (l *layout) at(n, port int) string { return fmt.Sprintf("%s:%d", l.host(n), port) }

func (l *layout) dir(name string) string { return filepath.Join(l.Run, name) }

func (l *layout) clusterFile() string { return l.dir("cluster.yaml") }

// writeClusterFile says that everything is ready: programs wait for the file to appear.
func (l *layout) writeClusterFile() error {
	tmp := l.clusterFile() + ".new"
	err := writeConf(tmp, "cluster.yaml", map[string]string{
		"CassandraHosts": l.of("cassandra").quoted(cassandraNodes, "%s:9042"), "Replicas": strconv.Itoa(cassandraNodes),
		"RedisHosts": l.of("redis").quoted(redisNodes, "%s:6379"), "NATSHosts": l.of("nats").quoted(natsNodes, "%s:4222"),
		"S3": l.of("s3").at(1, s3Port), "SearchHosts": l.of("opensearch").quoted(l.Search, "http://%s:9200"),
	})
	if err != nil {
		return err
	}
	return os.Rename(tmp, l.clusterFile())
}

// loadSecrets makes the secrets that are not there yet. A folder used before keeps its own.
func (l *layout) loadSecrets() error {
	dir := l.dir("secrets")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	l.secrets = map[string]string{}
	for _, name := range secretNames {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			random := make([]byte, 16)
			rand.Read(random) // never fails
			text = []byte(hex.EncodeToString(random))
			err = os.WriteFile(path, append(text, '\n'), 0o600)
		}
		if err != nil {
			return err
		}
		l.secrets[name] = strings.TrimSpace(string(text))
	}
	return nil
}

// writeConf fills a template of conf/, where {{Name}} stands for values["Name"]. The result may hold secrets.
func writeConf(path, name string, values map[string]string) error {
	text, err := conf.ReadFile("conf/" + name)
	if err != nil {
		return err
	}
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "{{"+name+"}}", value)
	}
	filled := strings.NewReplacer(pairs...).Replace(string(text))
	if gap := gaps.FindString(filled); gap != "" {
		return fmt.Errorf("conf/%s: nothing for %s", name, gap)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(filled), 0o600)
}

var gaps = regexp.MustCompile(`\{\{\w+\}\}`)

// quoted lists the addresses of an engine's nodes in the form of YAML and of what reads JSON.
func (l *layout) quoted(nodes int, format string) string {
	out := make([]string, nodes)
	for i, host := range l.hosts(nodes) {
		out[i] = strconv.Quote(fmt.Sprintf(format, host))
	}
	return strings.Join(out, ", ")
}

// lockFile waits for other processes that hold the file.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
