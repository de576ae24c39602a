package write

import (
	"context"
	"strconv"
	"warble"
)

// ListEdit names what is to change; nil leaves a field as it is.
type ListEdit struct {
	Name        *string // 1 to MaxListName characters
	Description *string // at most MaxListDescription characters
	Private     *bool
}

// apply checks the edit and changes l.
func (e ListEdit) apply(l *warble.List) (err error) {
	if e.Name != nil {
		if l.Name, err = cleanText("name", *e.Name, warble.MaxListName, false); err != nil {
			return err
		}
	}
	if l.Name == "" {
		return refuse(warble.ErrInvalid, "name", "a list needs a name")
	}
	if e.Description != nil {
		if l.Description, err = cleanText("description", *e.Description, warble.MaxListDescription, true); err != nil {
			return err
		}
	}
	if e.Private != nil {
		l.Private = *e.Private
	}
	return nil
}

// CreateList makes a list. Under an id given before (0: none) at most one is
// made: the one that stands is returned, and ErrGone after it was deleted.
func (w *Writer) CreateList(ctx context.Context, user warble.UserID, id warble.DocID, e ListEdit) (l *warble.List, err error) {
	defer warble.Wrap(&err, "Writer.CreateList")
	if _, err := w.actor(ctx, user); err != nil {
		return nil, err
	}
	l = &warble.List{ID: id, Owner: user, Version: 1}
	if err := e.apply(l); err != nil {
		return nil, err
	}
	if l.ID == 0 {
		if l.ID, err = w.ids.Next(ctx, user); err != nil {
			return nil, err
		}
	}
	changed, err := w.s.Commit.Apply(ctx, docChange(l.Doc()))
	if err != nil || changed {
		return l, err
	}
	docs, err := w.s.Docs.Get(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	if docs[0] == nil || docs[0].Gone {
		return nil, refuse(warble.ErrGone, "id", "the list made with this key was deleted; use a new key")
	}
	d, err := w.ownDoc(ctx, "id", user, l.ID, warble.DocList)
	if err != nil {
		return nil, err
	}
	return warble.ListOf(d)
}

func docChange(d *warble.Doc) *warble.Change {
	return &warble.Change{Docs: []*warble.Doc{d}, Events: []warble.Event{{Kind: warble.EventDoc, Key: d.Owner, ID: d.ID}}}
}

// ownList returns a list of the person's own. Somebody else's private list is
// not found.
func (w *Writer) ownList(ctx context.Context, user warble.UserID, id warble.DocID) (*warble.List, error) {
	l, err := w.list(ctx, user, id)
	if err == nil && l.Owner != user {
		return nil, &warble.Error{Kind: warble.ErrForbidden, Param: "list", Value: id.String(), Detail: "only the owner of a list may change it"}
	}
	return l, err
}

// list returns a list the person may see.
func (w *Writer) list(ctx context.Context, user warble.UserID, id warble.DocID) (*warble.List, error) {
	if _, err := w.actor(ctx, user); err != nil {
		return nil, err
	}
	docs, err := w.s.Docs.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	none := &warble.Error{Kind: warble.ErrNotFound, Param: "list", Value: id.String(), Detail: "there is no such list"}
	if docs[0] == nil || docs[0].Gone || docs[0].Kind != warble.DocList {
		return nil, none
	}
	l, err := warble.ListOf(docs[0])
	if err == nil && l.Private && l.Owner != user {
		return nil, none
	}
	return l, err
}

// EditList changes a list of one's own. ErrConflict where somebody else
// changed it at the same moment.
func (w *Writer) EditList(ctx context.Context, user warble.UserID, list warble.DocID, e ListEdit) (l *warble.List, err error) {
	defer warble.Wrap(&err, "Writer.EditList")
	if l, err = w.ownList(ctx, user, list); err != nil {
		return nil, err
	}
	old := *l
	if err := e.apply(l); err != nil {
		return nil, err
	}
	if *l == old {
		return l, nil
	}
	l.Version++
	return l, warble.SaveVersion(ctx, w.s, w.opt.Clock, l.Doc())
}

// DeleteList deletes a list of one's own. Its members, followers and pins are
// no longer shown.
func (w *Writer) DeleteList(ctx context.Context, user warble.UserID, list warble.DocID) (err error) {
	defer warble.Wrap(&err, "Writer.DeleteList")
	l, err := w.ownList(ctx, user, list)
	if err != nil {
		return err
	}
	return warble.SaveVersion(ctx, w.s, w.opt.Clock, &warble.Doc{ID: list, Owner: user, Kind: warble.DocList, Version: l.Version + 1, Gone: true})
}

// AddMember adds an account to a list of one's own: at most MaxListMembers,
// and none that has blocked the owner or that the owner blocks.
func (w *Writer) AddMember(ctx context.Context, user warble.UserID, list warble.DocID, member warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.AddMember")
	if _, err := w.ownList(ctx, user, list); err != nil {
		return err
	}
	u, err := w.person(ctx, "member", member)
	if err != nil {
		return err
	}
	if !u.Active() {
		return &warble.Error{Kind: warble.ErrNotFound, Param: "member", Value: member.String(), Detail: "there is no such account"}
	}
	if member != user {
		bonds, err := w.bonds(ctx, user, member)
		if err != nil {
			return err
		}
		if bonds&(warble.BondBlocks|warble.BondBlockedBy) != 0 {
			return &warble.Error{Kind: warble.ErrForbidden, Param: "member", Value: member.String(), Detail: "one of you has blocked the other, so this account cannot be on your list"}
		}
	}
	lock := w.locks.of(list)
	lock.Lock()
	defer lock.Unlock()
	if there, err := w.has(ctx, warble.ListMember, list, member); there || err != nil {
		return err
	}
	err = w.room(ctx, warble.ListMember, warble.CountMembers, list, warble.MaxListMembers, refuse(warble.ErrLimit, "list", "a list has at most "+strconv.Itoa(warble.MaxListMembers)+" members"))
	if err != nil {
		return err
	}
	_, err = w.join(ctx, &warble.Edge{Kind: warble.ListMember, From: list, To: member}, member)
	if err == nil {
		w.people.of(list).add(w.opt.Clock())
	}
	return err
}

// RemoveMember takes an account off a list of one's own.
func (w *Writer) RemoveMember(ctx context.Context, user warble.UserID, list warble.DocID, member warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.RemoveMember")
	if _, err := w.ownList(ctx, user, list); err != nil {
		return err
	}
	_, err = w.part(ctx, member, warble.EdgeKey{Kind: warble.ListMember, From: list, To: member})
	return err
}

// FollowList follows a list one may see.
func (w *Writer) FollowList(ctx context.Context, user warble.UserID, list warble.DocID) (err error) {
	defer warble.Wrap(&err, "Writer.FollowList")
	if _, err := w.list(ctx, user, list); err != nil {
		return err
	}
	_, err = w.join(ctx, &warble.Edge{Kind: warble.ListFollow, From: user, To: list}, list)
	return err
}

// UnfollowList stops following a list, also one that is gone.
func (w *Writer) UnfollowList(ctx context.Context, user warble.UserID, list warble.DocID) (err error) {
	defer warble.Wrap(&err, "Writer.UnfollowList")
	return w.leaveList(ctx, warble.ListFollow, user, list)
}

func (w *Writer) leaveList(ctx context.Context, kind warble.EdgeKind, user warble.UserID, list warble.DocID) error {
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	_, err := w.part(ctx, list, warble.EdgeKey{Kind: kind, From: user, To: list})
	return err
}

// PinList pins a list one may see; at most MaxPinnedLists, then ErrLimit.
func (w *Writer) PinList(ctx context.Context, user warble.UserID, list warble.DocID) (err error) {
	defer warble.Wrap(&err, "Writer.PinList")
	if _, err := w.list(ctx, user, list); err != nil {
		return err
	}
	lock := w.locks.of(user)
	lock.Lock()
	defer lock.Unlock()
	pins, err := w.s.Edges.From(ctx, warble.ListPin, user, warble.Page{Limit: warble.MaxPinnedLists})
	if err != nil {
		return err
	}
	for _, e := range pins {
		if e.To == list {
			return nil
		}
	}
	if len(pins) >= warble.MaxPinnedLists {
		return refuse(warble.ErrLimit, "list", "at most "+strconv.Itoa(warble.MaxPinnedLists)+" lists can be pinned; unpin one first")
	}
	_, err = w.join(ctx, &warble.Edge{Kind: warble.ListPin, From: user, To: list}, list)
	return err
}

// UnpinList takes a pin away, also from a list that is gone.
func (w *Writer) UnpinList(ctx context.Context, user warble.UserID, list warble.DocID) (err error) {
	defer warble.Wrap(&err, "Writer.UnpinList")
	return w.leaveList(ctx, warble.ListPin, user, list)
}
