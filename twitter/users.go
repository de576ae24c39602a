package twitter

import (
	"net/http"
	"strings"

	"warble"
	"warble/internal/httpx"
	"warble/role/read"
	"warble/role/write"
)

// replyPerson answers with one person.
func (a *api) replyPerson(w http.ResponseWriter, r *http.Request, viewer warble.UserID, status int, q *query, p *read.Person) error {
	buf := getBuffer()
	d := answer{a: a, q: q, viewer: viewer, b: append(buf.b, `{"data":`...)}
	d.b = a.appendUser(d.b, p.User, p, d.userMask())
	d.b = append(d.b, ',')
	if err := d.pinned(r.Context(), []*read.Person{p}); err != nil {
		return err
	}
	d.b[len(d.b)-1] = '}' // the comma that came last
	send(w, r, buf, status, d.b)
	return nil
}

func noUser(param, value string) error {
	e := warble.Fail(warble.ErrNotFound, "There is no such account, or it is not visible to you.")
	e.Param, e.Value = param, value
	return e
}

func (a *api) person(w http.ResponseWriter, r *http.Request, c *httpx.Call, id warble.UserID) error {
	q, err := a.specs.person.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	people, err := a.Reader.People(r.Context(), c.Who.User, q.people(c.Who.User), id)
	if err != nil {
		return err
	}
	if people[0] == nil {
		return noUser("id", id.String())
	}
	return a.replyPerson(w, r, c.Who.User, http.StatusOK, q, people[0])
}

func (a *api) me(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.person(w, r, c, c.Who.User)
}

func (a *api) getUser(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	return a.person(w, r, c, id)
}

func (a *api) userByUsername(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	name := r.PathValue("username")
	if !validUsername(name) {
		return warble.Invalid("username", name, "a username is 1 to 15 letters, digits and underscores")
	}
	q, err := a.specs.person.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	p, err := a.Reader.PersonByHandle(r.Context(), c.Who.User, q.people(c.Who.User), name)
	if err != nil {
		return named(err, "username")
	}
	if p == nil {
		return noUser("username", name)
	}
	return a.replyPerson(w, r, c.Who.User, http.StatusOK, q, p)
}

func validUsername(s string) bool { return warble.ValidHandle(s) }

func (a *api) getUsers(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	q, err := a.specs.people.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	ids, err := idList("ids", q.more["ids"])
	if err != nil {
		return err
	}
	people, err := a.Reader.People(r.Context(), c.Who.User, q.people(c.Who.User), ids...)
	if err != nil {
		return err
	}
	values := make([]string, len(ids))
	for i, id := range ids {
		values[i] = id.String()
	}
	return a.replyAsked(w, r, c, q, people, "ids", values)
}

func (a *api) usersByUsernames(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	q, err := a.specs.byNames.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	names := strings.Split(q.more["usernames"], ",")
	if len(names) > 100 {
		return warble.Invalid("usernames", "", "at most 100 may be asked for at once")
	}
	people := make([]*read.Person, len(names))
	for i, name := range names {
		if !validUsername(name) {
			return warble.Invalid("usernames", name, "a username is 1 to 15 letters, digits and underscores")
		}
		people[i], err = a.Reader.PersonByHandle(r.Context(), c.Who.User, q.people(c.Who.User), name)
		if err != nil && httpx.StatusOf(err) != http.StatusNotFound {
			return err
		}
	}
	return a.replyAsked(w, r, c, q, people, "usernames", names)
}

// replyAsked answers with people asked for one by one; nil is missing.
func (a *api) replyAsked(w http.ResponseWriter, r *http.Request, c *httpx.Call, q *query, people []*read.Person, param string, values []string) error {
	buf := getBuffer()
	d := answer{a: a, q: q, viewer: c.Who.User, b: append(buf.b, '{')}
	var missing []*httpx.Problem
	found := 0
	for i, p := range people {
		if p == nil {
			missing = append(missing, partial(warble.ErrNotFound, "user", param, values[i]))
			continue
		}
		d.dataItem(found)
		found++
		d.b = a.appendUser(d.b, p.User, p, d.userMask())
	}
	d.endData(found)
	if err := d.pinned(r.Context(), people); err != nil {
		return err
	}
	if err := d.errors(missing); err != nil {
		return err
	}
	d.b[len(d.b)-1] = '}' // the comma that came last; X has no meta here
	send(w, r, buf, http.StatusOK, d.b)
	return nil
}

