package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"warble"
)

// againMost is about how many events are read at once.
const againMost = 512

// read reads what the stream has of a partition after one place up to and including another, many at most. last is the
// place of the last one read; after, if there is none.
func (e *Engine) read(ctx context.Context, s jetstream.Stream, part int, after, to uint64) (events []warble.Event, last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	for last = after; len(events) < againMost && last < to; {
		m, err := insist(ctx, func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
			return s.GetMsg(ctx, last+1, jetstream.WithGetMsgSubject(e.subject(part)))
		})
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Sequence > to:
			return events, last, nil
		case err != nil:
			return nil, after, unavailable(err, "the stream's messages cannot be read")
		}
		read, err := decode(m.Data)
		if err != nil {
			return nil, after, fmt.Errorf("%w: %s", err, m.Header.Get(jetstream.MsgIDHeader))
		}
		events, last = append(events, read.Events...), m.Sequence
	}
	return events, last, nil
}
