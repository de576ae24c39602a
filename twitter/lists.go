package twitter

import (
	"context"
	"net/http"

	"warble"
	"warble/internal/httpx"
	"warble/role/read"
	"warble/role/write"
)

type listBody struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
	Private     *bool   `json:"private"`
}

func (a *api) createList(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	var body listBody
	if err := httpx.Decode(w, r, 0, &body); err != nil {
		return err
	}
	l, err := a.Writer.CreateList(r.Context(), c.Who.User, c.ID, write.ListEdit(body))
	if err != nil {
		return named(err, "")
	}
	c.Changing = true
	b := append(make([]byte, 0, 256), `{"data":`...)
	b = appendList(b, l, nil, 0)
	httpx.ReplyJSON(w, r, http.StatusCreated, append(b, '}'))
	return nil
}

func (a *api) editList(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	var body listBody
	if err := httpx.Decode(w, r, 0, &body); err != nil {
		return err
	}
	if _, err := a.Writer.EditList(r.Context(), c.Who.User, id, write.ListEdit(body)); err != nil {
		return named(err, "id")
	}
	return replyBool(w, r, "updated", true)
}

func (a *api) deleteList(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := a.Writer.DeleteList(r.Context(), c.Who.User, id); err != nil {
		return named(err, "id")
	}
	return replyBool(w, r, "deleted", true)
}

func (a *api) addMember(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	list, err := pathID(r, "id")
	if err != nil {
		return err
	}
	member, err := bodyID(w, r, "user_id")
	if err != nil {
		return err
	}
	if err := a.Writer.AddMember(r.Context(), c.Who.User, list, member); err != nil {
		return named(err, "")
	}
	return replyBool(w, r, "is_member", true)
}

func (a *api) removeMember(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	list, err := pathID(r, "id")
	if err != nil {
		return err
	}
	member, err := pathID(r, "user_id")
	if err != nil {
		return err
	}
	if err := a.Writer.RemoveMember(r.Context(), c.Who.User, list, member); err != nil {
		return named(err, "")
	}
	return replyBool(w, r, "is_member", false)
}

func (a *api) followList(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return do(w, r, c, "list_id", "following", a.Writer.FollowList)
}

func (a *api) unfollowList(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return undo(w, r, c, "list_id", "following", a.Writer.UnfollowList)
}

func (a *api) pinList(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return do(w, r, c, "list_id", "pinned", a.Writer.PinList)
}

func (a *api) unpinList(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return undo(w, r, c, "list_id", "pinned", a.Writer.UnpinList)
}

// listCounts is the numbers of a list, where they are asked for.
func (a *api) listCounts(ctx context.Context, viewer warble.UserID, q *query, id warble.DocID) (*read.ListCounts, error) {
	if q.list&(lMembers|lFollowers) == 0 {
		return nil, nil
	}
	_, n, err := a.Reader.List(ctx, viewer, id)
	return &n, err
}

func (a *api) getList(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	q, err := a.specs.list.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	l, n, err := a.Reader.List(r.Context(), c.Who.User, id)
	if err != nil {
		return named(err, "id")
	}
	buf := getBuffer()
	d := answer{a: a, q: q, viewer: c.Who.User, b: append(buf.b, `{"data":`...)}
	d.b = append(appendList(d.b, l, &n, q.list), ',')
	if err := d.owners(r.Context(), []*warble.List{l}); err != nil {
		return err
	}
	d.b[len(d.b)-1] = '}' // the comma that came last
	send(w, r, buf, http.StatusOK, d.b)
	return nil
}

// owners includes the owners of lists.
func (d *answer) owners(ctx context.Context, lists []*warble.List) error {
	if d.q.exp&xOwner == 0 || len(lists) == 0 {
		return nil
	}
	ids := make([]warble.UserID, len(lists))
	for i, l := range lists {
		ids[i] = l.Owner
	}
	people, err := d.a.Reader.People(ctx, d.viewer, read.PeopleInclude{}, ids...)
	if err != nil {
		return err
	}
	for _, p := range people {
		if p != nil {
			d.user(p.User)
		}
	}
	return d.includes(ctx, nil)
}

// aShelf is a list of lists that belongs to a person named in the path.
type aShelf func(ctx context.Context, viewer, user warble.UserID, p warble.Page) (*read.ListPage, error)

func (a *api) listsOf(w http.ResponseWriter, r *http.Request, c *httpx.Call, s *spec, list aShelf) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	q, err := s.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := list(r.Context(), c.Who.User, id, q.page)
	if err != nil {
		return named(err, "id")
	}
	buf := getBuffer()
	d := answer{a: a, q: q, viewer: c.Who.User, b: append(buf.b, '{')}
	for i, l := range page.Lists {
		n, err := a.listCounts(r.Context(), c.Who.User, q, l.ID)
		if err != nil {
			return err
		}
		d.dataItem(i)
		d.b = appendList(d.b, l, n, q.list)
	}
	d.endData(len(page.Lists))
	if err := d.owners(r.Context(), page.Lists); err != nil {
		return err
	}
	d.listMeta(len(page.Lists), page.Next, s.order)
	send(w, r, buf, http.StatusOK, append(d.b, '}'))
	return nil
}

func (a *api) ownedLists(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.listsOf(w, r, c, a.specs.lists, a.Reader.OwnedLists)
}

func (a *api) listMemberships(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.listsOf(w, r, c, a.specs.lists, a.Reader.ListMemberships)
}

func (a *api) followedLists(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.listsOf(w, r, c, a.specs.lists, a.Reader.FollowedLists)
}

func (a *api) pinnedLists(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	if _, err := own(r, c); err != nil {
		return err
	}
	return a.listsOf(w, r, c, a.specs.pinned, a.Reader.PinnedLists)
}
