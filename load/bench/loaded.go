package bench

import (
	"context"
	"fmt"
	"time"
)

const (
	memoryWant = 1.5 // GB
	startWant  = 2.0 // seconds
)

// runMemory has a server store the homes of everybody in the graph.
func runMemory(ctx context.Context, b *bench, _ *line) ([]Result, error) {
	dir, drop, err := b.clone(mainName)
	if err != nil {
		return nil, err
	}
	defer drop()
	s, err := b.serve(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer s.end()
	main := b.sets[mainName]
	people := make([]int, main.scale.Graph)
	for i := range people {
		people[i] = i
	}
	requests := main.homes(people)
	t, err := pound(ctx, s.addr, 0, len(requests), eachOf(requests))
	if err != nil {
		return nil, s.explain(err)
	}
	rss, err := memory(s.pid(), "VmRSS")
	if err != nil {
		return nil, err
	}
	peak, err := memory(s.pid(), "VmHWM")
	if err != nil {
		return nil, err
	}
	behind, err := s.behind(ctx)
	if err != nil {
		return nil, err
	}
	gb := func(n int64) float64 { return float64(n) / (1 << 30) }
	return []Result{{
		Key: "memory.loaded", Value: gb(rss), Unit: "GB RSS", Limit: memoryWant, P50: t.quantile(0.5), P99: t.quantile(0.99),
		Detail: &Detail{Behind: behind.Seconds(), Note: fmt.Sprintf("%d homes built, %s a second; %.2f GB at the most", t.n, short(t.rate()), gb(peak))},
	}}, nil
}

// runStart measures from the start of the process to the first home answered.
func runStart(ctx context.Context, b *bench, _ *line) ([]Result, error) {
	dir, drop, err := b.clone(mainName)
	if err != nil {
		return nil, err
	}
	defer drop()
	main := b.sets[mainName]
	var took []float64
	for i := range b.plan.Rounds {
		start := time.Now()
		s, err := b.serve(ctx, dir)
		if err != nil {
			return nil, err
		}
		_, err = pound(ctx, s.addr, 0, 1, eachOf([][]byte{main.home(main.scale.hot()[i])}))
		took = append(took, time.Since(start).Seconds())
		if err != nil {
			return nil, s.explain(err)
		}
		if err := s.stop(); err != nil {
			return nil, s.explain(err)
		}
	}
	return []Result{{Key: "start.ready", Value: median(took), Unit: "s", Limit: startWant, Detail: &Detail{Note: "process start to the first home"}}}, nil
}
