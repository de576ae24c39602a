package key

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbersSortAsTheyCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		order := bytes.Compare(U64(nil, a), U64(nil, b))
		if (a < b) != (order < 0) || (a == b) != (order == 0) {
			t.Fatalf("U64: %d and %d sort %d", a, b, order)
		}
		if down := bytes.Compare(Desc(nil, a), Desc(nil, b)); down != -order {
			t.Fatalf("Desc: %d and %d sort %d", a, b, down)
		}
		if ReadU64[uint64](U64(nil, a)) != a || ReadDesc[uint64](Desc(nil, a)) != a {
			t.Fatalf("%d does not read back", a)
		}
		if x := uint32(a); ReadU32(U32(nil, x)) != x || ReadDesc32(Desc32(nil, x)) != x {
			t.Fatalf("%d does not read back in 32 bits", x)
		}
	})
}

func TestTextsSortAsStringsAndReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xff}), 0, 5)
		a, b := string(draw.Draw(t, "a")), string(draw.Draw(t, "b"))
		// What follows a text must not change how it sorts.
		x, y := append(Text(nil, a), 0xff), append(Text(nil, b), 0)
		if a != b && (a < b) != (bytes.Compare(x, y) < 0) {
			t.Fatalf("%q and %q sort the wrong way", a, b)
		}
		s, rest, ok := ReadText(x)
		if !ok || s != a || !bytes.Equal(rest, []byte{0xff}) {
			t.Fatalf("%q reads back as %q, rest %x, %v", a, s, rest, ok)
		}
		if _, _, ok := ReadText(x[:len(x)-2]); ok {
			t.Fatalf("%q is read although its end is missing", a)
		}
	})
}

func TestEndIsTheFirstKeyAfterThePrefix(t *testing.T) {
	for _, c := range []struct{ prefix, end []byte }{
		{[]byte("a"), []byte("b")},
		{[]byte{'a', 0xff}, []byte("b")},
		{[]byte{0xff, 0xff}, nil},
		{nil, nil},
	} {
		before := slices.Clone(c.prefix)
		if got := End(c.prefix); !bytes.Equal(got, c.end) || (got == nil) != (c.end == nil) {
			t.Errorf("End(%x) = %x, want %x", c.prefix, got, c.end)
		}
		if !bytes.Equal(before, c.prefix) {
			t.Errorf("End changed its prefix %x", before)
		}
	}
}
