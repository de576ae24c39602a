package load

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
	"warble/role/write"

	"warble"
)

// maxRecord is how many bytes a row of a CSV file may have. It also bounds how
// much of a file a quotation mark without a partner can swallow.
const maxRecord = 64 << 10

// csvReader reads RFC 4180 records one at a time and survives those that are
// malformed: such a row is reported alone, and reading goes on with the line
// after the one it began on. Blank lines are skipped.
type csvReader struct {
	r      io.Reader
	buf    []byte // read and not yet used
	eof    bool
	Offset int64 // of the next record, in bytes
	Line   int64 // lines before the next record

	fields int // that a record has; 0: the first one says
	record []string
}

// errRow is a malformed row: what it begins with, and what is wrong.
type errRow struct {
	line   int64
	row    string
	reason string
}

func (e *errRow) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.reason) }

// csvRow is a record and where it began.
type csvRow struct {
	Line   int64 // from 1
	Fields []string
	Raw    string
}

// Read returns the next record. An *errRow says that a row was malformed and
// left out: Read may be called again.
func (c *csvReader) Read() (csvRow, error) {
	for {
		end, n, err := c.scan()
		var bad *errRow
		if errors.As(err, &bad) {
			bad.line = c.Line + 1
			bad.row = begin(strings.TrimRight(string(c.buf[:n]), "\r\n"))
			c.use(n)
			return csvRow{}, bad
		}
		if err != nil {
			return csvRow{}, err
		}
		row := csvRow{Line: c.Line + 1, Raw: string(c.buf[:end])}
		c.use(n)
		if strings.TrimSpace(row.Raw) == "" {
			continue
		}
		row.Fields = append([]string(nil), c.record...)
		if c.fields == 0 {
			c.fields = len(row.Fields)
		}
		return row, nil
	}
}

// use gives n bytes up.
func (c *csvReader) use(n int) {
	c.Line += int64(bytes.Count(c.buf[:n], []byte{'\n'}))
	c.Offset += int64(n)
	c.buf = c.buf[n:]
}

// fill reads more. It returns false at the end of the file.
func (c *csvReader) fill() (bool, error) {
	if c.eof {
		return false, nil
	}
	if cap(c.buf)-len(c.buf) < 4<<10 {
		c.buf = append(make([]byte, 0, len(c.buf)+4*maxRecord), c.buf...)
	}
	n, err := c.r.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if errors.Is(err, io.EOF) {
		c.eof = true
		return n > 0, nil
	}
	return true, err
}

// scan cuts the next record into c.record. The record is the first end bytes
// of c.buf, and n bytes with its line break. With an *errRow, n is the one line
// to give up.
func (c *csvReader) scan() (end, n int, err error) {
	for {
		end, n, reason := c.cut()
		switch {
		case reason != "":
			return c.giveUp(reason)
		case n > 0:
			return end, n, nil
		case len(c.buf) >= maxRecord:
			return c.giveUp("the row is longer than 64 KiB; perhaps a quotation mark is missing")
		}
		more, err := c.fill()
		if err != nil {
			return 0, 0, err
		}
		if !more {
			return c.last()
		}
	}
}

// last is the record at the end of the file, without a line break.
func (c *csvReader) last() (end, n int, err error) {
	if len(c.buf) == 0 {
		return 0, 0, io.EOF
	}
	c.buf = append(c.buf, '\n')
	end, n, reason := c.cut()
	c.buf = c.buf[:len(c.buf)-1]
	if reason == "" && n == 0 {
		reason = "a quotation mark is opened and never closed"
	}
	if reason != "" {
		return c.giveUp(reason)
	}
	return end, min(n, len(c.buf)), nil
}

// giveUp is an *errRow about the first line in the buffer. A line longer than a
// record may be is given up in pieces.
func (c *csvReader) giveUp(reason string) (end, n int, err error) {
	for {
		if i := bytes.IndexByte(c.buf, '\n'); i >= 0 {
			return 0, i + 1, &errRow{reason: reason}
		}
		more := false
		if len(c.buf) < maxRecord {
			if more, err = c.fill(); err != nil {
				return 0, 0, err
			}
		}
		if !more {
			return 0, len(c.buf), &errRow{reason: reason}
		}
	}
}

// cut looks for a whole record at the beginning of the buffer. n is zero where
// its end is not in the buffer yet.
func (c *csvReader) cut() (end, n int, reason string) {
	c.record = c.record[:0]
	buf := c.buf
	at := 0
	for {
		field, stop, reason := cutField(buf, at)
		if reason != "" || stop < 0 {
			return 0, 0, reason
		}
		c.record = append(c.record, field)
		at = stop + 1
		if buf[stop] == ',' {
			continue
		}
		end := stop
		if end > 0 && buf[end-1] == '\r' {
			end--
		}
		if got := len(c.record); c.fields > 0 && got != c.fields && strings.TrimSpace(string(buf[:end])) != "" {
			return 0, 0, fmt.Sprintf("the row has %d fields, the header has %d", got, c.fields)
		}
		return end, at, ""
	}
}

