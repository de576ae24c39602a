package role_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
	"warble/role/write"

	"github.com/anishathalye/porcupine"

	"warble"
)

// What a client of one register did: a follow, a like or a handle.
type registerOp uint8

const (
	opRead registerOp = iota
	opSet
	opClear
)

type registerInput struct {
	op  registerOp
	key int
	who int // of a handle: who asks for it, from 1
}

// registerModel is a set of registers that hold somebody (1: a mere flag) or
// nobody. Where exclusive, a register that is held refuses to be set.
func registerModel(exclusive bool) porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			by := map[int][]porcupine.Operation{}
			for _, op := range history {
				key := op.Input.(registerInput).key
				by[key] = append(by[key], op)
			}
			var parts [][]porcupine.Operation
			for _, part := range by {
				parts = append(parts, part)
			}
			return parts
		},
		Init: func() any { return 0 },
		Step: func(state, input, output any) (bool, any) {
			in, held := input.(registerInput), state.(int)
			switch in.op {
			case opRead:
				return output.(int) == held, held
			case opClear:
				return true, 0
			}
			if exclusive && held != 0 {
				return output.(int) == 0, held // refused
			}
			return output.(int) == in.who, in.who
		},
	}
}

// clients runs goroutines that each do steps, and checks the history.
func clients(t *testing.T, model porcupine.Model, do func(client int, rng *rand.Rand) (registerInput, func() int)) {
	t.Helper()
	const goroutines, steps = 6, 150
	start := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	var wg sync.WaitGroup
	for client := range goroutines {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(client), 7))
			for range steps {
				input, run := do(client, rng)
				call := time.Since(start).Nanoseconds()
				output := run()
				done := time.Since(start).Nanoseconds()
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: client, Input: input, Call: call, Output: output, Return: done})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if result := porcupine.CheckOperationsTimeout(model, history, 20*time.Second); result != porcupine.Ok {
		t.Errorf("the history of %d operations: %v", len(history), result)
	}
}

func TestFollowsAndLikesAreLinearizable(t *testing.T) {
	n := newTown(t, warble.Options{})
	ann := n.person("ann")
	var people []warble.UserID
	var tweets []warble.TweetID
	for i := range 3 {
		people = append(people, n.person(fmt.Sprintf("p%d", i)))
		tweets = append(tweets, n.say(people[i], "like me").ID)
	}
	// Two writers, as two processes have them.
	writers := []*write.Writer{n.w, write.NewWriter(n.Stores, newIDs(t, n.Claims, n.now), warble.Options{})}
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	read := func(kind warble.EdgeKind, to warble.ID) int {
		edges, err := n.Edges.Get(n.ctx, kind, ann, to)
		must(err)
		if err != nil || edges[0].Since == 0 {
			return 0
		}
		return 1
	}
	clients(t, registerModel(false), func(client int, rng *rand.Rand) (registerInput, func() int) {
		w := writers[client%2]
		in := registerInput{op: registerOp(rng.IntN(3)), key: rng.IntN(6), who: 1}
		like, which := in.key >= 3, in.key%3
		return in, func() int {
			switch {
			case in.op == opRead && like:
				return read(warble.Like, tweets[which])
			case in.op == opRead:
				return read(warble.Follow, people[which])
			case in.op == opSet && like:
				must(w.RecordUserTweetLike(n.ctx, ann, tweets[which]))
			case in.op == opSet:
				_, err := w.Follow(n.ctx, ann, people[which])
				must(err)
			case like:
				must(w.RemoveLike(n.ctx, ann, tweets[which]))
			default:
				must(w.Unfollow(n.ctx, ann, people[which]))
			}
			return 1
		}
	})
}

func TestHandlesAreLinearizable(t *testing.T) {
	n := newTown(t, warble.Options{})
	writers := []*write.Writer{n.w, write.NewWriter(n.Stores, newIDs(t, n.Claims, n.now), warble.Options{})}
	clients(t, registerModel(true), func(client int, rng *rand.Rand) (registerInput, func() int) {
		in := registerInput{op: opSet, key: rng.IntN(60), who: client + 1}
		email := fmt.Sprintf("%d-%d@example.org", client, rng.Uint64())
		return in, func() int {
			_, err := writers[client%2].Register(n.ctx, write.Registration{Handle: fmt.Sprintf("h%d", in.key), Email: email})
			switch {
			case err == nil:
				return in.who
			case !errors.Is(err, warble.ErrConflict):
				t.Error(err)
			}
			return 0
		}
	})
}

func TestEmailsAreLinearizable(t *testing.T) {
	n := newTown(t, warble.Options{})
	writers := []*write.Writer{n.w, write.NewWriter(n.Stores, newIDs(t, n.Claims, n.now), warble.Options{})}
	clients(t, registerModel(true), func(client int, rng *rand.Rand) (registerInput, func() int) {
		in := registerInput{op: opSet, key: rng.IntN(60), who: client + 1}
		handle := fmt.Sprintf("h%d_%x", client, rng.Uint32())
		return in, func() int {
			_, err := writers[client%2].Register(n.ctx, write.Registration{Handle: handle, Email: fmt.Sprintf("e%d@example.org", in.key)})
			switch {
			case err == nil:
				return in.who
			case !errors.Is(err, warble.ErrConflict):
				t.Error(err)
			}
			return 0
		}
	})
}

func TestAWithdrawalEndsWhatCrossesIt(t *testing.T) {
	n := newTown(t, warble.Options{MaxFollowing: -1})
	ann, bob := n.person("ann"), n.person("bob")
	n.protect(bob, true)
	other := n.elsewhere()
	for range 200 {
		n.follow(ann, bob)
		request := n.edge(warble.FollowRequest, ann, bob)
		var wg sync.WaitGroup
		for _, do := range []func() error{
			func() error { return n.w.Unfollow(n.ctx, ann, bob) },
			func() error { return other.AcceptFollow(n.ctx, bob, ann) },
			func() error { return warble.AcceptRequest(n.ctx, n.Stores, n.ids, request) },
		} {
			wg.Go(func() {
				if err := do(); err != nil && !errors.Is(err, warble.ErrNotFound) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n.has(warble.Follow, ann, bob) || n.has(warble.FollowRequest, ann, bob) {
			t.Fatal("a follow or a request outlived its withdrawal")
		}
	}
}

func TestAFollowBesideGoingPrivateIsWhatItsAnswerSays(t *testing.T) {
	n := newTown(t, warble.Options{MaxFollowing: -1})
	ann, bob := n.person("ann"), n.person("bob")
	other := n.elsewhere()
	for range 200 {
		n.protect(bob, false)
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := other.EditProfile(n.ctx, bob, write.ProfileEdit{Protected: ptr(true)})
			if err != nil {
				t.Error(err)
			}
		})
		state := n.follow(ann, bob)
		wg.Wait()
		if follows, asked := n.has(warble.Follow, ann, bob), n.has(warble.FollowRequest, ann, bob); follows != (state == write.Following) || asked != (state == write.Requested) {
			t.Fatalf("answered %v, but follows %v, asked %v", state, follows, asked)
		}
		n.ok(n.w.Unfollow(n.ctx, ann, bob))
	}
}
