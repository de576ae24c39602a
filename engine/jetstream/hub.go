package jetstream

import (
	"context"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"warble"
)

// hubBuffer is how many messages a slow subscriber may be behind.
const hubBuffer = 64

// hub carries live messages. A process subscribes to a topic once, however many listen to it.
type hub struct {
	e      *Engine
	mu     sync.Mutex
	topics map[string]*topic // nil when closed
}

type topic struct {
	sub       *nats.Subscription
	mu        sync.RWMutex
	listeners map[*listener]struct{}
}

// listener's mu keeps who sends off a channel that is closed.
type listener struct {
	mu     sync.Mutex
	ch     chan []byte
	closed bool
}

func newHub(e *Engine) *hub { return &hub{e: e, topics: map[string]*topic{}} }

// subject of a topic: one token, in which all but letters, digits, _, - and / is written as = and two hex digits.
func (h *hub) subject(of string) string {
	b := append([]byte("live."), h.e.conf.Stream...)
	b = append(b, '.')
	for _, c := range []byte(of) {
		if plain(string(rune(c))) || c == '/' {
			b = append(b, c)
		} else {
			b = fmt.Appendf(b, "=%02X", c)
		}
	}
	if of == "" {
		b = append(b, '=')
	}
	return string(b)
}

func (h *hub) Publish(_ context.Context, of string, message []byte) error {
	return unavailable(h.e.conn.Publish(h.subject(of), message), "the live message was not sent")
}

// Subscribe returns when the server this process is connected to knows of it.
func (h *hub) Subscribe(ctx context.Context, of string) (<-chan []byte, error) {
	l := &listener{ch: make(chan []byte, hubBuffer)}
	if err := h.join(of, l); err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { h.leave(of, l) })
	flush, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if err := h.e.conn.FlushWithContext(flush); err != nil && ctx.Err() == nil {
		h.leave(of, l)
		return nil, unavailable(err, "NATS does not answer")
	}
	return l.ch, nil
}

func (h *hub) join(of string, l *listener) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics == nil {
		return warble.Fail(warble.ErrUnavailable, "the hub is closed")
	}
	t := h.topics[of]
	if t == nil {
		t = &topic{listeners: map[*listener]struct{}{}}
		sub, err := h.e.conn.Subscribe(h.subject(of), t.deliver)
		if err != nil {
			return unavailable(err, "NATS does not answer")
		}
		t.sub = sub
		h.topics[of] = t
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listeners[l] = struct{}{}
	return nil
}

func (t *topic) deliver(m *nats.Msg) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for l := range t.listeners {
		l.send(m.Data)
	}
}

func (l *listener) send(message []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.closed {
		select {
		case l.ch <- message:
			return
		default:
		}
		select { // full: the oldest goes
		case <-l.ch:
		default:
		}
	}
}

func (l *listener) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.ch)
	}
}

func (h *hub) leave(of string, l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer l.close()
	t := h.topics[of]
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.listeners, l)
	if len(t.listeners) == 0 {
		h.drop(of, t)
	}
}

func (h *hub) drop(of string, t *topic) {
	delete(h.topics, of)
	if err := t.sub.Unsubscribe(); err != nil && !h.e.conn.IsClosed() {
		h.e.opt.Log.Warn("nats", "error", err)
	}
}

// close ends all subscriptions.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for of, t := range h.topics {
		h.drop(of, t)
		t.mu.Lock()
		for l := range t.listeners {
			l.close()
		}
		t.mu.Unlock()
	}
	h.topics = nil
}
