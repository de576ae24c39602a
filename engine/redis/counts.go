package redis

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"warble"
)

// Counts is a cache before a source: one hash for each id, with a number for each kind that was asked for. A number is
// at most [Options.CountAge] old; where Redis does not serve, all come from the source.
func (e *Engine) Counts(source warble.Counts) warble.Counts { return &counts{e, source} }

type counts struct {
	e      *Engine
	source warble.Counts
}

// generation is the field that a Put leaves behind: what was read from the source before it is not kept after it.
const generation = "generation"

// Put stores the numbers at the source, then forgets the cached sums: they are of more parts than are put. Where that
// fails they stand until they run out.
func (c *counts) Put(ctx context.Context, numbers []warble.Count) error {
	err := c.source.Put(ctx, numbers)
	seen := make(map[warble.ID]bool, len(numbers))
	var forget []rueidis.LuaExec
	for _, n := range numbers {
		if !seen[n.ID] {
			seen[n.ID] = true
			forget = append(forget, rueidis.LuaExec{
				Keys: []string{c.e.keys.ofID(keyCounts, n.ID)},
				Args: []string{strconv.FormatUint(rand.Uint64(), 36), c.age()},
			})
		}
	}
	if len(forget) > 0 {
		c.e.execAll(ctx, c.e.scripts.raise, forget)
	}
	return err
}

func (c *counts) age() string { return strconv.FormatInt(c.e.opt.CountAge.Milliseconds(), 10) }

// Get asks the source for the ids of which a number is not cached, and caches what it says.
func (c *counts) Get(ctx context.Context, kinds []warble.CountKind, ids []warble.ID) ([]int64, error) {
	if len(kinds) == 0 || len(ids) == 0 {
		return c.source.Get(ctx, kinds, ids)
	}
	out := make([]int64, len(kinds)*len(ids))
	generations, missing := c.cached(ctx, kinds, ids, out)
	if len(missing) == 0 {
		return out, nil
	}
	left := make([]warble.ID, len(missing))
	for i, at := range missing {
		left[i] = ids[at]
	}
	numbers, err := c.source.Get(ctx, kinds, left)
	if err != nil {
		return nil, err
	}
	var keep []rueidis.LuaExec
	for i, at := range missing {
		own := numbers[i*len(kinds):][:len(kinds)]
		copy(out[at*len(kinds):], own)
		if generations == nil {
			continue
		}
		args := []string{generations[at], c.age()}
		for j, kind := range kinds {
			args = append(args, field(kind), strconv.FormatInt(own[j], 10))
		}
		keep = append(keep, rueidis.LuaExec{Keys: []string{c.e.keys.ofID(keyCounts, ids[at])}, Args: args})
	}
	if len(keep) > 0 {
		c.e.execAll(ctx, c.e.scripts.keep, keep)
	}
	return out, nil
}

func field(kind warble.CountKind) string { return strconv.Itoa(int(kind)) }

// cached fills in what is cached and says which ids are not, and of which generation each is; nil where Redis does not serve.
func (c *counts) cached(ctx context.Context, kinds []warble.CountKind, ids []warble.ID, out []int64) (generations []string, missing []int) {
	fields := []string{generation}
	for _, kind := range kinds {
		fields = append(fields, field(kind))
	}
	asked := make([]rueidis.Completed, len(ids))
	for i, id := range ids {
		asked[i] = c.e.client.B().Hmget().Key(c.e.keys.ofID(keyCounts, id)).Field(fields...).Build()
	}
	within, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	generations = make([]string, len(ids))
	serves := true
	for i, got := range c.e.client.DoMulti(within, asked...) {
		values, err := got.ToArray()
		if err != nil || len(values) != len(fields) {
			serves = false
			missing = append(missing, i)
			continue
		}
		generations[i], _ = values[0].ToString() // nil: none
		for j, v := range values[1:] {
			n, err := v.AsInt64()
			if err != nil {
				missing = append(missing, i)
				break
			}
			out[i*len(kinds)+j] = n
		}
	}
	if !serves {
		return nil, missing
	}
	return generations, missing
}

// Sweep sweeps the source; what is cached runs out.
func (c *counts) Sweep(ctx context.Context, before time.Time) error {
	return c.source.Sweep(ctx, before)
}

// execAll runs a script many times, and tells the log where that failed: for what is done as well as may be.
func (e *Engine) execAll(ctx context.Context, script *rueidis.Lua, all []rueidis.LuaExec) {
	within, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	for _, got := range script.ExecMulti(within, e.client, all...) {
		if err := got.Error(); err != nil {
			e.opt.Log.Debug("redis does not cache counts now", "error", err)
			return
		}
	}
}
