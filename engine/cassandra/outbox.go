package cassandra

import (
	"context"
	"time"

	"warble"
	"warble/internal/codec"
)

// Stored is a change whose rows stand: its number, when it was made, and what it says.
type Stored struct {
	Node       uint8
	Epoch, Seq uint64
	At         int64 // unix microseconds
	Events     []warble.Event
}

// chunkSize is how many numbers a partition of the outbox holds.
const chunkSize = 1024

// outboxLayout is the first byte of a change in the outbox.
const outboxLayout = 1

const insertOutbox = `INSERT INTO outbox (node, epoch, chunk, seq, at, change) VALUES (?, ?, ?, ?, ?, ?)`

// record writes a change into the outbox.
func (w *writer) record(ctx context.Context, p *pending) error {
	return w.write(ctx, insertOutbox, []any{int64(w.node), int64(w.epoch), int64(p.seq / chunkSize), int64(p.seq), p.at, p.encode()}, p.at)
}

// encode writes the rows and events of a change.
func (p *pending) encode() []byte {
	w := codec.Writer(make([]byte, 0, 1024))
	w.Byte(outboxLayout)
	w.Uint(uint64(len(p.rows)))
	for i := range p.rows {
		appendRow(&w, &p.rows[i])
	}
	w.Uint(uint64(len(p.events)))
	for i := range p.events {
		w.Text(string(codec.AppendEvent(nil, &p.events[i], time.UnixMicro(p.at))))
	}
	return w
}

// decode reads what encode wrote; nothing stands for a number that was given up.
func decode(change []byte) (rows []row, events []warble.Event, err error) {
	if len(change) == 0 {
		return nil, nil, nil
	}
	r := codec.Take(change)
	if layout := r.Byte(); layout > outboxLayout {
		return nil, nil, warble.Fail(warble.ErrUnavailable, "a change in the outbox was written by a newer program: update this one")
	}
	for range r.Length() {
		rows = append(rows, readRow(&r))
	}
	for range r.Length() {
		ev, _, err := codec.ReadEvent([]byte(r.Text()))
		if err != nil {
			return nil, nil, damaged(err)
		}
		events = append(events, ev)
	}
	return rows, events, damaged(r.Err())
}

// Writer is an epoch of a writer that has changes in the outbox, and up to which
// number all of them are finished.
type Writer struct {
	Node     uint8
	Epoch    uint64
	Finished uint64
}

// Writers lists the epochs of the last three days.
func (e *Engine) Writers(ctx context.Context) (out []Writer, err error) {
	err = e.read(ctx, `SELECT node, epoch, finished FROM outbox_epochs WHERE one = 1`, nil, func(row scanner) error {
		var node int32
		var epoch, finished int64
		err := row.Scan(&node, &epoch, &finished)
		out = append(out, Writer{uint8(node), uint64(epoch), uint64(finished)})
		return err
	})
	return out, err
}

// replayAtOnce is how many changes one Replay does at most.
const replayAtOnce = 256

// Replay writes the rows of changes of an epoch again, those with numbers from
// from up to, not including, to (zero: as many as there are), and returns the
// first of them in rising order. A number that was given up, or is older than the outbox, is a change without
// events. It stops at a number that a living writer has not finished.
func (e *Engine) Replay(ctx context.Context, node uint8, epoch, from, to uint64) ([]Stored, error) {
	from = max(from, 1)
	finished, dead, err := e.state(ctx, node, epoch)
	if err != nil {
		return nil, err
	}
	if dead && to == 0 { // what comes after its last number is sealed; holes before it are given up
		last, err := e.lastLogged(ctx, node, epoch, from)
		if err != nil {
			return nil, err
		}
		if last < from {
			return nil, e.seal(ctx, node, epoch, max(from, finished+1))
		}
		to = last + 1
	}
	end := from + replayAtOnce
	if to != 0 {
		end = min(end, to)
	}
	found, err := e.logged(ctx, node, epoch, from, end)
	if err != nil {
		return nil, err
	}
	var out []Stored
	var rows []row
	for seq := from; seq < end; seq++ {
		change, there := found[seq]
		s := Stored{Node: node, Epoch: epoch, Seq: seq, At: change.at}
		switch {
		case there:
			more, events, err := decode(change.change)
			if err != nil {
				return nil, err
			}
			rows, s.Events = append(rows, more...), events
		case seq <= finished: // it ran out
		case dead:
			if err := e.void(ctx, node, epoch, seq); err != nil {
				return nil, err
			}
		default:
			end = seq
			continue
		}
		out = append(out, s)
	}
	for to == 0 && len(out) > 0 && len(found[out[len(out)-1].Seq].change) == 0 {
		out = out[:len(out)-1] // they ran out, and nothing comes after them
	}
	if err := e.store(ctx, rows); err != nil {
		return nil, err
	}
	return out, e.settle(ctx, rows)
}

