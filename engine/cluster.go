package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"warble"
	"warble/engine/cached"
	"warble/engine/cassandra"
	"warble/engine/jetstream"
	"warble/engine/opensearch"
	"warble/engine/redis"
	"warble/engine/s3"
	"warble/internal/credential"
)

// clusterFile is what cluster:FILE names, as YAML. A secret is never in it, but where the file says: file:PATH or
// env:NAME. Relative paths are taken from the file's directory. A key that is not known is refused.
type clusterFile struct {
	// Cassandra keeps truth and the outbox: users, tweets, edges, documents, claims, counts.
	Cassandra cassandra.Config `yaml:"cassandra"`
	// Redis keeps stored homes, cached counts and rate limits.
	Redis redis.Config `yaml:"redis"`
	// NATS carries the log and live messages.
	NATS jetstream.Config `yaml:"nats"`
	// S3 keeps photos.
	S3 s3.Config `yaml:"s3"`
	// OpenSearch finds tweets and people.
	OpenSearch opensearch.Config `yaml:"opensearch"`
}

// readCluster reads a cluster file.
func readCluster(path string) (*clusterFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer file.Close()
	f := new(clusterFile)
	d := yaml.NewDecoder(file)
	d.KnownFields(true)
	switch err := d.Decode(f); {
	case errors.Is(err, io.EOF):
		return nil, warble.Invalid("data", path, "the cluster file is empty: docs/cluster.md shows one")
	case err != nil:
		return nil, warble.Invalid("data", path, "the cluster file cannot be read: "+readable(err))
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, warble.Invalid("data", path, "the cluster file holds more than one document")
	}
	f.from(filepath.Dir(path))
	return f, nil
}

func unreadable(path string, err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	return warble.Invalid("data", path, fmt.Sprintf("the cluster file cannot be read: %v", err))
}

// unknownKey is how the parser says that it has no field for a key.
var unknownKey = regexp.MustCompile(`field (\S+) not found in type \S+`)

// readable is the parser's first complaint in the operator's words.
func readable(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if many, ok := errors.AsType[*yaml.TypeError](err); ok {
		text = many.Errors[0]
	}
	return unknownKey.ReplaceAllString(text, "there is no such key as $1")
}

// from takes relative paths from dir.
func (f *clusterFile) from(dir string) {
	for _, s := range []*credential.Secret{
		&f.Cassandra.Password, &f.Redis.Password, &f.NATS.Password, &f.S3.AccessKey, &f.S3.SecretKey, &f.OpenSearch.Password,
	} {
		*s = s.In(dir)
	}
	for _, t := range []**credential.TLS{&f.Cassandra.TLS, &f.Redis.TLS, &f.NATS.TLS, &f.S3.TLS, &f.OpenSearch.TLS} {
		*t = (*t).In(dir)
	}
}

// openWithin is how long a start waits for engines that do not answer yet.
const openWithin = 90 * time.Second

// drainWithin is how long an end waits until the log has what was stored last.
const drainWithin = 5 * time.Second

// openCluster opens the engines a cluster file names and puts their stores together.
func openCluster(ctx context.Context, path string, opt Options) (_ *warble.Stores, err error) {
	f, err := readCluster(path)
	if err != nil {
		return nil, err
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	within, stop := context.WithTimeout(ctx, openWithin)
	defer stop()
	var closing []func() error
	closeAll := func() error {
		var errs []error
		for _, c := range slices.Backward(closing) {
			errs = append(errs, c())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll())
		}
	}()
	l := new(link)
	truth, err := await(within, opt.Log, "cassandra", func(ctx context.Context) (*cassandra.Engine, error) {
		return cassandra.Open(ctx, f.Cassandra, cassandra.Options{Clock: opt.Clock, Log: opt.Log, Stored: l.stored})
	})
	if err != nil {
		return nil, err
	}
	closing = append(closing, truth.Close)
	s := truth.Stores()
	l.truth = truth
	l.log, err = await(within, opt.Log, "nats", func(ctx context.Context) (*jetstream.Engine, error) {
		return jetstream.Open(ctx, f.NATS, jetstream.Options{Claims: s.Claims, Missing: l.missing, Writers: l.writers, Clock: opt.Clock, Log: opt.Log})
	})
	if err != nil {
		return nil, err
	}
	closing = append(closing, l.close)
	homes, err := await(within, opt.Log, "redis", func(ctx context.Context) (*redis.Engine, error) {
		return redis.Open(ctx, f.Redis, redis.Options{Clock: opt.Clock, Log: opt.Log})
	})
	if err != nil {
		return nil, err
	}
	closing = append(closing, homes.Close)
	photos, err := await(within, opt.Log, "s3", func(ctx context.Context) (*s3.Engine, error) {
		return s3.Open(ctx, f.S3, s3.Options{})
	})
	if err != nil {
		return nil, err
	}
	closing = append(closing, photos.Close)
	index, err := await(within, opt.Log, "opensearch", func(ctx context.Context) (*opensearch.Engine, error) {
		return opensearch.Open(ctx, f.OpenSearch, opensearch.Options{Clock: opt.Clock, Log: opt.Log})
	})
	if err != nil {
		return nil, err
	}
	closing = append(closing, index.Close)
	s.Log, s.Hub, s.Own = l.log.Log(), l.log.Hub(), l.log.Own
	s.Timelines, s.Counts = homes.Timelines(), homes.Counts(s.Counts)
	s.Blobs, s.Index, s.Tally = photos, index, homes.Tally
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	closing = append(closing, func() error { end(); return nil })
	s, err = cached.Wrap(alive, s, cached.Options{Mark: homes.Wrote, Marked: homes.LastWrote, Log: opt.Log})
	if err != nil {
		return nil, err
	}
	s.Close = closeAll
	return s, nil
}

