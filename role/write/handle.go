package write

import (
	"context"
	"warble"
)

// holdName takes a claim that lasts, on a handle or an e-mail, for a person.
// A claim behind which no row came is taken over after a minute: bears tells
// whether the row of the claim's holder has the name.
func (w *Writer) holdName(ctx context.Context, name string, holder warble.UserID, bears func(*warble.User) bool, refusal error) error {
	mine := warble.Claim{Holder: holder, Data: warble.ClaimData(w.opt.Clock())}
	old := warble.Claim{}
	for range editTries {
		stands, err := w.s.Claims.Swap(ctx, name, old, mine, 0)
		switch {
		case err != nil:
			return err
		case stands.Holder == holder:
			return nil
		case stands == (warble.Claim{}):
			old = stands
			continue
		}
		users, err := w.s.Users.Get(ctx, stands.Holder)
		if err != nil {
			return err
		}
		if users[0] != nil && bears(users[0]) || w.opt.Clock().Sub(warble.ClaimTime(stands)) < warble.ClaimPatience {
			return refusal
		}
		old = stands
	}
	return refusal
}

// releaseName gives a name up where holder has it. A failure leaves a claim
// without a row, which is taken over after a minute.
func (w *Writer) releaseName(ctx context.Context, name string, holder warble.UserID) {
	stands, err := w.s.Claims.Get(ctx, name)
	if err == nil && stands.Holder == holder {
		_, err = w.s.Claims.Swap(ctx, name, stands, warble.Claim{}, 0)
	}
	if err != nil {
		w.opt.Log.Warn("a name was not given up", "claim", name, "err", err)
	}
}