// seal gives up the numbers after the last of a dead epoch: as many as could
// have been on their way, with one deletion of each chunk that holds some.
func (e *Engine) seal(ctx context.Context, node uint8, epoch, from uint64) error {
	if !e.graves.seal(node, epoch) {
		return nil
	}
	at := e.now().UnixMicro() + voidAhead.Microseconds()
	for chunk := from / chunkSize; chunk <= (from+maxPending-1)/chunkSize; chunk++ {
		err := e.write(ctx, `DELETE FROM outbox WHERE node = ? AND epoch = ? AND chunk = ? AND seq >= ?`,
			[]any{int64(node), int64(epoch), int64(chunk), int64(from)}, at)
		if err != nil {
			e.graves.unseal(node, epoch)
			return err
		}
	}
	return nil
}

// lastLogged is the highest number from from on under which a dead epoch has a
// change, zero for none. A writer has at most maxPending numbers without one:
// behind a chunk that has no row at all nothing comes.
func (e *Engine) lastLogged(ctx context.Context, node uint8, epoch, from uint64) (last uint64, err error) {
	for chunk := from / chunkSize; ; chunk++ {
		empty := true
		err := e.read(ctx, `SELECT seq, at, WRITETIME(change) FROM outbox WHERE node = ? AND epoch = ? AND chunk = ? AND seq >= ?`,
			[]any{int64(node), int64(epoch), int64(chunk), int64(from)}, func(row scanner) error {
				var seq, at, wrote int64
				err := row.Scan(&seq, &at, &wrote)
				if empty = false; wrote == at { // else it was given up, see void
					last = max(last, uint64(seq))
				}
				return err
			})
		if err != nil || empty && chunk*chunkSize >= from {
			return last, err
		}
	}
}

// loggedChange is a row of the outbox.
type loggedChange struct {
	at     int64
	change []byte
}

// logged reads the rows of the outbox with numbers from from up to, not including, end.
func (e *Engine) logged(ctx context.Context, node uint8, epoch, from, end uint64) (map[uint64]loggedChange, error) {
	out := map[uint64]loggedChange{}
	for chunk := from / chunkSize; chunk <= (end-1)/chunkSize; chunk++ {
		err := e.read(ctx, `SELECT seq, at, change FROM outbox WHERE node = ? AND epoch = ? AND chunk = ? AND seq >= ? AND seq < ?`,
			[]any{int64(node), int64(epoch), int64(chunk), int64(from), int64(end)}, func(row scanner) error {
				var seq int64
				var c loggedChange
				err := row.Scan(&seq, &c.at, &c.change)
				out[uint64(seq)] = c
				return err
			})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// state says how far an epoch is, and whether nobody writes in it any more. Who
// reads the outbox after that finds all that a dead epoch acknowledged.
func (e *Engine) state(ctx context.Context, node uint8, epoch uint64) (finished uint64, dead bool, err error) {
	if dead, err = e.dead(ctx, node, epoch); err != nil {
		return 0, false, err
	}
	var n int64
	_, err = e.first(ctx, `SELECT finished FROM outbox_epochs WHERE one = 1 AND node = ? AND epoch = ?`, []any{int64(node), int64(epoch)}, &n)
	return uint64(n), dead, err
}

// voidAhead is how far beyond the clock the row of a number that is given up is
// written: a row that its writer sent before it died, and that arrives later, loses.
const voidAhead = 10 * time.Second

// void gives a number of a dead epoch up.
func (e *Engine) void(ctx context.Context, node uint8, epoch, seq uint64) error {
	at := e.now().UnixMicro()
	return e.write(ctx, insertOutbox, []any{int64(node), int64(epoch), int64(seq / chunkSize), int64(seq), at, []byte{}}, at+voidAhead.Microseconds())
}
