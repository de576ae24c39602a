//go:build linux

package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"warble/server"
)

var update = flag.Bool("update", false, "write the files that are made from others anew")

// A composition is what these tests read of deploy/compose.yaml. No container runs here.
type composition struct {
	Services map[string]struct {
		Image     string
		Volumes   []string
		Ports     []string
		Secrets   []string
		DependsOn dependencies `yaml:"depends_on"`
		Command   []string
	}
	Volumes map[string]any
	Secrets map[string]struct{ File string }
}

// dependencies are written as a list or as a map.
type dependencies []string

func (d *dependencies) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return n.Decode((*[]string)(d))
	}
	var m map[string]any
	err := n.Decode(&m)
	for name := range m {
		*d = append(*d, name)
	}
	return err
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func readComposition(t *testing.T) composition {
	var c composition
	readYAML(t, "../compose.yaml", &c)
	return c
}

func TestComposeHasTheSameProcesses(t *testing.T) {
	c := readComposition(t)
	for role, want := range map[string]int{
		"cassandra": cassandraNodes, "redis": redisNodes, "nats": natsNodes, "s3": 1, "opensearch": 1,
		"writer": processesPerRole, "reader": processesPerRole, "fanout": processesPerRole,
	} {
		for i := range want + 1 {
			name := fmt.Sprintf("%s-%d", role, i+1)
			if _, there := c.Services[name]; there != (i < want) {
				t.Errorf("%s: %v, and %d are wanted", name, there, want)
			}
		}
	}
	for i := range cassandraNodes {
		if want := token(i, cassandraNodes); !strings.Contains(string(composeText(t)), `TOKEN: "`+want+`"`) {
			t.Errorf("no node has token %s", want)
		}
	}
}

func composeText(t *testing.T) []byte {
	text, err := os.ReadFile("../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestComposeUsesTheSameVersions(t *testing.T) {
	for image, want := range map[string]string{
		"cassandra": cassandraVersion, "opensearchproject/opensearch": openSearchVersion,
		"nats": strings.TrimPrefix(natsVersion, "v") + "-alpine", "versity/versitygw": s3Version,
	} {
		if !bytes.Contains(composeText(t), []byte("image: "+image+":"+want+"\n")) {
			t.Errorf("no service runs %s:%s", image, want)
		}
	}
	for name, s := range readComposition(t).Services {
		if s.Image != "warble" && !regexp.MustCompile(`:v?\d`).MatchString(s.Image) {
			t.Errorf("%s runs %q: pin a version", name, s.Image)
		}
	}
}

func TestComposeNamesNothingThatIsNotThere(t *testing.T) {
	c := readComposition(t)
	for name, s := range c.Services {
		for _, other := range s.DependsOn {
			if _, ok := c.Services[other]; !ok {
				t.Errorf("%s waits for %s", name, other)
			}
		}
		for _, secret := range s.Secrets {
			if c.Secrets[secret].File != "./compose/secrets/"+secret {
				t.Errorf("%s: secret %s is in %q", name, secret, c.Secrets[secret].File)
			}
		}
		for _, volume := range s.Volumes {
			from, _, _ := strings.Cut(volume, ":")
			if _, named := c.Volumes[from]; named {
				continue
			}
			if _, err := os.Stat(filepath.Join("..", from)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s is open to everybody: %s", name, port)
			}
		}
	}
	if len(c.Secrets) != len(secretNames) {
		t.Errorf("%d secrets, and %d are made", len(c.Secrets), len(secretNames))
	}
	address := regexp.MustCompile(`\b([a-z0-9-]+):\d{4,5}\b`)
	for _, file := range []string{"cluster.yaml", "prometheus.yml", "haproxy.cfg"} {
		text, err := os.ReadFile(filepath.Join("../compose", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range address.FindAllSubmatch(text, -1) {
			if _, ok := c.Services[string(m[1])]; !ok {
				t.Errorf("%s: %s is no service", file, m[0])
			}
		}
	}
}

func TestTheClusterFileOfComposeHasTheKeysOfTheLocalOne(t *testing.T) {
	l := newLayout(t)
	if err := l.writeClusterFile(); err != nil {
		t.Fatal(err)
	}
	var local, compose map[string]map[string]any
	readYAML(t, l.clusterFile(), &local)
	readYAML(t, "../compose/cluster.yaml", &compose)
	for section := range local {
		for key, want := range local[section] {
			got, ok := compose[section][key]
			if !ok {
				t.Errorf("%s.%s is missing", section, key)
			}
			if key != "hosts" && key != "endpoint" && got != want {
				t.Errorf("%s.%s: %v, locally %v", section, key, got, want)
			}
		}
		if len(compose[section]) != len(local[section]) {
			t.Errorf("%s: %v, locally %v", section, compose[section], local[section])
		}
	}
}

func TestTheBalancerOfComposeFollowsTheRouteTable(t *testing.T) {
	var routes []route
	for _, r := range server.Routes(nil, "", nil) {
		routes = append(routes, route{r.Method, r.Pattern, string(r.Role)})
	}
	const kept = "../compose/haproxy.cfg"
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	err := writeBalancer(file, "*:8080", "*:8404", routes, []string{"writer-1:8080", "writer-2:8080"}, []string{"reader-1:8080", "reader-2:8080"})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(kept, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(kept); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the routes say (%v): go test ./deploy/local -run Compose -update", kept, err)
	}
}
