package pebble

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"warble"
	"warble/internal/codec"
	"warble/internal/key"
)

// The log's shape: partitions by the hash of an event's key; batches; events
// out at once in a partition; and the events of a partition kept in memory, so
// that a consumer that keeps up never reads the disk.
const (
	logParts  = 8
	logBatch  = 512
	logOut    = 16 << 10
	logMemory = 4096
)

// eventLog is the log. An event gets its number when its change is staged, and
// is decided when the change is synced (or failed). Consumers see a partition
// up to the first number not decided: so they never skip one whose commit is
// on its way, nor see what a crash could take back.
type eventLog struct {
	*Engine
	parts      [logParts]partition
	mu         sync.Mutex
	groups     map[string]*group
	ctx        context.Context // ends when the engine closes
	cancel     context.CancelFunc
	running    sync.WaitGroup
	keeping    sync.Mutex       // one keeper of places at a time
	cut        [logParts]uint64 // the log is cut below; mu
	beforeSave atomic.Pointer[func() error]
}

// partition numbers the events of some keys and remembers the newest ones.
type partition struct {
	mu      sync.Mutex
	next    uint64 // the number of the next event
	decided uint64 // all numbers below are decided
	start   uint64 // the first number of this run: below it there is only the disk
	memory  []numbered
	waiting []chan struct{} // told when decided rises
}

type numbered struct {
	event warble.Event
	at    time.Time
	state uint8
}

const (
	numberOpen  = iota // its commit is on its way
	numberTaken        // synced
	numberVoid         // its commit failed
)

// sequence names an event in the log.
type sequence struct {
	part int
	n    uint64
}

func partOf(k warble.ID) int { return int(k.Hash() >> 40 % logParts) }

// open gives an event its number.
func (l *eventLog) open(ev *warble.Event, at time.Time) sequence {
	part := partOf(ev.Key)
	p := &l.parts[part]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next-p.decided >= uint64(len(p.memory)) {
		p.grow()
	}
	seq := sequence{part, p.next}
	*p.slot(p.next) = numbered{event: *ev, at: at}
	p.next++
	return seq
}

func (p *partition) slot(n uint64) *numbered { return &p.memory[n%uint64(len(p.memory))] }

// lowest is the first number in memory.
func (p *partition) lowest() uint64 {
	if n := uint64(len(p.memory)); p.next-p.start > n {
		return p.next - n
	}
	return p.start
}

// grow makes room for more numbers that are not decided.
func (p *partition) grow() {
	old, lowest := p.memory, p.lowest()
	p.memory = make([]numbered, max(logMemory, 2*len(old)))
	for n := lowest; n < p.next; n++ {
		*p.slot(n) = old[n%uint64(len(old))]
	}
	p.start = lowest
}

// decide says of numbers that their commit ended.
func (l *eventLog) decide(seqs []sequence, stored bool) {
	for _, seq := range seqs {
		p := &l.parts[seq.part]
		p.mu.Lock()
		p.slot(seq.n).state = numberVoid
		if stored {
			p.slot(seq.n).state = numberTaken
		}
		before := p.decided
		for p.decided < p.next && p.slot(p.decided).state != numberOpen {
			p.decided++
		}
		if p.decided > before {
			p.tell()
		}
		p.mu.Unlock()
	}
}

