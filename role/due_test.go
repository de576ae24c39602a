package role_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"warble"
	"warble/role/write"
)

// counting counts the notes about due work that are read, and the looks for them.
type counting struct {
	warble.Docs
	looks, read *atomic.Int64
}

func (c counting) List(ctx context.Context, owner warble.ID, kind warble.DocKind, p warble.Page) ([]*warble.Doc, error) {
	docs, err := c.Docs.List(ctx, owner, kind, p)
	if kind == warble.DocDue {
		c.read.Add(int64(len(docs)))
		c.looks.Add(1)
	}
	return docs, err
}

func TestOnlyWorkThatIsDueIsRead(t *testing.T) {
	n := newTown(t, warble.Options{})
	n.later(n.now().Truncate(time.Hour).Add(time.Hour + 10*time.Minute).Sub(n.now())) // ten minutes into an hour
	ann, ben := n.person("ann"), n.person("ben")
	const polls = 40
	for i := range polls {
		tw := n.post(ann, write.Draft{Text: fmt.Sprint("which? ", i), Poll: &write.PollDraft{Options: []string{"a", "b"}, Minutes: 20}})
		n.ok(n.w.Vote(n.ctx, ben, tw.ID, []int{0}))
	}
	r, f := n.roles(warble.Options{})
	n.carry(f)
	var looks, read atomic.Int64
	n.Docs = counting{n.Docs, &looks, &read}
	n.settle(f, func() bool { return looks.Load() >= 2 })
	if read.Load() != 0 {
		t.Errorf("%d notes were read before any was due", read.Load())
	}
	n.later(21 * time.Minute)
	ended := func() int {
		list, _, err := r.Notifications(n.ctx, ben, warble.Page{Limit: 2 * polls})
		n.ok(err)
		return len(list)
	}
	n.settle(f, func() bool { return ended() == polls })
	was := looks.Load()
	n.settle(f, func() bool { return looks.Load() >= was+2 })
	if read.Load() != polls {
		t.Errorf("%d notes were read of %d that became due", read.Load(), polls)
	}
}
