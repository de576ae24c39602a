package role_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"warble/role/write"

	"warble"
)

func TestAnEmailGoesToOneOfTwo(t *testing.T) {
	const email = "both@example.org"
	n := newTown(t, warble.Options{})
	c := n.watch()
	var won *warble.User
	c.first(func() {
		n.later(2 * time.Minute)
		var err error
		won, err = n.elsewhere().Register(n.ctx, write.Registration{Handle: "second", Email: email})
		n.ok(err)
	})
	_, err := n.w.Register(n.ctx, write.Registration{Handle: "first", Email: email})
	wantError(t, err, warble.ErrConflict, "email")
	if claim, err := n.Claims.Get(n.ctx, warble.EmailClaim(email)); err != nil || claim.Holder != won.ID {
		t.Errorf("the e-mail is %v's (%v)", claim.Holder, err)
	}
	if u, err := n.Users.ByHandle(n.ctx, "first"); err != nil || u != nil {
		t.Errorf("the loser has an account: %+v", u)
	}
	_, err = n.w.Register(n.ctx, write.Registration{Handle: "first", Email: "own@example.org"})
	n.ok(err)
}

func TestWhoLosesAHandleGivesTheEmailUp(t *testing.T) {
	n := newTown(t, warble.Options{})
	n.watch().first(func() {
		n.later(2 * time.Minute)
		_, err := n.elsewhere().Register(n.ctx, write.Registration{Handle: "ann", Email: "second@example.org"})
		n.ok(err)
	})
	r := write.Registration{Handle: "ann", Email: "first@example.org"}
	if _, err := n.w.Register(n.ctx, r); !errors.Is(err, warble.ErrConflict) {
		t.Fatal(err)
	}
	r.Handle = "another"
	_, err := n.w.Register(n.ctx, r)
	n.ok(err)
}

func TestATakeoverFindsTheRowThatCameJustBefore(t *testing.T) {
	n := newTown(t, warble.Options{})
	slow, claims := n.watch(), &watchedClaims{Claims: n.Claims}
	second := *n.Stores
	second.Claims = claims
	at, goOn := make(chan struct{}), make(chan struct{})
	slow.first(func() { close(at); <-goOn })
	first := make(chan error, 1)
	go func() {
		_, err := n.w.Register(n.ctx, write.Registration{Handle: "ann", Email: "first@example.org"})
		first <- err
	}()
	<-at
	n.later(2 * time.Minute)
	claims.takeover = func() { close(goOn); n.ok(<-first) } // after the second saw no row
	_, err := write.NewWriter(&second, n.ids, warble.Options{Clock: n.now}).Register(n.ctx, write.Registration{Handle: "ann", Email: "second@example.org"})
	wantError(t, err, warble.ErrConflict, "handle")
	if u, err := n.Users.ByHandle(n.ctx, "ann"); err != nil || u == nil || u.Email != "first@example.org" {
		t.Errorf("the handle is %+v's (%v)", u, err)
	}
}

// watchedClaims calls takeover before a claim that stands is swapped away.
type watchedClaims struct {
	warble.Claims
	takeover func()
}

func (c *watchedClaims) Swap(ctx context.Context, name string, old, next warble.Claim, ttl time.Duration) (warble.Claim, error) {
	if do := c.takeover; do != nil && old != (warble.Claim{}) && next != (warble.Claim{}) {
		c.takeover = nil
		do()
	}
	return c.Claims.Swap(ctx, name, old, next, ttl)
}

func TestAnEmailChangedTooSlowlyStaysAsItWas(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	n.watch().first(func() {
		n.later(2 * time.Minute)
		_, err := n.elsewhere().Register(n.ctx, write.Registration{Handle: "bob", Email: "new@example.org"})
		n.ok(err)
	})
	_, err := n.w.EditProfile(n.ctx, ann, write.ProfileEdit{Email: ptr("new@example.org")})
	wantError(t, err, warble.ErrConflict, "email")
	if email := n.user(ann).Email; email != "ann@example.org" {
		t.Errorf("the e-mail is %s", email)
	}
	if claim, err := n.Claims.Get(n.ctx, warble.EmailClaim("ann@example.org")); err != nil || claim.Holder != ann {
		t.Errorf("the former e-mail is %v's (%v)", claim.Holder, err)
	}
}

func TestADeletedAccountsHandleIsSaidNotToComeBack(t *testing.T) {
	n := newTown(t, warble.Options{})
	n.ok(n.w.DeleteAccount(n.ctx, n.person("ann")))
	_, err := n.w.Register(n.ctx, write.Registration{Handle: "Ann", Email: "new@example.org"})
	wantError(t, err, warble.ErrConflict, "handle")
	if e, ok := errors.AsType[*warble.Error](err); !ok || !strings.Contains(e.Detail, "not given out again") {
		t.Errorf("it says %v", err)
	}
}
