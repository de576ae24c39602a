package enginetest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"warble"
)

func claimTests() []test {
	return []test{
		{"SwapTakesAFreeName", claimFree},
		{"SwapAgainstAnotherClaimReturnsIt", claimTaken},
		{"SwapComparesHolderEpochAndData", claimCompares},
		{"SwapOfTheZeroClaimGivesUp", claimGivesUp},
		{"NamesAreKeptApart", claimNames},
		{"AClaimHolds256Bytes", claimData},
		{"AClaimRunsOutAfterItsTTL", claimRunsOut},
		{"RenewingStartsTheTTLAnew", claimRenews},
		{"OneOfManySwapsWins", claimOneWins},
		{"IsLinearizable", claimLinearizable},
		{"IsLinearizableWhileTimePasses", claimLinearizableInTime},
	}
}

func (s *suite) swap(t *testing.T, name string, old, next warble.Claim, ttl time.Duration) warble.Claim {
	t.Helper()
	got, err := s.Claims.Swap(t.Context(), name, old, next, ttl)
	check(t, err)
	return got
}

func (s *suite) claim(t *testing.T, name string) warble.Claim {
	t.Helper()
	got, err := s.Claims.Get(t.Context(), name)
	check(t, err)
	return got
}

func (s *suite) holds(t *testing.T, name string, want warble.Claim) {
	t.Helper()
	if got := s.claim(t, name); got != want {
		t.Fatalf("claim %q is %+v, want %+v", name, got, want)
	}
}

func claimFree(t *testing.T, s *suite) {
	name, mine := "handle/"+s.word(), warble.Claim{Holder: s.id(), Epoch: 3, Data: "a\x00b"}
	s.holds(t, name, warble.Claim{})
	if got := s.swap(t, name, warble.Claim{}, mine, 0); got != mine {
		t.Fatalf("swap returned %+v", got)
	}
	s.holds(t, name, mine)
}

func claimTaken(t *testing.T, s *suite) {
	name, first, second := s.word(), warble.Claim{Holder: s.id()}, warble.Claim{Holder: s.id()}
	s.swap(t, name, warble.Claim{}, first, 0)
	for _, old := range []warble.Claim{{}, second} {
		if got := s.swap(t, name, old, second, 0); got != first {
			t.Fatalf("swap against %+v returned %+v, want the claim that stands", old, got)
		}
	}
	if got := s.swap(t, name, warble.Claim{}, first, 0); got != first {
		t.Fatalf("a swap sent again returned %+v: who sent it cannot see that he won", got)
	}
	s.holds(t, name, first)
	if got := s.swap(t, name, first, second, 0); got != second {
		t.Fatalf("swap against the claim that stands returned %+v", got)
	}
	s.holds(t, name, second)
	free := s.word()
	if got := s.swap(t, free, first, second, 0); got != (warble.Claim{}) {
		t.Fatalf("swap against a claim nobody holds returned %+v", got)
	}
	s.holds(t, free, warble.Claim{})
}

func claimCompares(t *testing.T, s *suite) {
	name, c := s.word(), warble.Claim{Holder: s.id(), Epoch: 7, Data: "x"}
	s.swap(t, name, warble.Claim{}, c, 0)
	for _, old := range []warble.Claim{{Holder: c.Holder + 1, Epoch: 7, Data: "x"}, {Holder: c.Holder, Epoch: 8, Data: "x"}, {Holder: c.Holder, Epoch: 7, Data: "y"}} {
		if got := s.swap(t, name, old, warble.Claim{Holder: 1}, 0); got != c {
			t.Fatalf("swap against %+v won over %+v", old, c)
		}
	}
}

func claimGivesUp(t *testing.T, s *suite) {
	name, c := s.word(), warble.Claim{Holder: s.id()}
	s.swap(t, name, warble.Claim{}, c, time.Hour)
	if got := s.swap(t, name, c, warble.Claim{}, 0); got != (warble.Claim{}) {
		t.Fatalf("giving up returned %+v", got)
	}
	s.holds(t, name, warble.Claim{})
	next := warble.Claim{Holder: s.id()}
	if got := s.swap(t, name, warble.Claim{}, next, 0); got != next {
		t.Fatalf("the name is not free again: %+v", got)
	}
}

