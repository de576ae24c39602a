//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Versions, pinned: a new one is a change of its own. Those of Maven stand in conf/pom.xml.
const (
	cassandraVersion  = "5.0.9"
	openSearchVersion = "2.19.5"
	natsVersion       = "v2.15.2"
	s3Version         = "v1.8.0"
)

// A cache holds the engines' programs; it is shared by all clusters of a user. Each program lies in a directory that
// appears, complete, by rename, so an install that was cut short is done again.
type cache struct {
	dir string
	say func(format string, args ...any)
}

func (c *cache) cassandra() string  { return filepath.Join(c.dir, "cassandra-"+cassandraVersion) }
func (c *cache) openSearch() string { return filepath.Join(c.dir, "opensearch-"+openSearchVersion) }
func (c *cache) nats() string {
	return filepath.Join(c.dir, "nats-server-"+natsVersion, "nats-server")
}
func (c *cache) s3() string { return filepath.Join(c.dir, "versitygw-"+s3Version, "versitygw") }

// install brings what is not there yet. Jars and Go programs come at the same time: the former wait for the network,
// the latter compute.
func (c *cache) install(ctx context.Context) error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	unlock, err := lockFile(filepath.Join(c.dir, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.installDebian(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.installJars(ctx) })
	g.Go(func() error {
		err := c.installGo(ctx, c.nats(), "github.com/nats-io/nats-server/v2@"+natsVersion)
		if err != nil {
			return err
		}
		return c.installGo(ctx, c.s3(), "github.com/versity/versitygw/cmd/versitygw@"+s3Version)
	})
	return g.Wait()
}

// into runs fill on a fresh directory beside dir and renames it to dir, unless dir is there already.
func (c *cache) into(dir string, fill func(tmp string) error) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	begun := time.Now()
	c.say("installing %s", filepath.Base(dir))
	tmp := dir + ".new"
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	if err := fill(tmp); err != nil {
		return fmt.Errorf("install %s: %w", filepath.Base(dir), err)
	}
	c.say("installed %s in %.0f s", filepath.Base(dir), time.Since(begun).Seconds())
	return os.Rename(tmp, dir)
}

func (c *cache) installGo(ctx context.Context, binary, pkg string) error {
	return c.into(filepath.Dir(binary), func(tmp string) error {
		cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", pkg)
		cmd.Env = append(os.Environ(), "GOBIN="+tmp, "GOFLAGS=", "CGO_ENABLED=0")
		return run(cmd)
	})
}

// installJars takes Cassandra and OpenSearch from Maven: neither has a tarball there.
func (c *cache) installJars(ctx context.Context) error {
	tmp := filepath.Join(c.dir, "maven")
	return c.into(c.openSearch(), func(dir string) error {
		if err := mavenPackage(ctx, tmp); err != nil {
			return err
		}
		if err := dropForeignNatives(filepath.Join(tmp, "cassandra", "lib")); err != nil {
			return err
		}
		if err := os.RemoveAll(c.cassandra()); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(tmp, "cassandra"), c.cassandra()); err != nil {
			return err
		}
		home := filepath.Join(tmp, "opensearch-"+openSearchVersion)
		if err := addAnalysis(home, filepath.Join(tmp, "analysis-common")); err != nil {
			return err
		}
		if err := os.Remove(dir); err != nil {
			return err
		}
		if err := os.Rename(home, dir); err != nil {
			return err
		}
		return os.RemoveAll(tmp)
	})
}

func mavenPackage(ctx context.Context, out string) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	pom := filepath.Join(out, "pom.xml")
	if err := writeConf(pom, "pom.xml", map[string]string{"Cassandra": cassandraVersion, "OpenSearch": openSearchVersion}); err != nil {
		return err
	}
	return run(exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", pom, "-Dout="+out, "package"))
}

// dropForeignNatives removes the jars of other systems, which would only be searched in vain at each start.
func dropForeignNatives(lib string) error {
	for _, other := range []string{"osx", "windows", "riscv"} {
		jars, err := filepath.Glob(filepath.Join(lib, "*"+other+"*.jar"))
		if err != nil {
			return err
		}
		for _, jar := range jars {
			if err := os.Remove(jar); err != nil {
				return err
			}
		}
	}
	return nil
}

// addAnalysis makes a module of the analyzers' jar: the distribution has the server and netty only.
func addAnalysis(home, jars string) error {
	module := filepath.Join(home, "modules", "analysis-common")
	if err := os.Rename(jars, module); err != nil {
		return err
	}
	return writeConf(filepath.Join(module, "plugin-descriptor.properties"), "analysis.properties", map[string]string{"Version": openSearchVersion})
}

// debianPackages are, each after the program it is wanted for.
var debianPackages = [][2]string{
	{"java", "openjdk-17-jre-headless"}, {"mvn", "maven"}, {"redis-server", "redis-server"}, {"redis-cli", "redis-tools"},
	{"haproxy", "haproxy"}, {"prometheus", "prometheus"}, {"promtool", "prometheus"},
	{"prometheus-alertmanager", "prometheus-alertmanager"},
}

// installDebian installs packages by name where a program is missing, and keeps their services from starting, now and
// when the machine starts next.
func (c *cache) installDebian(ctx context.Context) error {
	var missing []string
	for _, want := range debianPackages {
		if _, err := lookPath(want[0]); err != nil && !slices.Contains(missing, want[1]) {
			missing = append(missing, want[1])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	install := append([]string{"install", "-y", "-qq", "--no-install-recommends"}, missing...)
	if _, err := exec.LookPath("apt-get"); err != nil || !root() {
		return fmt.Errorf("packages are missing: as root, run apt-get %s, and stop the services that it starts", strings.Join(install, " "))
	}
	begun := time.Now()
	c.say("installing %s", strings.Join(missing, ", "))
	allow, err := denyServices()
	if err != nil {
		return err
	}
	defer allow()
	apt := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		return run(cmd)
	}
	if apt(install...) != nil {
		// A fresh machine has no lists yet, an old one lists of versions that are gone.
		if err := apt("update", "-qq"); err != nil {
			return err
		}
		if err := apt(install...); err != nil {
			return err
		}
	}
	if systemctl, err := exec.LookPath("systemctl"); err == nil {
		// A package without a service is no failure.
		_ = exec.CommandContext(ctx, systemctl, append([]string{"disable", "--quiet"}, missing...)...).Run()
	}
	c.say("installed %s in %.0f s", strings.Join(missing, ", "), time.Since(begun).Seconds())
	return nil
}

// denyServices keeps Debian from starting what it installs, unless the machine has a policy of its own.
func denyServices() (allow func(), err error) {
	const policy = "/usr/sbin/policy-rc.d"
	f, err := os.OpenFile(policy, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	allow = func() { _ = os.Remove(policy) } // left behind it does no more than it says
	_, err = f.WriteString("#!/bin/sh\nexit 101\n")
	if err := errors.Join(err, f.Close()); err != nil {
		allow()
		return nil, err
	}
	return allow, nil
}

// lookPath also looks where Debian keeps what only administrators run.
func lookPath(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", name))
}

// run returns what a command printed as part of its error.
func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
