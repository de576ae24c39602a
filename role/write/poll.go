package write

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"warble"
)

// Limits on polls.
const (
	MinPollOptions = 2
	MaxPollOption  = 25          // characters
	MinPollMinutes = 5           // 5 minutes
	MaxPollMinutes = 7 * 24 * 60 // 7 days
)

// PollDraft is a poll as its author hands it in.
type PollDraft struct {
	Options []string // MinPollOptions to MaxPollOptions, distinct, at most MaxPollOption characters each
	Minutes int      // how long it is open, MinPollMinutes to MaxPollMinutes
}

// composePoll checks the poll of a draft.
func (p *draft) composePoll(d Draft) error {
	if d.Poll == nil {
		return nil
	}
	n := len(d.Poll.Options)
	switch {
	case p.tweet.Text == "":
		return refuse(warble.ErrInvalid, "text", "a tweet with a poll needs a text that asks the question")
	case len(d.Media) > 0:
		return refuse(warble.ErrInvalid, "poll", "a tweet has photos or a poll, not both")
	case n < MinPollOptions || n > warble.MaxPollOptions:
		return warble.Invalid("poll", strconv.Itoa(n), "a poll has 2 to 4 options")
	case d.Poll.Minutes < MinPollMinutes || d.Poll.Minutes > MaxPollMinutes:
		return warble.Invalid("poll.minutes", strconv.Itoa(d.Poll.Minutes), "a poll is open for 5 minutes to 7 days (10080 minutes)")
	}
	options := make([]string, n)
	for i, o := range d.Poll.Options {
		text, err := cleanText("poll", o, MaxPollOption, false)
		if err != nil {
			return err
		}
		if text == "" {
			return refuse(warble.ErrInvalid, "poll", "an option of a poll needs a text")
		}
		if slices.ContainsFunc(options[:i], func(other string) bool { return strings.EqualFold(other, text) }) {
			return warble.Invalid("poll", text, "the options of a poll differ from each other")
		}
		options[i] = text
	}
	p.tweet.Poll = &warble.Poll{Options: options}
	p.minutes = d.Poll.Minutes
	return nil
}

// Vote records a person's choice in a poll: one option, counted from 0. A
// person votes once; the same vote again is no error, another is ErrConflict.
// A poll that ended is ErrForbidden.
func (w *Writer) Vote(ctx context.Context, user warble.UserID, tweet warble.TweetID, choices []int) (err error) {
	defer warble.Wrap(&err, "Writer.Vote")
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	t, err := w.original(ctx, "tweet", user, tweet)
	if err != nil {
		return err
	}
	switch {
	case t.Poll == nil:
		return warble.Invalid("tweet", tweet.String(), "this tweet has no poll")
	case len(choices) != 1 || choices[0] < 0 || choices[0] >= len(t.Poll.Options):
		return refuse(warble.ErrInvalid, "choices", "choose one of the poll's "+strconv.Itoa(len(t.Poll.Options))+" options")
	}
	value := string([]byte{1 << choices[0]})
	// One vote of a person at a time: a second put would replace the first.
	lock := w.locks.of(user)
	lock.Lock()
	defer lock.Unlock()
	stands, err := w.s.Edges.Get(ctx, warble.Vote, user, t.ID)
	switch {
	case err != nil:
		return err
	case stands[0].Since != 0 && stands[0].Value == value:
		return nil
	case stands[0].Since != 0:
		return refuse(warble.ErrConflict, "choices", "you have voted in this poll already; a vote cannot be changed")
	case t.Poll.Ends <= w.opt.Clock().UnixMilli():
		return refuse(warble.ErrForbidden, "tweet", "this poll has ended")
	}
	_, err = w.join(ctx, &warble.Edge{Kind: warble.Vote, From: user, To: t.ID, Value: value}, t.Author)
	return err
}
