package write

import (
	"context"
	"errors"
	"reflect"
	"time"
	"warble"
)

// pictures are the avatar and header an edit brings.
type pictures struct {
	user           warble.UserID
	avatar, header picture
	former         []warble.DocID // uploads the profile no longer shows
}

// picture is one of them. Where change is set and photo is nil, it is removed.
type picture struct {
	change bool
	photo  *warble.Photo
	free   freePhoto // set where photo is new
}

// takePictures claims the uploads an edit names. One the profile shows already
// is no change.
func (w *Writer) takePictures(ctx context.Context, u *warble.User, e ProfileEdit) (*pictures, error) {
	p := &pictures{user: u.ID}
	if e.Avatar != nil && e.Header != nil && *e.Avatar != 0 && *e.Avatar == *e.Header {
		return nil, warble.Invalid("header", e.Header.String(), "avatar and header are two uploads; upload the photo twice")
	}
	for _, f := range []struct {
		id  *warble.DocID
		now *warble.Photo
		to  *picture
	}{{e.Avatar, u.Avatar, &p.avatar}, {e.Header, u.Header, &p.header}} {
		if f.id == nil || f.now != nil && f.now.Media == *f.id {
			continue
		}
		f.to.change = true
		if *f.id == 0 {
			continue
		}
		free, err := w.free(ctx, u.ID, *f.id)
		if err != nil {
			return nil, err
		}
		if err := w.takePhotos(ctx, []freePhoto{free}, u.ID); err != nil {
			return nil, err
		}
		f.to.free, f.to.photo = free, &free.media.Photo
	}
	return p, nil
}

// apply sets them, and notes what the row they replace them in shows: that may
// be the picture of another edit at the same moment.
func (p *pictures) apply(u *warble.User) {
	p.former = nil
	for _, f := range []struct {
		pic   picture
		shown **warble.Photo
	}{{p.avatar, &u.Avatar}, {p.header, &u.Header}} {
		if !f.pic.change {
			continue
		}
		if now := *f.shown; now != nil && (f.pic.photo == nil || f.pic.photo.Media != now.Media) {
			p.former = append(p.former, now.Media)
		}
		*f.shown = f.pic.photo
	}
}

// add puts the uploads' documents, and a look at those no longer shown, into
// the profile's change.
func (p *pictures) add(c *warble.Change) {
	for _, pic := range []picture{p.avatar, p.header} {
		if pic.photo != nil {
			c.Docs = append(c.Docs, pic.free.taken(warble.Media{Photo: *pic.photo, Profile: p.user}))
		}
	}
	for _, media := range p.former {
		c.Events = append(c.Events, warble.Event{Kind: warble.EventDoc, Key: p.user, ID: media})
	}
}

// RecordLogin notes the day (UTC) of a sign-in: the day only, so at most one
// write a day.
func (w *Writer) RecordLogin(ctx context.Context, user warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.RecordLogin")
	u, err := w.actor(ctx, user)
	if err != nil {
		return err
	}
	today := w.opt.Clock().UTC().Format(time.DateOnly)
	if u.LastLogin >= today {
		return nil
	}
	_, err = w.updateUser(ctx, user, func(u *warble.User) error {
		u.LastLogin = max(u.LastLogin, today)
		return nil
	}, nil)
	return err
}

// Suspend hides an account and its tweets, or shows them again: for operators.
func (w *Writer) Suspend(ctx context.Context, user warble.UserID, on bool) (err error) {
	defer warble.Wrap(&err, "Writer.Suspend")
	_, err = w.updateUser(ctx, user, func(u *warble.User) error {
		u.Suspended = on
		return nil
	}, nil)
	return err
}

// DeleteAccount deletes an account for good. Its tweets are hidden from the
// answer on; a job takes them away later. The handle stays taken, so that
// nobody can pass for the account; the e-mail becomes free.
func (w *Writer) DeleteAccount(ctx context.Context, user warble.UserID) (err error) {
	defer warble.Wrap(&err, "Writer.DeleteAccount")
	email := ""
	former := func(c *warble.Change) {}
	_, err = w.updateUser(ctx, user, func(u *warble.User) error {
		if u.Email != "" {
			email = u.Email
		}
		p := pictures{user: user}
		for _, photo := range []*warble.Photo{u.Avatar, u.Header} {
			if photo != nil {
				p.former = append(p.former, photo.Media)
			}
		}
		former = p.add
		*u = warble.User{ID: u.ID, Version: u.Version, Handle: u.Handle, Suspended: u.Suspended, Imported: u.Imported, Deleted: true}
		return nil
	}, func(c *warble.Change) { former(c) })
	if err == nil && email != "" {
		w.releaseName(ctx, emailName(email), user)
	}
	return err
}

// editTries is how often a change is made anew after another editor was first.
const editTries = 6

// updateUser reads a person's row, lets edit change a copy and stores it as
// the next version, again and again while other editors are first. more may
// add to the change; nil adds nothing. An edit that changes nothing stores
// nothing.
func (w *Writer) updateUser(ctx context.Context, id warble.UserID, edit func(*warble.User) error, more func(*warble.Change)) (*warble.User, error) {
	lock := w.locks.of(id)
	lock.Lock()
	defer lock.Unlock()
	for try := 0; ; try++ {
		u, err := w.updateUserOnce(ctx, id, edit, more)
		if !errors.Is(err, warble.ErrConflict) || try == editTries {
			return u, err
		}
		if err := warble.Pause(ctx, time.Millisecond<<try); err != nil {
			return nil, err
		}
	}
}

func (w *Writer) updateUserOnce(ctx context.Context, id warble.UserID, edit func(*warble.User) error, more func(*warble.Change)) (*warble.User, error) {
	old, err := w.person(ctx, "user", id)
	if err != nil {
		return nil, err
	}
	u := *old
	if err := edit(&u); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(&u, old) {
		return old, nil
	}
	u.Version = old.Version + 1
	if err := warble.TakeVersion(ctx, w.s.Claims, w.opt.Clock(), id, old.Version, u.Version); err != nil {
		return nil, err
	}
	c := &warble.Change{Users: []*warble.User{&u}, Events: []warble.Event{{Kind: warble.EventUser, Key: id, ID: id}}}
	if more != nil {
		more(c)
	}
	changed, err := w.s.Commit.Apply(ctx, c)
	if err != nil {
		return nil, err
	}
	if changed && len(c.Docs) == 0 {
		return &u, nil
	}
	// A document of the change may be stored where the row was refused.
	stored, err := w.person(ctx, "user", id)
	if err != nil {
		return nil, err
	}
	if stored.Version == u.Version && !reflect.DeepEqual(stored, &u) || !changed && stored.Version != u.Version {
		return nil, warble.ErrOvertaken
	}
	return &u, nil
}
