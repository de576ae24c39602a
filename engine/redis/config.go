package redis

import (
	"fmt"
	"math/bits"
	"regexp"

	"warble"
	"warble/internal/credential"
)

// Config is the section "redis" of the cluster file.
type Config struct {
	// Hosts are some nodes of the cluster, as host:port; the others are found through them.
	Hosts []string `yaml:"hosts"`
	// Buckets is over how many hash tags timelines are spread: a power of two, at most 16,384, the same for all
	// processes and for ever. More of them spread more evenly over more primaries; fewer make fuller calls. Default: 1,024.
	Buckets int `yaml:"buckets"`
	// Prefix begins every key, so that several services can share a cluster. Default: w.
	Prefix string `yaml:"prefix"`
	// Username signs in; empty: as Redis's "default" where there is a password.
	Username string `yaml:"username"`
	// Password says where the password is; empty: none.
	Password credential.Secret `yaml:"password"`
	// TLS encrypts the connections; absent: plain.
	TLS *credential.TLS `yaml:"tls"`
}

// filled returns the section with its defaults, or what is wrong with it.
func (c Config) filled() (Config, error) {
	if len(c.Hosts) == 0 {
		return c, warble.Invalid("redis.hosts", "", "name at least one node, as host:port")
	}
	if c.Buckets == 0 {
		c.Buckets = 1024
	}
	if c.Buckets < 1 || c.Buckets > slots || bits.OnesCount(uint(c.Buckets)) != 1 {
		return c, warble.Invalid("redis.buckets", fmt.Sprint(c.Buckets), "the number of buckets is a power of two, at most 16384")
	}
	if c.Prefix == "" {
		c.Prefix = "w"
	}
	if !regexp.MustCompile(`^[a-z0-9_.-]{1,32}$`).MatchString(c.Prefix) {
		return c, warble.Invalid("redis.prefix", c.Prefix, "a prefix has up to 32 small letters, digits, dots, dashes and underscores")
	}
	return c, nil
}