func (a *api) searchUsers(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	q, err := a.specs.searchPeople.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := a.Reader.SearchPeople(r.Context(), c.Who.User, q.more["query"], q.page, q.people(c.Who.User))
	if err != nil {
		return err
	}
	return a.replyPeople(w, r, c.Who.User, q, page, byUser)
}

// register makes an account. The password is hashed before anything is stored.
func (a *api) register(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	var body struct {
		Username string `json:"username"`
		Name     string `json:"name"`
		Email    string `json:"email"`
		Password string `json:"password"`
		Born     string `json:"date_of_birth"`
	}
	if err := httpx.Decode(w, r, 0, &body); err != nil {
		return err
	}
	hash, err := a.Auth.HashPassword(r.Context(), body.Password)
	if err != nil {
		return err
	}
	c.Changing = true
	u, err := a.Writer.Register(r.Context(), write.Registration{
		ID: c.ID, Handle: body.Username, Name: body.Name, Email: body.Email, PasswordHash: hash, Born: body.Born,
	})
	if err != nil {
		return named(err, "")
	}
	return a.replyPerson(w, r, u.ID, http.StatusCreated, &query{}, &read.Person{User: u})
}

// profileBody is the body of PATCH /2/users/me: what is not there stays.
type profileBody struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
	Location    *string `json:"location"`
	URL         *string `json:"url"`
	Avatar      *string `json:"avatar_media_id"` // empty: none any more
	Header      *string `json:"header_media_id"`
	Protected   *bool   `json:"protected"`
	Pinned      *string `json:"pinned_tweet_id"`
	Password    *string `json:"password"`
}

func (a *api) editProfile(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	var body profileBody
	if err := httpx.Decode(w, r, 0, &body); err != nil {
		return err
	}
	q, err := a.specs.person.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	edit := write.ProfileEdit{Name: body.Name, Bio: body.Description, Location: body.Location, URL: body.URL, Protected: body.Protected}
	if edit.Avatar, err = optionalID("avatar_media_id", body.Avatar); err != nil {
		return err
	}
	if edit.Header, err = optionalID("header_media_id", body.Header); err != nil {
		return err
	}
	if edit.Pinned, err = optionalID("pinned_tweet_id", body.Pinned); err != nil {
		return err
	}
	if body.Password != nil {
		hash, err := a.Auth.HashPassword(r.Context(), *body.Password)
		if err != nil {
			return err
		}
		edit.PasswordHash = &hash
	}
	if _, err := a.Writer.EditProfile(r.Context(), c.Who.User, edit); err != nil {
		return named(err, "")
	}
	if body.Password != nil {
		if err := a.Auth.EndSessions(r.Context(), c.Who.User); err != nil {
			return err
		}
	}
	people, err := a.Reader.People(r.Context(), c.Who.User, q.people(c.Who.User), c.Who.User)
	if err != nil {
		return err
	}
	if people[0] == nil {
		return noUser("id", c.Who.User.String())
	}
	return a.replyPerson(w, r, c.Who.User, http.StatusOK, q, people[0])
}

// optionalID reads an id that may be missing (nil) or empty (zero: take away).
func optionalID(name string, s *string) (*warble.ID, error) {
	if s == nil {
		return nil, nil
	}
	if *s == "" {
		return new(warble.ID), nil
	}
	id, err := warble.ParseID(*s)
	if err != nil {
		return nil, warble.Invalid(name, *s, "an id is a decimal number in a string; empty takes it away")
	}
	return &id, nil
}