// await opens an engine, again and again while it does not answer, until ctx ends.
func await[T any](ctx context.Context, log *slog.Logger, name string, open func(context.Context) (T, error)) (T, error) {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		e, err := open(ctx)
		if err == nil || !errors.Is(err, warble.ErrUnavailable) {
			return e, err
		}
		log.Warn("waiting for an engine", "engine", name, "error", err)
		if warble.Pause(ctx, wait) != nil {
			return e, &warble.Error{Kind: warble.ErrUnavailable, Detail: fmt.Sprintf("%s did not answer within %v: start it, or correct the cluster file", name, openWithin), Err: err}
		}
	}
}

// link joins the outbox, which truth keeps, and the log, which is made of it.
type link struct {
	truth *cassandra.Engine
	log   *jetstream.Engine
}

// stored hands a change to the relay. Where that has no room, the log's keeper finds the change in the outbox.
func (l *link) stored(c cassandra.Stored) {
	now, stop := context.WithCancel(context.Background())
	stop()
	_ = l.log.Publish(now, message(c)) //nolint:errcheck // as said
}

func message(c cassandra.Stored) jetstream.Message {
	return jetstream.Message{Node: c.Node, Epoch: c.Epoch, Seq: c.Seq, At: c.At, Events: c.Events}
}

// missing reads changes again that did not come.
func (l *link) missing(ctx context.Context, node uint8, epoch, from, to uint64) ([]jetstream.Message, error) {
	changes, err := l.truth.Replay(ctx, node, epoch, from, to)
	out := make([]jetstream.Message, len(changes))
	for i, c := range changes {
		out[i] = message(c)
	}
	return out, err
}

// writers lists whose changes there are.
func (l *link) writers(ctx context.Context) ([]jetstream.Writer, error) {
	all, err := l.truth.Writers(ctx)
	out := make([]jetstream.Writer, len(all))
	for i, w := range all {
		out[i] = jetstream.Writer{Node: w.Node, Epoch: w.Epoch, Seq: w.Finished}
	}
	return out, err
}

// close lets the log have what was stored last, some seconds long; what is left is in the outbox.
func (l *link) close() error {
	ctx, stop := context.WithTimeout(context.Background(), drainWithin)
	defer stop()
	return errors.Join(l.log.Drain(ctx), l.log.Close())
}

// Schema is the text of every step of the tables of a cluster.
func Schema() (string, error) {
	steps, err := cassandra.Steps()
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "-- %s\n\n%s\n", s.Name, s.CQL)
	}
	return b.String(), err
}

// ApplySchema makes the tables of the cluster that spec names, or brings them up to date. told hears of each step.
func ApplySchema(ctx context.Context, spec string, told func(step string)) error {
	path, ok := strings.CutPrefix(spec, "cluster:")
	if !ok {
		return warble.Invalid("data", spec, "only cluster:FILE has tables to be made; dir:PATH makes what it needs by itself")
	}
	f, err := readCluster(path)
	if err != nil {
		return err
	}
	return cassandra.ApplySchema(ctx, f.Cassandra, func(s cassandra.Step) { told(s.Name) })
}
