package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"warble/internal/lease"

	"github.com/nats-io/nats.go/jetstream"

	"warble"
)

// The keeper's bounds: numbers it knows of that are not handled (beyond, it reads on only when fan-out has caught up),
// numbers it looks for at once, and how long an epoch that is over is remembered.
const (
	keeperWindow = 1 << 17
	keeperLook   = 1024
	keeperRounds = 64
	keeperForget = 10 * time.Minute
	keeperSave   = 5 // ticks
)

// keeper sees to it that every number arrives. One process is it at a time; all that consume try to be.
type keeper struct {
	*Engine
	wish  lease.Lease
	w     *window
	born  int64  // the incarnation the window is of
	from  uint64 // where in it to read on
	saved [floorShards]warble.Claim
	asked time.Time      // when the writers were last asked
	done  map[int]uint64 // for each partition, up to where every group had handled it when last asked

	proving     bool   // see proven
	mark, until uint64 // the message last taken by the relay, and, once that is delivered, the stream's end
}

func newKeeper(e *Engine) *keeper {
	return &keeper{Engine: e, wish: lease.Lease{
		Claims: e.opt.Claims, Name: "log/" + e.conf.Stream + "/keeper", Holder: lease.Someone(), Dead: e.opt.Dead,
	}}
}

func (k *keeper) told(err error) {
	if !errors.Is(err, context.Canceled) {
		k.opt.Log.Warn("the keeper of the log waits", "error", err)
	}
}

func (k *keeper) run(ctx context.Context) {
	for ctx.Err() == nil {
		h, err := k.wish.Win(ctx, k.told)
		if err != nil {
			return
		}
		if err := k.keep(h); err != nil {
			k.told(err)
		}
		h.Leave()
	}
}

// keep takes over what the former keeper knew and follows the stream, whichever it is, until the claim is lost.
func (k *keeper) keep(h *lease.Holding) error {
	k.w, k.done = newWindow(), nil
	k.born, k.from = 0, 0
	if _, err := fmt.Sscanf(h.Note(), "%d %d", &k.born, &k.from); err != nil {
		k.born, k.from = 0, 0
	}
	for shard := range k.saved {
		var err error
		if k.saved[shard], err = k.floorClaim(shard).Get(h.Context()); err != nil {
			return err
		}
		k.w.load(k.saved[shard].Data, time.Now())
	}
	for h.Valid() {
		s, born, err := k.find(h.Context())
		if err != nil {
			return err
		}
		if born != k.born {
			k.w.restart(time.Now())
			k.born, k.from, k.done = born, 1, nil
		}
		if err := k.follow(h, s); err != nil {
			return err
		}
	}
	return nil
}

func (k *keeper) floorClaim(shard int) lease.Lease {
	l := k.wish
	l.Name = fmt.Sprintf("log/%s/floors/%d", k.conf.Stream, shard)
	return l
}

// follow reads the ids of one incarnation's messages, and mends what is missing.
func (k *keeper) follow(h *lease.Holding, s jetstream.Stream) error {
	_, born, changed := k.current()
	if born != k.born {
		return nil
	}
	from := max(1, k.from)
	if info := s.CachedInfo(); info.State.LastSeq+1 < from { // it lost its end, and numbers its messages anew
		k.w.restart(time.Now())
		from = 1
	}
	ctx, cancel := context.WithCancel(h.Context())
	defer cancel()
	cons, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		HeadersOnly: true, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
	})
	if err != nil {
		return unavailable(err, "the stream cannot be followed")
	}
	seen := make(chan *sighting, keeperLook)
	pull, err := cons.Consume(func(m jetstream.Msg) {
		if one := sight(m, k.conf.Stream); one != nil {
			select {
			case seen <- one:
			case <-ctx.Done():
			}
		}
	}, jetstream.PullMaxMessages(keeperLook))
	if err != nil {
		return unavailable(err, "the stream cannot be followed")
	}
	defer pull.Stop()
	k.from, k.proving = from, false
	return k.attend(h, s, seen, changed)
}

// sight reads what a message's headers say. One that is none of ours has a place, but no name.
func sight(m jetstream.Msg, stream string) *sighting {
	meta, err := m.Metadata()
	if err != nil {
		return nil
	}
	out := &sighting{spot: spot{seq: meta.Sequence.Stream}}
	if n, ok := parseName(m.Headers().Get(jetstream.MsgIDHeader)); ok {
		out.part, err = strconv.Atoi(strings.TrimPrefix(m.Subject(), stream+"."))
		if err == nil {
			out.name = n
		}
	}
	return out
}

