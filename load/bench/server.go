package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"time"
)

// server is a child that serves HTTP: Warble or a control.
type server struct {
	*child
	addr    string
	private string // of the metrics; empty for a control
}

var servesAt = regexp.MustCompile(`Warble serves http://(\S+) from`)

// serve starts `warble serve` on a directory and returns when it is ready.
func (b *bench) serve(ctx context.Context, dir string, args ...string) (*server, error) {
	private, err := freeAddr()
	if err != nil {
		return nil, err
	}
	c, err := b.start(ctx, append([]string{"serve", "--data", "dir:" + dir, "--listen", "127.0.0.1:0", "--private", private, "--quiet"}, args...)...)
	if err != nil {
		return nil, err
	}
	for {
		l, err := c.out.ReadBytes('\n')
		if err != nil {
			return nil, c.failure(err)
		}
		if m := servesAt.FindSubmatch(l); m != nil {
			return &server{child: c, addr: string(m[1]), private: private}, nil
		}
	}
}

// control starts a control that serves HTTP.
func (b *bench) control(ctx context.Context, role string, config any) (*server, error) {
	c, err := b.role(ctx, role, config)
	if err != nil {
		return nil, err
	}
	m, err := c.next()
	if err != nil {
		return nil, err
	}
	return &server{child: c, addr: m.URL}, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// metric reads a metric without labels.
func (s *server) metric(ctx context.Context, name string) (float64, error) {
	c, err := dial(ctx, s.private)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	status, body, err := c.do(get("/metrics", ""))
	if err != nil || status != 200 {
		return 0, errors.Join(err, fmt.Errorf("the metrics answered %d", status))
	}
	for l := range bytes.Lines(body) {
		if value, ok := bytes.CutPrefix(l, []byte(name+" ")); ok {
			return strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}

// behind says for how long the oldest event has waited that is not done.
func (s *server) behind(ctx context.Context) (time.Duration, error) {
	lag, err := s.metric(ctx, "warble_fanout_lag_seconds")
	return time.Duration(lag * float64(time.Second)), err
}

// settle waits until fan-out has done all there is.
func (s *server) settle(ctx context.Context) error {
	return until(ctx, 2*time.Minute, func() (bool, error) {
		n, err := s.metric(ctx, "warble_fanout_behind_events")
		return n == 0, err
	})
}

// round is one turn of a server under load.
type round struct {
	*tally
	cpu    time.Duration // of the server, until fan-out has done all there was
	behind time.Duration // how far fan-out was at the end
}

// perRequest is the server's CPU time for a request, in microseconds.
func (r *round) perRequest() float64 { return float64(r.cpu.Microseconds()) / float64(max(r.n, 1)) }

// measure puts a server under load for a time. What fan-out still has to do at
// the end counts too.
func (s *server) measure(ctx context.Context, d time.Duration, request func(worker, i int) []byte) (*round, error) {
	before, err := cpuTime(s.pid())
	if err != nil {
		return nil, err
	}
	r := &round{}
	if r.tally, err = pound(ctx, s.addr, d, 0, request); err != nil {
		return nil, s.explain(err)
	}
	if s.private != "" {
		if r.behind, err = s.behind(ctx); err != nil {
			return nil, err
		}
		if err := s.settle(ctx); err != nil {
			return nil, err
		}
	}
	after, err := cpuTime(s.pid())
	r.cpu = after - before
	return r, err
}

// explain adds to an error what the server said.
func (s *server) explain(err error) error {
	if text := s.errOut.String(); text != "" {
		return fmt.Errorf("%w; the server said: %s", err, text)
	}
	return err
}

// contest is rounds of a subject and a control in turn.
type contest struct{ subject, control []*round }

func (b *bench) contest(ctx context.Context, subject, control *server, ask, askControl func(worker, i int) []byte) (*contest, error) {
	c := &contest{}
	for range b.plan.Rounds {
		r, err := subject.measure(ctx, b.plan.Round, ask)
		if err != nil {
			return nil, err
		}
		c.subject = append(c.subject, r)
		if r, err = control.measure(ctx, b.plan.Round, askControl); err != nil {
			return nil, fmt.Errorf("the control: %w", err)
		}
		c.control = append(c.control, r)
	}
	return c, nil
}

func middle(list []*round, f func(*round) float64) float64 {
	var v []float64
	for _, r := range list {
		v = append(v, f(r))
	}
	return median(v)
}

// result makes a line: the value is our requests a second, the ratio that of
// the servers' CPU time for a request.
func (c *contest) result(key string, limit float64) Result {
	cpu := func(list []*round) float64 { return middle(list, (*round).perRequest) }
	rate := func(list []*round) float64 { return middle(list, func(r *round) float64 { return r.rate() }) }
	res := Result{
		Key: key, Value: rate(c.subject), Unit: "req/s", Limit: limit, Ratio: cpu(c.control) / cpu(c.subject),
		P50:    middle(c.subject, func(r *round) float64 { return r.quantile(0.5) }),
		P99:    middle(c.subject, func(r *round) float64 { return r.quantile(0.99) }),
		Detail: &Detail{Note: fmt.Sprintf("%.1f µs CPU a request; the control %s req/s, %.1f µs", cpu(c.subject), short(rate(c.control)), cpu(c.control))},
	}
	for _, r := range c.subject {
		res.Detail.Behind = max(res.Detail.Behind, r.behind.Seconds())
	}
	return res
}
