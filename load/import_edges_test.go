package load

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// zipped compresses a text.
func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pairsOf reads a follow graph to its end, and returns how it ended.
func pairsOf(t testing.TB, file []byte) (pairs []pair, bad []string, end error) {
	t.Helper()
	e, err := newEdgesReader(bytes.NewReader(file))
	if err != nil {
		return nil, nil, err
	}
	for {
		p, err := e.Read()
		var row *errRow
		switch {
		case errors.As(err, &row):
			bad = append(bad, row.Error())
		case errors.Is(err, io.EOF):
			return pairs, bad, nil
		case err != nil:
			return pairs, bad, err
		default:
			pairs = append(pairs, p)
		}
	}
}

func TestEdgesThatCannotBeAreRejectedWithTheirLine(t *testing.T) {
	pairs, bad, err := pairsOf(t, zipped(t, "3,7,u,graph\n1,2\n2,2\n0,1\n1,4\nx,1\n12\n3,1"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []pair{{1, 2}, {3, 1}}; !reflect.DeepEqual(pairs, want) {
		t.Errorf("read %v, want %v", pairs, want)
	}
	want := []string{
		"line 3: nobody follows themselves", "line 4: users are numbered from 1 to 3", "line 5: users are numbered from 1 to 3",
		"line 6: the line is not two numbers with a comma between", "line 7: the line is not two numbers with a comma between",
	}
	if !reflect.DeepEqual(bad, want) {
		t.Errorf("rejected %q, want %q", bad, want)
	}
}

func TestAWrongEdgesHeaderIsRefused(t *testing.T) {
	for _, head := range []string{"", "1,2\n", "3,1,d,graph\n", "0,1,u,graph\n", "3,-1,u,graph\n", "999999999999,1,u,graph\n", strings.Repeat("9", 100_000)} {
		if _, _, err := pairsOf(t, zipped(t, head)); err == nil {
			t.Errorf("the header %.20q was taken", head)
		}
	}
	if _, _, err := pairsOf(t, []byte("3,1,u,graph\n1,2\n")); err == nil || !strings.Contains(err.Error(), "gzip") {
		t.Errorf("a plain file gave %v, want a word about gzip", err)
	}
}

func TestACutGzipGivesNoHalfLine(t *testing.T) {
	var text strings.Builder
	text.WriteString("99999,1,u,graph\n")
	for i := range 3000 {
		text.WriteString("1234")
		text.WriteByte(byte('0' + i%10))
		text.WriteString(",98765\n")
	}
	whole := zipped(t, text.String())
	for cut := 10; cut < len(whole); cut += 7 {
		pairs, bad, err := pairsOf(t, whole[:cut])
		if err == nil || len(bad) > 0 {
			t.Fatalf("cut at %d of %d: %d pairs, rejected %q, error %v; want an error only", cut, len(whole), len(pairs), bad, err)
		}
		for _, p := range pairs {
			if p.From < 12340 || p.To != 98765 {
				t.Fatalf("cut at %d: half a line was read as %v", cut, p)
			}
		}
	}
}

// FuzzEdges reads any text, compressed and cut anywhere, and gives only pairs
// of different people who exist.
func FuzzEdges(f *testing.F) {
	f.Add("3,2,u,graph\n1,2\n3,1\n", 1000)
	f.Add("3,2,u,graph\r\n1,2\r\n\r\n3,3\n1,,2", 30)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		file := zipped(t, text)
		file = file[:min(max(cut, 0), len(file))]
		e, err := newEdgesReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		for range len(text) + 2 {
			p, err := e.Read()
			var row *errRow
			if errors.As(err, &row) {
				continue
			}
			if err != nil {
				return
			}
			if p.From == p.To || p.From < 1 || int64(p.From) > e.Users || p.To < 1 || int64(p.To) > e.Users {
				t.Fatalf("read %v of %d people", p, e.Users)
			}
		}
		t.Fatal("reading does not end")
	})
}
