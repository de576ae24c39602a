package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"warble/internal/httpx"
	"warble/role/fanout"
)

// observeRequests makes the per-route metrics out of the route table.
func (a *App) observeRequests(routes []httpx.Route) func(route, status int, took time.Duration, bytes int64) {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "warble_http_request_seconds", Help: "Time to answer a request.",
		Buckets: []float64{.0001, .0003, .001, .003, .01, .03, .1, .3, 1, 3, 10},
	}, []string{"route", "role"})
	answers := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "warble_http_answers_total", Help: "Answers by status class."}, []string{"route", "role", "status"})
	sent := prometheus.NewCounter(prometheus.CounterOpts{Name: "warble_http_sent_bytes_total", Help: "Bytes of answers' bodies."})
	a.Registry.MustRegister(seconds, answers, sent)

	type cells struct {
		seconds prometheus.Observer
		answers [6]prometheus.Counter
	}
	table := make([]cells, len(routes)+1)
	for i := range table {
		name, role := "none", ""
		if i < len(routes) {
			name, role = routes[i].Name(), string(routes[i].Role)
		}
		table[i].seconds = seconds.WithLabelValues(name, role)
		for class := range table[i].answers {
			table[i].answers[class] = answers.WithLabelValues(name, role, strconv.Itoa(class)+"xx")
		}
	}
	return func(route, status int, took time.Duration, bytes int64) {
		if route < 0 {
			route = len(table) - 1
		}
		c := &table[route]
		c.seconds.Observe(took.Seconds())
		c.answers[min(max(status/100, 0), 5)].Inc()
		sent.Add(float64(bytes))
	}
}

// fanoutCollector shows how far fan-out is behind and how late it delivers.
type fanoutCollector struct{ app *App }

var (
	descBehind = prometheus.NewDesc("warble_fanout_behind_events", "Events of the log not yet done.", nil, nil)
	descLag    = prometheus.NewDesc("warble_fanout_lag_seconds", "Age of the oldest event not yet done.", nil, nil)
	descPushed = prometheus.NewDesc("warble_fanout_deliveries_total", "Tweets pushed to followers' homes.", nil, nil)
	descDelay  = prometheus.NewDesc("warble_fanout_delivery_seconds", "From a tweet's posting until it was in the last home it was pushed to.", []string{"followers"}, nil)
	descEmpty  = prometheus.NewDesc("warble_home_empty_total", "Home timelines answered without a tweet.", nil, nil)
	descHomes  = prometheus.NewDesc("warble_home_total", "Home timelines answered, first pages only.", nil, nil)
)

func (c fanoutCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descBehind, descLag, descPushed, descDelay, descEmpty, descHomes} {
		ch <- d
	}
}

func (c fanoutCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if pos, err := c.app.Fanout.Lag(ctx); err == nil {
		lag := 0.0
		if !pos.Oldest.IsZero() {
			lag = time.Since(pos.Oldest).Seconds()
		}
		ch <- prometheus.MustNewConstMetric(descBehind, prometheus.GaugeValue, float64(pos.Behind))
		ch <- prometheus.MustNewConstMetric(descLag, prometheus.GaugeValue, lag)
	}
	d := &c.app.Fanout.Delays
	ch <- prometheus.MustNewConstMetric(descPushed, prometheus.CounterValue, float64(d.Pushed.Load()))
	for class, upTo := range fanout.DelayClasses {
		label := "to " + strconv.Itoa(upTo)
		if class == len(fanout.DelayClasses)-1 {
			label = "more"
		}
		buckets, total := map[float64]uint64{}, uint64(0)
		for i := range d.Buckets[class] {
			total += uint64(d.Buckets[class][i].Load())
			if i < len(fanout.DelayBounds) {
				buckets[float64(fanout.DelayBounds[i])/1000] = total
			}
		}
		ch <- prometheus.MustNewConstHistogram(descDelay, total, float64(d.SumMs[class].Load())/1000, buckets, label)
	}
	h := c.app.Reader.Homes()
	ch <- prometheus.MustNewConstMetric(descHomes, prometheus.CounterValue, float64(h.First))
	ch <- prometheus.MustNewConstMetric(descEmpty, prometheus.CounterValue, float64(h.Empty))
}

// listenPrivate opens the private address; nil: there is none.
func (s *Server) listenPrivate() (net.Listener, error) {
	if s.cfg.Private == "" {
		return nil, nil
	}
	l, err := listen(s.cfg.Private, "--private")
	if err != nil {
		return nil, err
	}
	s.PrivateURL = "http://" + reachable(l.Addr())
	s.stop = append(s.stop, func(context.Context) error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) { // serving closed it
			return err
		}
		return nil
	})
	return l, nil
}

// servePrivate serves metrics and profiles where only operators reach them.
func (s *Server) servePrivate(l net.Listener) {
	reg := s.App.Registry
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), fanoutCollector{s.App})
	gauge := s.App.gauge
	gauge("warble_http_connections", "Open connections of the public address.", func() float64 { return float64(s.public.open.Load()) })
	gauge("warble_http_connections_max", "How many it takes.", func() float64 { return float64(s.public.max) })
	gauge("warble_ready", "1 while /readyz says yes.", func() float64 {
		if s.ready.Load() {
			return 1
		}
		return 0
	})
	if l == nil {
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	hs := s.newHTTP(mux, s.App.Log)
	hs.WriteTimeout = 5 * time.Minute // a profile takes its time
	s.stop = append(s.stop, s.serve(hs, l))
}
