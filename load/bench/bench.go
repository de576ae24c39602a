// Package bench measures Warble against controls that do the least a machine
// could do for the same answer: a static handler, a synced Pebble row, a bare
// insert into a ring. Both run on the same machine in the same minutes, turn by
// turn, so their ratio says something where a figure alone would not.
//
// The bench process is the client. Servers, controls and everything that is
// measured in process are children of it: the same binary, started again with
// the hidden command "bench child". A child ends when its standard input ends,
// so nothing is left behind however the bench ends. Only the loopback is used.
//
// The data is built once, by a child, into a temporary directory; a line that
// writes gets a clone of it (hard links for what never changes), so no line
// sees what another has done.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"warble/load"
)

// Options of a run.
type Options struct {
	Quick   bool     // a twentieth of the data, ratio lines only, 3 rounds of 1 s
	Only    []string // keys; empty: all
	Shrink  int      // divides the data further, for trying the bench itself
	Shared  string   // the directory with the ego-Twitter graph; where absent, one is generated
	Profile string   // a directory for CPU profiles of what is measured; empty: none
	Temp    string   // where the data goes; empty: the system's temporary directory
	// Self is this program. Children are "Self bench child ROLE".
	Self  string
	Out   io.Writer                    // progress
	Meter func(what string) load.Meter // a progress bar
}

// line is one line of the table, or a few that are measured together.
type line struct {
	keys   []string
	quick  bool // a ratio line
	budget time.Duration
	needs  dataSet
	run    func(context.Context, *bench, *line) ([]Result, error)
}

// lines are in the order in which they run. The budgets are what each takes on
// two cores; together, with the data, they stay below 25 minutes.
func lines() []line {
	return []line{
		{[]string{"home.native"}, true, 75 * time.Second, mainSet, runHome},
		{[]string{"post.http"}, true, 75 * time.Second, mainSet, runPostHTTP},
		{[]string{"post.engine"}, true, 75 * time.Second, mainSet, runEngineLine},
		{[]string{"like.engine"}, true, 75 * time.Second, mainSet, runEngineLine},
		{[]string{"fanout.push"}, true, 100 * time.Second, mainSet, runEngineLine},
		{[]string{"fanout.fair"}, true, 100 * time.Second, mainSet, runEngineLine},
		{[]string{"post.sustained"}, false, 220 * time.Second, mainSet, runEngineLine},
		{[]string{"home.cold", "home.deep"}, false, 60 * time.Second, mainSet, runEngineLine},
		{[]string{"search.newest"}, false, 75 * time.Second, mainSet, runSearch},
		{[]string{"fresh.search", "fresh.home"}, false, 60 * time.Second, mainSet, runFresh},
		{[]string{"photo.12mp"}, false, 15 * time.Second, noSet, runEngineLine},
		{[]string{"memory.loaded"}, false, 90 * time.Second, mainSet, runMemory},
		{[]string{"start.ready"}, false, 20 * time.Second, mainSet, runStart},
		{[]string{"scale.slope"}, false, 130 * time.Second, slopeSets, runSlope},
	}
}

// Keys are the keys there are, in the order of the table.
func Keys() []string {
	var keys []string
	for _, l := range lines() {
		keys = append(keys, l.keys...)
	}
	return keys
}

// bench is a run.
type bench struct {
	opt   Options
	dir   string // everything is below it
	plan  plan   // how long and how much
	sets  map[string]*set
	began time.Time
}

// fullRound is a round of the whole bench.
const fullRound = 4 * time.Second

// plan says how much is measured.
type plan struct {
	Rounds int
	Round  time.Duration
	Warm   time.Duration
	Quick  bool
}

// Run measures and reports. A line that cannot be measured is an error; one
// that falls short is not.
func Run(ctx context.Context, opt Options) (rep *Report, err error) {
	todo, err := choose(opt)
	if err != nil {
		return nil, err
	}
	b := &bench{opt: opt, sets: map[string]*set{}, began: time.Now(), plan: plan{Rounds: 5, Round: fullRound, Warm: 3 * time.Second}}
	if opt.Quick {
		b.plan = plan{Rounds: 3, Round: time.Second, Warm: 500 * time.Millisecond, Quick: true}
	}
	if opt.Shrink > 1 {
		b.plan.Round, b.plan.Warm = max(b.plan.Round/time.Duration(opt.Shrink), 100*time.Millisecond), 100*time.Millisecond
	}
	if b.dir, err = os.MkdirTemp(opt.Temp, "warble-bench-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.announce(todo)
	rep = &Report{Machine: machine(), Lag: lagLimit}
	for i := range todo {
		l := &todo[i]
		began := time.Now()
		if err := b.prepare(ctx, l.needs); err != nil {
			return rep, fmt.Errorf("preparing data: %w", err)
		}
		got, err := l.run(ctx, b, l)
		if err != nil {
			return rep, fmt.Errorf("%s: %w", l.keys[0], err)
		}
		for _, r := range got {
			if l.wants(opt.Only, r.Key) {
				rep.Results = append(rep.Results, r)
			}
		}
		b.say("%s: done in %.0f s, %.0f s in all", strings.Join(l.keys, ", "), time.Since(began).Seconds(), time.Since(b.began).Seconds())
	}
	return rep, nil
}

// choose picks the lines to run.
func choose(opt Options) ([]line, error) {
	all := Keys()
	for _, k := range opt.Only {
		if !slices.Contains(all, k) {
			return nil, fmt.Errorf("there is no line %q: say one of %s", k, strings.Join(all, ", "))
		}
	}
	var todo []line
	for _, l := range lines() {
		if opt.Quick && !l.quick || !l.wants(opt.Only, "") {
			continue
		}
		todo = append(todo, l)
	}
	if len(todo) == 0 {
		return nil, errors.New("--quick measures ratio lines only, and none of those was asked for")
	}
	return todo, nil
}

// wants says whether a key, or for "" any key of the line, was asked for. A
// result "search.newest.rare" belongs to the key "search.newest".
func (l *line) wants(only []string, key string) bool {
	if len(only) == 0 {
		return true
	}
	return slices.ContainsFunc(only, func(k string) bool {
		if key == "" {
			return slices.Contains(l.keys, k)
		}
		return key == k || strings.HasPrefix(key, k+".")
	})
}

func (b *bench) announce(todo []line) {
	if b.opt.Quick {
		b.say("%d rounds of %s on %s", b.plan.Rounds, b.plan.Round, b.scale(mainName).String())
		return
	}
	total := prepareBudget
	for _, l := range todo {
		total += l.budget
		b.say("%-28s about %3.0f s", strings.Join(l.keys, ", "), l.budget.Seconds())
	}
	b.say("%-28s about %3.0f s; data %3.0f s; at most %.0f min in all", "", (total - prepareBudget).Seconds(), prepareBudget.Seconds(), total.Minutes())
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.opt.Out, format+"\n", args...) }

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }
