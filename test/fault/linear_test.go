//go:build cluster

package fault

import (
	"math"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// keyLimit is how long the calls about one key may be searched for an order.
const keyLimit = 20 * time.Second

// keys wants the calls about each key to have an order that explains them all,
// in which a call that ended stands before one that began later.
func (j *judge) keys() {
	byKey := map[string][]*call{}
	tried := map[string][]*call{}
	for _, c := range j.calls {
		switch {
		case c.Kind != put && c.Kind != claim && c.Kind != get:
		case c.Outcome == refused:
			tried[c.Key] = append(tried[c.Key], c)
		default:
			byKey[c.Key] = append(byKey[c.Key], c)
		}
	}
	for key, calls := range byKey {
		ops := make([]porcupine.Operation, len(calls))
		for i, c := range calls {
			ops[i] = operation(c)
		}
		switch porcupine.CheckOperationsTimeout(register(), ops, keyLimit) {
		case porcupine.Illegal:
			j.breach("no order explains the calls about %s:%s", key, listing(calls))
		case porcupine.Unknown:
			j.breach("whether the %d calls about %s have an order was not found out in %s", len(calls), key, keyLimit)
		}
	}
	for key, calls := range tried {
		if first := calls[0]; first.Kind == claim && len(byKey[key]) == 0 && len(calls) == 1 {
			j.breach("%s was refused and nobody else had asked for it: %s", key, first)
		}
	}
}

func listing(calls []*call) string {
	var b strings.Builder
	for _, c := range calls {
		b.WriteString("\n    " + c.String())
	}
	return b.String()
}

// operation is a call in porcupine's words. A read of what may be old is a read
// that began earlier; a write of unknown outcome never ends.
func operation(c *call) porcupine.Operation {
	op := porcupine.Operation{ClientId: 0, Input: c, Call: int64(c.Begin), Output: c, Return: int64(c.End)}
	if c.Kind == get {
		op.Call -= int64(c.Stale)
	}
	if c.Begin == never { // read when all was over
		op.Call = math.MaxInt64 - 2
		op.Return = math.MaxInt64 - 1
	}
	if c.Outcome == unknown {
		op.Return = math.MaxInt64
	}
	return op
}

// register is a key: it holds a text, and starts empty.
func register() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, _ any) (bool, any) {
			switch c := input.(*call); {
			case c.Kind == put || c.Kind == claim && state == "":
				return true, c.Value
			case c.Kind == claim:
				return c.Outcome == unknown, state
			default:
				return state == c.Value, state
			}
		},
	}
}
