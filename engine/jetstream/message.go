package jetstream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"warble"
)

// Message is what one change has to say: its number and its events.
type Message struct {
	Node       uint8
	Epoch, Seq uint64
	At         int64 // when it was stored, unix microseconds
	Events     []warble.Event
}

// layout is the first byte of a message. A program reads its own and all before.
const layout = 1

var (
	errDamaged = errors.New("a message of the log is damaged")
	errNewer   = errors.New("a message of the log was written by a newer program: update this one")
)

// encode writes a message: numbers as varints, since most are small, ids in 8 bytes, since none is.
func (m *Message) encode() []byte {
	b := append(make([]byte, 0, 64+64*len(m.Events)), layout, m.Node)
	b = binary.AppendUvarint(b, m.Epoch)
	b = binary.AppendUvarint(b, m.Seq)
	b = binary.AppendVarint(b, m.At)
	b = binary.AppendUvarint(b, uint64(len(m.Events)))
	for i := range m.Events {
		b = appendEvent(b, &m.Events[i])
	}
	return b
}

func appendEvent(b []byte, ev *warble.Event) []byte {
	var flags byte
	if ev.Quiet {
		flags = 1
	}
	b = append(b, byte(ev.Kind), flags)
	b = binary.BigEndian.AppendUint64(b, uint64(ev.Key))
	b = binary.BigEndian.AppendUint64(b, uint64(ev.ID))
	b = binary.AppendUvarint(b, uint64(len(ev.Edges)))
	for i := range ev.Edges {
		e := &ev.Edges[i]
		b = append(b, byte(e.Kind))
		for _, id := range []warble.ID{e.From, e.To, e.Since} {
			b = binary.BigEndian.AppendUint64(b, uint64(id))
		}
		b = binary.AppendUvarint(b, uint64(e.Part))
		b = binary.AppendUvarint(b, uint64(len(e.Value)))
		b = append(b, e.Value...)
	}
	return b
}

func decode(b []byte) (m Message, err error) {
	r := fields{b: b}
	if v := r.byte(); v > layout {
		return m, errNewer
	}
	m = Message{Node: r.byte(), Epoch: r.uint(), Seq: r.uint(), At: r.int()}
	m.Events = make([]warble.Event, r.length())
	for i := range m.Events {
		m.Events[i] = r.event()
	}
	if r.bad || len(r.b) > 0 {
		return Message{}, errDamaged
	}
	return m, nil
}

// fields takes a message apart. After a field that is not there whole, bad is set and all further ones are zero.
type fields struct {
	b   []byte
	bad bool
}

func (r *fields) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *fields) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *fields) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		n = -1
	}
	r.take(n)
	return v
}

func (r *fields) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		n = -1
	}
	r.take(n)
	return v
}

func (r *fields) id() warble.ID {
	if b := r.take(8); b != nil {
		return warble.ID(binary.BigEndian.Uint64(b))
	}
	return 0
}

// length reads how many things follow, each of at least one byte.
func (r *fields) length() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *fields) event() (ev warble.Event) {
	ev.Kind, ev.Quiet = warble.EventKind(r.byte()), r.byte()&1 != 0
	ev.Key, ev.ID = r.id(), r.id()
	if n := r.length(); n > 0 {
		ev.Edges = make([]warble.Edge, n)
	}
	for i := range ev.Edges {
		ev.Edges[i] = warble.Edge{Kind: warble.EdgeKind(r.byte()), From: r.id(), To: r.id(), Since: r.id(), Part: uint32(r.uint())}
		ev.Edges[i].Value = string(r.take(r.length()))
	}
	return ev
}

// name is what the id of a message says: whose change it is, its number, and which of how many messages of that change.
type name struct {
	origin
	seq    uint64
	piece  int // from 0
	pieces int
}

// origin is who numbers changes.
type origin struct {
	node  uint8
	epoch uint64
}

func (n name) String() string {
	s := fmt.Sprintf("%d.%d.%d", n.node, n.epoch, n.seq)
	if n.pieces > 1 {
		s += fmt.Sprintf(".%d.%d", n.piece, n.pieces)
	}
	return s
}

// parseName reads an id; what follows a slash tells a message that is published once more from the first, so that it is
// not dropped as a repeat.
func parseName(s string) (n name, ok bool) {
	s, _, _ = strings.Cut(s, "/")
	words := strings.Split(s, ".")
	if len(words) != 3 && len(words) != 5 {
		return n, false
	}
	var v [5]uint64
	for i, w := range words {
		var err error
		if v[i], err = strconv.ParseUint(w, 10, 64); err != nil {
			return n, false
		}
	}
	n = name{origin: origin{uint8(v[0]), v[1]}, seq: v[2], pieces: 1}
	if len(words) == 5 {
		n.piece, n.pieces = int(v[3]), int(v[4])
	}
	return n, v[0] < 256 && n.seq > 0 && n.pieces <= 256 && n.piece < n.pieces
}
