package enginetest

import (
	"encoding/binary"
	"testing"
	"time"
)

func hubTests() []test {
	return []test{
		{"EverySubscriberOfATopicGetsItsMessagesInOrder", hubDelivers},
		{"NobodySubscribedIsNoError", hubNobody},
		{"TheChannelIsClosedWhenTheContextEnds", hubCloses},
		{"ASlowSubscriberLosesTheOldest", hubSlow},
	}
}

// receive waits for one message.
func (s *suite) receive(t *testing.T, ch <-chan []byte) string {
	t.Helper()
	select {
	case m, open := <-ch:
		if !open {
			t.Fatal("the channel is closed")
		}
		return string(m)
	case <-time.After(s.opt.Settle):
		t.Fatal("no message came")
	}
	return ""
}

func hubDelivers(t *testing.T, s *suite) {
	ctx, cancel := stop(t)
	defer cancel()
	topic, other := s.word(), s.word()
	var subs []<-chan []byte
	for range 3 {
		ch, err := s.Hub.Subscribe(ctx, topic)
		check(t, err)
		subs = append(subs, ch)
	}
	apart, err := s.Hub.Subscribe(ctx, other)
	check(t, err)
	message := []byte("one")
	check(t, s.Hub.Publish(ctx, topic, message))
	message[0] = 'X'
	check(t, s.Hub.Publish(ctx, topic, []byte("two")))
	check(t, s.Hub.Publish(ctx, other, []byte("three")))
	for _, ch := range subs {
		if a, b := s.receive(t, ch), s.receive(t, ch); a != "one" || b != "two" {
			t.Fatalf("got %q, %q", a, b)
		}
	}
	if got := s.receive(t, apart); got != "three" {
		t.Fatalf("another topic got %q", got)
	}
}

func hubNobody(t *testing.T, s *suite) {
	check(t, s.Hub.Publish(t.Context(), s.word(), []byte("hello?")))
}

func hubCloses(t *testing.T, s *suite) {
	ctx, cancel := stop(t)
	topic := s.word()
	ch, err := s.Hub.Subscribe(ctx, topic)
	check(t, err)
	cancel()
	end := time.After(s.opt.Settle)
	for open := true; open; {
		select {
		case _, open = <-ch:
		case <-end:
			t.Fatal("the channel is still open")
		}
	}
	check(t, s.Hub.Publish(t.Context(), topic, []byte("too late")))
}

// hubSlow publishes far more than any buffer holds to one who does not read, then reads.
func hubSlow(t *testing.T, s *suite) {
	const messages = 50_000
	ctx, cancel := stop(t)
	defer cancel()
	topic := s.word()
	slow, err := s.Hub.Subscribe(ctx, topic)
	check(t, err)
	for i := range messages {
		check(t, s.Hub.Publish(ctx, topic, binary.BigEndian.AppendUint32(nil, uint32(i))))
	}
	got, last := 0, -1
	for last < messages-1 {
		m := int(binary.BigEndian.Uint32([]byte(s.receive(t, slow))))
		if m <= last {
			t.Fatalf("message %d came after %d", m, last)
		}
		got, last = got+1, m
	}
	if got == messages {
		t.Fatal("nothing was lost: a slow subscriber has no bound")
	}
}
