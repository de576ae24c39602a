package pebble

import (
	"context"
	"errors"

	pdb "github.com/cockroachdb/pebble/v2"

	"warble"
	"warble/internal/codec"
)

// commitStore writes truth. A change goes like this:
//
//  1. take the locks of the rows it names (an edge's is that of its (kind, to),
//     which also orders the choice of parts);
//  2. read what is stored, from the caches where they have it, and put into one
//     batch what differs, with the events;
//  3. let the batch enter the log and the memtable, then the caches;
//  4. give the locks back, and only then wait for the sync: the next writer of
//     the same row need not wait for the disk, because the log is in order and
//     what he builds on is synced before his own.
//
// A change that changes nothing may have read a row that is not synced yet, so
// it waits until everything that entered before it is.
type commitStore struct{ *Engine }

func (s commitStore) Apply(ctx context.Context, c *warble.Change) (changed bool, err error) {
	if err := c.Check(); err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if err := s.disk.writable(); err != nil {
		return false, err
	}
	a := s.newApplier()
	defer a.release()
	locks := s.stripes.lock(a.locks(c))
	changed, err = a.stage(c)
	if err != nil || !changed {
		s.stripes.unlock(locks)
		if err == nil {
			err = s.settle()
		}
		return false, errors.Join(err, a.batch.Close())
	}
	a.record(c.Events)
	a.announceMonths()
	if err := s.store(a.batch); err != nil {
		a.withdrawMonths()
		s.stripes.unlock(locks)
		s.log.decide(a.seqs, false)
		return false, err
	}
	a.publish()
	s.stripes.unlock(locks)
	err = s.synced(a.batch)
	s.log.decide(a.seqs, err == nil)
	if err != nil {
		return false, err
	}
	return true, a.batch.Close()
}

// store lets a batch enter the log and the memtable. If it fails, nothing was stored.
func (e *Engine) store(b *pdb.Batch) error {
	e.unsynced.Add(1)
	err := e.disk.enter(func() error { return e.truth.ApplyNoSyncWait(b, pdb.Sync) })
	if err == nil {
		return nil
	}
	e.unsynced.Add(-1)
	if errors.Is(err, errRefused) {
		return e.disk.writable()
	}
	return unavailable(err)
}

// synced waits until what store let in is on the disk.
func (e *Engine) synced(b *pdb.Batch) error {
	err := b.SyncWait()
	e.unsynced.Add(-1)
	if err != nil {
		return &warble.Error{Kind: warble.ErrUnknown, Detail: "the disk failed while storing", Err: err}
	}
	return nil
}

// settle waits until all that can be read is on the disk.
func (e *Engine) settle() error {
	if e.unsynced.Load() > 0 {
		b := e.truth.NewBatch()
		if err := b.LogData([]byte{0}, nil); err != nil {
			return unavailable(err)
		}
		if err := e.store(b); err != nil {
			return err
		}
		if err := e.synced(b); err != nil {
			return err
		}
		return b.Close()
	}
	if e.disk.failed.Load() != nil {
		return e.disk.writable()
	}
	return nil
}

// applier carries one change from its rows to the batch and the caches.
type applier struct {
	*Engine
	batch  *pdb.Batch
	k, v   []byte // the key and value being built
	at     []uint16
	users  []*warble.User
	tweets []storedTweet
	docs   []*warble.Doc
	edges  []storedEdge
	parts  []stagedPart
	seqs   []sequence
}

// storedTweet is a row to be stored and what was there before.
type storedTweet struct{ row, old *warble.Tweet }

// storedEdge is an edge as the change leaves it, and as it was.
type storedEdge struct {
	now, was edgeRow
	put      bool // else removed
	changed  bool
}

func (s commitStore) newApplier() *applier {
	a, ok := s.appliers.Get().(*applier)
	if !ok {
		a = &applier{}
	}
	a.Engine, a.batch = s.Engine, s.truth.NewBatch()
	return a
}

func (a *applier) release() {
	pool := &a.appliers
	a.Engine, a.batch = nil, nil
	clear(a.users)
	clear(a.tweets)
	clear(a.docs)
	clear(a.edges)
	a.users, a.tweets, a.docs, a.edges = a.users[:0], a.tweets[:0], a.docs[:0], a.edges[:0]
	a.seqs, a.at, a.parts = a.seqs[:0], a.at[:0], a.parts[:0]
	pool.Put(a)
}

