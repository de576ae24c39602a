package cassandra

import (
	"fmt"
	"regexp"
	"strings"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"warble"
	"warble/internal/credential"
)

// Config is the section "cassandra" of the cluster file.
type Config struct {
	// Hosts are some nodes, as host:port; the others are found through them.
	Hosts []string `yaml:"hosts"`
	// Keyspace holds all tables. Default: warble.
	Keyspace string `yaml:"keyspace"`
	// Datacenter is the one this process reads and writes in. Default: datacenter1.
	Datacenter string `yaml:"datacenter"`
	// Replication is how many copies the datacenter keeps, at least 3; it is used when the keyspace is made. Default: 3.
	Replication int `yaml:"replication"`
	// Username signs in; empty: without.
	Username string `yaml:"username"`
	// Password says where the password is.
	Password credential.Secret `yaml:"password"`
	// TLS encrypts the connections; absent: plain.
	TLS *credential.TLS `yaml:"tls"`
}

// filled returns the section with its defaults, or what is wrong with it.
func (c Config) filled() (Config, error) {
	if len(c.Hosts) == 0 {
		return c, warble.Invalid("cassandra.hosts", "", "name at least one node, as host:port")
	}
	if c.Keyspace == "" {
		c.Keyspace = "warble"
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`).MatchString(c.Keyspace) {
		return c, warble.Invalid("cassandra.keyspace", c.Keyspace, "a keyspace has up to 48 small letters, digits and underscores, and begins with a letter")
	}
	if c.Datacenter == "" {
		c.Datacenter = "datacenter1"
	}
	if strings.ContainsAny(c.Datacenter, `'"\`) {
		return c, warble.Invalid("cassandra.datacenter", c.Datacenter, "a datacenter's name has no quotes")
	}
	if c.Replication == 0 {
		c.Replication = 3
	}
	if c.Replication < 3 {
		return c, warble.Invalid("cassandra.replication", fmt.Sprint(c.Replication), "with fewer than 3 copies no node may fail")
	}
	return c, nil
}

// secure puts credentials and certificates into the driver's configuration.
func (c Config) secure(to *gocql.ClusterConfig) error {
	password, err := c.Password.Read("cassandra.password")
	if err != nil {
		return err
	}
	if c.Username != "" {
		to.Authenticator = gocql.PasswordAuthenticator{Username: c.Username, Password: password}
	}
	conf, err := c.TLS.Config("cassandra.tls")
	if conf != nil {
		to.SslOpts = &gocql.SslOptions{Config: conf, EnableHostVerification: true}
	}
	return err
}
