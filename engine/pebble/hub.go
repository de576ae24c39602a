package pebble

import (
	"context"
	"slices"
	"sync"

	"warble"
)

// hubBuffer is how many messages a slow subscriber may be behind.
const hubBuffer = 64

// hub carries live messages inside the process.
type hub struct {
	mu     sync.RWMutex
	topics map[string]map[*subscriber]struct{} // nil when closed
}

// subscriber's mu lets one publisher at a time make room, and keeps them off a
// channel that is closed.
type subscriber struct {
	mu     sync.Mutex
	ch     chan []byte
	closed bool
}

func newHub() *hub { return &hub{topics: map[string]map[*subscriber]struct{}{}} }

func (h *hub) Publish(_ context.Context, topic string, message []byte) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	subs := h.topics[topic]
	if len(subs) == 0 {
		return nil
	}
	message = slices.Clone(message)
	for sub := range subs {
		sub.send(message)
	}
	return nil
}

func (s *subscriber) send(message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed {
		select {
		case s.ch <- message:
			return
		default:
		}
		select { // full: the oldest goes
		case <-s.ch:
		default:
		}
	}
}

func (s *subscriber) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.ch)
	}
}

func (h *hub) Subscribe(ctx context.Context, topic string) (<-chan []byte, error) {
	sub := &subscriber{ch: make(chan []byte, hubBuffer)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics == nil {
		return nil, warble.Fail(warble.ErrUnavailable, "the store is closed")
	}
	if h.topics[topic] == nil {
		h.topics[topic] = map[*subscriber]struct{}{}
	}
	h.topics[topic][sub] = struct{}{}
	context.AfterFunc(ctx, func() { h.leave(topic, sub) })
	return sub.ch, nil
}

func (h *hub) leave(topic string, sub *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.topics[topic], sub)
	if len(h.topics[topic]) == 0 {
		delete(h.topics, topic)
	}
	sub.close()
}

// close ends all subscriptions.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, subs := range h.topics {
		for sub := range subs {
			sub.close()
		}
	}
	h.topics = nil
}
