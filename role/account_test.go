package role_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"warble/role/write"

	"warble"
)

func ptr[T any](v T) *T { return &v }

func TestRegistrationsThatBreakARuleNameTheParameter(t *testing.T) {
	n := newTown(t, warble.Options{})
	n.person("ann")
	good := func(edit func(*write.Registration)) write.Registration {
		r := write.Registration{Handle: "new", Email: "new@example.org"}
		edit(&r)
		return r
	}
	young := n.now().AddDate(-13, 0, 1).Format(time.DateOnly)
	for name, c := range map[string]struct {
		r     write.Registration
		kind  error
		param string
	}{
		"long handle":     {good(func(r *write.Registration) { r.Handle = "sixteencharacter" }), warble.ErrInvalid, "handle"},
		"odd handle":      {good(func(r *write.Registration) { r.Handle = "a-b" }), warble.ErrInvalid, "handle"},
		"reserved handle": {good(func(r *write.Registration) { r.Handle = "Admin" }), warble.ErrInvalid, "handle"},
		"taken handle":    {good(func(r *write.Registration) { r.Handle = "ANN" }), warble.ErrConflict, "handle"},
		"taken e-mail":    {good(func(r *write.Registration) { r.Email = "Ann@Example.org" }), warble.ErrConflict, "email"},
		"no e-mail":       {good(func(r *write.Registration) { r.Email = "" }), warble.ErrInvalid, "email"},
		"odd e-mail":      {good(func(r *write.Registration) { r.Email = "Ann <ann@example.org>" }), warble.ErrInvalid, "email"},
		"long name":       {good(func(r *write.Registration) { r.Name = strings.Repeat("x", 51) }), warble.ErrInvalid, "name"},
		"no day":          {good(func(r *write.Registration) { r.Born = "1990-02-30" }), warble.ErrInvalid, "date_of_birth"},
		"too young":       {good(func(r *write.Registration) { r.Born = young }), warble.ErrInvalid, "date_of_birth"},
		"too old":         {good(func(r *write.Registration) { r.Born = "1800-01-01" }), warble.ErrInvalid, "date_of_birth"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := n.w.Register(n.ctx, c.r)
			wantError(t, err, c.kind, c.param)
		})
	}
	// The handle of the attempt with a taken e-mail is free.
	u, err := n.w.Register(n.ctx, write.Registration{Handle: "new", Email: "new@example.org", Born: "1990-12-31"})
	n.ok(err)
	if u.Name != "new" || u.Version != 1 || u.Born != "1990-12-31" {
		t.Errorf("row %+v", u)
	}
	if found, _ := n.Users.ByHandle(n.ctx, "NEW"); found == nil || found.ID != u.ID {
		t.Errorf("by handle: %+v", found)
	}
}

func TestAHandleGoesToOneOfManyAtOnce(t *testing.T) {
	n := newTown(t, warble.Options{})
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			_, err := n.w.Register(n.ctx, write.Registration{Handle: "Star", Email: fmt.Sprintf("s%d@example.org", i)})
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, warble.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d got the handle", won.Load())
	}
}

func TestAHandleBehindWhichNothingCameIsFreeAfterAMinute(t *testing.T) {
	n := newTown(t, warble.Options{})
	c := n.watch()
	r := write.Registration{Handle: "ann", Email: "ann@example.org"}
	c.refuse = 1
	if _, err := n.w.Register(n.ctx, r); !errors.Is(err, warble.ErrUnavailable) {
		t.Fatal(err)
	}
	r.Email = "another@example.org"
	_, err := n.w.Register(n.ctx, r)
	wantError(t, err, warble.ErrConflict, "handle")
	n.later(61 * time.Second)
	_, err = n.w.Register(n.ctx, r)
	n.ok(err)
	n.later(time.Hour)
	r.Email = "third@example.org"
	_, err = n.w.Register(n.ctx, r)
	wantError(t, err, warble.ErrConflict, "handle")
}

func TestARegistrationHeldUpTooLongLosesTheHandle(t *testing.T) {
	n := newTown(t, warble.Options{})
	c := n.watch()
	var other *warble.User
	c.before = func(*warble.Change) {
		c.before = nil
		n.later(2 * time.Minute)
		var err error
		other, err = n.w.Register(n.ctx, write.Registration{Handle: "ann", Email: "second@example.org"})
		n.ok(err)
	}
	_, err := n.w.Register(n.ctx, write.Registration{Handle: "ann", Email: "first@example.org"})
	if !errors.Is(err, warble.ErrConflict) {
		t.Errorf("the late one got %v", err)
	}
	if u, _ := n.Users.ByHandle(n.ctx, "ann"); u == nil || u.ID != other.ID {
		t.Errorf("the handle is %+v's", u)
	}
}