// cutField reads one field that begins at at. stop is where the comma or line
// break after it is; below zero: not in buf.
func cutField(buf []byte, at int) (field string, stop int, reason string) {
	if at >= len(buf) {
		return "", -1, ""
	}
	if buf[at] != '"' {
		for i := at; i < len(buf); i++ {
			switch buf[i] {
			case '"':
				return "", 0, "a quotation mark stands inside a field that does not begin with one"
			case ',':
				return string(buf[at:i]), i, ""
			case '\n':
				return string(bytes.TrimSuffix(buf[at:i], []byte{'\r'})), i, ""
			}
		}
		return "", -1, ""
	}
	var text []byte
	for i := at + 1; i < len(buf); i++ {
		q := bytes.IndexByte(buf[i:], '"')
		if q < 0 {
			return "", -1, ""
		}
		text = append(text, buf[i:i+q]...)
		i += q + 1
		switch {
		case i >= len(buf):
			return "", -1, ""
		case buf[i] == '"':
			text = append(text, '"')
		case buf[i] == ',' || buf[i] == '\n':
			return string(text), i, ""
		case buf[i] == '\r' && i+1 >= len(buf):
			return "", -1, ""
		case buf[i] == '\r' && buf[i+1] == '\n':
			return string(text), i + 1, ""
		default:
			return "", 0, "something stands between a closing quotation mark and the next comma"
		}
	}
	return "", -1, ""
}

// columns say where a tweets file keeps what we read. -1: it does not.
type columns struct{ name, text, created, coord, location int }

// findColumns reads the header. A byte order mark before it is passed over.
func findColumns(header []string) (columns, error) {
	c := columns{-1, -1, -1, -1, -1}
	for i, name := range header {
		switch strings.TrimPrefix(name, "\ufeff") {
		case "name":
			c.name = i
		case "text":
			c.text = i
		case "tweet_created":
			c.created = i
		case "tweet_coord":
			c.coord = i
		case "tweet_location":
			c.location = i
		}
	}
	if c.name < 0 || c.text < 0 || c.created < 0 {
		return c, fmt.Errorf("the first line is not the header of a tweets file: it needs the columns name, text and tweet_created, and may have tweet_coord and tweet_location")
	}
	return c, nil
}

// tweetRow is a row of a tweets file, understood.
type tweetRow struct {
	Line    int64 // where it begins, from 1
	Handle  string
	Text    string // after one HTML unescape
	Created time.Time
	Key     uint64
	Place   *warble.Place
}

// tweetTime is how a tweets file may write a time, without a zone: UTC. A
// tweet's key holds its time in this form, however the file wrote it.
const tweetTime = "1/2/2006 15:04"

// parseTime reads a time as tweetTime or as RFC 3339, as UTC.
func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(tweetTime, s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	return t.UTC(), err
}

// read understands a row. reason is not empty where it cannot be imported.
func (c columns) read(fields []string) (row tweetRow, reason string) {
	row.Handle = fields[c.name]
	if !warble.ValidHandle(row.Handle) {
		return row, fmt.Sprintf("the handle %q is not 1 to 15 of the characters A–Z, a–z, 0–9 and _", begin(row.Handle))
	}
	created := fields[c.created]
	var err error
	if row.Created, err = parseTime(created); err != nil {
		return row, fmt.Sprintf("the time %q reads neither like 2/24/2015 11:35 nor like 2015-02-24T11:35:00Z", begin(created))
	}
	row.Text = html.UnescapeString(fields[c.text])
	if strings.TrimSpace(row.Text) == "" {
		return row, "the text is empty"
	}
	if !utf8.ValidString(row.Text) {
		return row, "the text is not valid UTF-8"
	}
	row.Key = hashOf(warble.FoldHandle(row.Handle), row.Created.Format(tweetTime), row.Text)
	row.Place, reason = c.place(fields)
	return row, reason
}

// place reads where a tweet was written. A name is cut off at its limit.
func (c columns) place(fields []string) (*warble.Place, string) {
	var p warble.Place
	if c.location >= 0 {
		name := []rune(strings.Join(strings.Fields(html.UnescapeString(strings.ToValidUTF8(fields[c.location], "\ufffd"))), " "))
		p.Name = string(name[:min(len(name), write.MaxPlaceName)])
	}
	if c.coord >= 0 && fields[c.coord] != "" {
		lat, lon, ok := parsePoint(fields[c.coord])
		if !ok {
			return nil, fmt.Sprintf("the position %q is not a latitude and a longitude, like [40.7, -73.9]", begin(fields[c.coord]))
		}
		p.Lat, p.Lon, p.Point = lat, lon, true
	}
	if p == (warble.Place{}) {
		return nil, ""
	}
	return &p, ""
}

// parsePoint reads "[lat, lon]".
func parsePoint(s string) (lat, lon float64, ok bool) {
	inner, open := strings.CutPrefix(strings.TrimSpace(s), "[")
	inner, closed := strings.CutSuffix(inner, "]")
	a, b, two := strings.Cut(inner, ",")
	lat, err1 := strconv.ParseFloat(strings.TrimSpace(a), 64)
	lon, err2 := strconv.ParseFloat(strings.TrimSpace(b), 64)
	ok = open && closed && two && err1 == nil && err2 == nil && lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180
	return lat, lon, ok
}