func claimNames(t *testing.T, s *suite) {
	base := s.word()
	names := []string{base, base + "/", base + "a", base + "\x00", strings.ToUpper(base), base + "ü", base + strings.Repeat("x", 200)}
	for i, name := range names {
		c := warble.Claim{Holder: warble.ID(i + 1)}
		if got := s.swap(t, name, warble.Claim{}, c, 0); got != c {
			t.Fatalf("%q is not free: %+v", name, got)
		}
	}
	for i, name := range names {
		s.holds(t, name, warble.Claim{Holder: warble.ID(i + 1)})
	}
}

func claimData(t *testing.T, s *suite) {
	name, c := s.word(), warble.Claim{Holder: warble.MaxID, Epoch: 1<<64 - 1, Data: strings.Repeat("\xff", 256)}
	s.swap(t, name, warble.Claim{}, c, 0)
	s.holds(t, name, c)
}

// ttl is a time to live, and what lets a part of it pass: half, then more than the rest.
func (s *suite) ttl(t *testing.T) (ttl time.Duration, half, rest func(gone func() bool)) {
	if c := s.opt.Clock; c != nil {
		pass := func(gone func() bool) { c.Advance(31 * time.Second); gone() }
		return time.Minute, pass, pass
	}
	return time.Second, func(func() bool) {}, func(gone func() bool) { within(t, 5*time.Second, "the claim runs out", gone) }
}

func claimRunsOut(t *testing.T, s *suite) {
	name, forever, c := s.word(), s.word(), warble.Claim{Holder: s.id(), Epoch: 1}
	ttl, half, rest := s.ttl(t)
	s.swap(t, forever, warble.Claim{}, c, 0)
	s.swap(t, name, warble.Claim{}, c, ttl)
	half(func() bool { return true })
	s.holds(t, name, c)
	rest(func() bool { return s.claim(t, name) == warble.Claim{} })
	s.holds(t, name, warble.Claim{})
	s.holds(t, forever, c)
	if got := s.swap(t, name, c, warble.Claim{Holder: s.id()}, 0); got != (warble.Claim{}) {
		t.Fatalf("a swap against a claim that ran out returned %+v", got)
	}
	s.holds(t, name, warble.Claim{})
	next := warble.Claim{Holder: s.id(), Epoch: 2}
	if got := s.swap(t, name, warble.Claim{}, next, 0); got != next {
		t.Fatalf("a claim that ran out is not free: %+v", got)
	}
}

func claimRenews(t *testing.T, s *suite) {
	name, c := s.word(), warble.Claim{Holder: s.id(), Epoch: 1}
	ttl, half, rest := s.ttl(t)
	s.swap(t, name, warble.Claim{}, c, ttl)
	half(func() bool { return true })
	s.swap(t, name, c, c, ttl)
	half(func() bool { return true })
	s.holds(t, name, c)
	s.swap(t, name, c, c, 0)
	rest(func() bool { return true })
	s.holds(t, name, c)
}

func claimOneWins(t *testing.T, s *suite) {
	for range 20 {
		name, claims := s.word(), make([]warble.Claim, 16)
		together(len(claims), func(i int) {
			got, err := s.Claims.Swap(t.Context(), name, warble.Claim{}, warble.Claim{Holder: warble.ID(i + 1)}, 0)
			if err != nil {
				t.Error(err)
			}
			claims[i] = got
		})
		for _, c := range claims {
			if c != claims[0] || c.Holder == 0 {
				t.Fatalf("sixteen swaps at once returned %+v", claims)
			}
		}
		s.holds(t, name, claims[0])
	}
}

// claimOp is one call in a history: a swap, a get, or the passing of time.
type claimOp struct {
	name      string
	get       bool
	old, next warble.Claim
	ttl       time.Duration
	pass      time.Duration
}

