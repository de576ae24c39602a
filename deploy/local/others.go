//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

func (l *layout) nats() (group, error) {
	l = l.of("nats")
	var nodes []node
	for i := range natsNodes {
		name := fmt.Sprintf("nats-%d", i+1)
		file := filepath.Join(l.dir(name), "nats.conf")
		password := l.secrets["nats-password"]
		err := writeConf(file, "nats.conf", map[string]string{
			"Name": name, "Dir": l.dir(name), "Host": l.host(i + 1), "Password": password,
			"Routes": l.quoted(natsNodes, "nats-route://route:"+password+"@%s:6222"),
		})
		if err != nil {
			return group{}, err
		}
		nodes = append(nodes, node{
			Name: name, Role: "nats", Addr: l.at(i+1, 4222), Argv: []string{l.Cache.nats(), "-c", file},
			Alive: httpCheck("http://" + l.at(i+1, 8222) + "/healthz?js-enabled-only=true"),
		})
	}
	return group{Nodes: nodes, Form: l.formNATS}, nil
}

// formNATS waits until every node has a leader and is up to date with every stream.
func (l *layout) formNATS(ctx context.Context) error {
	return until(ctx, func(ctx context.Context) error {
		for i := range natsNodes {
			if _, err := httpGet(ctx, "http://"+l.at(i+1, 8222)+"/healthz"); err != nil {
				return err
			}
			body, err := httpGet(ctx, "http://"+l.at(i+1, 8222)+"/jsz")
			if err != nil {
				return err
			}
			var jsz struct {
				Meta struct {
					Leader string `json:"leader"`
				} `json:"meta_cluster"`
			}
			if err := json.Unmarshal(body, &jsz); err != nil {
				return err
			}
			if jsz.Meta.Leader == "" {
				return errors.New("no leader yet")
			}
		}
		return nil
	})
}

const s3Port = 7070

// s3 is one gateway over a directory: single on one machine.
func (l *layout) s3() (group, error) {
	l = l.of("s3")
	dir := l.dir("s3-1")
	for _, sub := range []string{"data", "iam"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return group{}, err
		}
	}
	addr := l.at(1, s3Port)
	gateway := node{
		Name: "s3-1", Role: "s3", Addr: addr, Single: true,
		Argv: []string{l.Cache.s3(), "--port", addr, "--health", "/health", "--quiet",
			"--iam-dir", filepath.Join(dir, "iam"), "posix", filepath.Join(dir, "data")},
		Env:   []string{"ROOT_ACCESS_KEY=" + l.secrets["s3-access-key"], "ROOT_SECRET_KEY=" + l.secrets["s3-secret-key"]},
		Alive: httpCheck("http://" + addr + "/health"),
	}
	return group{Nodes: []node{gateway}, Form: l.formS3}, nil
}

// formS3 makes the bucket of the cluster file.
func (l *layout) formS3(ctx context.Context) error {
	client, err := minio.New(l.at(1, s3Port), &minio.Options{
		Creds:  credentials.NewStaticV4(l.secrets["s3-access-key"], l.secrets["s3-secret-key"], ""),
		Region: "us-east-1",
	})
	if err != nil {
		return err
	}
	return until(ctx, func(ctx context.Context) error {
		if there, err := client.BucketExists(ctx, "warble"); err != nil || there {
			return err
		}
		return client.MakeBucket(ctx, "warble", minio.MakeBucketOptions{Region: "us-east-1"})
	})
}

func (l *layout) openSearch() (group, error) {
	l = l.of("opensearch")
	java, err := lookPath("java")
	if err != nil {
		return group{}, err
	}
	home := l.Cache.openSearch()
	discovery := "discovery.type: single-node"
	if l.Search > 1 {
		// Addresses will do as names of the first managers.
		discovery = fmt.Sprintf("discovery.seed_hosts: [%s]\ncluster.initial_cluster_manager_nodes: [%s]",
			l.quoted(l.Search, "%s:9300"), l.quoted(l.Search, "%s:9300"))
	}
	var nodes []node
	for i := range l.Search {
		name := fmt.Sprintf("opensearch-%d", i+1)
		dir := l.dir(name)
		values := map[string]string{"Name": name, "Dir": dir, "Host": l.host(i + 1), "Discovery": discovery}
		if err := writeConf(filepath.Join(dir, "conf", "opensearch.yml"), "opensearch.yml", values); err != nil {
			return group{}, err
		}
		logging, err := os.ReadFile(filepath.Join(home, "config", "log4j2.properties"))
		if err != nil {
			return group{}, err
		}
		if err := os.WriteFile(filepath.Join(dir, "conf", "log4j2.properties"), logging, 0o644); err != nil {
			return group{}, err
		}
		command, attr := []string{java}, unprivileged()
		if l.Wrap != "" && attr != nil { // who is in a user namespace may not enter any other
			command, attr = []string{"unshare", "--user", "--map-user=65534", "--map-group=65534", java}, nil
		}
		nodes = append(nodes, node{
			Name: name, Role: "opensearch", Addr: l.at(i+1, 9200), Attr: attr, Single: l.Search == 1,
			Argv: append(command, "-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
				"-Djava.security.manager=allow", "-Djava.locale.providers=SPI,COMPAT", "-Dio.netty.allocator.numDirectArenas=0",
				"-Dopensearch.path.home="+home, "-Dopensearch.path.conf="+filepath.Join(dir, "conf"),
				"-Dopensearch.distribution.type=zip", "-Dopensearch.bundled_jdk=false",
				"-cp", filepath.Join(home, "lib", "*"), "org.opensearch.bootstrap.OpenSearch"),
			Alive: httpCheck("http://" + l.at(i+1, 9200) + "/_cluster/health?local=true"),
		})
	}
	whole := httpCheck("http://" + l.at(1, 9200) + fmt.Sprintf("/_cluster/health?wait_for_status=yellow&wait_for_nodes=%d&timeout=1s", l.Search))
	return group{Nodes: nodes, Form: func(ctx context.Context) error { return until(ctx, whole) }}, nil
}

// unprivileged is for what refuses to run as root. In a user namespace of its own the process is nobody and has no
// rights, yet root's files are its own, wherever they lie.
func unprivileged() *syscall.SysProcAttr {
	if !root() {
		return nil
	}
	nobody := []syscall.SysProcIDMap{{ContainerID: 65534, HostID: 0, Size: 1}}
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: nobody, GidMappings: nobody}
}