func (a *applier) locks(c *warble.Change) []uint16 {
	for _, u := range c.Users {
		a.at = append(a.at, stripeOf(u.ID.Hash()))
	}
	for _, t := range c.Tweets {
		a.at = append(a.at, stripeOf(t.ID.Hash()))
	}
	for _, d := range c.Docs {
		a.at = append(a.at, stripeOf(d.ID.Hash()))
	}
	for i := range c.Put {
		a.at = append(a.at, stripeOf(end{c.Put[i].Kind, c.Put[i].To}.hash()))
	}
	for _, k := range c.Gone {
		a.at = append(a.at, stripeOf(end{k.Kind, k.To}.hash()))
	}
	return a.at
}

// stage puts into the batch what the change changes, and fills in its edges and events.
func (a *applier) stage(c *warble.Change) (changed bool, err error) {
	for _, u := range c.Users {
		if err := a.putUser(u); err != nil {
			return false, err
		}
	}
	for _, t := range c.Tweets {
		if err := a.putTweet(t); err != nil {
			return false, err
		}
	}
	for _, d := range c.Docs {
		if err := a.putDoc(d); err != nil {
			return false, err
		}
	}
	for _, k := range c.Gone {
		if err := a.takeEdge(k); err != nil {
			return false, err
		}
	}
	for i := range c.Put {
		if err := a.putEdge(&c.Put[i]); err != nil {
			return false, err
		}
	}
	for i := range c.Events {
		if err := a.fill(&c.Events[i]); err != nil {
			return false, err
		}
	}
	return !a.batch.Empty(), nil
}

func (a *applier) set() error { return a.batch.Set(a.k, a.v, nil) }
func (a *applier) del() error { return a.batch.Delete(a.k, nil) }

func (a *applier) putUser(u *warble.User) error {
	old, err := a.user(u.ID)
	for _, row := range a.users {
		if row.ID == u.ID {
			old = row
		}
	}
	if err != nil || (old != nil && u.Version <= old.Version) {
		return err
	}
	a.users = append(a.users, codec.CopyUser(u))
	a.k, a.v = userKey(a.k[:0], u.ID), codec.AppendUser(a.v[:0], u)
	return a.set()
}

func (a *applier) putTweet(t *warble.Tweet) error {
	old, err := a.storedTweet(t.ID)
	for _, st := range a.tweets {
		if st.row.ID == t.ID {
			old = st.row
		}
	}
	if err != nil || (old != nil && (old.Gone || (!t.Gone && t.Version <= old.Version))) {
		return err
	}
	row := &warble.Tweet{ID: t.ID, Author: t.Author, Version: t.Version, Gone: true}
	if !t.Gone {
		row = codec.CopyTweet(t)
	} else if old != nil {
		row.Author = old.Author
	}
	a.tweets = append(a.tweets, storedTweet{row, old})
	a.k, a.v = tweetKey(a.k[:0], t.ID), codec.AppendTweet(a.v[:0], row)
	if err := a.set(); err != nil {
		return err
	}
	if err := a.putVersions(row, old); err != nil {
		return err
	}
	a.k, a.v = authorKey(a.k[:0], row.Author, row.ID), a.v[:0]
	switch {
	case row.Gone && old != nil:
		return a.del()
	case row.Gone || (old != nil && old.Author == row.Author):
		return nil
	}
	return a.set()
}

// putVersions keeps the version that is replaced, or forgets them all with a tombstone.
func (a *applier) putVersions(row, old *warble.Tweet) error {
	switch {
	case old == nil:
		return nil
	case row.Gone:
		if old.Version <= 1 {
			return nil
		}
		a.k = versionPrefix(a.k[:0], row.ID)
		a.v = versionKey(a.v[:0], row.ID+1, 0)
		return a.batch.DeleteRange(a.k, a.v, nil)
	}
	for _, t := range []*warble.Tweet{old, row} {
		a.k, a.v = versionKey(a.k[:0], t.ID, t.Version), codec.AppendTweet(a.v[:0], t)
		if err := a.set(); err != nil {
			return err
		}
	}
	return nil
}

// storedTweet reads what is stored; the highest id of a shard says without
// reading that a new one cannot be there.
func (a *applier) storedTweet(id warble.TweetID) (*warble.Tweet, error) {
	if uint64(id) > a.highest[id.Shard()].Load() {
		return nil, nil
	}
	return a.tweet(id)
}

