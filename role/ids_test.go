package role_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"warble"
	"warble/engine/mem"
)

// machine is a computer whose clock can be set wrong.
type machine struct{ wrong time.Duration }

func (m *machine) now() time.Time { return time.Now().Add(m.wrong) }

func newIDs(t testing.TB, claims warble.Claims, clock func() time.Time) *warble.IDs {
	t.Helper()
	ids, err := warble.NewIDs(context.Background(), claims, clock)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func nextID(t testing.TB, ids *warble.IDs, above ...warble.ID) warble.ID {
	t.Helper()
	id, err := ids.Next(context.Background(), above...)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestIDsRiseAndAreUniqueAmongGoroutinesAndProcesses(t *testing.T) {
	claims := mem.New(mem.Options{}).Claims
	var mu sync.Mutex
	seen := map[warble.ID]bool{}
	var wg sync.WaitGroup
	for range 3 {
		ids := newIDs(t, claims, nil)
		for range 4 {
			wg.Go(func() {
				var last warble.ID
				for range 2000 {
					id, err := ids.Next(context.Background())
					if err != nil {
						t.Error(err)
						return
					}
					if id <= last {
						t.Errorf("%v came after %v", id, last)
					}
					last = id
					mu.Lock()
					if seen[id] {
						t.Errorf("%v was given twice", id)
					}
					seen[id] = true
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
}

func TestThe257thIDOfAMillisecondWaitsForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := newIDs(t, mem.New(mem.Options{}).Claims, nil)
		time.Sleep(time.Second)
		first := nextID(t, ids)
		for n := 1; n < 256; n++ {
			if id := nextID(t, ids); id.Millis() != first.Millis() {
				t.Fatalf("id %d is of another millisecond", n)
			}
		}
		before := time.Now()
		if id := nextID(t, ids); id.Millis() != first.Millis()+1 {
			t.Errorf("the 257th id is of millisecond +%d", id.Millis()-first.Millis())
		}
		if waited := time.Since(before); waited <= 0 || waited > time.Millisecond {
			t.Errorf("the 257th id waited %v", waited)
		}
		synctest.Wait()
	})
}

func TestIDsStayUniqueOverRestartsWithWrongClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := mem.New(mem.Options{}).Claims
		rng := rand.New(rand.NewPCG(1, 2))
		seen := map[warble.ID]int{}
		refused := 0
		for restart := range 600 {
			m := &machine{wrong: time.Duration(rng.IntN(4000)-2000) * time.Millisecond}
			ids, err := warble.NewIDs(context.Background(), claims, m.now)
			if err != nil {
				if !errors.Is(err, warble.ErrUnavailable) {
					t.Fatal(err)
				}
				refused++
				time.Sleep(20 * time.Second)
				continue
			}
			for range rng.IntN(700) {
				if rng.IntN(100) == 0 {
					m.wrong += time.Duration(rng.IntN(200)-100) * time.Millisecond
				}
				id, err := ids.Next(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if before, there := seen[id]; there {
					t.Fatalf("restart %d gave %v, as restart %d had", restart, id, before)
				}
				seen[id] = restart
			}
			if rng.IntN(2) == 0 {
				if err := ids.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
			} // else: killed
			time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
			synctest.Wait()
		}
		if refused > 30 {
			t.Errorf("%d of 600 starts were refused", refused)
		}
	})
}

func TestStartWithAnOlderClockIsRefusedWithTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := mem.New(mem.Options{}).Claims
		nextID(t, newIDs(t, claims, nil))
		m := &machine{wrong: -time.Hour}
		_, err := warble.NewIDs(context.Background(), claims, m.now)
		wantError(t, err, warble.ErrUnavailable, "")
		if err != nil && !strings.Contains(err.Error(), "clock") {
			t.Errorf("the refusal does not name the clock: %v", err)
		}
	})
}

func TestStartWithASlightlyOlderClockWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := mem.New(mem.Options{}).Claims
		last := nextID(t, newIDs(t, claims, nil))
		m := &machine{wrong: -3 * time.Second}
		before := time.Now()
		id := nextID(t, newIDs(t, claims, m.now))
		if waited := time.Since(before); waited < 2*time.Second || waited > 4*time.Second {
			t.Errorf("the start waited %v for a clock that was 3 s behind", waited)
		}
		if id <= last {
			t.Errorf("%v came after %v", id, last)
		}
	})
}

func TestNextWaitsForAClockThatIsALittleBehindAndRefusesOneFarBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := newIDs(t, mem.New(mem.Options{}).Claims, nil)
		above := warble.IDAt(time.Now().Add(500 * time.Millisecond))
		before := time.Now()
		if id := nextID(t, ids, 1, above, 2); id <= above {
			t.Errorf("%v is not above %v", id, above)
		}
		if waited := time.Since(before); waited < 500*time.Millisecond {
			t.Errorf("waited only %v", waited)
		}
		_, err := ids.Next(context.Background(), warble.IDAt(time.Now().Add(time.Hour)))
		wantError(t, err, warble.ErrUnavailable, "")
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := ids.Next(ctx, warble.IDAt(time.Now().Add(time.Second))); !errors.Is(err, context.Canceled) {
			t.Errorf("a request that was given up got %v", err)
		}
		synctest.Wait()
	})
}

func TestIDsRiseWhileTheClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{}
		ids := newIDs(t, mem.New(mem.Options{}).Claims, m.now)
		time.Sleep(time.Second)
		last := nextID(t, ids)
		m.wrong = -time.Second
		for range 1000 {
			id := nextID(t, ids)
			if id <= last {
				t.Fatalf("%v came after %v", id, last)
			}
			last = id
		}
		m.wrong = -time.Hour
		var err error
		for range 300 {
			if _, err = ids.Next(context.Background()); err != nil {
				break
			}
		}
		wantError(t, err, warble.ErrUnavailable, "")
		synctest.Wait()
	})
}

func TestAProcessThatSleptWhileItsNodeWasTakenGetsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := mem.New(mem.Options{}).Claims
		ids := newIDs(t, claims, nil)
		old := nextID(t, ids)
		time.Sleep(time.Hour)
		name := fmt.Sprintf("node/%d", old.Node())
		stands, _ := claims.Get(context.Background(), name)
		until := time.Now().Add(6 * time.Second).UnixMilli()
		other := warble.Claim{Holder: 1, Epoch: stands.Epoch + 1, Data: fmt.Sprint(until)}
		if got, _ := claims.Swap(context.Background(), name, stands, other, 0); got != other {
			t.Fatal("the node number could not be taken")
		}
		id := nextID(t, ids)
		if id.Node() == old.Node() || id <= old {
			t.Errorf("after its node %d was taken, the process gave %v of node %d", old.Node(), id, id.Node())
		}
		if got, _ := claims.Get(context.Background(), name); got != other {
			t.Errorf("the new holder's claim became %+v", got)
		}
	})
}

// downClaims is a Claims that can be switched off.
type downClaims struct {
	warble.Claims
	mu   sync.Mutex
	down bool
	// lose makes Swaps succeed but their answers get lost.
	lose bool
}

func (c *downClaims) set(down, lose bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down, c.lose = down, lose
}

func (c *downClaims) Swap(ctx context.Context, name string, old, next warble.Claim, ttl time.Duration) (warble.Claim, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return warble.Claim{}, warble.Fail(warble.ErrUnavailable, "down")
	}
	got, err := c.Claims.Swap(ctx, name, old, next, ttl)
	if c.lose {
		return warble.Claim{}, warble.Fail(warble.ErrUnknown, "the answer was lost")
	}
	return got, err
}

func TestIDsOutliveAnOutageOfTheClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := &downClaims{Claims: mem.New(mem.Options{}).Claims}
		ids := newIDs(t, claims, nil)
		first := nextID(t, ids)
		claims.set(true, false)
		time.Sleep(5 * time.Second)
		nextID(t, ids) // the lease still lasts
		time.Sleep(5 * time.Second)
		_, err := ids.Next(context.Background())
		wantError(t, err, warble.ErrUnavailable, "")
		claims.set(false, true)
		_, err = ids.Next(context.Background())
		wantError(t, err, warble.ErrUnavailable, "")
		claims.set(false, false)
		if id := nextID(t, ids); id.Node() != first.Node() {
			t.Errorf("the lease went from node %d to %d", first.Node(), id.Node())
		}
		synctest.Wait()
	})
}

func TestAClosedGeneratorGivesNothingAndLeavesItsNodeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := mem.New(mem.Options{}).Claims
		for n := range 300 { // more starts than node numbers, in no time at all
			ids := newIDs(t, claims, nil)
			nextID(t, ids)
			if err := ids.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if _, err := ids.Next(context.Background()); !errors.Is(err, warble.ErrUnavailable) {
				t.Fatalf("closed generator %d: %v", n, err)
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
}

func TestAClockSetBackRightAfterTheStartRepeatsNoID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claims := mem.New(mem.Options{}).Claims
		used := time.Now()
		for n := range 256 { // every number was used up to now
			c := warble.Claim{Holder: 1, Epoch: 1, Data: fmt.Sprint(used.UnixMilli())}
			if _, err := claims.Swap(context.Background(), fmt.Sprintf("node/%d", n), warble.Claim{}, c, 0); err != nil {
				t.Fatal(err)
			}
		}
		_, err := warble.NewIDs(context.Background(), claims, nil)
		wantError(t, err, warble.ErrUnavailable, "") // all in use
		time.Sleep(11 * time.Second)
		m := &machine{}
		ids := newIDs(t, claims, m.now)
		m.wrong = -time.Hour
		if id, err := ids.Next(context.Background()); err == nil && id < warble.IDAt(used) {
			t.Errorf("%v may have been given out before", id)
		}
		synctest.Wait()
	})
}

func TestNextAllocatesNothing(t *testing.T) {
	ids := newIDs(t, mem.New(mem.Options{}).Claims, fastClock())
	n := testing.AllocsPerRun(1000, func() {
		if _, err := ids.Next(context.Background(), 1, 2); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("an id allocates %v times", n)
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{"1", "9223372036854775807", "9223372036854775808", "0", "-1", "+1", "01", "", "1e3", " 1", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := warble.ParseID(s)
		if err != nil {
			if !errors.Is(err, warble.ErrInvalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if id == 0 || id > warble.MaxID || id.String() != s {
			t.Errorf("%q became %v", s, id)
		}
	})
}

// fastClock runs 10 µs at each look, so that nobody waits for a millisecond.
func fastClock() func() time.Time {
	var steps atomic.Int64
	start := time.Now()
	return func() time.Time { return start.Add(time.Duration(steps.Add(1)) * 10 * time.Microsecond) }
}

func BenchmarkNextID(b *testing.B) {
	ids := newIDs(b, mem.New(mem.Options{}).Claims, fastClock())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ids.Next(context.Background(), 1, 2); err != nil {
			b.Fatal(err)
		}
	}
}
