package twitter

import (
	"errors"
	"net/http"

	"warble"
	"warble/internal/httpx"
)

// vote takes a vote in a tweet's poll: {"choices":[1]}, options by their
// position, which begins at 1. Voting is ours: X's API has no such endpoint.
func (a *api) vote(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	var body struct {
		Choices []int `json:"choices"`
	}
	if err := httpx.Decode(w, r, 0, &body); err != nil {
		return err
	}
	choices := make([]int, len(body.Choices))
	for i, position := range body.Choices {
		choices[i] = position - 1
	}
	if err := a.Writer.Vote(r.Context(), c.Who.User, id, choices); err != nil {
		if e, ok := errors.AsType[*warble.Error](err); ok && e.Param == "choices" && errors.Is(e, warble.ErrInvalid) {
			return warble.Invalid("choices", e.Value, e.Detail+"; the first is 1")
		}
		return named(err, "id")
	}
	return replyBool(w, r, "voted", true)
}