func TestRegisteringAgainWithTheSameKeyGivesTheSameAccount(t *testing.T) {
	n := newTown(t, warble.Options{})
	id, err := n.w.NextID(n.ctx)
	n.ok(err)
	r := write.Registration{ID: id, Handle: "ann", Email: "ann@example.org"}
	n.watch().lose = 1
	if _, err := n.w.Register(n.ctx, r); !errors.Is(err, warble.ErrUnknown) {
		t.Fatal(err)
	}
	u, err := n.w.Register(n.ctx, r)
	n.ok(err)
	if u.ID != id || u.Handle != "ann" {
		t.Errorf("row %+v", u)
	}
}

func TestImportedPeopleNeedNoEmail(t *testing.T) {
	n := newTown(t, warble.Options{})
	for _, handle := range []string{"n1", "n2"} {
		u, err := n.w.Register(n.ctx, write.Registration{Handle: handle, Imported: true})
		n.ok(err)
		if !u.Imported || u.Password != "" || u.Email != "" {
			t.Errorf("row %+v", u)
		}
	}
}

func TestProfileEditsThatBreakARuleNameTheField(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann, bob := n.person("ann"), n.person("bob")
	theirs, used := n.upload(bob), n.upload(ann)
	n.post(ann, write.Draft{Media: []warble.DocID{used}})
	other := n.say(bob, "x")
	again, err := n.w.Retweet(n.ctx, ann, other.ID)
	n.ok(err)
	for name, c := range map[string]struct {
		e     write.ProfileEdit
		kind  error
		param string
	}{
		"empty name":     {write.ProfileEdit{Name: ptr(" ")}, warble.ErrInvalid, "name"},
		"two-line name":  {write.ProfileEdit{Name: ptr("a\nb")}, warble.ErrInvalid, "name"},
		"long bio":       {write.ProfileEdit{Bio: ptr(strings.Repeat("x", 161))}, warble.ErrInvalid, "bio"},
		"long location":  {write.ProfileEdit{Location: ptr(strings.Repeat("x", 31))}, warble.ErrInvalid, "location"},
		"script link":    {write.ProfileEdit{URL: ptr("javascript:alert(1)")}, warble.ErrInvalid, "url"},
		"long link":      {write.ProfileEdit{URL: ptr("https://e.org/" + strings.Repeat("x", 100))}, warble.ErrInvalid, "url"},
		"taken e-mail":   {write.ProfileEdit{Email: ptr("bob@example.org")}, warble.ErrConflict, "email"},
		"another's pic":  {write.ProfileEdit{Avatar: &theirs}, warble.ErrForbidden, "media"},
		"tweeted pic":    {write.ProfileEdit{Header: &used}, warble.ErrConflict, "media"},
		"another's pin":  {write.ProfileEdit{Pinned: &other.ID}, warble.ErrForbidden, "pinned"},
		"pinned retweet": {write.ProfileEdit{Pinned: &again}, warble.ErrForbidden, "pinned"},
		"unknown pin":    {write.ProfileEdit{Pinned: ptr(warble.TweetID(99))}, warble.ErrNotFound, "pinned"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := n.w.EditProfile(n.ctx, ann, c.e)
			wantError(t, err, c.kind, c.param)
		})
	}
	if u := n.user(ann); u.Version != 1 {
		t.Errorf("a refused edit was stored: %+v", u)
	}
}

func TestProfileEditChangesWhatItNames(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	pic, pin := n.upload(ann), n.say(ann, "pin me")
	u, err := n.w.EditProfile(n.ctx, ann, write.ProfileEdit{
		Name: ptr("Ann"), Bio: ptr("two\nlines"), URL: ptr("https://example.org/a"), Avatar: &pic, Pinned: &pin.ID, Protected: ptr(true), Email: ptr("ann@new.org"),
	})
	n.ok(err)
	if u.Name != "Ann" || u.Avatar == nil || u.Avatar.Media != pic || u.Pinned != pin.ID || !u.Protected || u.Version != 2 || u.Handle != "ann" {
		t.Errorf("row %+v", u)
	}
	if m := n.media(pic); m.Profile != ann {
		t.Errorf("the photo's document says %+v", m)
	}
	n.ok(n.w.DeleteTweet(n.ctx, ann, pin.ID))
	if n.user(ann).Pinned != 0 {
		t.Error("a deleted tweet stays pinned")
	}
	u, err = n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Avatar: ptr(warble.DocID(0))})
	n.ok(err)
	if u.Avatar != nil || u.Name != "Ann" {
		t.Errorf("row %+v", u)
	}
	// The e-mail that was given up is free.
	_, err = n.w.Register(n.ctx, write.Registration{Handle: "ann2", Email: "ann@example.org"})
	n.ok(err)
	// The same edit again is no version.
	u, err = n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Name: ptr("Ann")})
	n.ok(err)
	if u.Version != 4 {
		t.Errorf("version %d", u.Version)
	}
}

