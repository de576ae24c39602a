package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"warble"
	"warble/client"
)

// RunOptions say what traffic to make.
type RunOptions struct {
	URL         string
	AnyHost     bool // else only addresses of this machine are accepted
	Callers     []Caller
	Mix         string        // "home=70,post=5": kinds of request by weight; see Kinds
	Rate        float64       // requests a second, whatever the answers (open loop); 0: as fast as they come (closed loop)
	Duration    time.Duration // of the measurement
	Connections int           // requests in flight at most
	Seed        uint64
	Meter       Meter // nil: shows nothing
}

// Caller is a person in whose name requests are made.
type Caller struct {
	ID    warble.UserID // 0: the server is asked
	Token string
}

// Traffic is what a run came to. Latencies are counted from when a request was
// meant to start: in an open loop, waiting for a free connection behind slow
// answers is part of them.
type Traffic struct {
	URL      string         `json:"url"`
	Seconds  float64        `json:"seconds"`
	Wanted   float64        `json:"rate_wanted"` // 0: closed loop
	Rate     float64        `json:"rate"`        // answers a second
	Requests int64          `json:"requests"`
	Failed   map[string]int `json:"failed"` // by status, or "network"
	Kinds    []KindTraffic  `json:"kinds"`  // the last one is all together
}

