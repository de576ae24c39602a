package load

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"warble"
)

// An import reads one file from its beginning to its end and hands batches of
// rows to workers. Every row can be imported any number of times, so an import
// may be broken off anywhere and simply run again. So that it then need not
// begin at the beginning, the position below which every row is done is kept in
// a document of the store (kind DocCursor), saved once a second.

// ImportOptions are the same for every import.
type ImportOptions struct {
	Meter   func(what string) Meter // makes a meter for each stretch of work; nil: shows nothing
	Rejects func(Reject)            // called for every rejected row, in no order; nil: forgets them
	Workers int                     // batches in flight; 0: 64, enough for every sync of the disk to serve many
}

// Reject is a row that was not imported.
type Reject struct {
	Line   int64  // where the row begins, from 1; 0: not from a line of a file
	Row    string // its beginning, or the name of the file
	Reason string
}

func (r Reject) String() string {
	if r.Line == 0 {
		return fmt.Sprintf("%s: %s", r.Row, r.Reason)
	}
	return fmt.Sprintf("line %d: %s: %s", r.Line, r.Reason, r.Row)
}

// Tally is how many rows came to what. Read counts rows of the file; the others
// may count several things that one row asked for.
type Tally struct {
	Read, Added, There, Rejected int64
}

func (t *Tally) add(o Tally) {
	t.Read += o.Read
	t.Added += o.Added
	t.There += o.There
	t.Rejected += o.Rejected
}

// Report is what an import came to, runs that were broken off included.
type Report struct {
	Tally
	People  int64 // accounts made
	Resumed int64 // the row an earlier run had come to, 0: began at the beginning
	Took    time.Duration
}

// place is a position in a file, and what came of everything before it.
type place struct {
	Offset int64 `json:"offset"`         // bytes, where the format can seek
	Line   int64 `json:"line"`           // lines before it
	Part   int   `json:"part,omitempty"` // batches done of the window of lines that begins here
	Rows   int64 `json:"rows,omitempty"` // lines of that window
	Tally  Tally `json:"tally"`
	People int64 `json:"people"`
}

// cursor is a place as it is stored.
type cursor struct {
	File  string `json:"file"`
	Head  string `json:"head"` // hash of the file's beginning: tells another file under the same name
	Done  bool   `json:"done"` // the end was reached: the next run begins at the beginning
	Place place  `json:"place"`
}

// job is one running import.
type job struct {
	s    *Store
	opt  ImportOptions
	id   warble.DocID
	head string
	file string
	from place // where it begins

	mu    sync.Mutex
	at    place // every row before it is done
	next  int   // the first batch after it
	ended map[int]place
	meter Meter
	total int64 // of the meter: bytes or rows in all, 0: not known
	came  int64 // of total
}

// newJob finds the place an earlier run of the same import had come to. kind
// names the import and its options, and keeps its cursors apart.
func (s *Store) newJob(ctx context.Context, kind, path string, opt ImportOptions) (*job, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if opt.Workers <= 0 {
		opt.Workers = 64
	}
	if opt.Meter == nil {
		opt.Meter = func(string) Meter { return noMeter{} }
	}
	if opt.Rejects == nil {
		opt.Rejects = func(Reject) {}
	}
	j := &job{s: s, opt: opt, file: abs, id: derivedID("import", kind, abs), ended: map[int]place{}}
	if j.head, err = headOf(abs); err != nil {
		return nil, err
	}
	c, _, err := j.load(ctx)
	if err != nil {
		return nil, err
	}
	if c != nil && !c.Done && c.Head == j.head {
		j.from = c.Place
	}
	j.at = j.from
	return j, nil
}

// headOf hashes the first 64 KiB of a file: a download that was completed since
// is the same file.
func headOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyN(h, bufio.NewReader(f), 64<<10); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (j *job) load(ctx context.Context) (c *cursor, version uint64, err error) {
	docs, err := j.s.Stores.Docs.Get(ctx, j.id)
	if err != nil || docs[0] == nil {
		return nil, 0, err
	}
	c = &cursor{}
	if err := json.Unmarshal(docs[0].Data, c); err != nil {
		return nil, docs[0].Version, nil // from another version of the program: begin again
	}
	return c, docs[0].Version, nil
}

