package cassandra

import (
	"context"
	"slices"
	"sync"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

const (
	// readsKept is how many of the last reads the 95th percentile is taken of; it is taken again after readsAgain more.
	readsKept, readsAgain = 256, 64
	// minDelay is how long a read has at least before it is asked again elsewhere.
	minDelay = 2 * time.Millisecond
	// readsForOne is how many reads pay for one asked twice: 5 % of them at most.
	readsForOne = 20
	// maxSaved bounds the reads asked twice that quiet times pay for.
	maxSaved = 16
)

// reads measures how long reads take and pays for those asked twice.
type reads struct {
	mu     sync.Mutex
	last   [readsKept]time.Duration
	n      int
	delay  time.Duration // the 95th percentile, zero while it is not known
	credit int
	calls  uint64
	twice  uint64
}

// begin counts a read and says after how long it may be asked again, zero for never.
func (r *reads) begin() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	r.credit = min(r.credit+1, maxSaved*readsForOne)
	return r.delay
}

// spend takes what one more question costs; false where that has not been saved up.
func (r *reads) spend() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.credit < readsForOne {
		return false
	}
	r.credit -= readsForOne
	r.twice++
	return true
}

func (r *reads) took(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[r.n%readsKept] = d
	if r.n++; r.n < readsKept || r.n%readsAgain != 0 {
		return
	}
	sorted := r.last
	slices.Sort(sorted[:])
	r.delay = max(minDelay, sorted[readsKept*95/100])
}

// Reads says how many reads there were, and how many of them were asked again of another node.
func (e *Engine) Reads() (calls, twice uint64) {
	e.reads.mu.Lock()
	defer e.reads.mu.Unlock()
	return e.reads.calls, e.reads.twice
}

// ask runs a read. One that takes longer than most is asked again of another
// node, where that has been saved up; the first good answer counts. done is
// called once the rows have been read.
func (e *Engine) ask(ctx context.Context, q *gocql.Query) (iter *gocql.Iter, done func()) {
	delay, begun := e.reads.begin(), time.Now()
	defer func() { e.reads.took(time.Since(begun)) }()
	if delay == 0 {
		return q.IterContext(ctx), func() {}
	}
	defer e.nodes.share(q)()
	ctx, done = context.WithCancel(ctx)
	answers := make(chan *gocql.Iter, 2)
	go func() { answers <- q.IterContext(ctx) }()
	late := time.NewTimer(delay)
	defer late.Stop()
	select {
	case iter = <-answers:
		return iter, done
	case <-late.C:
	}
	if !e.spare() {
		return <-answers, done
	}
	go func() {
		defer e.leave()
		answers <- q.IterContext(ctx)
	}()
	if iter = <-answers; len(iter.Columns()) == 0 { // it failed: the other may not
		iter = <-answers
	}
	return iter, done
}

// spare takes a place for asking again, if there is one and it has been paid for.
func (e *Engine) spare() bool {
	select {
	case e.slots <- struct{}{}:
	default:
		return false
	}
	if e.reads.spend() {
		return true
	}
	e.leave()
	return false
}

// nodes chooses where a statement runs. A read that is asked twice goes through
// one sequence of nodes, so that the second is not asked of the same again.
type nodes struct {
	gocql.HostSelectionPolicy
	shared sync.Map // gocql.Statement → *sequence
}

type sequence struct {
	mu   sync.Mutex
	next gocql.NextHost
}

// share lets what runs of q until forget is called share a sequence.
func (n *nodes) share(q *gocql.Query) (forget func()) {
	n.shared.Store(gocql.Statement(q), &sequence{})
	return func() { n.shared.Delete(gocql.Statement(q)) }
}

func (n *nodes) Pick(s gocql.ExecutableStatement) gocql.NextHost {
	if s == nil {
		return n.HostSelectionPolicy.Pick(s)
	}
	v, ok := n.shared.Load(s.Statement())
	if !ok {
		return n.HostSelectionPolicy.Pick(s)
	}
	seq := v.(*sequence)
	seq.mu.Lock()
	defer seq.mu.Unlock()
	if seq.next == nil {
		seq.next = n.HostSelectionPolicy.Pick(s)
	}
	return func() gocql.SelectedHost {
		seq.mu.Lock()
		defer seq.mu.Unlock()
		return seq.next()
	}
}