// KindTraffic is a kind of request. Failed ones count in the latencies too.
type KindTraffic struct {
	Kind     string  `json:"kind"`
	Requests int64   `json:"requests"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	P999     float64 `json:"p99.9_ms"`
	Max      float64 `json:"max_ms"`
}

// Kinds are the kinds of request a mix may name.
func Kinds() []string { return []string{"home", "post", "like", "search", "profile", "follow"} }

// runner makes the requests of one run.
type runner struct {
	opt    RunOptions
	api    *client.Client
	mix    []string // as long as its weights: drawn from evenly
	people []Caller
	each   map[string]*histogram
	all    histogram
	mu     sync.Mutex
	failed map[string]int
	seen   [1024]atomic.Uint64 // tweets met lately, to like
	seenN  atomic.Uint64
}

// Check says what cannot work about the options, Callers aside.
func (o *RunOptions) Check() error {
	if err := mayLoad(o.URL, o.AnyHost); err != nil {
		return err
	}
	if o.Duration <= 0 {
		return fmt.Errorf("nothing can be measured in %s: give a --duration above 0, as 30s", o.Duration)
	}
	_, err := parseMix(o.Mix)
	return err
}

// Writes says whether the mix has requests that others see the outcome of.
func (o *RunOptions) Writes() bool {
	mix, err := parseMix(o.Mix)
	return err == nil && slices.ContainsFunc(mix, func(kind string) bool { return kind == "post" || kind == "like" || kind == "follow" })
}

// Run makes traffic until the duration is over or ctx ends.
func Run(ctx context.Context, opt RunOptions) (*Traffic, error) {
	if err := mayLoad(opt.URL, opt.AnyHost); err != nil {
		return nil, err
	}
	if len(opt.Callers) == 0 {
		return nil, errors.New("load needs the access token of at least one person")
	}
	mix, err := parseMix(opt.Mix)
	if err != nil {
		return nil, err
	}
	opt.Connections = max(opt.Connections, 1)
	if opt.Meter == nil {
		opt.Meter = noMeter{}
	}
	tr := &http.Transport{MaxIdleConns: opt.Connections, MaxIdleConnsPerHost: opt.Connections, MaxConnsPerHost: opt.Connections, DisableCompression: true}
	defer tr.CloseIdleConnections()
	r := &runner{opt: opt, mix: mix, each: map[string]*histogram{}, failed: map[string]int{}, people: slices.Clone(opt.Callers)}
	r.api = client.New(opt.URL, "").With(&http.Client{Transport: tr, Timeout: time.Minute})
	for _, kind := range mix {
		r.each[kind] = &histogram{}
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	took := r.run(ctx)
	return r.traffic(took), nil
}

// mayLoad refuses other people's machines.
func mayLoad(target string, anyHost bool) error {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is no address of a server: write http://127.0.0.1:8080", target)
	}
	if ip := net.ParseIP(u.Hostname()); anyHost || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s is not this machine: load only what is yours, and say so with --any-host", u.Hostname())
}

// parseMix reads "home=70,post=5" into a list that holds each kind as often as
// its weight.
func parseMix(s string) ([]string, error) {
	var mix []string
	for part := range strings.SplitSeq(s, ",") {
		kind, weight, ok := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.Atoi(weight)
		if !ok || err != nil || n < 0 || n > 1000 || !slices.Contains(Kinds(), kind) {
			return nil, fmt.Errorf("%q is no part of a mix: write KIND=WEIGHT with a weight up to 1000, where KIND is one of %s", part, strings.Join(Kinds(), ", "))
		}
		mix = append(mix, slices.Repeat([]string{kind}, n)...)
	}
	if len(mix) == 0 {
		return nil, errors.New("a mix needs at least one kind of request with a weight above 0")
	}
	return mix, nil
}

// prepare finds out whose tokens these are, and some tweets to like. A mix that
// only reads stays without a tweet of ours.
func (r *runner) prepare(ctx context.Context) error {
	for i := range r.people {
		p := &r.people[i]
		if p.ID != 0 {
			continue
		}
		me, err := r.api.As(p.Token).Me(ctx)
		if err != nil {
			return fmt.Errorf("token %d of %d does not work: %w", i+1, len(r.people), err)
		}
		p.ID = me.ID
	}
	p := r.people[0]
	if !r.opt.Writes() {
		if _, err := r.api.As(p.Token).Me(ctx); err != nil {
			return fmt.Errorf("the server at %s does not take the first token: %w", r.opt.URL, err)
		}
		return nil
	}
	if page, err := r.api.As(p.Token).Home(ctx, p.ID, client.PageQuery{Max: 100}); err == nil {
		r.meet(page.Tweets)
	}
	t, err := r.api.As(p.Token).Post(ctx, client.NewTweet{Text: "a load run begins " + strconv.FormatInt(time.Now().UnixNano(), 36)})
	if err != nil {
		return fmt.Errorf("the server at %s does not take a tweet: %w", r.opt.URL, err)
	}
	r.meet([]client.Tweet{t})
	return nil
}

// meet remembers tweets to like.
func (r *runner) meet(tweets []client.Tweet) {
	for _, t := range tweets {
		r.seen[(r.seenN.Add(1)-1)%uint64(len(r.seen))].Store(uint64(t.ID))
	}
}

func (r *runner) run(ctx context.Context) time.Duration {
	start := time.Now()
	end := start.Add(r.opt.Duration)
	var ticket atomic.Int64
	var wg sync.WaitGroup
	for w := range r.opt.Connections {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(r.opt.Seed, uint64(w)))
			for ctx.Err() == nil {
				meant := time.Now()
				if r.opt.Rate > 0 {
					meant = start.Add(time.Duration(float64(ticket.Add(1)-1) / r.opt.Rate * float64(time.Second)))
				}
				if meant.After(end) || pause(ctx, time.Until(meant)) != nil {
					return
				}
				r.request(ctx, rng, meant)
				r.opt.Meter.Set(int64(time.Since(start)/time.Millisecond), int64(r.opt.Duration/time.Millisecond))
			}
		})
	}
	wg.Wait()
	r.opt.Meter.Done()
	return time.Since(start)
}

// request makes one request and notes its latency from when it was meant to start.
func (r *runner) request(ctx context.Context, rng *rand.Rand, meant time.Time) {
	kind := r.mix[rng.IntN(len(r.mix))]
	err := r.call(ctx, kind, rng)
	if ctx.Err() != nil {
		return // broken off by us
	}
	took := time.Since(meant)
	r.each[kind].add(took)
	r.all.add(took)
	if err == nil {
		return
	}
	what := "network"
	var e *client.Error
	if errors.As(err, &e) {
		what = strconv.Itoa(e.Status)
	}
	r.mu.Lock()
	r.failed[what]++
	r.mu.Unlock()
}

// decodeEvery is how many homes are read without being understood for one that is:
// the client shares the machine with the server it measures.
const decodeEvery = 16

func (r *runner) call(ctx context.Context, kind string, rng *rand.Rand) error {
	me := r.people[rng.IntN(len(r.people))]
	other := r.people[rng.IntN(len(r.people))]
	api := r.api.As(me.Token)
	switch kind {
	case "home":
		q := client.PageQuery{Max: 20, Fields: "created_at,author_id,public_metrics,entities", Expand: "author_id"}
		if rng.IntN(decodeEvery) != 0 {
			return api.Get(ctx, "/2/users/"+me.ID.String()+"/timelines/reverse_chronological", q)
		}
		page, err := api.Home(ctx, me.ID, q)
		r.meet(page.Tweets)
		return err
	case "post":
		t, err := api.Post(ctx, client.NewTweet{Text: sentence(rng)})
		if err == nil {
			r.meet([]client.Tweet{t})
		}
		return err
	case "like":
		n := min(r.seenN.Load(), uint64(len(r.seen)))
		return api.Like(ctx, me.ID, warble.ID(r.seen[rng.Uint64N(n)].Load()))
	case "search":
		_, err := api.Search(ctx, words[rng.IntN(len(words))], client.PageQuery{Max: 20})
		return err
	case "profile":
		return api.Get(ctx, "/2/users/"+other.ID.String()+"/tweets", client.PageQuery{Max: 20})
	case "follow":
		if other.ID == me.ID {
			return api.Get(ctx, "/2/users/"+me.ID.String(), client.PageQuery{})
		}
		return api.Follow(ctx, me.ID, other.ID)
	}
	return nil
}

// words are what generated tweets say and searches look for.
var words = strings.Fields("morning rain harbour coffee tram window garden river bread letter music winter station cloud paper island light orange kitchen bridge")

func sentence(rng *rand.Rand) string {
	said := make([]string, 12)
	for i := range said {
		said[i] = words[rng.IntN(len(words))]
	}
	return strings.Join(said, " ")
}

func (r *runner) traffic(took time.Duration) *Traffic {
	t := &Traffic{URL: r.opt.URL, Seconds: took.Seconds(), Wanted: r.opt.Rate, Requests: r.all.n.Load(), Failed: r.failed}
	t.Rate = float64(t.Requests) / max(took.Seconds(), 1e-9)
	for _, kind := range Kinds() {
		if h := r.each[kind]; h != nil && h.n.Load() > 0 {
			t.Kinds = append(t.Kinds, h.traffic(kind))
		}
	}
	t.Kinds = append(t.Kinds, r.all.traffic("all"))
	return t
}

func (h *histogram) traffic(kind string) KindTraffic {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return KindTraffic{kind, h.n.Load(), ms(h.quantile(.5)), ms(h.quantile(.99)), ms(h.quantile(.999)), ms(time.Duration(h.longest.Load()))}
}
