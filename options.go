package warble

import (
	"log/slog"
	"time"
)

// Options are what an operator may choose about the rules.
type Options struct {
	// Clock is the time for everything that is not an id. Default: time.Now.
	Clock func() time.Time
	// Text counts the length of a tweet. Default: DefaultTextRules.
	Text TextRules
	// MaxFollowing is how many accounts one may follow; imports are exempt.
	// Default 5,000; negative: no limit.
	MaxFollowing int
	// TweetsPerDay is how many tweets and retweets one may post in any 24
	// hours; imports are exempt. Default 2,400; negative: no limit.
	TweetsPerDay int
	// PushLine is the number of followers above which an author's tweets are
	// pulled by readers instead of pushed. Default DefaultPushLine.
	PushLine int
	// FanoutObjective is the delay of deliveries above which the push line
	// comes down by itself. Default 5 s.
	FanoutObjective time.Duration
	// CountTick is how often numbers that changed are counted. Default 200 ms.
	CountTick time.Duration
	// Log gets what an operator should see. Default: nothing.
	Log *slog.Logger
}

// DefaultPushLine is the number of followers from which reading an author's
// tweets costs less than pushing them: see docs/push-or-pull.md.
const DefaultPushLine = 1_000_000

// WithDefaults fills in what was left out.
func (o Options) WithDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Text == (TextRules{}) {
		o.Text = DefaultTextRules
	}
	if o.MaxFollowing == 0 {
		o.MaxFollowing = 5000
	}
	if o.TweetsPerDay == 0 {
		o.TweetsPerDay = 2400
	}
	if o.PushLine == 0 {
		o.PushLine = DefaultPushLine
	}
	if o.FanoutObjective == 0 {
		o.FanoutObjective = 5 * time.Second
	}
	if o.CountTick == 0 {
		o.CountTick = 200 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
