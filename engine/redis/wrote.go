package redis

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"warble"
)

// wroteAge is how long it is told that somebody wrote: longer than any process keeps a row.
const wroteAge = time.Minute

// Wrote leaves a mark that these people wrote: another than all before.
func (e *Engine) Wrote(ctx context.Context, users []warble.UserID) error {
	within, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	marks := make([]rueidis.Completed, len(users))
	for i, id := range users {
		marks[i] = e.client.B().Set().Key(e.keys.ofID(keyWrote, id)).Value(strconv.FormatUint(rand.Uint64(), 36)).Ex(wroteAge).Build()
	}
	for _, got := range e.client.DoMulti(within, marks...) {
		if err := cause(ctx, got.Error(), warble.ErrUnknown); err != nil {
			return err
		}
	}
	return nil
}

// LastWrote is the newest mark of a person, "" where there is none of the last minute.
func (e *Engine) LastWrote(ctx context.Context, user warble.UserID) (string, error) {
	within, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	got := e.client.Do(within, e.client.B().Get().Key(e.keys.ofID(keyWrote, user)).Build())
	if err := cause(ctx, got.Error(), warble.ErrUnavailable); err != nil || rueidis.IsRedisNil(got.Error()) {
		return "", err
	}
	return got.ToString()
}
