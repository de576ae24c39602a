package mem

import (
	"context"
	"slices"

	"warble"
)

type commitStore struct{ *engine }

func (s commitStore) Apply(_ context.Context, c *warble.Change) (bool, error) {
	if err := c.Check(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := false
	for _, u := range c.Users {
		changed = s.putUser(u) || changed
	}
	for _, t := range c.Tweets {
		changed = s.putTweet(t) || changed
	}
	for _, d := range c.Docs {
		changed = s.putDoc(d) || changed
	}
	was := map[warble.EdgeKey]warble.Edge{}
	for _, key := range c.Gone {
		if e, there := s.takeEdge(key); there {
			was[key], changed = e, true
		}
	}
	for i := range c.Put {
		changed = s.putEdge(&c.Put[i]) || changed
	}
	for i := range c.Events {
		s.fill(&c.Events[i], was)
	}
	if changed {
		s.record(c.Events)
	}
	return changed, nil
}

func (e *engine) putUser(u *warble.User) bool {
	if old := e.users[u.ID]; old != nil && u.Version <= old.Version {
		return false
	}
	row := *u
	e.users[u.ID] = &row
	shard := &e.userShards[u.ID.Shard()]
	*shard = insert(*shard, ref{u.ID, u.ID})
	return true
}

func (e *engine) putTweet(t *warble.Tweet) bool {
	old := e.newest(t.ID)
	if old != nil && (old.Gone || (!t.Gone && t.Version <= old.Version)) {
		return false
	}
	row := *t
	at := ref{t.ID, t.ID}
	if t.Gone {
		row = warble.Tweet{ID: t.ID, Author: t.Author, Version: t.Version, Gone: true}
		if old != nil {
			row.Author = old.Author
		}
		e.tweets[t.ID] = nil
		e.by[row.Author] = remove(e.by[row.Author], at)
	} else {
		e.by[t.Author] = insert(e.by[t.Author], at)
	}
	e.tweets[t.ID] = append(e.tweets[t.ID], &row)
	shard := &e.tweetShards[t.ID.Shard()]
	*shard = insert(*shard, at)
	return true
}

func (e *engine) putDoc(d *warble.Doc) bool {
	old := e.docs[d.ID]
	if old != nil {
		if d.Version <= old.Version {
			return false
		}
		of := docList{old.Owner, old.Kind}
		e.lists[of] = remove(e.lists[of], ref{d.ID, d.ID})
	}
	if d.Gone && d.Kind.Fleeting() {
		delete(e.docs, d.ID)
		return old != nil
	}
	row := *d
	row.Data = slices.Clone(d.Data)
	if d.Gone {
		row.Data = nil
	} else {
		of := docList{d.Owner, d.Kind}
		e.lists[of] = insert(e.lists[of], ref{d.ID, d.ID})
	}
	e.docs[d.ID] = &row
	return true
}

// fill writes into an event the edges as they are stored, or as they were before the change.
func (e *engine) fill(ev *warble.Event, was map[warble.EdgeKey]warble.Edge) {
	edges := make([]warble.Edge, 0, len(ev.Edges))
	for _, edge := range ev.Edges {
		stored, there := was[edge.Key()]
		if ev.Kind != warble.EventEdgeGone {
			stored, there = e.edges[edge.Key()].Edge, e.edges[edge.Key()].stands()
		}
		if there {
			edges = append(edges, stored)
		}
	}
	ev.Edges = edges
}
