package twitter

import (
	"context"
	"net/http"
	"strconv"

	"warble"
	"warble/internal/httpx"
	"warble/role/read"
	"warble/role/write"
)

func (a *api) follow(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	user, target, err := ownAndBody(w, r, c, "target_user_id")
	if err != nil {
		return err
	}
	state, err := a.Writer.Follow(r.Context(), user, target)
	if err != nil {
		return named(err, "target_user_id")
	}
	b := append(make([]byte, 0, 64), `{"data":{"following":`...)
	b = strconv.AppendBool(b, state == write.Following)
	b = appendBoolMember(b, "pending_follow", state == write.Requested)
	httpx.ReplyJSON(w, r, http.StatusOK, append(b, "}}"...))
	return nil
}

func (a *api) unfollow(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return undo(w, r, c, "target_user_id", "following", a.Writer.Unfollow)
}

func (a *api) mute(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return do(w, r, c, "target_user_id", "muting", a.Writer.Mute)
}

func (a *api) unmute(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return undo(w, r, c, "target_user_id", "muting", a.Writer.Unmute)
}

func (a *api) block(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return do(w, r, c, "target_user_id", "blocking", a.Writer.Block)
}

func (a *api) unblock(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return undo(w, r, c, "target_user_id", "blocking", a.Writer.Unblock)
}

func (a *api) acceptFollow(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.settleRequest(w, r, c, "accepted", a.Writer.AcceptFollow)
}

func (a *api) rejectFollow(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.settleRequest(w, r, c, "rejected", a.Writer.RejectFollow)
}

func (a *api) settleRequest(w http.ResponseWriter, r *http.Request, c *httpx.Call, name string, f deed) error {
	user, from, err := ownAnd(r, c, "user")
	if err != nil {
		return err
	}
	if err := f(r.Context(), user, from); err != nil {
		return named(err, "user")
	}
	return replyBool(w, r, name, true)
}

// aCrowd is a list of people that belongs to a thing named in the path.
type aCrowd func(ctx context.Context, viewer, thing warble.ID, p warble.Page, inc read.PeopleInclude) (*read.PeoplePage, error)

func (a *api) peopleOf(w http.ResponseWriter, r *http.Request, c *httpx.Call, s *spec, list aCrowd) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	q, err := s.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := list(r.Context(), c.Who.User, id, q.page, q.people(c.Who.User))
	if err != nil {
		return err
	}
	return a.replyPeople(w, r, c.Who.User, q, page, s.order)
}

// ownPeople is peopleOf for lists that only their owner may see.
func (a *api) ownPeople(w http.ResponseWriter, r *http.Request, c *httpx.Call, s *spec, list func(context.Context, warble.UserID, warble.Page, read.PeopleInclude) (*read.PeoplePage, error)) error {
	if _, err := own(r, c); err != nil {
		return err
	}
	return a.peopleOf(w, r, c, s, func(ctx context.Context, viewer, _ warble.ID, p warble.Page, inc read.PeopleInclude) (*read.PeoplePage, error) {
		return list(ctx, viewer, p, inc)
	})
}

func (a *api) following(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.peopleOf(w, r, c, a.specs.follows, a.Reader.Following)
}

func (a *api) followers(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.peopleOf(w, r, c, a.specs.follows, a.Reader.Followers)
}

func (a *api) likingUsers(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.peopleOf(w, r, c, a.specs.likers, a.Reader.LikedBy)
}

func (a *api) retweetedBy(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.peopleOf(w, r, c, a.specs.retweeters, a.Reader.RetweetedBy)
}

func (a *api) listMembers(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.peopleOf(w, r, c, a.specs.members, a.Reader.ListMembers)
}

func (a *api) listFollowers(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.peopleOf(w, r, c, a.specs.members, a.Reader.ListFollowers)
}

func (a *api) muting(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.ownPeople(w, r, c, a.specs.muting, a.Reader.Muted)
}

func (a *api) blocking(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.ownPeople(w, r, c, a.specs.blocking, a.Reader.Blocked)
}

func (a *api) followRequests(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	return a.ownPeople(w, r, c, a.specs.requests, a.Reader.FollowRequests)
}
