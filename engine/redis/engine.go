package redis

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"warble"
)

const (
	// callTimeout is how long any call may take, redirections included.
	callTimeout = time.Second
	// openTimeout is how long Open waits for the cluster where its context sets no deadline.
	openTimeout = 30 * time.Second
	// refresh is how often the client asks which primary has which slots; it also asks after every failure.
	refresh = 5 * time.Second
	// countAge is how old a cached count may be: nothing that changes is cached longer.
	countAge = 10 * time.Second
)

// Options are what the cluster file does not say.
type Options struct {
	Clock    func() time.Time // default: time.Now
	Log      *slog.Logger     // default: slog.Default
	CountAge time.Duration    // how long a count is cached; default and most: 10 s
}

// Engine is a connection to a cluster.
type Engine struct {
	client    rueidis.Client
	keys      *keys
	scripts   *scripts
	opt       Options
	timelines *Timelines
}

// Open connects to the cluster. While no node answers it waits, and says so in the log, until ctx ends (30 seconds where
// ctx has no deadline). It refuses a section that cannot be right, wrong credentials, a Redis that is no cluster, and a number of buckets
// other than the one the prefix began with.
func Open(ctx context.Context, conf Config, opt Options) (*Engine, error) {
	conf, err := conf.filled()
	if err != nil {
		return nil, err
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.CountAge <= 0 || opt.CountAge > countAge {
		opt.CountAge = countAge
	}
	if _, set := ctx.Deadline(); !set {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, openTimeout)
		defer stop()
	}
	to, err := conf.options()
	if err != nil {
		return nil, err
	}
	e := &Engine{keys: newKeys(conf.Prefix, conf.Buckets), scripts: newScripts(), opt: opt}
	if err := e.connect(ctx, to, conf); err != nil {
		return nil, err
	}
	e.timelines = newTimelines(e)
	return e, nil
}

func (c Config) options() (rueidis.ClientOption, error) {
	password, err := c.Password.Read("redis.password")
	if err != nil {
		return rueidis.ClientOption{}, err
	}
	secure, err := c.TLS.Config("redis.tls")
	if err != nil {
		return rueidis.ClientOption{}, err
	}
	return rueidis.ClientOption{
		InitAddress: c.Hosts, Username: c.Username, Password: password, TLSConfig: secure, ClientName: "warble",
		Dialer:           net.Dialer{Timeout: callTimeout / 2},
		ConnWriteTimeout: callTimeout,
		// Who calls tries again, and knows for how long; what is sent twice by the client would hide how long a failover takes.
		DisableRetry: true, DisableCache: true, AlwaysPipelining: true,
		ClusterOption: rueidis.ClusterOption{ShardsRefreshInterval: refresh},
	}, nil
}

// connect tries until the cluster serves or ctx ends.
func (e *Engine) connect(ctx context.Context, to rueidis.ClientOption, conf Config) error {
	told := time.Now()
	for {
		client, err := rueidis.NewClient(to)
		if err == nil {
			e.client = client
			if err = e.agree(ctx, conf); err == nil {
				return nil
			}
			client.Close()
		}
		if refused := refusal(err); refused != nil {
			return refused
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			e.opt.Log.Warn("waiting for redis", "hosts", conf.Hosts, "error", err)
		}
		if warble.Pause(ctx, 250*time.Millisecond) != nil {
			return &warble.Error{Kind: warble.ErrUnavailable, Detail: "redis does not answer at " + strings.Join(conf.Hosts, ", "), Err: err}
		}
	}
}

// agree settles the number of buckets with everybody else who uses the prefix.
func (e *Engine) agree(ctx context.Context, conf Config) error {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	if e.client.Mode() != rueidis.ClientModeCluster {
		return warble.Invalid("redis.hosts", conf.Hosts[0], "this Redis is no cluster: start it with cluster-enabled yes")
	}
	b := e.client.B()
	name := e.keys.prefix + "buckets"
	err := e.client.Do(ctx, b.Set().Key(name).Value(strconv.Itoa(conf.Buckets)).Nx().Build()).Error()
	if err != nil && !rueidis.IsRedisNil(err) {
		return err
	}
	stands, err := e.client.Do(ctx, b.Get().Key(name).Build()).ToString()
	if err != nil {
		return err
	}
	if stands != strconv.Itoa(conf.Buckets) {
		return warble.Invalid("redis.buckets", strconv.Itoa(conf.Buckets), "timelines below this prefix lie in "+stands+" buckets; say so, or take another prefix")
	}
	return nil
}

// refusal is the error that no waiting helps against; nil where it may.
func refusal(err error) error {
	if errors.Is(err, warble.ErrInvalid) {
		return err
	}
	said, ok := rueidis.IsRedisErr(err)
	if !ok {
		return nil
	}
	for _, with := range []string{"WRONGPASS", "NOAUTH", "NOPERM", "ERR AUTH"} {
		if strings.HasPrefix(said.Error(), with) {
			return &warble.Error{Kind: warble.ErrInvalid, Param: "redis.password", Detail: "redis refuses the name or the password", Err: err}
		}
	}
	return nil
}

// Close sends what waits and ends the connections. Nothing may be called afterwards.
func (e *Engine) Close() error {
	e.timelines.queue.close()
	e.client.Close()
	return nil
}

// Timelines are the stored home timelines.
func (e *Engine) Timelines() *Timelines { return e.timelines }

// exec runs a script within the time a call may take. lost is the kind of an error after which it may have run.
func (e *Engine) exec(ctx context.Context, script *rueidis.Lua, lost error, keys []string, args ...string) (rueidis.RedisResult, error) {
	within, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	got := script.Exec(within, e.client, keys, args)
	return got, cause(ctx, got.Error(), lost)
}

// Erase removes every key below the prefix: for a bench or a test, which have one of their own.
func (e *Engine) Erase(ctx context.Context) error {
	for _, node := range e.client.Nodes() {
		role, err := node.Do(ctx, node.B().Role().Build()).ToArray()
		if err != nil || len(role) == 0 {
			return cause(ctx, err, warble.ErrUnavailable)
		}
		if is, _ := role[0].ToString(); is != "master" {
			continue
		}
		for at := uint64(0); ; {
			page, err := node.Do(ctx, node.B().Scan().Cursor(at).Match(e.keys.prefix+"*").Count(1000).Build()).AsScanEntry()
			if err != nil {
				return cause(ctx, err, warble.ErrUnavailable)
			}
			for _, key := range page.Elements {
				if err := node.Do(ctx, node.B().Unlink().Key(key).Build()).Error(); err != nil {
					return cause(ctx, err, warble.ErrUnknown)
				}
			}
			if at = page.Cursor; at == 0 {
				break
			}
		}
	}
	return nil
}

// cause turns what the client says into an error of a kind: lost where it went out and no answer came back,
// ErrUnavailable where it surely was not done. An end of ctx, the caller's own, stays what it is.
func cause(ctx context.Context, err, lost error) error {
	if err == nil || rueidis.IsRedisNil(err) {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	kind := lost
	var network *net.OpError
	_, answered := rueidis.IsRedisErr(err)
	if answered || errors.Is(err, rueidis.ErrClosing) || errors.Is(err, rueidis.ErrNoSlot) || errors.As(err, &network) && network.Op == "dial" {
		kind = warble.ErrUnavailable
	}
	return &warble.Error{Kind: kind, Detail: "redis does not serve now", Err: err}
}
