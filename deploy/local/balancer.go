//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A route is a row of `warble routes`.
type route struct {
	Method string
	Path   string
	Role   string
}

// routes asks the binary that will serve them.
func (l *layout) routes() ([]route, error) {
	text, err := exec.Command(l.Warble, "routes", "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("%s routes: %w", l.Warble, err)
	}
	var out []route
	return out, json.Unmarshal(text, &out)
}

// rules are the lines of a frontend that send each request to the backend of its role. What no rule names goes to the
// readers, which know every page that is not there.
func rules(routes []route) string {
	var out strings.Builder
	for _, backend := range []string{"writers", "streams"} {
		var methods []string
		paths := map[string][]string{}
		for _, r := range routes {
			if backendOf(r) != backend {
				continue
			}
			if paths[r.Method] == nil {
				methods = append(methods, r.Method)
			}
			paths[r.Method] = append(paths[r.Method], r.Path)
		}
		for _, method := range methods {
			acl := backend + "_" + method
			for _, path := range paths[method] {
				fmt.Fprintf(&out, "  acl %s path_reg '%s'\n", acl, pathPattern(path))
			}
			fmt.Fprintf(&out, "  use_backend %s if { method %s } %s\n", backend, method, acl)
		}
	}
	return out.String()
}

func backendOf(r route) string {
	switch {
	case r.Role == "writer":
		return "writers"
	case streaming.MatchString(r.Path):
		return "streams"
	}
	return "readers"
}

var (
	streaming = regexp.MustCompile(`/stream(ing)?(/|$)`)
	wildcard  = regexp.MustCompile(`\{[^}]*\}`)
)

// pathPattern turns the pattern of a route into an anchored regular expression.
func pathPattern(path string) string {
	var out strings.Builder
	out.WriteByte('^')
	rest := path
	for {
		at := wildcard.FindStringIndex(rest)
		if at == nil {
			break
		}
		out.WriteString(regexp.QuoteMeta(rest[:at[0]]))
		switch name := rest[at[0]+1 : at[1]-1]; {
		case name == "$":
		case strings.HasSuffix(name, "..."):
			out.WriteString(".*")
		default:
			out.WriteString("[^/]+")
		}
		rest = rest[at[1]:]
	}
	out.WriteString(regexp.QuoteMeta(rest))
	out.WriteByte('$')
	return out.String()
}

// servers are the lines of a backend.
func servers(role string, addrs []string) string {
	var out strings.Builder
	for i, addr := range addrs {
		fmt.Fprintf(&out, "  server %s-%d %s\n", role, i+1, addr)
	}
	return out.String()
}

// writeBalancer writes the balancer's configuration for processes at the given addresses.
func writeBalancer(path, listen, stats string, routes []route, writers, readers []string) error {
	return writeConf(path, "haproxy.cfg", map[string]string{
		"Listen": listen, "Stats": stats, "Rules": rules(routes),
		"Writers": servers("writer", writers), "Readers": servers("reader", readers),
	})
}

func (l *layout) balancer() (group, error) {
	haproxy, err := lookPath("haproxy")
	if err != nil {
		return group{}, err
	}
	routes, err := l.routes()
	if err != nil {
		return group{}, err
	}
	var writers, readers []string
	for i := range processesPerRole {
		writers = append(writers, l.of("writer").at(i+1, rolePort))
		readers = append(readers, l.of("reader").at(i+1, rolePort+1))
	}
	l = l.of("haproxy")
	file := filepath.Join(l.dir("haproxy"), "haproxy.cfg")
	if err := writeBalancer(file, l.at(1, l.Port), l.at(1, balancerStats), routes, writers, readers); err != nil {
		return group{}, err
	}
	return group{Nodes: []node{{
		Name: "haproxy", Role: "haproxy", Addr: l.at(1, l.Port), Single: true,
		Argv:  []string{haproxy, "-db", "-f", file},
		Alive: httpCheck("http://" + l.at(1, balancerStats) + "/metrics"),
	}}}, nil
}
