package write

import (
	"context"
	"strings"
	"warble"
)

// name is a handle or an e-mail that one account has.
type name struct {
	claim  string
	bears  func(*warble.User) bool                 // whether a row has the name
	refuse func(holder *warble.User) *warble.Error // holder is nil where no row came yet
}

func handleName(handle string) name {
	return name{
		warble.HandleClaim(handle),
		func(u *warble.User) bool { return warble.FoldHandle(u.Handle) == warble.FoldHandle(handle) },
		func(holder *warble.User) *warble.Error {
			e := &warble.Error{Kind: warble.ErrConflict, Param: "handle", Value: handle, Detail: "somebody has this handle already; choose another"}
			if holder != nil && holder.Deleted {
				e.Detail = "this handle belonged to an account that was deleted, and is not given out again; choose another"
			}
			return e
		},
	}
}

func emailName(email string) name {
	return name{
		warble.EmailClaim(email),
		func(u *warble.User) bool { return strings.EqualFold(u.Email, email) },
		func(*warble.User) *warble.Error {
			return &warble.Error{Kind: warble.ErrConflict, Param: "email", Detail: "an account with this e-mail exists already; sign in or use another"}
		},
	}
}

// holdName takes the claim on a name, which lasts, for a person. A claim behind
// which no row came is taken over after a minute.
func (w *Writer) holdName(ctx context.Context, n name, holder warble.UserID) error {
	mine := warble.Claim{Holder: holder, Data: warble.ClaimData(w.opt.Clock())}
	old := warble.Claim{}
	for range editTries {
		stands, err := w.s.Claims.Swap(ctx, n.claim, old, mine, 0)
		switch {
		case err != nil:
			return err
		case stands == mine && old != warble.Claim{}:
			return w.tookOver(ctx, n, old, mine)
		case stands.Holder == holder:
			return nil
		case stands == (warble.Claim{}):
			old = stands
			continue
		}
		u, err := w.bearer(ctx, n, stands.Holder)
		if err != nil {
			return err
		}
		if u != nil || w.opt.Clock().Sub(warble.ClaimTime(stands)) < warble.ClaimPatience {
			return n.refuse(u)
		}
		old = stands
	}
	return n.refuse(nil)
}

// tookOver gives a claim back where the row behind it came just before.
func (w *Writer) tookOver(ctx context.Context, n name, old, mine warble.Claim) error {
	u, err := w.bearer(ctx, n, old.Holder)
	if err != nil || u == nil {
		return err
	}
	if _, err := w.s.Claims.Swap(ctx, n.claim, mine, old, 0); err != nil {
		return err
	}
	return n.refuse(u)
}

// bearer is a person's row where it has the name; nil where it has not.
func (w *Writer) bearer(ctx context.Context, n name, id warble.UserID) (*warble.User, error) {
	users, err := w.s.Users.Get(ctx, id)
	if err != nil || users[0] == nil || !n.bears(users[0]) {
		return nil, err
	}
	return users[0], nil
}

// keepsName says, after a row with the name was stored, whether its claim still
// names that person: whoever was held up for longer than a claim without a row
// lasts may have lost it meanwhile.
func (w *Writer) keepsName(ctx context.Context, n name, holder warble.UserID) (bool, error) {
	stands, err := w.s.Claims.Get(ctx, n.claim)
	return err == nil && stands.Holder == holder, err
}

// releaseName gives a name up where holder has it. A failure leaves a claim
// without a row, which is taken over after a minute.
func (w *Writer) releaseName(ctx context.Context, n name, holder warble.UserID) {
	stands, err := w.s.Claims.Get(ctx, n.claim)
	if err == nil && stands.Holder == holder {
		_, err = w.s.Claims.Swap(ctx, n.claim, stands, warble.Claim{}, 0)
	}
	if err != nil {
		w.opt.Log.Warn("a name was not given up", "claim", n.claim, "err", err)
	}
}
