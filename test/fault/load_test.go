//go:build cluster

package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"warble"
)

// The open loop: so many calls a second, whatever becomes of those before.
const (
	writeRate = 30.0
	readRate  = 100.0

	sessionsEach = 40 // of one person: enough for callLimit without an answer
	knownTweets  = 2000
	handleEvery  = 4 // claims that ask for one handle
)

// crew is everybody who loads a service, and what they remember together.
type crew struct {
	h      *history
	svc    *service
	people []*person
	stale  time.Duration // how old what a read shows of others may be
	run    string        // a word that other runs on the same store do not have
	free   chan *session

	labels, claims atomic.Int64
	mu             sync.Mutex
	tweets         []knownTweet // the last ones posted
}

type knownTweet struct {
	id     warble.TweetID
	author int
}

func newCrew(svc *service, people []*person, seed uint64, stale time.Duration) *crew {
	c := &crew{h: newHistory(len(people)), svc: svc, people: people, stale: stale, run: fmt.Sprintf("%x", seed%(1<<20))}
	svc.meter = newMeter(c.h.start)
	if svc.Client == nil {
		svc.Client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	}
	c.free = make(chan *session, sessionsEach*len(people))
	for i := range cap(c.free) {
		c.free <- c.session(i, seed)
	}
	return c
}

func (c *crew) session(n int, seed uint64) *session {
	return &session{crew: c, n: n, who: c.people[n%len(c.people)], rnd: rand.New(rand.NewPCG(seed, uint64(n)))}
}

func (c *crew) label() string { return fmt.Sprintf("w%sx%d", c.run, c.labels.Add(1)) }

// handle is one that was asked for lately or will be soon.
func (c *crew) handle(rnd *rand.Rand) string {
	return fmt.Sprintf("h%sx%d", c.run, int(c.claims.Add(1))/handleEvery-rnd.IntN(2)+1)
}

// meet remembers a tweet.
func (c *crew) meet(id warble.TweetID, author int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tweets) == knownTweets {
		c.tweets = append(c.tweets[:0], c.tweets[knownTweets/4:]...)
	}
	c.tweets = append(c.tweets, knownTweet{id, author})
}

// known is some tweet, of an author if one is given, or zero.
func (c *crew) known(rnd *rand.Rand, author int) warble.TweetID {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range 4 * len(c.people) {
		if len(c.tweets) == 0 {
			return 0
		}
		if t := c.tweets[rnd.IntN(len(c.tweets))]; author < 0 || t.author == author {
			return t.id
		}
	}
	return 0
}

// load makes calls until ctx ends and waits for those under way.
func (c *crew) load(ctx context.Context) {
	var pacers, under sync.WaitGroup
	calls := context.WithoutCancel(ctx)
	pace := func(write bool, rate float64, act func(*session, context.Context)) {
		pacers.Go(func() {
			begin := time.Now()
			for i := 0; ; i++ {
				due := begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Until(due)):
				}
				select {
				case s := <-c.free:
					under.Go(func() {
						act(s, calls)
						c.free <- s
					})
				default:
					c.svc.meter.call(write)(false)
				}
			}
		})
	}
	pace(true, writeRate, (*session).write)
	pace(false, readRate, (*session).look)
	pacers.Wait()
	under.Wait()
}

// write makes one write, by weight.
func (s *session) write(ctx context.Context) {
	switch n := s.rnd.IntN(100); {
	case n < 40:
		s.post(ctx)
	case n < 60:
		s.follow(ctx)
	case n < 84:
		s.like(ctx)
	case n < 91:
		s.remove(ctx)
	case n < 97:
		s.describe(ctx)
	default:
		s.register(ctx)
	}
}

// look makes one read.
func (s *session) look(ctx context.Context) {
	switch n := s.rnd.IntN(100); {
	case n < 40:
		s.timeline(ctx, home, nil)
	case n < 60:
		s.timeline(ctx, profile, s.who)
	case n < 66:
		s.timeline(ctx, profile, s.people[s.rnd.IntN(len(s.people))])
	case n < 80:
		s.flags(ctx)
	case n < 90:
		s.relation(ctx)
	case n < 96:
		s.me(ctx)
	default:
		s.lookUp(ctx, fmt.Sprintf("h%sx%d", s.run, s.rnd.IntN(int(s.claims.Load())/handleEvery+2)))
	}
}
