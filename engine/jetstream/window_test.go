package jetstream

import (
	"slices"
	"testing"
	"time"
)

var writer = origin{node: 3, epoch: 40} //nolint:gochecknoglobals // a value

// came notes a message of a number, the piece-th of pieces, at a place in partition 0.
func (w *window) came(seq uint64, piece, pieces int, at uint64, now time.Time) {
	w.saw(&sighting{name{writer, seq, piece, pieces}, spot{piece, at}}, now)
}

func TestAHoleIsDueWhenItStoodForAWhile(t *testing.T) {
	w, now := newWindow(), time.Now()
	for _, seq := range []uint64{1, 2, 5} {
		w.came(seq, 0, 1, seq, now)
	}
	if w.lacks(now.Add(2*time.Second), 3*time.Second) {
		t.Error("a hole is looked for at once")
	}
	from, to, due := w.runs[writer].hole(now.Add(3*time.Second), 3*time.Second)
	if from != 3 || to != 6 || !due {
		t.Errorf("the hole is %d to %d, due %v", from, to, due)
	}
	w.came(4, 0, 1, 6, now)
	w.void(writer, 3, now)
	if from, to, _ := w.runs[writer].hole(now, 0); from != 6 || to != 0 {
		t.Errorf("after it closed the hole is %d to %d", from, to)
	}
}

func TestAChangeOfTwoPartitionsIsThereWithBothMessages(t *testing.T) {
	w, now := newWindow(), time.Now()
	w.came(1, 0, 2, 1, now)
	w.came(1, 0, 2, 9, now) // published again
	if r := w.runs[writer]; r.next != 1 {
		t.Fatal("half of it is enough")
	}
	w.came(1, 1, 2, 2, now)
	if r := w.runs[writer]; r.next != 2 {
		t.Fatal("both are not enough")
	}
}

func TestTheFloorRisesOverWhatEveryGroupHandled(t *testing.T) {
	w, now := newWindow(), time.Now()
	for seq := uint64(1); seq <= 5; seq++ {
		w.came(seq, 0, 1, 10*seq, now)
	}
	w.advance(func(at spot) bool { return at.seq <= 30 }, now, time.Hour)
	if r := w.runs[writer]; r.floor != 3 || w.size != 2 {
		t.Fatalf("the floor is %d with %d numbers above", r.floor, w.size)
	}
	if lowest := w.lowest(99); lowest != 40 {
		t.Errorf("it is to be read on from %d", lowest)
	}
	again := newWindow()
	again.load(w.floors(shardOf(writer)), now)
	if r := again.runs[writer]; r == nil || r.floor != 3 || r.next != 4 {
		t.Errorf("written down and read it is %+v", r)
	}
}

func TestWhatTheStreamLostIsAHoleAgain(t *testing.T) {
	w, now := newWindow(), time.Now()
	for seq := uint64(1); seq <= 5; seq++ {
		w.came(seq, 0, 1, seq, now)
	}
	w.lose(func(at spot) bool { return at.seq == 2 }, now)
	if from, to, _ := w.runs[writer].hole(now, 0); from != 2 || to != 6 {
		t.Errorf("the hole is %d to %d", from, to)
	}
	w.restart(now)
	if from, to, _ := w.runs[writer].hole(now, 0); from != 1 || to != 0 || w.size != 0 {
		t.Errorf("in another stream it is %d to %d", from, to)
	}
}

// TestAnEpochThatIsOverIsForgotten, when there is a later one and nothing follows for long; a living one never is.
func TestAnEpochThatIsOverIsForgotten(t *testing.T) {
	w, now := newWindow(), time.Now()
	later := origin{writer.node, writer.epoch + 1}
	w.came(1, 0, 1, 1, now)
	w.of(later, 0, now)
	for range idlest + 1 {
		w.runs[writer].idle++
		w.runs[later].idle++
	}
	all := func(spot) bool { return true }
	w.advance(all, now, time.Minute)
	w.advance(all, now.Add(2*time.Minute), time.Minute)
	if w.runs[writer] != nil || w.runs[later] == nil {
		t.Errorf("known are %v", w.runs)
	}
}

func TestWhatAWriterSaysItStoredIsMissing(t *testing.T) {
	w, now := newWindow(), time.Now()
	w.exists(writer, 3, now)
	if from, to, due := w.runs[writer].hole(now.Add(time.Second), time.Second); from != 1 || to != 4 || !due {
		t.Errorf("the hole is %d to %d, due %v", from, to, due)
	}
}

func TestFloorsFitAClaim(t *testing.T) {
	w, now := newWindow(), time.Now()
	for epoch := range uint64(100) {
		w.of(origin{1, 1<<40 + epoch}, 1<<50, now)
	}
	text := w.floors(shardOf(origin{node: 1}))
	if len(text) > 256 {
		t.Fatalf("it has %d bytes", len(text))
	}
	again := newWindow()
	again.load(text, now)
	var epochs []uint64
	for o := range again.runs {
		epochs = append(epochs, o.epoch)
	}
	if slices.Max(epochs) != 1<<40+99 {
		t.Error("the latest epoch is not among them")
	}
}
