package write

import (
	"context"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
	"warble"
)

// Limits on a profile, in characters.
const (
	MaxName     = 50
	MaxBio      = 160
	MaxLocation = 30
	MaxURL      = 100
	MaxEmail    = 254 // what SMTP can carry
	MinAge      = 13  // years
)

// maxAge is the greatest age, in years, that a date of birth may mean.
const maxAge = 130

// reservedHandles returns the handles nobody may register, folded: they would
// read as pages or as the service itself.
func reservedHandles() []string {
	return []string{"about", "admin", "api", "explore", "help", "home", "i", "login", "me", "messages", "notifications", "root", "search", "settings", "signup", "support", "warble"}
}

// Registration is what a new account is made from.
type Registration struct {
	Handle       string // 1 to 15 of A–Z a–z 0–9 _
	Name         string // at most MaxName characters; empty: the handle
	Email        string // needed unless Imported
	PasswordHash string // argon2id in PHC form; empty: cannot sign in yet
	Born         string // 2006-01-02 or empty; at least MinAge years ago
	Imported     bool
	ID           warble.UserID // given before by Claim, or 0
}

// Register makes an account. A handle or an e-mail that somebody has is
// ErrConflict, naming it; a handle that is malformed or reserved is ErrInvalid.
// Under an id given before at most one account is made: the one that stands is
// returned.
func (w *Writer) Register(ctx context.Context, r Registration) (u *warble.User, err error) {
	defer warble.Wrap(&err, "Writer.Register")
	u, err = w.newUser(r)
	if err != nil {
		return nil, err
	}
	if u.ID == 0 {
		if u.ID, err = w.ids.Next(ctx); err != nil {
			return nil, err
		}
	}
	// The e-mail first: once its claim went to somebody else, no later try with
	// this id takes the handle again.
	email, handle := emailName(u.Email), handleName(u.Handle)
	if u.Email != "" {
		if err := w.holdName(ctx, email, u.ID); err != nil {
			return nil, err
		}
	}
	if err := w.holdName(ctx, handle, u.ID); err != nil {
		w.releaseName(ctx, email, u.ID)
		return nil, err
	}
	changed, err := w.s.Commit.Apply(ctx, &warble.Change{Users: []*warble.User{u}, Events: []warble.Event{{Kind: warble.EventUser, Key: u.ID, ID: u.ID}}})
	if err != nil {
		return nil, err
	}
	if !changed {
		if u, err = w.person(ctx, "id", u.ID); err != nil {
			return nil, err
		}
	}
	return u, w.keepsNames(ctx, u)
}

// keepsNames fails where an account that was just stored has lost its handle or
// its e-mail: then its row is nobody's, and gives the other name up.
func (w *Writer) keepsNames(ctx context.Context, u *warble.User) error {
	handle, email := handleName(u.Handle), emailName(u.Email)
	kept, err := w.keepsName(ctx, handle, u.ID)
	switch {
	case err != nil:
		return err
	case !kept:
		w.releaseName(ctx, email, u.ID)
		return warble.Fail(warble.ErrConflict, "signing up took too long and the handle %q went to somebody else; try again", u.Handle)
	case u.Email == "":
		return nil
	}
	if kept, err = w.keepsName(ctx, email, u.ID); err != nil || kept {
		return err
	}
	// One that stands for longer may have given its e-mail up: its row says so first.
	if still, err := w.bearer(ctx, email, u.ID); err != nil || still == nil {
		return err
	}
	w.releaseName(ctx, handle, u.ID)
	return email.refuse(nil)
}

