package jetstream

import (
	"context"
	"warble/internal/lease"

	"warble"
)

// Own runs work while this process owns a name (a sweeper, scheduled work, a periodic job), whoever else wants it: one
// process does at a time. work gets the epoch of the ownership, and a context that ends when it is lost; others think an
// owner dead after [Options].Dead at the soonest, when his own context has ended. If work returns nil the name is
// given up and waited for again. It fails with the first error of work's while it owned the name, and ends with ctx.
func (e *Engine) Own(ctx context.Context, name string, work func(ctx context.Context, epoch uint64) error) error {
	if e.opt.Claims == nil {
		return warble.Invalid("claims", "", "what is owned needs claims")
	}
	if !e.enter() {
		return warble.Fail(warble.ErrUnavailable, "the log is closed")
	}
	defer e.running.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	l := lease.Lease{Claims: e.opt.Claims, Name: "owner/" + name, Holder: lease.Someone(), Dead: e.opt.Dead}
	for {
		h, err := l.Win(ctx, func(err error) { e.opt.Log.Warn("an owner waits", "name", name, "error", err) })
		if err != nil {
			return nil //nolint:nilerr // ctx ended
		}
		err = work(h.Context(), h.Epoch())
		lost := h.Context().Err() != nil
		h.Leave()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !lost:
			return err
		}
	}
}