func TestConcurrentProfileEditsLoseNothing(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	other := write.NewWriter(n.Stores, n.ids, warble.Options{Clock: n.now}) // no lock in common
	var wg sync.WaitGroup
	for i, edit := range []write.ProfileEdit{{Name: ptr("N")}, {Bio: ptr("B")}, {Location: ptr("L")}, {URL: ptr("https://u.org")}} {
		wg.Go(func() {
			w := n.w
			if i%2 == 0 {
				w = other
			}
			for {
				_, err := w.EditProfile(n.ctx, ann, edit)
				if err == nil {
					return
				}
				if !errors.Is(err, warble.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if u := n.user(ann); u.Name != "N" || u.Bio != "B" || u.Location != "L" || u.URL != "https://u.org" || u.Version != 5 {
		t.Errorf("row %+v", u)
	}
}

func TestAVersionBehindWhichNothingCameIsFreeAfterAMinute(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	n.watch().refuse = 1
	if _, err := n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Bio: ptr("lost")}); !errors.Is(err, warble.ErrUnavailable) {
		t.Fatal(err)
	}
	_, err := n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Bio: ptr("soon")})
	wantError(t, err, warble.ErrConflict, "")
	n.later(61 * time.Second)
	u, err := n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Bio: ptr("later")})
	n.ok(err)
	if u.Bio != "later" || u.Version != 2 {
		t.Errorf("row %+v", u)
	}
}

func TestLoginIsStoredOnceADay(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	n.ok(n.w.RecordLogin(n.ctx, ann))
	first := n.user(ann)
	n.ok(n.w.RecordLogin(n.ctx, ann))
	if u := n.user(ann); u.Version != first.Version || u.LastLogin != n.now().UTC().Format(time.DateOnly) {
		t.Errorf("row %+v", u)
	}
	n.later(24 * time.Hour)
	n.ok(n.w.RecordLogin(n.ctx, ann))
	if u := n.user(ann); u.Version != first.Version+1 {
		t.Errorf("version %d", u.Version)
	}
}

func TestADeletedAccountKeepsItsHandleAndNothingElse(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	n.ok(n.w.DeleteAccount(n.ctx, ann))
	n.ok(n.w.DeleteAccount(n.ctx, ann))
	if u := n.user(ann); !u.Deleted || u.Email != "" || u.Name != "" || u.Handle != "ann" || u.Version != 2 {
		t.Errorf("row %+v", u)
	}
	n.later(time.Hour)
	_, err := n.w.Register(n.ctx, write.Registration{Handle: "ann", Email: "x@example.org"})
	wantError(t, err, warble.ErrConflict, "handle")
	_, err = n.w.Register(n.ctx, write.Registration{Handle: "ann2", Email: "ann@example.org"})
	n.ok(err)
}

func TestSavingADocumentFromAnOldVersionIsAConflict(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	id, err := n.w.NextID(n.ctx)
	n.ok(err)
	doc := func(version uint64, data string) *warble.Doc {
		return &warble.Doc{ID: id, Owner: ann, Kind: warble.DocMarker, Version: version, Data: []byte(data)}
	}
	n.ok(n.w.SaveDoc(n.ctx, doc(1, `1`)))
	n.ok(n.w.SaveDoc(n.ctx, doc(2, `2`)))
	wantError(t, n.w.SaveDoc(n.ctx, doc(2, `"late"`)), warble.ErrConflict, "")
	n.later(2 * time.Minute)
	wantError(t, n.w.SaveDoc(n.ctx, doc(2, `"later"`)), warble.ErrConflict, "")
	wantError(t, n.w.SaveDoc(n.ctx, doc(3, strings.Repeat("x", 64<<10+1))), warble.ErrInvalid, "data")
	docs, err := n.Docs.Get(n.ctx, id)
	n.ok(err)
	if string(docs[0].Data) != "2" {
		t.Errorf("the document says %s", docs[0].Data)
	}
}
