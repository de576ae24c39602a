package load

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Bounds of a follow graph that is read at all.
const (
	maxGraphUsers = 100_000_000 // 800 MB for their ids
	maxEdgeLine   = 256         // bytes
)

// edgesReader reads a gzip file of follows: the header "users,pairs,u,graph",
// then a line "a,b" for every pair, with users numbered from 1.
type edgesReader struct {
	Users, Pairs int64 // as the header says
	Line         int64 // lines read

	lines *bufio.Reader
}

// pair is one line: a follows b.
type pair struct{ From, To uint32 }

// errCut says that the file ends in the middle.
var errCut = errors.New("the file is cut short")

// newEdgesReader reads the header.
func newEdgesReader(r io.Reader) (*edgesReader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("this is not a gzip file: follows come as FILE.edges.gz")
	}
	e := &edgesReader{lines: bufio.NewReaderSize(z, 64<<10)}
	line, err := e.line()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if e.Users, e.Pairs, err = parseEdgesHeader(line); err != nil {
		return nil, err
	}
	return e, nil
}

func parseEdgesHeader(line []byte) (users, pairs int64, err error) {
	f := bytes.Split(line, []byte{','})
	if len(f) == 4 && string(f[2]) == "u" && string(f[3]) == "graph" {
		users, err1 := strconv.ParseInt(string(f[0]), 10, 64)
		pairs, err2 := strconv.ParseInt(string(f[1]), 10, 64)
		if err1 == nil && err2 == nil && users > 0 && users <= maxGraphUsers && pairs >= 0 {
			return users, pairs, nil
		}
	}
	return 0, 0, fmt.Errorf("the first line of a follow graph is USERS,PAIRS,u,graph with at most %d users, as 81306,1342310,u,graph; this one is %q", maxGraphUsers, begin(string(line)))
}

// line returns the next line without its break. A last line without one counts
// only where the file ends as gzip says it should: else it may be half a line.
func (e *edgesReader) line() ([]byte, error) {
	line, err := e.lines.ReadSlice('\n')
	switch {
	case err == nil:
		e.Line++
		return bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'}), nil
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("line %d is too long for a follow graph", e.Line+1)
	case errors.Is(err, io.EOF) && len(line) > 0:
		e.Line++
		return line, nil
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w after line %d", errCut, e.Line)
	}
	return nil, fmt.Errorf("the file is damaged after line %d: %w", e.Line, err)
}

// Read returns the next pair. An *errRow says that a line was left out: Read
// may be called again.
func (e *edgesReader) Read() (pair, error) {
	for {
		line, err := e.line()
		if err != nil {
			return pair{}, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		p, reason := parsePair(line, e.Users)
		if reason != "" {
			return pair{}, &errRow{line: e.Line, row: begin(string(line)), reason: reason}
		}
		return p, nil
	}
}

// Skip passes over lines without looking at them.
func (e *edgesReader) Skip(to int64) error {
	for e.Line < to {
		if _, err := e.line(); err != nil {
			return err
		}
	}
	return nil
}

func parsePair(line []byte, users int64) (p pair, reason string) {
	a, b, ok := bytes.Cut(line, []byte{','})
	from, ok1 := parseNumber(a)
	to, ok2 := parseNumber(b)
	switch {
	case len(line) > maxEdgeLine || !ok || !ok1 || !ok2:
		return p, "the line is not two numbers with a comma between"
	case from < 1 || from > users || to < 1 || to > users:
		return p, fmt.Sprintf("users are numbered from 1 to %d", users)
	case from == to:
		return p, "nobody follows themselves"
	}
	return pair{uint32(from), uint32(to)}, ""
}

// parseNumber reads decimal digits; no number of users is longer than nine.
func parseNumber(s []byte) (int64, bool) {
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
