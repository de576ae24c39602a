package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"

	"warble"
)

const (
	freshEach = 200
	freshWant = 100.0 // ms, p99
)

// runFresh measures from the acknowledgement of a tweet until a search finds
// it, and until it is in a follower's home, one tweet at a time.
func runFresh(ctx context.Context, b *bench, _ *line) ([]Result, error) {
	dir, drop, err := b.clone(mainName)
	if err != nil {
		return nil, err
	}
	defer drop()
	s, err := b.serve(ctx, dir, "--dev")
	if err != nil {
		return nil, err
	}
	defer s.end()
	f := &freshness{server: s, set: b.sets[mainName], rng: rand.New(rand.NewPCG(seed, 13))}
	if f.conn, err = dial(ctx, s.addr); err != nil {
		return nil, err
	}
	defer f.conn.Close()
	var found, home []time.Duration
	m := b.opt.Meter("fresh tweets")
	defer m.Done()
	for i := range freshEach {
		took, err := f.search(ctx, i)
		if err != nil {
			return nil, s.explain(err)
		}
		found = append(found, took)
		if took, err = f.home(ctx, i); err != nil {
			return nil, s.explain(err)
		}
		home = append(home, took)
		m.Set(int64(i), freshEach)
	}
	slices.Sort(found)
	slices.Sort(home)
	behind, err := s.behind(ctx)
	list := []Result{latency("fresh.search", found, freshWant, "acknowledged → found"), latency("fresh.home", home, freshWant, "acknowledged → in a follower's home")}
	list[1].Detail.Behind = behind.Seconds()
	return list, err
}

type freshness struct {
	*server
	set  *set
	rng  *rand.Rand
	conn *conn
}

// tweet posts for one of the authors with 50 followers and returns its id.
func (f *freshness) tweet(author int, text string) (id string, acknowledged time.Time, err error) {
	status, body, err := f.conn.do(post("/2/tweets", f.set.tokens[author], fmt.Sprintf(`{"text":%q}`, text)))
	acknowledged = time.Now()
	if err != nil || status > 299 {
		return "", acknowledged, fmt.Errorf("a tweet was answered with %d: %s %w", status, body, err)
	}
	var answer struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	err = json.Unmarshal(body, &answer)
	return answer.Data.ID, acknowledged, err
}

// shows asks again and again until an answer holds the id.
func (f *freshness) shows(ctx context.Context, request []byte, id string, since time.Time) (time.Duration, error) {
	want := []byte(`"` + id + `"`)
	for time.Since(since) < 10*time.Second && ctx.Err() == nil {
		status, body, err := f.conn.do(request)
		if err != nil || status != 200 {
			return 0, fmt.Errorf("a read was answered with %d: %s %w", status, body, err)
		}
		if bytes.Contains(body, want) {
			return time.Since(since), nil
		}
	}
	return 0, fmt.Errorf("tweet %s does not show after 10 s", id)
}

func (f *freshness) search(ctx context.Context, i int) (time.Duration, error) {
	author := f.set.scale.fifty(i % f.set.scale.Fifty)
	word := fmt.Sprintf("unheard%dof", f.rng.Uint64())
	id, at, err := f.tweet(author, "something "+word)
	if err != nil {
		return 0, err
	}
	return f.shows(ctx, get("/2/tweets/search/recent?max_results=10&query="+url.QueryEscape(word), f.set.tokens[author]), id, at)
}

// home reads a follower's home beforehand, so that it is stored.
func (f *freshness) home(ctx context.Context, i int) (time.Duration, error) {
	author := f.set.scale.fifty(i % f.set.scale.Fifty)
	fan, err := f.follower(author)
	if err != nil {
		return 0, err
	}
	request := f.set.home(fan)
	if status, body, err := f.conn.do(request); err != nil || status != 200 {
		return 0, fmt.Errorf("a home was answered with %d: %s %w", status, body, err)
	}
	id, at, err := f.tweet(author, fmt.Sprintf("for those who follow, %d", i))
	if err != nil {
		return 0, err
	}
	return f.shows(ctx, request, id, at)
}

// follower asks for one of an author's followers.
func (f *freshness) follower(author int) (int, error) {
	status, body, err := f.conn.do(get(fmt.Sprintf("/2/users/%s/followers?max_results=50", user(author)), f.set.tokens[author]))
	if err != nil || status != 200 {
		return 0, fmt.Errorf("followers were answered with %d: %s %w", status, body, err)
	}
	var answer struct {
		Data []struct {
			ID uint64 `json:"id,string"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Data) == 0 {
		return 0, fmt.Errorf("an author has no followers: %w", err)
	}
	return nth(warble.UserID(answer.Data[f.rng.IntN(len(answer.Data))].ID)), nil
}