// save stores how far the import is. Where somebody else saved at the same
// moment nothing is lost: a cursor only spares work.
func (j *job) save(ctx context.Context, done bool) error {
	j.mu.Lock()
	c := cursor{File: j.file, Head: j.head, Done: done, Place: j.at}
	j.mu.Unlock()
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, version, err := j.load(ctx)
	if err != nil {
		return err
	}
	err = j.s.Writer.SaveDoc(ctx, &warble.Doc{ID: j.id, Kind: warble.DocCursor, Version: version + 1, Data: data})
	if errors.Is(err, warble.ErrConflict) {
		return nil
	}
	return err
}

// batch is some rows for one worker. do imports them; end is the place behind
// them, without the tally. came is how much of the meter's total they are.
type batch struct {
	do   func(context.Context) (Tally, error)
	end  place
	came int64
}

// busyLimit is for how long a batch is done again where the store is too busy to say that it was done.
const busyLimit = time.Minute

// patiently does a batch, again and again while the store refuses it or does not say how it ended.
func (b batch) patiently(ctx context.Context) (Tally, error) {
	for end := time.Now().Add(busyLimit); ; {
		t, err := b.do(ctx)
		if err == nil || !passing(err) || time.Now().After(end) || pause(ctx, 250*time.Millisecond) != nil {
			return t, err
		}
	}
}

// run takes batches from next until io.EOF, has workers do them, and saves the
// place below which all are done, every second and at the end. An error of next
// ends the import after the batches before it are done; an error of a batch
// ends it at once.
func (j *job) run(ctx context.Context, what string, next func() (batch, error)) (Report, error) {
	start := time.Now()
	j.meter = j.opt.Meter(what)
	saving, stop := context.WithCancel(ctx)
	saved := make(chan error, 1)
	go func() { saved <- j.saveEverySecond(saving) }()

	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(j.opt.Workers)
	var readErr error
	for n := 0; workCtx.Err() == nil; n++ {
		b, err := next()
		if err != nil {
			readErr = err
			break
		}
		work.Go(func() error {
			t, err := b.patiently(workCtx)
			if err == nil {
				j.done(n, b, t)
			}
			return err
		})
	}
	err := work.Wait()
	stop()
	err = errors.Join(err, <-saved)
	if err == nil && !errors.Is(readErr, io.EOF) {
		err = readErr
	}
	if err == nil {
		err = ctx.Err()
	}
	// Broken off or not, what is done need not be done again.
	err = errors.Join(err, j.save(context.WithoutCancel(ctx), err == nil))
	j.meter.Done()
	return Report{Tally: j.at.Tally, People: j.at.People, Resumed: j.from.Line, Took: time.Since(start)}, err
}

func (j *job) saveEverySecond(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := j.save(ctx, false); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// done notes that batch n is imported and moves the place over every batch
// that now has nothing undone before it.
func (j *job) done(n int, b batch, t Tally) {
	j.mu.Lock()
	defer j.mu.Unlock()
	end := b.end
	end.Tally = t
	j.ended[n] = end
	for {
		p, ok := j.ended[j.next]
		if !ok {
			break
		}
		delete(j.ended, j.next)
		j.next++
		sum := j.at.Tally
		sum.add(p.Tally)
		p.Tally, p.People = sum, j.at.People
		j.at = p
	}
	j.came += b.came
	j.meter.Set(j.came, j.total)
}

// refused says whether an error is about the row, and why in a sentence.
func refused(err error) (reason string, ok bool) {
	if err == nil || !errors.Is(err, warble.ErrInvalid) && !errors.Is(err, warble.ErrForbidden) {
		return "", false
	}
	var e *warble.Error
	if errors.As(err, &e) && e.Detail != "" {
		if e.Param != "" {
			return e.Param + ": " + e.Detail, true
		}
		return e.Detail, true
	}
	return err.Error(), true
}

// begin is the beginning of a row, for a report.
func begin(row string) string {
	const limit = 80
	for i := range row {
		if i >= limit {
			return row[:i] + "…"
		}
	}
	return row
}