// newUser checks a registration.
func (w *Writer) newUser(r Registration) (*warble.User, error) {
	if !warble.ValidHandle(r.Handle) {
		return nil, warble.Invalid("handle", r.Handle, "a handle is 1 to 15 of the characters A–Z, a–z, 0–9 and _")
	}
	if !r.Imported && slices.Contains(reservedHandles(), warble.FoldHandle(r.Handle)) {
		return nil, warble.Invalid("handle", r.Handle, "this handle is reserved; choose another")
	}
	u := &warble.User{ID: r.ID, Version: 1, Handle: r.Handle, Imported: r.Imported, Password: r.PasswordHash}
	var err error
	if u.Name, err = cleanText("name", r.Name, MaxName, false); err != nil {
		return nil, err
	}
	if u.Name == "" {
		u.Name = r.Handle
	}
	if r.Email != "" || !r.Imported {
		if u.Email, err = checkEmail(r.Email); err != nil {
			return nil, err
		}
	}
	u.Born, err = w.checkBorn(r.Born)
	return u, err
}

// cleanText normalizes a short text of a person's making and refuses what is
// too long or holds control characters. Line breaks are kept where lines is set.
func cleanText(param, s string, limit int, lines bool) (string, error) {
	if s == "" {
		return "", nil
	}
	tooLong := param + " has at most " + strconv.Itoa(limit) + " characters"
	if len(s) > 4*limit*utf8.UTFMax { // bounds the work of normalizing
		return "", warble.Invalid(param, s, tooLong)
	}
	s, err := warble.NormalizeText(strings.TrimSpace(s))
	if err != nil {
		return "", warble.Invalid(param, "", "this is not valid text")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !(lines && (r == '\n' || r == '\r' || r == '\t')) }) {
		return "", warble.Invalid(param, "", "control characters are not allowed here")
	}
	if utf8.RuneCountInString(s) > limit {
		return "", warble.Invalid(param, s, tooLong)
	}
	return s, nil
}

func checkEmail(s string) (string, error) {
	s = strings.TrimSpace(s)
	refusal := warble.Invalid("email", "", "write an e-mail address, such as ann@example.org")
	if len(s) == 0 || len(s) > MaxEmail || strings.ContainsAny(s, " \t\r\n\"<>(),;:\\") {
		return "", refusal
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return "", refusal
	}
	return s, nil
}

// checkBorn checks a date of birth against the calendar and the clock.
func (w *Writer) checkBorn(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	born, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return "", warble.Invalid("date_of_birth", "", "a date of birth is a day of the calendar, such as 1990-12-31")
	}
	now := w.opt.Clock().UTC()
	if born.AddDate(maxAge, 0, 0).Before(now) {
		return "", warble.Invalid("date_of_birth", "", "this date of birth is too long ago")
	}
	if born.AddDate(MinAge, 0, 0).After(now) {
		return "", warble.Invalid("date_of_birth", "", "you must be at least "+strconv.Itoa(MinAge)+" years old")
	}
	return s, nil
}

