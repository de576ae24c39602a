package bench

import (
	"context"
	"fmt"
	"sync/atomic"
)

// posts are requests to tweet, by the people in turn, each with a text of its own.
func (s *set) posts(people []int) func(worker, i int) []byte {
	texts := newTexts(5)
	var next atomic.Int64
	return func(int, int) []byte {
		n := int(next.Add(1))
		return post("/2/tweets", s.tokens[people[n%len(people)]], fmt.Sprintf(`{"text":"%s %d"}`, texts[n%len(texts)], n))
	}
}

// runPostHTTP measures acknowledged durable tweets over HTTP against a handler
// that commits one synced row of as many bytes.
func runPostHTTP(ctx context.Context, b *bench, _ *line) ([]Result, error) {
	bytes, err := b.postBytes(ctx)
	if err != nil {
		return nil, err
	}
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
	hot := main.scale.hot()
	homes := main.homes(hot)
	if _, err := pound(ctx, s.addr, 0, len(homes), eachOf(homes)); err != nil {
		return nil, s.explain(err)
	}
	ask := main.posts(hot)
	answer, err := firstAnswer(ctx, s, ask(0, 0))
	if err != nil {
		return nil, err
	}
	control, err := b.control(ctx, "control.commit", commitConfig{Dir: dir + "-control", Bytes: bytes, Body: answer})
	if err != nil {
		return nil, err
	}
	defer control.end()
	if _, err := pound(ctx, s.addr, 0, len(hot), ask); err != nil { // everybody once, so that follower lists are warm
		return nil, s.explain(err)
	}
	if err := b.warm(ctx, s, "post.http", ask); err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	c, err := b.contest(ctx, s, control, ask, ask)
	if err != nil {
		return nil, err
	}
	r := c.result("post.http", 0.5)
	r.Detail.Note += fmt.Sprintf("; %d WAL bytes", bytes)
	return []Result{r}, nil
}

func firstAnswer(ctx context.Context, s *server, request []byte) ([]byte, error) {
	c, err := dial(ctx, s.addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	status, body, err := c.do(request)
	if err != nil || status > 299 {
		return nil, fmt.Errorf("a tweet was answered with %d: %s %w", status, body, err)
	}
	return body, nil
}

// postBytes measures, in a child, how many bytes of the write-ahead log a post
// takes with all that fan-out writes because of it.
func (b *bench) postBytes(ctx context.Context) (int, error) {
	dir, drop, err := b.clone(mainName)
	if err != nil {
		return 0, err
	}
	defer drop()
	got, err := b.results(ctx, "post.engine", b.engineConfig(dir, true))
	if err != nil {
		return 0, err
	}
	return int(got[0].Value), nil
}