func (a *applier) putDoc(d *warble.Doc) error {
	old, err := a.doc(d.ID)
	for _, row := range a.docs {
		if row.ID == d.ID {
			old = row
		}
	}
	if err != nil || (old != nil && d.Version <= old.Version) {
		return err
	}
	row := *d
	row.Data = append([]byte(nil), d.Data...)
	if d.Gone {
		row.Data = nil
	}
	put := a.set
	if d.Gone && d.Kind.Fleeting() {
		if old == nil {
			return nil
		}
		put = a.del
	}
	a.docs = append(a.docs, &row)
	a.k, a.v = docKey(a.k[:0], d.ID), codec.AppendDoc(a.v[:0], &row)
	if err := put(); err != nil {
		return err
	}
	listed := old != nil && !old.Gone
	if listed && (d.Gone || old.Owner != d.Owner || old.Kind != d.Kind) {
		a.k = listKey(a.k[:0], old.Owner, old.Kind, d.ID)
		if err := a.del(); err != nil {
			return err
		}
		listed = false
	}
	if d.Gone || listed {
		return nil
	}
	a.k, a.v = listKey(a.k[:0], d.Owner, d.Kind, d.ID), a.v[:0]
	return a.set()
}

// fill writes into an event its edges as they are stored, or as they were before the change.
func (a *applier) fill(ev *warble.Event) error {
	if len(ev.Edges) == 0 {
		return nil
	}
	edges := make([]warble.Edge, 0, len(ev.Edges))
	for i := range ev.Edges {
		row, err := a.namedEdge(ev.Edges[i].Key(), ev.Kind == warble.EventEdgeGone)
		if err != nil {
			return err
		}
		if row.stands() {
			edges = append(edges, row.Edge)
		}
	}
	ev.Edges = edges
	return nil
}

func (a *applier) namedEdge(k warble.EdgeKey, gone bool) (edgeRow, error) {
	for i := len(a.edges) - 1; i >= 0; i-- {
		if st := &a.edges[i]; st.now.Key() == k && st.put != gone {
			if gone {
				return st.was, nil
			}
			return st.now, nil
		}
	}
	if gone {
		return edgeRow{}, nil
	}
	return a.edge(k)
}

// record puts the events into the batch, each under a sequence of its own. One
// about edges of which none is left says nothing.
func (a *applier) record(events []warble.Event) {
	at := a.now()
	for i := range events {
		ev := &events[i]
		if len(ev.Edges) == 0 && (ev.Kind == warble.EventEdge || ev.Kind == warble.EventEdgeGone) {
			continue
		}
		seq := a.log.open(ev, at)
		a.seqs = append(a.seqs, seq)
		a.k, a.v = logKey(a.k[:0], seq.part, seq.n), codec.AppendEvent(a.v[:0], ev, at)
		_ = a.set() // fails only for a batch already committed
	}
}

// publish brings the caches to what the store now holds. The locks are held, so
// of two changes to a row the later one is also the later here.
func (a *applier) publish() {
	for _, u := range a.users {
		a.Engine.users.wrote(u.ID, u, userBytes(u))
	}
	for _, st := range a.tweets {
		a.publishTweet(st)
	}
	for _, d := range a.docs {
		if d.Gone && d.Kind.Fleeting() {
			a.Engine.docs.wrote(d.ID, nil, 0)
		} else {
			a.Engine.docs.wrote(d.ID, d, docBytes(d))
		}
	}
	for _, st := range a.parts {
		a.Engine.parts.wrote(st.at, st.now, newestBytes)
	}
	for i := range a.edges {
		if a.edges[i].changed {
			a.publishEdge(&a.edges[i])
		}
	}
	a.publishMonths()
}

func (a *applier) publishTweet(st storedTweet) {
	id := st.row.ID
	highest := &a.highest[id.Shard()]
	for {
		h := highest.Load()
		if uint64(id) <= h || highest.CompareAndSwap(h, uint64(id)) {
			break
		}
	}
	a.Engine.tweets.wrote(id, st.row, tweetBytes(st.row))
	switch {
	case st.row.Gone:
		a.publishRecent(st.row.Author, id, false)
	case st.old == nil:
		a.publishRecent(st.row.Author, id, true)
	}
}
