package pebble

import (
	"bytes"
	"unsafe"

	pdb "github.com/cockroachdb/pebble/v2"

	"warble"
	"warble/internal/codec"
	"warble/internal/key"
)

// defaultLimit is the length of a page that does not say one.
const defaultLimit = 100

func limitOf(p warble.Page) int {
	if p.Limit <= 0 {
		return defaultLimit
	}
	return p.Limit
}

// load answers from a table, else reads the store and keeps what it read. A row
// that is not there is not kept.
func load[V any](t *table[warble.ID, *V], id warble.ID, read func() (*V, error), bytes func(*V) int) (*V, error) {
	v, gen, ok := t.find(id)
	if ok {
		return v, nil
	}
	v, err := read()
	if v != nil && err == nil {
		t.loaded(id, v, bytes(v), gen)
	}
	return v, err
}

func (e *Engine) user(id warble.UserID) (*warble.User, error) {
	return load(e.users, id, func() (u *warble.User, err error) {
		err = e.get(userKey(make([]byte, 0, 16), id), func(row []byte) (err error) {
			u, err = codec.ReadUser(id, row)
			return err
		})
		return u, err
	}, userBytes)
}

func (e *Engine) tweet(id warble.TweetID) (*warble.Tweet, error) {
	return load(e.tweets, id, func() (t *warble.Tweet, err error) {
		err = e.get(tweetKey(make([]byte, 0, 16), id), func(row []byte) (err error) {
			t, err = codec.ReadTweet(id, row)
			return err
		})
		return t, err
	}, tweetBytes)
}

// doc also returns a document that is gone.
func (e *Engine) doc(id warble.DocID) (*warble.Doc, error) {
	return load(e.docs, id, func() (d *warble.Doc, err error) {
		err = e.get(docKey(make([]byte, 0, 16), id), func(row []byte) (err error) {
			d, err = codec.ReadDoc(id, row)
			return err
		})
		return d, err
	}, docBytes)
}

func userBytes(u *warble.User) int {
	n := int(unsafe.Sizeof(*u)) + len(u.Handle) + len(u.Name) + len(u.Bio) + len(u.Location) + len(u.URL) + len(u.Email) + len(u.Password) + 20
	for _, p := range []*warble.Photo{u.Avatar, u.Header} {
		if p != nil {
			n += photoBytes(p)
		}
	}
	return n
}

func tweetBytes(t *warble.Tweet) int {
	n := int(unsafe.Sizeof(*t)) + len(t.Text) + len(t.Lang) + len(t.ContentWarning) + 8*len(t.Mentions)
	for i := range t.Photos {
		n += photoBytes(&t.Photos[i])
	}
	if t.Poll != nil {
		n += 256
	}
	if t.Place != nil {
		n += 64 + len(t.Place.Name) + len(t.Place.Source)
	}
	return n
}

func photoBytes(p *warble.Photo) int {
	return int(unsafe.Sizeof(*p)) + len(p.Blurhash) + len(p.Alt) + len(p.MIME)
}

func docBytes(d *warble.Doc) int { return int(unsafe.Sizeof(*d)) + len(d.Data) }

// ranged is a walk over one range of the store in the order of a page: newest
// first, or with Oldest upwards, where the answer is turned round at the end.
type ranged struct {
	it     *pdb.Iterator
	oldest bool
}

func ranging(db pdb.Reader, lower, upper []byte, oldest bool) (ranged, error) {
	it, err := db.NewIter(&pdb.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return ranged{}, unavailable(err)
	}
	return ranged{it, oldest}, nil
}

func (r ranged) first() bool {
	if r.oldest {
		return r.it.Last()
	}
	return r.it.First()
}

func (r ranged) next() bool {
	if r.oldest {
		return r.it.Prev()
	}
	return r.it.Next()
}

// close ends the walk; err, if any, is the walk's own failure.
func (r ranged) close(err error) error {
	if closeErr := r.it.Close(); err == nil && closeErr != nil {
		return unavailable(closeErr)
	}
	return err
}

// pageBounds returns the range of keys that begin with prefix and go on with an
// inverted id inside the page's bounds, whatever follows the id.
func pageBounds(prefix []byte, p warble.Page) (lower, upper []byte) {
	bound := func(below warble.ID) []byte { // the first key with an id under it
		k := make([]byte, 0, len(prefix)+8)
		return key.Desc(append(k, prefix...), below)
	}
	// Inverted, the ids below Before begin at ^(Before-1), and those above
	// After end before ^After.
	lower = bound(warble.MaxID)
	if p.Before != 0 {
		lower = bound(p.Before - 1)
	}
	return lower, bound(p.After)
}

// walk visits the rows under prefix whose ids lie in the page, at most its
// limit, newest first or with Oldest upwards. What visit gets lives until it returns.
func (e *Engine) walk(prefix []byte, p warble.Page, visit func(k, row []byte) error) error {
	lower, upper := pageBounds(prefix, p)
	if bytes.Compare(lower, upper) >= 0 {
		return nil
	}
	r, err := ranging(e.truth, lower, upper, p.Oldest)
	if err != nil {
		return err
	}
	n := limitOf(p)
	for ok := r.first(); ok && n > 0; ok = r.next() {
		row, err := r.it.ValueAndErr()
		if err == nil {
			err = visit(r.it.Key(), row)
		}
		if err != nil {
			return r.close(unavailable(err))
		}
		n--
	}
	return r.close(nil)
}

// turned puts what was read in the page's order into newest first.
func turned[V any](out []V, p warble.Page) []V {
	if p.Oldest {
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	}
	return out
}
