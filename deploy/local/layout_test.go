//go:build linux

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func newLayout(t *testing.T) *layout {
	t.Helper()
	l := &layout{Run: t.TempDir(), Cache: &cache{dir: t.TempDir(), say: t.Logf}, Net: "127.0.0", Search: 1, Port: 8080}
	if err := l.loadSecrets(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTheClusterFileHoldsNoSecret(t *testing.T) {
	l := newLayout(t)
	if err := l.writeClusterFile(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(l.clusterFile())
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range l.secrets {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s is in it", name)
		}
	}
	var file map[string]map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for section, keys := range file {
		for key, value := range keys {
			if key != "password" && !strings.HasSuffix(key, "_key") {
				continue
			}
			name, ok := strings.CutPrefix(value.(string), "file:")
			if _, err := os.Stat(filepath.Join(l.Run, name)); !ok || err != nil {
				t.Errorf("%s.%s: %v: %v", section, key, value, err)
			}
		}
	}
	if got := len(file["cassandra"]["hosts"].([]any)); got != cassandraNodes {
		t.Errorf("%d Cassandra hosts", got)
	}
}

func TestSecretsAreForTheirOwnerOnlyAndStay(t *testing.T) {
	l := newLayout(t)
	before := l.secrets
	if err := l.loadSecrets(); err != nil {
		t.Fatal(err)
	}
	for _, name := range secretNames {
		info, err := os.Stat(filepath.Join(l.dir("secrets"), name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 || l.secrets[name] == "" || l.secrets[name] != before[name] {
			t.Errorf("%s: mode %v, %q then %q", name, info.Mode(), before[name], l.secrets[name])
		}
	}
}

func TestAValueThatATemplateLacksIsAnError(t *testing.T) {
	err := writeConf(filepath.Join(t.TempDir(), "x"), "redis.conf", map[string]string{"Dir": "/data", "Host": "127.0.0.1"})
	if err == nil || !strings.Contains(err.Error(), "{{Password}}") {
		t.Errorf("got %v", err)
	}
}

func TestTokensDivideTheRing(t *testing.T) {
	want := []string{"-9223372036854775807", "-3074457345618258602", "3074457345618258603"}
	for i, w := range want {
		if got := token(i, len(want)); got != w {
			t.Errorf("token %d: %s, want %s", i, got, w)
		}
	}
}

func TestAFolderWithoutAClusterIsNotWiped(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "diary"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&layout{Run: dir}).wipe(); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(filepath.Join(dir, "diary")); err != nil {
		t.Errorf("the diary: %v", err)
	}
}

func TestNothingOfAnInstallThatWasCutShortIsUsed(t *testing.T) {
	c := &cache{dir: t.TempDir(), say: t.Logf}
	dir := filepath.Join(c.dir, "program")
	cut := c.into(dir, func(tmp string) error {
		if err := os.WriteFile(filepath.Join(tmp, "half"), nil, 0o600); err != nil {
			t.Error(err)
		}
		return fs.ErrInvalid
	})
	if _, err := os.Stat(dir); cut == nil || err == nil {
		t.Errorf("install: %v, folder: %v", cut, err)
	}
	if err := c.into(dir, func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v in a fresh install, %v", left, err)
	}
}