// claimState is a claim and how long it still has; zero left is for ever.
type claimState struct {
	claim warble.Claim
	left  time.Duration
}

func claimStep(state, input, output any) (bool, any) {
	st, op := state.(claimState), input.(claimOp)
	if op.pass > 0 {
		if st.left > 0 {
			if st.left -= op.pass; st.left <= 0 {
				st = claimState{}
			}
		}
		return true, st
	}
	if !op.get && st.claim == op.old {
		if st = (claimState{op.next, op.ttl}); op.next == (warble.Claim{}) {
			st = claimState{}
		}
	}
	return output.(warble.Claim) == st.claim, st
}

func claimModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return claimState{} },
		Step: claimStep,
		Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
			byName := map[string][]porcupine.Operation{}
			for _, op := range history {
				name := op.Input.(claimOp).name
				byName[name] = append(byName[name], op)
			}
			for _, ops := range byName {
				parts = append(parts, ops)
			}
			return parts
		},
	}
}

// historyOf records calls of many clients with the times between which each took effect.
type historyOf struct {
	mu    sync.Mutex
	start time.Time
	ops   []porcupine.Operation
}

func (h *historyOf) call(client int, input any, f func() any) {
	from := time.Since(h.start).Nanoseconds()
	out := f()
	to := time.Since(h.start).Nanoseconds()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: input, Call: from, Output: out, Return: to})
}

func (h *historyOf) linearizable(t *testing.T, m porcupine.Model) {
	t.Helper()
	if got := porcupine.CheckOperationsTimeout(m, h.ops, 10*time.Second); got != porcupine.Ok {
		t.Fatalf("a history of %d calls is not linearizable: %s", len(h.ops), got)
	}
}

func (s *suite) claimCall(t *testing.T, op claimOp) any {
	var got warble.Claim
	var err error
	if op.get {
		got, err = s.Claims.Get(t.Context(), op.name)
	} else {
		got, err = s.Claims.Swap(t.Context(), op.name, op.old, op.next, op.ttl)
	}
	if err != nil {
		t.Error(err)
	}
	return got
}

func claimLinearizable(t *testing.T, s *suite) {
	names := []string{s.word(), s.word()}
	h := &historyOf{start: time.Now()}
	together(6, func(client int) {
		rng, seen := seeded(s.opt.Seed+uint64(client)), map[string]warble.Claim{}
		for i := range 60 {
			op := claimOp{name: names[rng.IntN(2)], get: rng.IntN(3) == 0, next: warble.Claim{Holder: warble.ID(client + 1), Epoch: uint64(i)}}
			op.old = seen[op.name]
			if rng.IntN(5) == 0 {
				op.next = warble.Claim{}
			}
			h.call(client, op, func() any { got := s.claimCall(t, op); seen[op.name] = got.(warble.Claim); return got })
		}
	})
	h.linearizable(t, claimModel())
}

func claimLinearizableInTime(t *testing.T, s *suite) {
	if s.opt.Clock == nil {
		t.Skip("the engine's clock is its own")
	}
	name, h := s.word(), &historyOf{start: time.Now()}
	together(4, func(client int) {
		rng, seen := seeded(s.opt.Seed+100+uint64(client)), warble.Claim{}
		for i := range 40 {
			op := claimOp{name: name, get: rng.IntN(3) == 0, old: seen, next: warble.Claim{Holder: warble.ID(client + 1), Epoch: uint64(i)}}
			op.ttl = []time.Duration{0, 2 * time.Second, 5 * time.Second}[rng.IntN(3)]
			if client == 0 && i%2 == 0 {
				op = claimOp{name: name, pass: time.Second}
				h.call(client, op, func() any { s.opt.Clock.Advance(op.pass); return warble.Claim{} })
				continue
			}
			h.call(client, op, func() any { got := s.claimCall(t, op); seen = got.(warble.Claim); return got })
		}
	})
	h.linearizable(t, claimModel())
}
