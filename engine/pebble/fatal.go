package pebble

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// stopsByItself is how long a process has to end by itself after its store died:
// a little more than the server gives requests under way.
const stopsByItself = 20 * time.Second

// lastWords hands what Pebble has to say to the operator's log, and ends the
// process where Pebble cannot go on.
type lastWords struct {
	disk     *disk
	note     *slog.Logger
	exit     func(int)
	patience atomic.Int64 // a time.Duration; none while the store is being opened
}

func (l *lastWords) Infof(string, ...any) {}

func (l *lastWords) Errorf(format string, args ...any) {
	l.note.Error("the store reports", "error", fmt.Sprintf(format, args...))
}

// Fatalf never returns: its caller holds locks, and what it holds in memory is
// not to be trusted any more. The server hears of the failure, says that it is
// not ready, and stops; if that hangs in the store, the process ends here. Its
// exit code is that of work that failed (a panic's would tell a supervisor not
// to start the server again).
func (l *lastWords) Fatalf(format string, args ...any) {
	l.disk.dead.Store(true)
	l.disk.fail(fmt.Errorf("the store cannot go on: "+format, args...))
	<-time.After(time.Duration(l.patience.Load()))
	l.exit(1)
	select {}
}
