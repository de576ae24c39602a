package load

import (
	"context"
	"errors"
	"fmt"
	"time"
	"warble/role/write"

	"warble"
)

// claimWait is for how long an import waits for a handle that is claimed but
// has no account behind it. A registration that was cut off leaves one, and it
// may be taken over after a minute.
const claimWait = 75 * time.Second

// person returns the account with a handle, and makes it if there is none.
func (s *Store) person(ctx context.Context, handle string) (u *warble.User, made bool, err error) {
	for end := time.Now().Add(claimWait); ; {
		if u, err = s.Stores.Users.ByHandle(ctx, handle); u != nil || err != nil {
			return u, false, err
		}
		u, err = s.Writer.Register(ctx, write.Registration{Handle: handle, Imported: true})
		if err == nil {
			return u, true, nil
		}
		if !errors.Is(err, warble.ErrConflict) && !passing(err) {
			return nil, false, err
		}
		if time.Now().After(end) {
			return nil, false, fmt.Errorf("the handle %s has no account still: %w", handle, err)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, false, err
		}
	}
}

// passing says that the store was too busy, or is not whole: the same again may go well, unless the import's own time is up.
func passing(err error) bool {
	return errors.Is(err, warble.ErrUnavailable) || errors.Is(err, warble.ErrUnknown) || errors.Is(err, context.DeadlineExceeded)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// handleSet says which handles came before, without regard to case.
type handleSet map[string]struct{}

func (h handleSet) add(handle string) (first bool) {
	key := warble.FoldHandle(handle)
	if _, ok := h[key]; ok {
		return false
	}
	h[key] = struct{}{}
	return true
}
