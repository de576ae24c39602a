package load

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"warble"
)

const header = "tweet_id,airline_sentiment,name,text,tweet_coord,tweet_created,tweet_location,user_timezone\n"

// rowsOf reads a tweets file to its end.
func rowsOf(t *testing.T, text string) (rows []tweetRow, rejects []Reject) {
	t.Helper()
	f := &tweetsFile{csv: &csvReader{r: iotest.OneByteReader(strings.NewReader(text))}}
	head, err := f.csv.Read()
	if err != nil {
		t.Fatal(err)
	}
	if f.cols, err = findColumns(head.Fields); err != nil {
		t.Fatal(err)
	}
	for {
		row, reject, err := f.next()
		switch {
		case errors.Is(err, io.EOF):
			return rows, rejects
		case err != nil:
			t.Fatal(err)
		case reject != nil:
			rejects = append(rejects, *reject)
		default:
			rows = append(rows, row)
		}
	}
}

func TestARowIsReadWithAllItsOddities(t *testing.T) {
	rows, rejects := rowsOf(t, "\ufeff"+header+
		"1,x,Ann_1,\"two\nlines, &amp;amp; a \"\"quote\"\" 🚀\",\"[40.5, -73.25]\",2/24/2015 11:35,\" New\n York \",\r\n")
	want := []tweetRow{{
		Line: 2, Handle: "Ann_1", Text: "two\nlines, &amp; a \"quote\" 🚀", Created: time.Date(2015, 2, 24, 11, 35, 0, 0, time.UTC),
		Key:   hashOf("ann_1", "2/24/2015 11:35", "two\nlines, &amp; a \"quote\" 🚀"),
		Place: &warble.Place{Name: "New York", Lat: 40.5, Lon: -73.25, Point: true},
	}}
	if len(rejects) != 0 || !reflect.DeepEqual(rows, want) {
		t.Fatalf("got %+v, rejected %v, want %+v", rows, rejects, want)
	}
}

func TestATimeMeansTheSameInBothForms(t *testing.T) {
	rows, rejects := rowsOf(t, header+
		"1,x,ann,hello,,2/24/2015 11:35,,\n"+
		"1,x,ann,hello,,2015-02-24T11:35:00Z,,\n"+
		"1,x,ann,hello,,2015-02-24T12:35:00+01:00,,\n")
	if len(rejects) != 0 || len(rows) != 3 {
		t.Fatalf("got %+v, rejected %v, want 3 rows", rows, rejects)
	}
	for _, row := range rows {
		row.Line = rows[0].Line
		if !reflect.DeepEqual(row, rows[0]) {
			t.Errorf("%+v is another tweet than %+v", row, rows[0])
		}
	}
}

func TestAMalformedRowIsRejectedAloneWithItsLine(t *testing.T) {
	const good = "1,x,ann,hello,,2/24/2015 11:35,,\n"
	for name, bad := range map[string]struct{ row, reason string }{
		"too few fields":         {"1,x,ann,hello\n", "fields"},
		"too many fields":        {"1,x,ann,hello,,2/24/2015 11:35,,,\n", "fields"},
		"a handle with a space":  {"1,x,Late Flight,hello,,2/24/2015 11:35,,\n", "handle"},
		"a time of another kind": {"1,x,ann,hello,,24.2.2015 11:35,,\n", "like 2015-02-24T11:35:00Z"},
		"a time without a zone":  {"1,x,ann,hello,,2015-02-24T11:35:00,,\n", "time"},
		"an empty text":          {"1,x,ann,  ,,2/24/2015 11:35,,\n", "empty"},
		"a text of broken UTF-8": {"1,x,ann,a\xff,,2/24/2015 11:35,,\n", "UTF-8"},
		"a position off earth":   {"1,x,ann,hi,\"[91, 0]\",2/24/2015 11:35,,\n", "position"},
		"a bare quotation mark":  {"1,x,ann,say \"hi\",,2/24/2015 11:35,,\n", "quotation mark"},
		"an open quotation mark": {"1,x,ann,\"hello,,2/24/2015 11:35,,\n", "quotation mark"},
		"text after a quotation": {"1,x,ann,\"hello\" you,,2/24/2015 11:35,,\n", "quotation mark"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, rejects := rowsOf(t, header+good+bad.row+good+good)
			if len(rows) != 3 || len(rejects) != 1 {
				t.Fatalf("read %d rows and rejected %v, want 3 and one", len(rows), rejects)
			}
			if r := rejects[0]; r.Line != 3 || !strings.Contains(r.Reason, bad.reason) {
				t.Fatalf("rejected %v, want line 3 because of its %s", r, bad.reason)
			}
		})
	}
}

func TestAnotherHeaderIsRefused(t *testing.T) {
	for _, head := range [][]string{nil, {"a", "b"}, {"name", "text"}} {
		if _, err := findColumns(head); err == nil {
			t.Errorf("a header %q was taken for that of a tweets file", head)
		}
	}
}

// FuzzTweetsCSV reads anything to its end, never twice over, and reads whatever
// the standard library wrote as it was meant.
func FuzzTweetsCSV(f *testing.F) {
	f.Add([]byte(header+"1,x,ann,\"a\nb\",,2/24/2015 11:35,,\n"), "plain", "with \"quotes\",\nlines")
	f.Add([]byte(header+"\"\"\"\n\",\r\n\"x\"y\n"), "", " ")
	f.Add([]byte("name,text,tweet_created\r\nann,\"hi"), "\r\n", "\"")
	f.Fuzz(func(t *testing.T, file []byte, a, b string) {
		c := &csvReader{r: bytes.NewReader(file)}
		for last := int64(-1); ; last = c.Offset {
			row, err := c.Read()
			var bad *errRow
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil && !errors.As(err, &bad) {
				t.Fatal(err)
			}
			if c.Offset <= last {
				t.Fatalf("reading stands still at byte %d", c.Offset)
			}
			if err == nil && len(row.Fields) == len(c.record) && len(row.Fields) > 3 {
				_, _ = columns{0, 1, 2, 3, len(row.Fields) - 1}.read(row.Fields)
			}
		}
		if c.Offset != int64(len(file)) {
			t.Fatalf("read %d bytes of %d", c.Offset, len(file))
		}
		if len(a)+len(b) > maxRecord/4 || !utf8.ValidString(a+b) || strings.ContainsRune(a+b, '\r') {
			return // the standard library reads \r\n as \n
		}
		var out bytes.Buffer
		w := csv.NewWriter(&out)
		_ = w.Write([]string{"x", a, b})
		w.Flush()
		row, err := (&csvReader{r: &out}).Read()
		if err != nil || !reflect.DeepEqual(row.Fields, []string{"x", a, b}) {
			t.Fatalf("wrote %q and %q, read %q, %v", a, b, row.Fields, err)
		}
	})
}
