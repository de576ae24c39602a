package read

import (
	"context"
	"errors"
	"warble"
)

// span is a place in a list of tweets, people or lists: its id, and its position there.
type span struct {
	id  warble.ID
	pos warble.ID
}

// source lists places, newest first, inside a page. Fewer than page.Limit
// means that there are no more, unless the error is a warble.Unfinished.
type source func(ctx context.Context, p warble.Page) ([]span, error)

const defaultLimit, maxChunk = 20, 800

// fill makes a page out of a source: show loads what places stand for and
// leaves out what the viewer may not see, and fill goes on until the page is
// full or the source has no more. next is Page.Before of the next older page,
// 0 where the end was reached; where the source stopped before its end the page
// may be short, even empty, and next says where to go on.
func fill[T any](ctx context.Context, p warble.Page, src source, show func(context.Context, []span) ([]T, error), pos func(T) warble.ID) (got []T, next warble.ID, err error) {
	limit := p.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	more := true
	for p.Limit = limit + 1; more && len(got) <= limit; p.Limit = min(2*p.Limit, maxChunk) {
		spans, err := src(ctx, p)
		more = len(spans) >= p.Limit
		if stop := (*warble.Unfinished)(nil); errors.As(err, &stop) {
			next, more = stop.Before, false
		} else if err != nil {
			return nil, 0, err
		}
		found, err := show(ctx, spans)
		if err != nil {
			return nil, 0, err
		}
		switch {
		case p.Oldest:
			got = append(found, got...)
			if len(spans) > 0 {
				p.After = spans[0].pos
			}
		case len(spans) > 0:
			got = append(got, found...)
			p.Before = spans[len(spans)-1].pos
		}
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
	}
	cut := len(got) > limit
	if cut && p.Oldest {
		got = got[len(got)-limit:]
	} else if cut {
		got = got[:limit]
	}
	if len(got) > 0 && (cut || p.Oldest) { // below a page walked to upwards there is what it came from
		next = pos(got[len(got)-1])
	}
	return got, next, nil
}
