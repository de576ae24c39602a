package jetstream

import (
	"context"
	"encoding/binary"
	"sync"
	"time"
	"warble/internal/lease"

	"github.com/nats-io/nats.go"

	"warble"
)

// crowd is the processes that consume for a group, as one of them hears of them: each says so, by core NATS, eight times
// in the time after which an owner counts as dead. From it follows how many partitions each should own. It is advice:
// who owns is up to the claims, and a partition that nobody wants as his share is taken once it stood still.
type crowd struct {
	e       *Engine
	subject string
	me      warble.ID
	excess  chan struct{} // whoever receives gives his partition up

	mu    sync.Mutex
	heard map[warble.ID]time.Time
	held  int
}

func newCrowd(e *Engine, group string) *crowd {
	return &crowd{
		e: e, subject: "owners." + e.conf.Stream + "." + group, me: lease.Someone(),
		excess: make(chan struct{}), heard: map[warble.ID]time.Time{},
	}
}

// run listens and speaks until ctx ends, and says goodbye then.
func (c *crowd) run(ctx context.Context) {
	sub, err := c.e.conn.Subscribe(c.subject, func(m *nats.Msg) { c.hear(m.Data) })
	if err != nil {
		c.e.opt.Log.Warn("others who consume are not heard", "error", err)
	} else {
		defer func() { _ = sub.Unsubscribe() }()
	}
	defer c.say(false)
	tick := time.NewTicker(c.e.opt.Dead / 8)
	defer tick.Stop()
	for {
		c.say(true)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if c.room() < 0 {
			select {
			case c.excess <- struct{}{}:
			default:
			}
		}
	}
}

// say tells the others that this one consumes, or no longer. What is not sent is said again soon.
func (c *crowd) say(here bool) {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.me))
	if here {
		b = append(b, 1)
	}
	_ = c.e.conn.Publish(c.subject, b)
}

func (c *crowd) hear(b []byte) {
	if len(b) < 8 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if who := warble.ID(binary.BigEndian.Uint64(b)); len(b) > 8 {
		c.heard[who] = time.Now()
	} else {
		delete(c.heard, who)
	}
}

// room says how many partitions more this one should own; negative: fewer.
func (c *crowd) room() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	others, before := 0, 0
	for who, at := range c.heard {
		if time.Since(at) > c.e.opt.Dead {
			delete(c.heard, who)
			continue
		}
		if who != c.me {
			others++
		}
		if who < c.me {
			before++
		}
	}
	parts := c.e.conf.Partitions
	share := parts / (others + 1)
	if before < parts%(others+1) {
		share++
	}
	return share - c.held
}

// eager says that a partition that is nobody's should be taken.
func (c *crowd) eager() bool { return c.room() > 0 }

// owns counts a partition that was won (1) or given up (-1).
func (c *crowd) owns(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held += n
}
