package cassandra

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"

	"warble"
)

const (
	// driverTimeout is how long one attempt may take: the nodes themselves give up after 1 s.
	driverTimeout = 1500 * time.Millisecond
	// maxStatements bounds what one process has under way at once; beyond it callers wait, at most maxWait.
	maxStatements = 1024
	maxWait       = time.Second
	// maxTogether bounds the statements of one call under way at once.
	maxTogether = 64
)

// Options are what the caller of Open may choose. The zero value is good.
type Options struct {
	// Clock gives the write times. Default: time.Now.
	Clock func() time.Time
	// Log gets what an operator should see. Default: nothing.
	Log *slog.Logger
	// Stored is told of each change once its rows stand. It must not wait. May be nil.
	Stored func(Stored)
}

// Engine is truth and counts in one keyspace. Its methods may be called by many goroutines.
type Engine struct {
	session *gocql.Session
	now     func() time.Time
	log     *slog.Logger
	slots   chan struct{} // one for each statement under way
	nodes   *nodes
	reads   reads
	known   known
	stripes stripes
	puts    puts
	writers writers
	graves  graves
	claims  [256]chan struct{} // one for each name somebody is busy with, by its hash
	seed    maphash.Seed
	stored  func(Stored)
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc

	datacenter string
	nodesTime  atomic.Pointer[nodesTime]
	running    sync.WaitGroup
}

// Open connects and looks at the schema and the clocks: a schema this program
// does not know is refused, and a clock that is far off.
func Open(ctx context.Context, cfg Config, opt Options) (*Engine, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		now: opt.Clock, log: opt.Log, slots: make(chan struct{}, maxStatements), stored: opt.Stored,
		nodes: choose(cfg), datacenter: cfg.Datacenter,
	}
	if e.session, err = connectBy(e.nodes, cfg, cfg.Keyspace, driverTimeout); err != nil {
		return nil, err
	}
	e.prepare()
	e.ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if e.now == nil {
		e.now = time.Now
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(e.checkSchema(ctx), e.checkClock(ctx)); err != nil {
		e.cancel()
		e.session.Close()
		return nil, err
	}
	e.running.Go(e.keepTime)
	return e, nil
}

func (e *Engine) prepare() {
	e.seed = maphash.MakeSeed()
	e.writers.turn = make(chan struct{}, 1)
	for i := range e.claims {
		e.claims[i] = make(chan struct{}, 1)
	}
}

// Stores returns the contracts this engine fulfils.
func (e *Engine) Stores() *warble.Stores {
	return &warble.Stores{
		Claims: claimStore{e}, Commit: commitStore{e}, Users: userStore{e}, Tweets: tweetStore{e},
		Edges: edgeStore{e}, Docs: docStore{e}, Counts: countStore{e}, Close: e.Close,
	}
}

// Close finishes what is on its way, for some seconds at most, and ends all
// connections. Nothing may be called afterwards.
func (e *Engine) Close() error {
	var err error
	if w := e.writers.now.Load(); w != nil {
		ctx, stop := context.WithTimeout(e.ctx, commitTimeout)
		err = w.end(ctx)
		stop()
	}
	e.cancel()
	e.running.Wait()
	e.session.Close()
	return err
}

// choose sends a statement to a node that keeps what it is about.
func choose(cfg Config) *nodes {
	return &nodes{HostSelectionPolicy: gocql.TokenAwareHostPolicy(gocql.DCAwareRoundRobinPolicy(cfg.Datacenter), gocql.ShuffleReplicas())}
}

// connect opens a session; keyspace may be empty.
func connect(cfg Config, keyspace string, timeout time.Duration) (*gocql.Session, error) {
	return connectBy(choose(cfg), cfg, keyspace, timeout)
}

func connectBy(by *nodes, cfg Config, keyspace string, timeout time.Duration) (*gocql.Session, error) {
	c := gocql.NewCluster(cfg.Hosts...)
	c.Keyspace = keyspace
	c.Timeout, c.ConnectTimeout, c.WriteTimeout = timeout, 5*time.Second, timeout
	c.Consistency, c.SerialConsistency = gocql.LocalQuorum, gocql.LocalSerial
	c.PoolConfig.HostSelectionPolicy = by
	c.RetryPolicy = onceElsewhere{}
	c.DefaultIdempotence = true
	c.Metadata.CacheMode = gocql.KeyspaceOnly
	c.PageSize = 1000
	c.ReconnectInterval = 2 * time.Second
	if err := cfg.secure(c); err != nil {
		return nil, err
	}
	session, err := c.CreateSession()
	switch {
	case err == nil:
		return session, nil
	case errors.Is(err, gocql.ErrKeyspaceDoesNotExist), errors.As(err, new(*gocql.RequestErrInvalid)):
		return nil, &warble.Error{Kind: warble.ErrInvalid, Param: "cassandra.keyspace", Value: keyspace, Detail: "there is no such keyspace: make it with `warble schema apply`", Err: err}
	}
	return nil, &warble.Error{Kind: warble.ErrUnavailable, Detail: fmt.Sprintf("no node of cassandra can be used (%v)", cfg.Hosts), Err: err}
}

