package enginetest

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"warble"
)

func blobTests() []test {
	return []test{
		{"OpenGivesWhatWasPut", blobPut},
		{"OpenOfNothingIsNotFound", blobMissing},
		{"ANameIsWrittenOnce", blobOnce},
		{"DeleteIsIdempotent", blobDelete},
		{"ABlobCanBeSought", blobSeek},
		{"OneNamePutAtOnceIsWhole", blobTogether},
		{"NoNameLeadsElsewhere", blobNames},
	}
}

func (s *suite) bytes(n int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.rng.Uint32())
	}
	return b
}

func (s *suite) blob(t *testing.T, name string) []byte {
	t.Helper()
	b, err := s.Blobs.Open(t.Context(), name)
	check(t, err)
	data, err := io.ReadAll(b)
	check(t, err)
	if b.Size() != int64(len(data)) {
		t.Fatalf("%s has size %d and %d bytes", name, b.Size(), len(data))
	}
	check(t, b.Close())
	return data
}

func blobPut(t *testing.T, s *suite) {
	p := s.photo()
	for name, data := range map[string][]byte{p.Full(): s.bytes(1 << 20), p.Small(): s.bytes(1)} {
		kept := bytes.Clone(data)
		check(t, s.Blobs.Put(t.Context(), name, "image/jpeg", data))
		data[0]++
		if got := s.blob(t, name); !bytes.Equal(got, kept) {
			t.Fatalf("%s: %d bytes came back otherwise than the %d put", name, len(got), len(kept))
		}
	}
}

func blobMissing(t *testing.T, s *suite) {
	p := s.photo()
	_, err := s.Blobs.Open(t.Context(), p.Full())
	refused(t, err, warble.ErrNotFound)
	check(t, s.Blobs.Put(t.Context(), p.Full(), "image/jpeg", s.bytes(10)))
	_, err = s.Blobs.Open(t.Context(), p.Small())
	refused(t, err, warble.ErrNotFound)
}

func blobOnce(t *testing.T, s *suite) {
	p, first := s.photo(), s.bytes(100)
	check(t, s.Blobs.Put(t.Context(), p.Full(), "image/jpeg", first))
	check(t, s.Blobs.Put(t.Context(), p.Full(), "image/jpeg", s.bytes(50)))
	if got := s.blob(t, p.Full()); !bytes.Equal(got, first) {
		t.Fatal("a second put changed the file")
	}
}

func blobDelete(t *testing.T, s *suite) {
	p := s.photo()
	check(t, s.Blobs.Delete(t.Context(), p.Full()))
	check(t, s.Blobs.Put(t.Context(), p.Full(), "image/jpeg", s.bytes(9)))
	check(t, s.Blobs.Put(t.Context(), p.Small(), "image/jpeg", s.bytes(9)))
	check(t, s.Blobs.Delete(t.Context(), p.Full()))
	check(t, s.Blobs.Delete(t.Context(), p.Full()))
	_, err := s.Blobs.Open(t.Context(), p.Full())
	refused(t, err, warble.ErrNotFound)
	if got := s.blob(t, p.Small()); len(got) != 9 {
		t.Fatal("deleting one size took the other")
	}
}

func blobSeek(t *testing.T, s *suite) {
	p, data := s.photo(), s.bytes(5000)
	check(t, s.Blobs.Put(t.Context(), p.Full(), "image/jpeg", data))
	b, err := s.Blobs.Open(t.Context(), p.Full())
	check(t, err)
	defer b.Close()
	for _, from := range []int{4000, 0, 4999} {
		at, err := b.Seek(int64(from), io.SeekStart)
		check(t, err)
		got, err := io.ReadAll(b)
		check(t, err)
		if int(at) != from || !bytes.Equal(got, data[from:]) {
			t.Fatalf("from %d came %d bytes", from, len(got))
		}
	}
	if at, err := b.Seek(-10, io.SeekEnd); err != nil || at != 4990 {
		t.Fatalf("ten before the end is %d, %v", at, err)
	}
}

func blobTogether(t *testing.T, s *suite) {
	for range 5 {
		p, data := s.photo(), s.bytes(100_000)
		together(6, func(i int) {
			if err := s.Blobs.Put(t.Context(), p.Full(), "image/jpeg", data); err != nil {
				t.Error(err)
			}
		})
		if got := s.blob(t, p.Full()); !bytes.Equal(got, data) {
			t.Fatal("six puts at once left another file")
		}
	}
}

// blobNames asks for names that a stranger may send: they may be refused or not be there, but nothing is read.
func blobNames(t *testing.T, s *suite) {
	p := s.photo()
	check(t, s.Blobs.Put(t.Context(), p.Full(), "image/jpeg", s.bytes(9)))
	for _, name := range []string{"", "/", ".", "..", "../" + p.Full(), p.ID.String(), p.ID.String() + "/", p.Full() + "/..", strings.Repeat("../", 12) + "etc/passwd", p.Full() + "\x00"} {
		if b, err := s.Blobs.Open(t.Context(), name); err == nil {
			t.Errorf("%q opens %d bytes", name, b.Size())
			check(t, b.Close())
		}
	}
}
