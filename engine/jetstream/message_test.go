package jetstream

import (
	"errors"
	"reflect"
	"testing"

	"warble"
)

func whole() Message {
	return Message{Node: 7, Epoch: 300, Seq: 1 << 40, At: 1_700_000_000_000_000, Events: []warble.Event{
		{Kind: warble.EventTweet, Key: 1 << 62, ID: 12, Quiet: true},
		{Kind: warble.EventEdge, Key: 3, ID: 4, Edges: []warble.Edge{
			{Kind: warble.Like, From: 1, To: 2, Since: 3, Part: 700, Value: "yes"}, {Kind: warble.Follow, From: 9},
		}},
	}}
}

func TestAMessageIsReadAsItWasWritten(t *testing.T) {
	m := whole()
	read, err := decode(m.encode())
	if err != nil || !reflect.DeepEqual(read, m) {
		t.Fatalf("%+v, %v", read, err)
	}
}

func TestADamagedMessageIsRefused(t *testing.T) {
	m := whole()
	b := m.encode()
	for n := range b {
		if _, err := decode(b[:n]); !errors.Is(err, errDamaged) {
			t.Fatalf("of its first %d bytes: %v", n, err)
		}
	}
	if _, err := decode(append(b, 0)); !errors.Is(err, errDamaged) {
		t.Errorf("with a byte too many: %v", err)
	}
	b[0]++
	if _, err := decode(b); !errors.Is(err, errNewer) {
		t.Errorf("of a later layout: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	m := whole()
	f.Add(m.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(m.encode())
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
	})
}

func TestTheIDOfAMessageSaysItsNumber(t *testing.T) {
	for _, n := range []name{{origin{7, 300}, 12, 0, 1}, {origin{0, 1}, 1, 2, 3}} {
		for _, id := range []string{n.String(), n.String() + afresh()} {
			if read, ok := parseName(id); !ok || read != n {
				t.Errorf("%s is read as %+v, %v", id, read, ok)
			}
		}
	}
	for _, id := range []string{"", "1.2", "1.2.0", "256.1.1", "1.2.3.4", "1.2.3.1.1", "1.2.3.0.257", "a.b.c", "1.2.-3"} {
		if n, ok := parseName(id); ok {
			t.Errorf("%q is read as %+v", id, n)
		}
	}
}
