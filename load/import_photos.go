package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"warble"
	"warble/internal/photo"
	"warble/role/write"
)

// PhotosHandle is who posts imported photos if nobody else is named.
const PhotosHandle = "photos"

// ImportPhotos posts every file of a folder as a tweet with a photo, whose text
// is the file's name. A file that is no photo we read is rejected with the
// reason. A photo is the same as another of that person's if its bytes are, so
// a second import changes nothing, not even where the tweet was deleted since.
func (s *Store) ImportPhotos(ctx context.Context, dir, handle string, opt ImportOptions) (Report, error) {
	start := time.Now()
	if handle == "" {
		handle = PhotosHandle
	}
	files, err := photoFiles(dir)
	if err != nil {
		return Report{}, err
	}
	u, made, err := s.person(ctx, handle)
	if err != nil {
		return Report{}, err
	}
	r := Report{}
	if made {
		r.People = 1
	}
	if opt.Meter == nil {
		opt.Meter = func(string) Meter { return noMeter{} }
	}
	m := opt.Meter("importing photos")
	defer m.Done()
	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(2) // the processor lets fewer in at once; the next is read meanwhile
	var mu sync.Mutex
	for _, name := range files {
		work.Go(func() error {
			added, err := s.importPhoto(workCtx, u.ID, dir, name)
			mu.Lock()
			defer mu.Unlock()
			r.Read++
			m.Set(r.Read, int64(len(files)))
			if reason, ok := refusedPhoto(err); ok {
				r.Rejected++
				if opt.Rejects != nil {
					opt.Rejects(Reject{Row: name, Reason: reason})
				}
				return nil
			}
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if added {
				r.Added++
			} else {
				r.There++
			}
			return nil
		})
	}
	err = work.Wait()
	r.Took = time.Since(start)
	return r, err
}

// photoFiles lists the plain files of a folder by name, hidden ones left out.
func photoFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err == nil && info.Mode().IsRegular() && e.Name()[0] != '.' {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (s *Store) importPhoto(ctx context.Context, user warble.UserID, dir, name string) (added bool, err error) {
	data, err := readPhoto(filepath.Join(dir, name))
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256(data)
	id := derivedID("photo", user.String(), hex.EncodeToString(sum[:]))
	if posted, err := s.photoPosted(ctx, id); posted || err != nil {
		return false, err
	}
	up, err := s.process(ctx, data)
	if err != nil {
		return false, err
	}
	up.ID = id
	if _, err := s.Writer.Upload(ctx, user, up); errors.Is(err, warble.ErrNotFound) {
		return false, nil // it was posted, and deleted since
	} else if err != nil {
		return false, err
	}
	text := begin(strings.ToValidUTF8(name, "\ufffd"))
	_, err = s.Writer.PostTweet(ctx, user, write.Draft{Text: text, Media: []warble.DocID{id}})
	if errors.Is(err, warble.ErrConflict) { // the same bytes under another name, or another import
		return false, nil
	}
	return err == nil, err
}

// readPhoto reads a file, but not more of it than can be used.
func readPhoto(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, photo.MaxBytes+1))
}

// photoPosted says whether a tweet took the upload with this id.
func (s *Store) photoPosted(ctx context.Context, id warble.DocID) (bool, error) {
	docs, err := s.Stores.Docs.Get(ctx, id)
	if err != nil || docs[0] == nil {
		return false, err
	}
	m, err := warble.MediaOf(docs[0])
	return err == nil && (m.Tweet != 0 || m.Profile != 0), err
}

// process makes a photo's stored sizes, waiting while others are processed.
func (s *Store) process(ctx context.Context, data []byte) (write.Upload, error) {
	for {
		p, err := s.Photos.Process(ctx, data)
		if errors.Is(err, photo.ErrBusy) {
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return write.Upload{}, err
			}
			continue
		}
		if err != nil {
			return write.Upload{}, err
		}
		return write.Upload{Full: p.Full, Small: p.Small, MIME: p.MIME, Blurhash: p.Blurhash,
			Width: p.Width, Height: p.Height, SmallW: p.SmallWidth, SmallH: p.SmallHeight}, nil
	}
}

// refusedPhoto says whether an error is about the file itself.
func refusedPhoto(err error) (reason string, ok bool) {
	var bad *photo.Error
	if errors.As(err, &bad) {
		return bad.Detail, true
	}
	return refused(err)
}
