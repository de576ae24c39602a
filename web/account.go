package web

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"warble"
	"warble/internal/httpx"
	"warble/role/write"
)

// entry is a form a person fills in: what he wrote, and what is wrong with it.
// A password never comes back.
type entry struct {
	Values url.Values
	Next   string            // the path to go on to
	Wrong  map[string]string // by field; "" for the whole form
}

func newEntry(values url.Values) *entry {
	return &entry{Values: values, Next: localPath(values.Get("next")), Wrong: map[string]string{}}
}

// inside is where to go on to after signing in: whoever came from the front
// page, or from nowhere, comes home.
func (e *entry) inside() string {
	if e.Next == "/" {
		return "/home"
	}
	return e.Next
}

// refuse notes an answer of the domain beside the field it names. It says
// whether there was such a field, or a sentence for the whole form.
func (e *entry) refuse(err error, fields ...string) {
	p := httpx.ProblemOf(err)
	if d, ok := errors.AsType[*warble.Error](err); ok {
		for _, name := range fields {
			if d.Param == name {
				e.Wrong[name] = sentence(p.Reason())
				return
			}
		}
	}
	e.Wrong[""] = sentence(p.Reason())
}

// again is the status of a form that is shown once more.
func again(err error) int {
	status := httpx.StatusOf(err)
	if status == http.StatusUnauthorized {
		return http.StatusForbidden // no scheme of HTTP authentication would help
	}
	return status
}

func (s *site) loginForm(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	e := newEntry(url.Values{"next": {r.URL.Query().Get("next")}})
	if viewer(c) != 0 {
		return goTo(w, http.StatusSeeOther, e.inside())
	}
	return s.showLogin(w, r, http.StatusOK, e)
}

func (s *site) showLogin(w http.ResponseWriter, r *http.Request, status int, e *entry) error {
	return s.show(w, r, status, s.door("Sign in", e), loginPage(e))
}

// door is the frame of a page for people who are not signed in.
func (s *site) door(title string, e *entry) *frame {
	if len(e.Wrong) > 0 {
		title = "Not yet: " + title
	}
	return &frame{Title: title, Hidden: true, Find: true, Style: strings.Trim(s.styleTag, `"`)}
}

func (s *site) login(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	fields, err := form(w, r)
	if err != nil {
		return err
	}
	e := newEntry(fields)
	for name, ask := range map[string]string{"login": "Your handle or e-mail is needed.", "password": "Your password is needed."} {
		if strings.TrimSpace(fields.Get(name)) == "" {
			e.Wrong[name] = ask
		}
	}
	if len(e.Wrong) > 0 {
		return s.showLogin(w, r, http.StatusBadRequest, e)
	}
	u, err := s.Auth.SignIn(r.Context(), fields.Get("login"), fields.Get("password"), addr(r, c))
	if refused(r.Context(), err) {
		e.refuse(err)
		return s.showLogin(w, r, again(err), e)
	}
	if err != nil {
		return err
	}
	return s.enter(w, r, u, e.inside())
}

// addr is where a form comes from. The mux leaves it out where somebody is
// signed in already; then the peer stands for it.
func addr(r *http.Request, c *httpx.Call) netip.Addr {
	if c.Addr.IsValid() {
		return c.Addr
	}
	return httpx.PeerAddr(r, 0)
}

// enter starts a session and goes on.
func (s *site) enter(w http.ResponseWriter, r *http.Request, u *warble.User, next string) error {
	if err := s.Auth.StartSession(w, r, u.ID); err != nil {
		return err
	}
	return goTo(w, http.StatusSeeOther, next)
}

func (s *site) logout(w http.ResponseWriter, r *http.Request, _ *httpx.Call) error {
	fields, err := form(w, r)
	if err != nil {
		return err
	}
	if err := s.Auth.EndSession(w, r); err != nil {
		return err
	}
	return goTo(w, http.StatusSeeOther, localPath(fields.Get("next")))
}

func (s *site) signupForm(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	e := newEntry(url.Values{"next": {r.URL.Query().Get("next")}})
	if viewer(c) != 0 {
		return goTo(w, http.StatusSeeOther, e.Next)
	}
	return s.showSignup(w, r, http.StatusOK, e)
}

func (s *site) showSignup(w http.ResponseWriter, r *http.Request, status int, e *entry) error {
	return s.show(w, r, status, s.door("Sign up", e), signupPage(e))
}

// signup makes an account and signs in.
func (s *site) signup(w http.ResponseWriter, r *http.Request, _ *httpx.Call) error {
	fields, err := form(w, r)
	if err != nil {
		return err
	}
	e := newEntry(fields)
	handle := strings.TrimPrefix(strings.TrimSpace(fields.Get("handle")), "@")
	if !warble.ValidHandle(handle) {
		e.Wrong["handle"] = "A handle has 1 to 15 letters (A to Z), digits and underscores."
	}
	if !strings.Contains(fields.Get("email"), "@") {
		e.Wrong["email"] = "Write an e-mail address, such as ann@example.org."
	}
	if len(e.Wrong) > 0 {
		return s.showSignup(w, r, http.StatusBadRequest, e)
	}
	hash, err := s.Auth.HashPassword(r.Context(), fields.Get("password"))
	if err == nil {
		var u *warble.User
		u, err = s.Writer.Register(r.Context(), write.Registration{
			Handle: handle, Name: fields.Get("name"), Email: fields.Get("email"), PasswordHash: hash, Born: fields.Get("date_of_birth"),
		})
		if err == nil {
			return s.enter(w, r, u, e.Next)
		}
	}
	if !refused(r.Context(), err) {
		return err
	}
	e.refuse(err, "handle", "name", "email", "password", "date_of_birth")
	return s.showSignup(w, r, again(err), e)
}

// input is a field of a form.
type input struct {
	Name, Label, Type, Complete, Hint, Max string
	Optional                               bool
	Plain                                  bool // not prose: no capitals, no spelling
}

// described lists the ids of what explains the field.
func (in input) described(e *entry) string {
	var ids []string
	if e.Wrong[in.Name] != "" {
		ids = append(ids, in.Name+"-wrong")
	}
	if in.Hint != "" {
		ids = append(ids, in.Name+"-hint")
	}
	return strings.Join(ids, " ")
}
