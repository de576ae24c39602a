// Package observe measures the stores: rate, errors and latency of every method, for Prometheus.
//
//	warble_store_seconds{store,method}       histogram; its count is the rate
//	warble_store_errors_total{store,method}  calls that failed
//
// An answer is no failure: ErrNotFound, ErrInvalid, and a caller who left are not counted as errors. Log.Consume
// runs as long as its process, so its errors are counted and its time is not.
package observe

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"warble"
)

// buckets are few, because there is a series of them for each method: from a row in memory to a disk in trouble.
var buckets = []float64{10e-6, 100e-6, 1e-3, 5e-3, 25e-3, 100e-3, 500e-3, 2.5}

// Wrap returns the stores with every method measured into reg. It fails where reg already measures other stores.
func Wrap(s *warble.Stores, reg prometheus.Registerer) (*warble.Stores, error) {
	labels := []string{"store", "method"}
	m := meters{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "warble_store_seconds", Help: "How long a store took to answer.", Buckets: buckets,
		}, labels),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "warble_store_errors_total", Help: "Calls a store could not serve.",
		}, labels),
	}
	if err := errors.Join(reg.Register(m.seconds), reg.Register(m.errors)); err != nil {
		return nil, err
	}
	w := *s
	m.wrapTruth(&w)
	m.wrapDerived(&w)
	return &w, nil
}

// meters makes a meter for each method, once: looking labels up costs more than measuring.
type meters struct {
	seconds *prometheus.HistogramVec
	errors  *prometheus.CounterVec
}

func (m meters) of(store, method string) meter {
	return meter{m.seconds.WithLabelValues(store, method), m.errors.WithLabelValues(store, method)}
}

// meter measures one method.
type meter struct {
	seconds prometheus.Observer
	errors  prometheus.Counter
}

func (m meter) done(start time.Time, err error) {
	m.seconds.Observe(time.Since(start).Seconds())
	if err != nil {
		m.failed(err)
	}
}

func (m meter) failed(err error) {
	for _, answer := range []error{warble.ErrNotFound, warble.ErrInvalid, context.Canceled} {
		if errors.Is(err, answer) {
			return
		}
	}
	m.errors.Inc()
}
