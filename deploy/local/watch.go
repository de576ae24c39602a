//go:build linux

package main

import (
	"fmt"
	"path/filepath"
)

// prometheus watches the roles, the balancer and, through the supervisor, every process.
func (l *layout) prometheus() (group, error) {
	program, err := lookPath("prometheus")
	if err != nil {
		return group{}, err
	}
	dir := l.dir("prometheus")
	values := map[string]string{
		"Supervisor": l.of("supervisor").at(1, supervisorPort), "Balancer": l.of("haproxy").at(1, balancerStats),
		"Alertmanager": l.of("alertmanager").at(1, alertsPort),
	}
	for r, role := range roleNames {
		values[role] = l.of(role).quoted(processesPerRole, fmt.Sprintf("%%s:%d", privatePort+r))
	}
	if err := writeConf(filepath.Join(dir, "prometheus.yml"), "prometheus.yml", values); err != nil {
		return group{}, err
	}
	if err := writeConf(filepath.Join(dir, "alerts.yml"), "alerts.yml", nil); err != nil {
		return group{}, err
	}
	addr := l.of("prometheus").at(1, prometheusPort)
	return group{Nodes: []node{{
		Name: "prometheus", Role: "prometheus", Addr: addr,
		Argv: []string{program, "--config.file=" + filepath.Join(dir, "prometheus.yml"), "--web.listen-address=" + addr,
			"--storage.tsdb.path=" + filepath.Join(dir, "data"), "--storage.tsdb.retention.time=1d", "--log.level=warn"},
		Alive: httpCheck("http://" + addr + "/-/ready"),
	}}}, nil
}

func (l *layout) alertmanager() (group, error) {
	l = l.of("alertmanager")
	program, err := lookPath("prometheus-alertmanager")
	if err != nil {
		return group{}, err
	}
	dir := l.dir("alertmanager")
	if err := writeConf(filepath.Join(dir, "alertmanager.yml"), "alertmanager.yml", nil); err != nil {
		return group{}, err
	}
	addr := l.at(1, alertsPort)
	return group{Nodes: []node{{
		Name: "alertmanager", Role: "alertmanager", Addr: addr,
		Argv: []string{program, "--config.file=" + filepath.Join(dir, "alertmanager.yml"), "--web.listen-address=" + addr,
			"--storage.path=" + filepath.Join(dir, "data"), "--cluster.listen-address=", "--log.level=warn"},
		Alive: httpCheck("http://" + addr + "/-/ready"),
	}}}, nil
}