// onceElsewhere tries a statement once more on another node, where that can
// help. Statements that must not be repeated are not marked idempotent, and the
// driver does not ask about them.
type onceElsewhere struct{}

func (onceElsewhere) Attempt(q gocql.RetryableQuery) bool { return q.Attempts() <= 1 }

func (onceElsewhere) GetRetryType(err error) gocql.RetryType {
	if refused(err) {
		return gocql.Rethrow
	}
	return gocql.RetryNextHost
}

// tries is onceElsewhere for one write; it remembers whether any try may have stored something.
type tries struct {
	onceElsewhere
	touched bool
}

func (t *tries) GetRetryType(err error) gocql.RetryType {
	t.touched = t.touched || !untouched(err)
	return t.onceElsewhere.GetRetryType(err)
}

// refused says that no node will ever take this statement.
func refused(err error) bool {
	if r, ok := errors.AsType[gocql.RequestError](err); ok {
		switch r.Code() {
		case gocql.ErrCodeSyntax, gocql.ErrCodeInvalid, gocql.ErrCodeUnauthorized, gocql.ErrCodeConfig, gocql.ErrCodeProtocol:
			return true
		}
	}
	return false
}

// untouched says that a statement tried once, which failed so, stored nothing.
func untouched(err error) bool {
	if errors.Is(err, gocql.ErrNoConnections) || errors.Is(err, gocql.ErrNoStreams) || errors.Is(err, gocql.ErrSessionClosed) {
		return true
	}
	if r, ok := errors.AsType[gocql.RequestError](err); ok {
		switch r.Code() {
		case gocql.ErrCodeUnavailable, gocql.ErrCodeOverloaded, gocql.ErrCodeBootstrapping:
			return true
		}
	}
	return refused(err)
}

// readFailed is the error of a read, which stores nothing.
func readFailed(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &warble.Error{Kind: warble.ErrUnavailable, Detail: "the database does not answer", Err: err}
}

// writeFailed is the error of a write; touched says that a try of it may have stored something.
func writeFailed(err error, touched bool) error {
	if err == nil {
		return nil
	}
	if !touched && untouched(err) {
		return &warble.Error{Kind: warble.ErrUnavailable, Detail: "the database does not take writes", Err: err}
	}
	return &warble.Error{Kind: warble.ErrUnknown, Detail: "the database did not confirm a write", Err: err}
}

// enter takes a place among the statements under way; leave gives it back. On
// an error nothing was sent.
func (e *Engine) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case e.slots <- struct{}{}:
		return nil
	default:
	}
	wait := time.NewTimer(maxWait)
	defer wait.Stop()
	select {
	case e.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return warble.Fail(warble.ErrUnavailable, "too much is asked of the database at once")
	}
}

func (e *Engine) leave() { <-e.slots }

// scanner takes the columns of a row; see [Engine.read].
type scanner interface{ Scan(dest ...any) error }

// read runs a read at LOCAL_QUORUM and hands every row to take, which must not
// run statements itself: this one still holds its place.
func (e *Engine) read(ctx context.Context, cql string, args []any, take func(scanner) error) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.leave()
	iter, done := e.ask(ctx, e.session.Query(cql, args...))
	defer done()
	return readAll(iter, take)
}

func readAll(iter *gocql.Iter, take func(scanner) error) error {
	rows := iter.Scanner()
	for rows.Next() {
		if err := take(rows); err != nil {
			return errors.Join(readFailed(err), rows.Err())
		}
	}
	return readFailed(rows.Err())
}

// first reads one row at LOCAL_QUORUM; found is false where there is none.
func (e *Engine) first(ctx context.Context, cql string, args []any, dest ...any) (found bool, err error) {
	if err := e.enter(ctx); err != nil {
		return false, err
	}
	defer e.leave()
	iter, done := e.ask(ctx, e.session.Query(cql, args...))
	defer done()
	found = iter.Scan(dest...)
	err = readFailed(iter.Close())
	return found && err == nil, err
}

// write runs a statement that stores something, at LOCAL_QUORUM and with its
// write time in microseconds. It may run twice.
func (e *Engine) write(ctx context.Context, cql string, args []any, at int64) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.leave()
	var made tries
	err := e.session.Query(cql, args...).WithTimestamp(at).RetryPolicy(&made).ExecContext(ctx)
	return writeFailed(err, made.touched)
}

// after is a write time for a row that was stored at a moment, zero for none.
func (e *Engine) after(stored int64) int64 { return max(e.now().UnixMicro(), stored+1) }

// together runs f for 0 to n-1, some of them at once, and waits for all. The
// first error ends the contexts of the others and is returned. For reads: a
// write whose context ends is one of which nobody knows.
func together(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	if n == 1 {
		return f(ctx, 0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	abreast(n, func(i int) {
		if ctx.Err() != nil {
			return
		}
		if err := f(ctx, i); err != nil {
			cancel(err)
		}
	})
	return context.Cause(ctx)
}

// abreast runs f for 0 to n-1, at most maxTogether at once, and waits for all.
func abreast(n int, f func(i int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(n, maxTogether) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}
