package jetstream

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"warble"
)

// Engine is a connection to the servers: the log, the relay to it, and the hub.
type Engine struct {
	conf  Config
	opt   Options
	conn  *nats.Conn
	js    jetstream.JetStream
	relay *relay
	hub   *hub

	ctx     context.Context // ends when the engine closes
	cancel  context.CancelFunc
	running sync.WaitGroup

	reconnects atomic.Uint64

	mu      sync.Mutex
	stream  jetstream.Stream
	born    int64         // the stream's incarnation
	changed chan struct{} // closed, and replaced, when there is another
}

// Open connects, and creates the stream if there is none. Servers that cannot be reached are ErrUnavailable, what can
// never work is ErrInvalid, each with one sentence.
func Open(ctx context.Context, conf Config, opt Options) (*Engine, error) {
	conf, err := conf.withDefaults()
	if err != nil {
		return nil, err
	}
	dial, err := conf.dialing()
	if err != nil {
		return nil, err
	}
	e := &Engine{conf: conf, opt: opt.withDefaults(), changed: make(chan struct{})}
	dial = append(dial,
		nats.ReconnectHandler(func(*nats.Conn) { e.reconnects.Add(1) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrSlowConsumer) {
				e.reconnects.Add(1)
			}
			e.opt.Log.Warn("nats", "error", err)
		}))
	e.conn, err = nats.Connect("nats://"+strings.Join(conf.Hosts, ",nats://"), dial...)
	if err != nil {
		return nil, refused(err, conf)
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	if err := e.start(ctx); err != nil {
		e.cancel()
		e.conn.Close()
		return nil, err
	}
	return e, nil
}

func (e *Engine) start(ctx context.Context) (err error) {
	if e.js, err = jetstream.New(e.conn, jetstream.WithDefaultTimeout(deadline)); err != nil {
		return unavailable(err, "JetStream")
	}
	if e.relay, err = newRelay(e); err != nil {
		return err
	}
	e.hub = newHub(e)
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	s, _, err := e.find(ctx)
	if err != nil {
		return err
	}
	if err := e.fits(s.CachedInfo()); err != nil {
		return err
	}
	e.running.Go(e.relay.run)
	return nil
}

// refused says why there is no connection.
func refused(err error, conf Config) error {
	if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) {
		return &warble.Error{
			Kind: warble.ErrInvalid, Param: "nats.username", Value: conf.Username,
			Detail: "the NATS servers refuse this user and password", Err: err,
		}
	}
	return unavailable(err, "no NATS server of "+strings.Join(conf.Hosts, ", ")+" answers")
}

// notClustered is what a single server answers to who wants replicas.
const notClustered = 10074

// unavailable wraps a server's failure; a context that ended stays what it is.
func unavailable(err error, detail string) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, warble.ErrUnavailable) || errors.Is(err, warble.ErrInvalid) {
		return err
	}
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == notClustered {
		return warble.Invalid("nats.replicas", "", "a single server holds no more than one replica")
	}
	return &warble.Error{Kind: warble.ErrUnavailable, Detail: detail, Err: err}
}

// Hub carries live messages.
func (e *Engine) Hub() warble.Hub { return e.hub }

// Generation rises whenever live messages may have been lost on the way to this process: after a reconnect, and where
// it was too slow. Who keeps something that a live message would have emptied, empties it then.
func (e *Engine) Generation() uint64 { return e.reconnects.Load() }

// Close ends consumers and subscriptions and gives the connection back. What the relay holds is lost to this process;
// [Engine.Drain] comes before.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.cancel()
	e.mu.Unlock()
	e.running.Wait()
	e.hub.close()
	e.conn.Close()
	return nil
}

// enter counts a call that Close waits for; ok is false once the engine is closed.
func (e *Engine) enter() (ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return false
	}
	e.running.Add(1)
	return true
}