// attend is the keeper's loop; it returns nil when the stream is another.
func (k *keeper) attend(h *lease.Holding, s jetstream.Stream, seen chan *sighting, changed <-chan struct{}) error {
	tick := time.NewTicker(max(k.opt.HoleAfter/3, 10*time.Millisecond))
	defer tick.Stop()
	for n := 1; h.Valid(); {
		take := seen
		if k.w.size > keeperWindow {
			take = nil
		}
		select {
		case <-h.Context().Done():
			return nil
		case <-changed:
			return nil
		case one := <-take:
			k.from = one.spot.seq + 1
			if one.pieces > 0 {
				k.w.saw(one, time.Now())
			}
		case <-tick.C:
			if err := k.mend(h.Context(), s); err != nil {
				k.told(err)
			}
			if n++; n%keeperSave == 0 || k.w.size > keeperWindow {
				if err := k.save(h, s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// mend looks for what is missing and publishes it again.
func (k *keeper) mend(ctx context.Context, s jetstream.Stream) error {
	if err := k.ask(ctx); err != nil {
		return err
	}
	if !k.w.lacks(time.Now(), k.opt.HoleAfter) {
		k.proving = false
		return nil
	}
	if ok, err := k.proven(ctx, s); !ok {
		return err
	}
	for o, r := range k.w.runs {
		if from, to, due := r.hole(time.Now(), k.opt.HoleAfter); due {
			r.moved = time.Now()
			if err := k.look(ctx, o, r, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// proven says that what is missing is not merely on its way: what this process had relayed when it was first asked is
// delivered, and what the stream had then is read. Otherwise it is asked again.
func (k *keeper) proven(ctx context.Context, s jetstream.Stream) (bool, error) {
	if !k.proving {
		k.proving, k.mark, k.until = true, k.relay.mark(), 0
	}
	if k.until == 0 {
		if !k.relay.passed(k.mark) {
			return false, nil
		}
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		info, err := insist(ctx, func(ctx context.Context) (*jetstream.StreamInfo, error) { return s.Info(ctx) })
		if err != nil {
			return false, unavailable(err, "the stream does not answer")
		}
		k.from, k.until = max(k.from, info.State.FirstSeq), info.State.LastSeq+1
	}
	if k.from < k.until {
		return false, nil
	}
	k.proving = false
	return true, nil
}

// ask hears from the writers what there must be.
func (k *keeper) ask(ctx context.Context) error {
	if k.opt.Writers == nil || time.Since(k.asked) < k.opt.HoleAfter {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	list, err := k.opt.Writers(ctx)
	if err != nil {
		return err
	}
	k.asked = time.Now()
	for _, one := range list {
		k.w.exists(origin{one.Node, one.Epoch}, one.Seq, k.asked)
	}
	return nil
}

// look reads numbers from the outbox. What is not there is on its way, or its writer died and others will say that it
// is void: it is looked for again.
func (k *keeper) look(ctx context.Context, o origin, r *run, from, to uint64) error {
	found := 0
	for range keeperRounds {
		list, err := k.missing(ctx, o, from, to)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			if to == 0 {
				r.last, r.idle = time.Now(), r.idle+1
			}
			break
		}
		for _, m := range list {
			if from = m.Seq + 1; r.came[m.Seq].whole() || m.Seq <= r.floor {
				continue
			}
			found++
			if len(m.Events) == 0 {
				k.w.void(o, m.Seq, time.Now())
			} else if err := k.relay.publish(ctx, m, afresh()); err != nil {
				return err
			}
		}
		if to != 0 && from >= to {
			break
		}
	}
	if found > 0 {
		k.opt.Log.Warn("numbers the stream lacks were read from the outbox", "node", o.node, "epoch", o.epoch, "numbers", found)
	}
	return nil
}

func (k *keeper) missing(ctx context.Context, o origin, from, to uint64) ([]Message, error) {
	if to != 0 {
		to = min(to, from+keeperLook)
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return k.opt.Missing(ctx, o.node, o.epoch, from, to)
}

// save raises the floors over what every group has done and writes them down, then where to read on.
func (k *keeper) save(h *lease.Holding, s jetstream.Stream) error {
	if err := k.judge(h.Context(), s); err != nil {
		k.told(err)
		return nil
	}
	for shard, old := range k.saved {
		data := k.w.floors(shard)
		if data == old.Data {
			continue
		}
		next := warble.Claim{Holder: h.Holder, Epoch: h.Epoch(), Data: data}
		now, err := k.floorClaim(shard).Swap(h.Context(), old, next)
		if err != nil {
			return err
		}
		if now != next {
			return warble.Fail(warble.ErrConflict, "another keeper wrote the floors")
		}
		k.saved[shard] = next
	}
	h.Leaves(fmt.Sprintf("%d %d", k.born, k.w.lowest(k.from)))
	return nil
}

// judge raises the floors over what is handled. Groups pass over messages that the stream had to throw away, for their
// age or for want of space: those that were not handled when last asked did not come, after all.
func (k *keeper) judge(ctx context.Context, s jetstream.Stream) error {
	done, err := k.handled(ctx, s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	info, err := insist(ctx, func(ctx context.Context) (*jetstream.StreamInfo, error) { return s.Info(ctx) })
	if err != nil {
		return unavailable(err, "the stream does not answer")
	}
	before := k.done
	if before == nil {
		before = done
	}
	k.w.lose(func(at spot) bool { return at.seq < info.State.FirstSeq && at.seq > before[at.part] }, time.Now())
	k.w.advance(func(at spot) bool { return at.seq <= done[at.part] }, time.Now(), keeperForget)
	k.done = done
	return nil
}

// handled says for each partition up to where every group has handled it.
func (k *keeper) handled(ctx context.Context, s jetstream.Stream) (map[int]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	names, err := k.consumers(ctx, s)
	if err != nil {
		return nil, unavailable(err, "the log's consumers cannot be listed")
	}
	groups := map[string]bool{}
	for of := range names {
		groups[of.group] = true
	}
	out := map[int]uint64{}
	for part := range k.conf.Partitions {
		lowest := ^uint64(0)
		for group := range groups {
			of := ofGroup{group, part}
			p, _, err := k.reached(ctx, s, of, names[of])
			if err != nil && !errors.Is(err, context.Canceled) {
				return nil, unavailable(err, "a consumer's place is not known")
			}
			lowest = min(lowest, p.floor)
		}
		if len(groups) > 0 {
			out[part] = lowest
		}
	}
	return out, nil
}
