package bench

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
)

// homeQuery is what a client that shows a home asks for.
const homeQuery = "max_results=20&tweet.fields=created_at,author_id,public_metrics,entities,viewer&expansions=author_id"

func (s *set) home(i int) []byte {
	return get(fmt.Sprintf("/2/users/%s/timelines/reverse_chronological?%s", user(i), homeQuery), s.tokens[i])
}

// homes are the requests of some people, made beforehand.
func (s *set) homes(people []int) [][]byte {
	out := make([][]byte, len(people))
	for i, p := range people {
		out[i] = s.home(p)
	}
	return out
}

// anyOf draws from requests, each worker for itself.
func anyOf(requests [][]byte) func(worker, i int) []byte {
	rngs := make([]*rand.Rand, connections)
	for w := range rngs {
		rngs[w] = rand.New(rand.NewPCG(seed, uint64(w)))
	}
	return func(worker, _ int) []byte { return requests[rngs[worker].IntN(len(requests))] }
}

// eachOf takes requests in their order.
func eachOf(requests [][]byte) func(worker, i int) []byte {
	return func(_, i int) []byte { return requests[i] }
}

// runHome measures the hot read: homes of random hot users, with their tokens
// and under rate limits, against the very bytes of one of them served from memory.
func runHome(ctx context.Context, b *bench, _ *line) ([]Result, error) {
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
	requests := main.homes(main.scale.hot())
	if _, err := pound(ctx, s.addr, 0, len(requests), eachOf(requests)); err != nil {
		return nil, s.explain(err)
	}
	body, err := typical(ctx, s, requests)
	if err != nil {
		return nil, err
	}
	static, err := b.control(ctx, "control.static", staticConfig{Type: "application/json; charset=utf-8", Body: body})
	if err != nil {
		return nil, err
	}
	defer static.end()
	if err := b.warm(ctx, s, "home.native", anyOf(requests)); err != nil {
		return nil, err
	}
	c, err := b.contest(ctx, s, static, anyOf(requests), anyOf(requests))
	if err != nil {
		return nil, err
	}
	r := c.result("home.native", 0.5)
	r.Detail.Note += fmt.Sprintf("; %d bytes", len(body))
	return []Result{r}, nil
}

// typical returns the answer of median length among some homes.
func typical(ctx context.Context, s *server, requests [][]byte) ([]byte, error) {
	c, err := dial(ctx, s.addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var bodies [][]byte
	for _, r := range requests[:min(len(requests), 201)] {
		status, body, err := c.do(r)
		if err != nil || status != 200 {
			return nil, fmt.Errorf("a home answered %d: %s %w", status, body, err)
		}
		bodies = append(bodies, slices.Clone(body))
	}
	slices.SortFunc(bodies, func(a, b []byte) int { return cmp.Compare(len(a), len(b)) })
	return bodies[len(bodies)/2], nil
}
