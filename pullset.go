package warble

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"
)

// The pull set names the authors whose tweets readers pull, and fan-out skips,
// and for which ids. It is one versioned document, DocPullSet.
const (
	pullSetID DocID = 1
	// pullLead is how far ahead an interval starts and ends, so that every
	// process has read the new set before it counts.
	PullLead = 20 * time.Second
	// pullStale is how old a process's copy may be when it is used.
	pullStale = 10 * time.Second
	// pullForget is how long an interval stays after its end: by then no
	// stored timeline is left that was not told of its tweets.
	pullForget = 31 * 24 * time.Hour
)

// Interval says that an author's tweets from From (inclusive) to To
// (exclusive) are pulled, not pushed.
type Interval struct {
	Author   UserID
	From, To TweetID
}

// PullSet is a process's copy of the pull set.
type PullSet struct {
	s     *Stores
	clock func() time.Time
	mu    sync.Mutex
	read  time.Time
	doc   *Doc
	by    map[UserID][]Interval
	list  []UserID
}

// NewPullSet makes a process's copy, empty until its first use.
func NewPullSet(s *Stores, clock func() time.Time) *PullSet {
	return &PullSet{s: s, clock: clock}
}

// current reads the set again when the copy is stale. Callers hold p.mu.
func (p *PullSet) current(ctx context.Context) error {
	now := p.clock()
	if !p.read.IsZero() && now.Sub(p.read) < pullStale {
		return nil
	}
	docs, err := p.s.Docs.Get(ctx, pullSetID)
	if err != nil {
		return err
	}
	p.read = now
	if docs[0] == p.doc {
		return nil
	}
	var list []Interval
	if docs[0] != nil {
		if err := json.Unmarshal(docs[0].Data, &list); err != nil {
			return err
		}
	}
	p.doc, p.by, p.list = docs[0], make(map[UserID][]Interval), nil
	for _, i := range list {
		if _, ok := p.by[i.Author]; !ok {
			p.list = append(p.list, i.Author)
		}
		p.by[i.Author] = append(p.by[i.Author], i)
	}
	return nil
}

// Pushed is the one predicate of push or pull: fan-out pushes a tweet if it
// holds, readers merge it if it does not.
func (p *PullSet) Pushed(ctx context.Context, author UserID, id TweetID) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.current(ctx); err != nil {
		return false, err
	}
	for _, i := range p.by[author] {
		if id >= i.From && id < i.To {
			return false, nil
		}
	}
	return true, nil
}

// AuthorSpan is a stretch of an author's tweets that a reader merges itself.
// To zero: no upper bound.
type AuthorSpan struct {
	Author   UserID
	from, to TweetID
}

// Clip cuts a page to the stretch.
func (s AuthorSpan) Clip(p Page) Page {
	if s.to != 0 {
		p.Before = min(p.Upper(), s.to)
	}
	if s.from > 0 {
		p.After = max(p.After, s.from-1)
	}
	return p
}

// Of returns the pulled stretches, inside the page, of people viewer follows.
func (p *PullSet) Of(ctx context.Context, viewer UserID, page Page) ([]AuthorSpan, error) {
	p.mu.Lock()
	err := p.current(ctx)
	list, by := p.list, p.by
	p.mu.Unlock()
	if err != nil || len(list) == 0 {
		return nil, err
	}
	follows, err := p.s.Edges.Among(ctx, viewer, BondKinds[:1], list)
	if err != nil {
		return nil, err
	}
	var spans []AuthorSpan
	for n, author := range list {
		if follows[n] == 0 {
			continue
		}
		for _, i := range by[author] {
			if i.From < page.Upper() && i.To > page.After {
				spans = append(spans, AuthorSpan{author, i.From, i.To})
			}
		}
	}
	return spans, nil
}

// Extend adds intervals (and forgets old ones) and stores the set. A writer
// that was overtaken by another leaves the other's set: the caller tries again
// at its next turn.
func (p *PullSet) Extend(ctx context.Context, add []Interval) error {
	p.mu.Lock()
	p.read = time.Time{}
	err := p.current(ctx)
	doc, by := p.doc, p.by
	p.mu.Unlock()
	if err != nil {
		return err
	}
	forget := IDAt(p.clock().Add(-pullForget))
	var list []Interval
	for _, intervals := range by {
		for _, i := range intervals {
			if i.To > forget {
				list = append(list, i)
			}
		}
	}
	data, err := json.Marshal(Lengthened(list, add, IDAt(p.clock().Add(PullLead-pullStale/2))))
	if err != nil {
		return err
	}
	next := &Doc{ID: pullSetID, Kind: DocPullSet, Version: 1, Data: data}
	if doc != nil {
		next.Version = doc.Version + 1
	}
	if err := SaveVersion(ctx, p.s, p.clock, next); err != nil && !errors.Is(err, ErrConflict) {
		return err
	}
	p.mu.Lock()
	p.read = time.Time{}
	p.mu.Unlock()
	return nil
}

// Lengthened adds intervals to a list. One that goes on where the author's last
// ends lengthens that one, so that the list does not grow while an author
// stays in it; the moment between the two is pulled as well, which every
// process knows in time, since it lies after soon.
func Lengthened(list, add []Interval, soon TweetID) []Interval {
	for _, a := range add {
		n := slices.IndexFunc(list, func(i Interval) bool { return i.Author == a.Author && i.To >= soon && i.From <= a.From })
		if n < 0 {
			list = append(list, a)
		} else {
			list[n].To = max(list[n].To, a.To)
		}
	}
	return list
}

// Covers says whether the author is, or will be, in the set at id.
func (p *PullSet) Covers(ctx context.Context, author UserID, id TweetID) (bool, error) {
	ok, err := p.Pushed(ctx, author, id)
	return !ok, err
}
