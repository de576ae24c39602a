package jetstream

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"warble"
	"warble/internal/credential"
)

// Config is the section nats of the cluster file.
type Config struct {
	// Hosts are the servers, as host:port. One that answers tells of the others.
	Hosts []string `yaml:"hosts"`
	// Stream is the stream's name and the first word of its subjects: letters, digits, - and _. Default: warble.
	Stream string `yaml:"stream"`
	// Partitions is how many partitions the log has; it stays what it was when the stream was made. Default: 8.
	Partitions int `yaml:"partitions"`
	// Replicas is how many servers hold the stream: 3, or 1 where a single server is all there is. Default: 3.
	Replicas int `yaml:"replicas"`
	// MaxBytes bounds the stream on each server: the oldest messages go first. Default: 1 GiB.
	MaxBytes int64 `yaml:"max_bytes"`
	// Username is empty where the servers let anyone in.
	Username string `yaml:"username"`
	// Password says where the password is.
	Password credential.Secret `yaml:"password"`
	// TLS is left out for connections in the clear.
	TLS *credential.TLS `yaml:"tls"`
}

// Options are what the process brings.
type Options struct {
	// Claims decides who owns a partition. Without it nothing can be consumed.
	Claims warble.Claims
	// Missing reads changes again from the outbox: those of a (node, epoch) with sequences from from up to, not
	// including, to; to zero means as far as there are any. It returns the first of them in rising order, as many as
	// it likes; a number that was given up, or whose row is past its time, as a message without events. Of what it
	// returns the rows of truth are written. Without it holes are not looked for.
	Missing func(ctx context.Context, node uint8, epoch, from, to uint64) ([]Message, error)
	// Writers names the writers whose outbox there is, each with the highest sequence that it says is stored. It is
	// asked every HoleAfter, so that an epoch of which nothing came is looked for too. May be nil.
	Writers func(ctx context.Context) ([]Writer, error)
	// Clock tells the time for messages that come without. Default: time.Now.
	Clock func() time.Time
	// Log gets what an operator should see. Default: nothing.
	Log *slog.Logger
	// Dead is how long a claim must stand unchanged before its owner counts as dead. Default: 10 s.
	Dead time.Duration
	// HoleAfter is how long a number may be missing before it is looked for. Default: 3 s.
	HoleAfter time.Duration
}

// Writer is what one (node, epoch) says of itself: its rows are stored up to Seq, zero where it has not said yet.
type Writer struct {
	Node       uint8
	Epoch, Seq uint64
}

const (
	deadline    = 5 * time.Second // of every call to a server
	retention   = 24 * time.Hour  // of the stream
	defaultDead = 10 * time.Second
	defaultHole = 3 * time.Second
)

// withDefaults checks what must be right and fills in the rest.
func (c Config) withDefaults() (Config, error) {
	if c.Stream == "" {
		c.Stream = "warble"
	}
	if c.Partitions == 0 {
		c.Partitions = 8
	}
	if c.Replicas == 0 {
		c.Replicas = 3
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 30
	}
	switch {
	case len(c.Hosts) == 0:
		return c, warble.Invalid("nats.hosts", "", "name at least one NATS server, as host:port")
	case !plain(c.Stream):
		return c, warble.Invalid("nats.stream", c.Stream, "a stream's name has letters, digits, - and _ only")
	case c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5:
		return c, warble.Invalid("nats.replicas", fmt.Sprint(c.Replicas), "the stream has 3 or 5 replicas, or 1 on a single server")
	case c.Partitions < 1 || c.Partitions > 256:
		return c, warble.Invalid("nats.partitions", fmt.Sprint(c.Partitions), "the log has 1 to 256 partitions")
	}
	return c, nil
}

// plain says that a word can be part of a subject, a stream's and a consumer's name.
func plain(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dead == 0 {
		o.Dead = defaultDead
	}
	if o.HoleAfter == 0 {
		o.HoleAfter = defaultHole
	}
	return o
}

// dialing turns the configuration into the client's options.
func (c Config) dialing() ([]nats.Option, error) {
	out := []nats.Option{
		nats.Name("warble"), nats.Timeout(deadline), nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond), nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2),
		nats.FlusherTimeout(deadline),
	}
	password, err := c.Password.Read("nats.password")
	if err != nil {
		return nil, err
	}
	if c.Username != "" {
		out = append(out, nats.UserInfo(c.Username, password))
	}
	secure, err := c.TLS.Config("nats.tls")
	if secure != nil {
		out = append(out, nats.Secure(secure))
	}
	return out, err
}
