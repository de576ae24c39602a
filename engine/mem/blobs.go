package mem

import (
	"bytes"
	"context"

	"warble"
)

type blobStore struct{ *engine }

// blob is a stored file in the hands of a reader. Its bytes never change.
type blob struct{ *bytes.Reader }

func (blob) Close() error { return nil }

func (s blobStore) Put(_ context.Context, name, _ string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.blobs[name]; !there {
		s.blobs[name] = bytes.Clone(data)
	}
	return nil
}

func (s blobStore) Open(_ context.Context, name string) (warble.Blob, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, there := s.blobs[name]
	if !there {
		return nil, warble.Fail(warble.ErrNotFound, "there is no such photo")
	}
	return blob{bytes.NewReader(data)}, nil
}

func (s blobStore) Delete(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.blobs, name)
	return nil
}

func (s blobStore) URL(string) string { return "" }