func checkURL(s string) (string, error) {
	s, err := cleanText("url", s, MaxURL, false)
	if err != nil || s == "" {
		return s, err
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(s, " \"<>") {
		return "", warble.Invalid("url", s, "a link begins with http:// or https://")
	}
	return s, nil
}

// ProfileEdit names what is to change; nil leaves a field as it is.
type ProfileEdit struct {
	Name, Bio, Location, URL *string
	Avatar, Header           *warble.DocID // an upload of one's own that nothing uses; 0 removes
	Protected                *bool
	Pinned                   *warble.TweetID // a tweet of one's own; 0 unpins
	PasswordHash             *string
	Email                    *string
	Born                     *string
}

// EditProfile changes a profile and returns the new row. Changes of other
// fields at the same moment are kept; ErrConflict after some tries without a
// turn, and for an e-mail that another account has. ErrInvalid names the
// field.
func (w *Writer) EditProfile(ctx context.Context, user warble.UserID, e ProfileEdit) (u *warble.User, err error) {
	defer warble.Wrap(&err, "Writer.EditProfile")
	old, err := w.actor(ctx, user)
	if err != nil {
		return nil, err
	}
	if err := w.cleanEdit(&e); err != nil {
		return nil, err
	}
	if err := w.mayPin(ctx, user, e.Pinned); err != nil {
		return nil, err
	}
	pictures, err := w.takePictures(ctx, old, e)
	if err != nil {
		return nil, err
	}
	if e.Email != nil && !strings.EqualFold(*e.Email, old.Email) {
		if err := w.holdName(ctx, emailName(*e.Email), user); err != nil {
			return nil, err
		}
	}
	former := ""
	u, err = w.updateUser(ctx, user, func(u *warble.User) error {
		if !u.Active() {
			return refuse(warble.ErrForbidden, "user", "this account is suspended or deleted and may not do this")
		}
		former = u.Email
		e.apply(u)
		pictures.apply(u)
		return nil
	}, pictures.add)
	if err != nil || strings.EqualFold(former, u.Email) {
		return u, err
	}
	return u, w.movedEmail(ctx, u, former)
}

// movedEmail gives up a person's former e-mail. Where the new one went to
// somebody else meanwhile, the former one stays.
func (w *Writer) movedEmail(ctx context.Context, u *warble.User, former string) error {
	kept, err := w.keepsName(ctx, emailName(u.Email), u.ID)
	if err != nil {
		return err
	}
	if kept {
		if former != "" {
			w.releaseName(ctx, emailName(former), u.ID)
		}
		return nil
	}
	lost := u.Email
	if _, err := w.updateUser(ctx, u.ID, func(u *warble.User) error {
		if strings.EqualFold(u.Email, lost) {
			u.Email = former
		}
		return nil
	}, nil); err != nil {
		return err
	}
	return emailName(lost).refuse(nil)
}

// cleanEdit checks the texts of an edit and replaces them by their stored form.
func (w *Writer) cleanEdit(e *ProfileEdit) error {
	check := func(field **string, check func(string) (string, error)) error {
		if *field == nil {
			return nil
		}
		s, err := check(**field)
		*field = &s
		return err
	}
	text := func(param string, limit int, lines bool) func(string) (string, error) {
		return func(s string) (string, error) { return cleanText(param, s, limit, lines) }
	}
	for _, f := range []struct {
		field **string
		check func(string) (string, error)
	}{
		{&e.Name, text("name", MaxName, false)},
		{&e.Bio, text("bio", MaxBio, true)},
		{&e.Location, text("location", MaxLocation, false)},
		{&e.URL, checkURL},
		{&e.Email, checkEmail},
		{&e.Born, w.checkBorn},
	} {
		if err := check(f.field, f.check); err != nil {
			return err
		}
	}
	if e.Name != nil && *e.Name == "" {
		return refuse(warble.ErrInvalid, "name", "a name cannot be empty")
	}
	return nil
}

// apply sets the fields that need no look at other things.
func (e *ProfileEdit) apply(u *warble.User) {
	set := func(field *string, value *string) {
		if value != nil {
			*field = *value
		}
	}
	set(&u.Name, e.Name)
	set(&u.Bio, e.Bio)
	set(&u.Location, e.Location)
	set(&u.URL, e.URL)
	set(&u.Password, e.PasswordHash)
	set(&u.Email, e.Email)
	set(&u.Born, e.Born)
	if e.Protected != nil {
		u.Protected = *e.Protected
	}
	if e.Pinned != nil {
		u.Pinned = *e.Pinned
	}
}

// mayPin says whether a tweet can be pinned: one's own, with a text or photo.
func (w *Writer) mayPin(ctx context.Context, user warble.UserID, pinned *warble.TweetID) error {
	if pinned == nil || *pinned == 0 {
		return nil
	}
	t, err := w.row(ctx, "pinned", *pinned)
	switch {
	case err != nil:
		return err
	case t.Gone:
		return &warble.Error{Kind: warble.ErrNotFound, Param: "pinned", Value: t.ID.String(), Detail: "there is no such tweet"}
	case t.Author != user || t.RetweetOf != 0:
		return &warble.Error{Kind: warble.ErrForbidden, Param: "pinned", Value: t.ID.String(), Detail: "only a tweet of your own can be pinned"}
	}
	return nil
}