func (p *partition) tell() {
	for _, ch := range p.waiting {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// openLog finds where each partition ends.
func openLog(e *Engine) (*eventLog, error) {
	l := &eventLog{Engine: e, groups: map[string]*group{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	for part := range l.parts {
		r, err := ranging(e.truth, logKey(nil, part, 0), logKey(nil, part+1, 0), false)
		if err != nil {
			return nil, err
		}
		var next uint64
		if r.it.First() {
			l.cut[part] = key.ReadU64[uint64](r.it.Key()[2:])
		}
		if r.it.Last() {
			next = key.ReadU64[uint64](r.it.Key()[2:]) + 1
		}
		if err := r.close(nil); err != nil {
			return nil, err
		}
		l.parts[part].next = next
	}
	if err := l.knownGroups(); err != nil {
		return nil, err
	}
	for part := range l.parts {
		p := &l.parts[part]
		p.decided, p.start = p.next, p.next
	}
	return l, nil
}

// knownGroups reads every group's places. Where the log was cut to its end
// they alone say how far the numbers are.
func (l *eventLog) knownGroups() error {
	r, err := ranging(l.derived, []byte{rowPlace}, []byte{rowPlace + 1}, false)
	if err != nil {
		return err
	}
	for ok := r.first(); ok; ok = r.next() {
		row, err := rowOf(r.it)
		if err != nil {
			return r.close(err)
		}
		name, rest, ok := key.ReadText(r.it.Key()[1:])
		if !ok || len(rest) != 1 || int(rest[0]) >= logParts || len(row) != 8 {
			return r.close(unavailable(codec.ErrDamaged))
		}
		g := l.groups[name]
		if g == nil {
			g = l.newGroup(name)
		}
		at := key.ReadU64[uint64](row)
		pl := &g.places[rest[0]]
		pl.cursor, pl.saved, pl.flushed = at, at, at
		l.parts[rest[0]].next = max(l.parts[rest[0]].next, at)
	}
	return r.close(nil)
}

// newGroup makes a group that begins with the first event there is.
func (l *eventLog) newGroup(name string) *group {
	g := &group{name: name}
	for part := range g.places {
		pl := &g.places[part]
		pl.cursor, pl.saved, pl.flushed = l.cut[part], l.cut[part], 0
		pl.owner = make(chan struct{}, 1)
		pl.wake = make(chan struct{}, 1)
		p := &l.parts[part]
		p.mu.Lock()
		p.waiting = append(p.waiting, pl.wake)
		p.mu.Unlock()
	}
	l.groups[name] = g
	return g
}

func (l *eventLog) group(name string) *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[name]; g != nil {
		return g
	}
	return l.newGroup(name)
}

// stop ends all consumers and waits for them.
func (l *eventLog) stop() {
	l.mu.Lock()
	l.cancel()
	l.mu.Unlock()
	l.running.Wait()
}

// read returns decided events from number from on, as many as a batch holds,
// when the first was stored, and the number it has read up to.
func (l *eventLog) read(part int, from uint64) (events []warble.Event, oldest time.Time, to uint64, err error) {
	p := &l.parts[part]
	p.mu.Lock()
	decided, lowest := p.decided, p.lowest()
	if from >= lowest {
		for to = from; to < decided && len(events) < logBatch; to++ {
			s := p.slot(to)
			if s.state != numberTaken {
				continue
			}
			if len(events) == 0 {
				oldest = s.at
				events = make([]warble.Event, 0, min(logBatch, decided-to))
			}
			events = append(events, s.event)
		}
		p.mu.Unlock()
		return events, oldest, to, nil
	}
	p.mu.Unlock()
	return l.readDisk(part, from, min(decided, lowest))
}

func (l *eventLog) readDisk(part int, from, end uint64) (events []warble.Event, oldest time.Time, to uint64, err error) {
	r, err := ranging(l.truth, logKey(nil, part, from), logKey(nil, part, end), false)
	if err != nil {
		return nil, oldest, from, err
	}
	to = end
	for ok := r.first(); ok; ok = r.next() {
		n := key.ReadU64[uint64](r.it.Key()[2:])
		if len(events) == logBatch {
			to = n
			break
		}
		row, err := rowOf(r.it)
		if err != nil {
			return nil, oldest, from, r.close(err)
		}
		ev, at, err := codec.ReadEvent(row)
		if err != nil {
			return nil, oldest, from, r.close(unavailable(err))
		}
		if len(events) == 0 {
			oldest = at
		}
		events = append(events, ev)
	}
	return events, oldest, to, r.close(nil)
}

// Consume runs one goroutine for each partition. A second consumer of a group
// waits for the first to end. It fails when the disk does.
func (l *eventLog) Consume(ctx context.Context, name string, handle func(context.Context, warble.Batch) error) error {
	l.mu.Lock()
	if l.ctx.Err() != nil {
		l.mu.Unlock()
		return warble.Fail(warble.ErrUnavailable, "the store is closed")
	}
	l.running.Add(1)
	l.mu.Unlock()
	defer l.running.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(l.ctx, func() { cancel(context.Canceled) })()
	go func() { // also where every handler is busy trying again
		select {
		case <-l.disk.failing:
			cancel(l.disk.working())
		case <-ctx.Done():
		}
	}()
	g := l.group(name)
	var parts sync.WaitGroup
	for part := range logParts {
		parts.Go(func() {
			if err := l.consume(ctx, g, part, handle); err != nil {
				cancel(err)
			}
		})
	}
	parts.Wait()
	return context.Cause(ctx)
}

// consume hands out one partition until ctx ends.
func (l *eventLog) consume(ctx context.Context, g *group, part int, handle func(context.Context, warble.Batch) error) error {
	pl := &g.places[part]
	select {
	case pl.owner <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	defer func() { <-pl.owner }()
	pl.restart()
	for ctx.Err() == nil {
		from, room := pl.from()
		if room {
			events, oldest, to, err := l.read(part, from)
			if err != nil {
				return err
			}
			b := pl.hand(from, to, len(events), oldest)
			if b != nil {
				if err := handle(ctx, warble.Batch{Turn: warble.Turn{Part: part}, Events: events, Done: func() { pl.done(b) }}); err != nil {
					return err
				}
			}
			if to > from {
				continue
			}
		}
		select {
		case <-pl.wake:
		case <-ctx.Done():
		}
	}
	return nil
}

// Position adds the partitions up. It fails once the disk has failed.
func (l *eventLog) Position(_ context.Context, name string) (warble.Position, error) {
	if err := l.disk.working(); err != nil {
		return warble.Position{}, err
	}
	g := l.group(name)
	var pos warble.Position
	for part := range logParts {
		p := &l.parts[part]
		p.mu.Lock()
		next := p.next
		p.mu.Unlock()
		pl := &g.places[part]
		behind, cursor, oldest := pl.position(next)
		pos.Behind += behind
		if oldest.IsZero() && behind > 0 {
			var err error
			if _, oldest, _, err = l.peek(part, cursor); err != nil {
				return warble.Position{}, err
			}
		}
		if !oldest.IsZero() && (pos.Oldest.IsZero() || oldest.Before(pos.Oldest)) {
			pos.Oldest = oldest
		}
	}
	return pos, nil
}

// peek finds when the event at cursor was stored; now, for one on its way.
func (l *eventLog) peek(part int, cursor uint64) (n int, oldest time.Time, to uint64, err error) {
	p := &l.parts[part]
	p.mu.Lock()
	if cursor >= p.lowest() && cursor < p.next {
		oldest = p.slot(cursor).at
		p.mu.Unlock()
		return 1, oldest, cursor, nil
	}
	end := min(p.decided, p.lowest())
	p.mu.Unlock()
	events, oldest, to, err := l.readDisk(part, cursor, min(end, cursor+64))
	return len(events), oldest, to, err
}

// keepPlaces saves the groups' places, and every few seconds cuts the log.
func (e *Engine) keepPlaces() {
	save := time.NewTicker(time.Second)
	defer save.Stop()
	cut := time.NewTicker(5 * time.Second)
	defer cut.Stop()
	for {
		var err error
		select {
		case <-e.disk.closing:
			return
		case <-save.C:
			e.log.keeping.Lock()
			_, err = e.log.save()
			e.log.keeping.Unlock()
			e.timelines.sweep()
		case <-cut.C:
			err = e.checkpoint()
		}
		if err != nil {
			e.note.Error("consumers' places were not saved", "error", err)
		}
	}
}

// checkpoint saves the places, flushes derived, and cuts the log below what is flushed.
func (e *Engine) checkpoint() error {
	e.log.keeping.Lock()
	defer e.log.keeping.Unlock()
	moved, err := e.log.save()
	if err != nil || !moved {
		return err
	}
	if err := e.derived.Flush(); err != nil {
		return err
	}
	return e.log.trim()
}
