package write

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strconv"
	"time"
	"warble"
)

// attachJump is by how much the version of an upload's document rises when a
// tweet or a profile takes it: more than any number of alt texts that may be
// on their way, so that taking it always wins.
const attachJump = 1 << 20

// photoClaimTime is how long a taken photo is claimed: until then its document
// says who took it.
const photoClaimTime = 2 * time.Minute

// Upload is a photo in both its sizes, ready to be stored.
type Upload struct {
	ID             warble.DocID // given before by Claim, or 0
	Full, Small    []byte
	MIME           string
	Blurhash       string
	Alt            string // at most MaxAltText characters
	Width, Height  int    // of Full, pixels
	SmallW, SmallH int    // of Small
}

// Upload stores a photo and returns its document, of kind DocMedia, owned by
// the uploader. Where a document stands under the given id already, that one
// is returned.
func (w *Writer) Upload(ctx context.Context, user warble.UserID, u Upload) (d *warble.Doc, err error) {
	defer warble.Wrap(&err, "Writer.Upload")
	if _, err := w.actor(ctx, user); err != nil {
		return nil, err
	}
	alt, err := cleanText("alt", u.Alt, warble.MaxAltText, true)
	if err != nil {
		return nil, err
	}
	if len(u.Full) == 0 || len(u.Small) == 0 {
		return nil, refuse(warble.ErrInvalid, "media", "the photo is empty; send the picture")
	}
	id := u.ID
	if id == 0 {
		if id, err = w.ids.Next(ctx, user); err != nil {
			return nil, err
		}
	} else if d, err := w.ownDoc(ctx, "media", user, id, warble.DocMedia); d != nil {
		return d, err
	}
	p := warble.Photo{Media: id, Width: u.Width, Height: u.Height, SmallW: u.SmallW, SmallH: u.SmallH, Blurhash: u.Blurhash, Alt: alt, MIME: u.MIME}
	rand.Read(p.ID[:])
	// The files before the document: truth never names a file that is not there.
	if err := w.PutFile(ctx, &p, u.Full); err != nil {
		return nil, err
	}
	if err := w.s.Blobs.Put(ctx, p.Small(), u.MIME, u.Small); err != nil {
		return nil, err
	}
	d = &warble.Doc{ID: id, Owner: user, Kind: warble.DocMedia, Version: 1, Data: mediaData(&warble.Media{Photo: p})}
	_, err = w.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{d}, Events: []warble.Event{{Kind: warble.EventDoc, Key: user, ID: id}}})
	if err != nil || u.ID == 0 {
		return d, err
	}
	return w.ownDoc(ctx, "media", user, id, warble.DocMedia) // another try with this id may have been first
}

// PutFile stores data as the full version of a photo, or of what is on its way
// to become one: p.Media is the document that will say so. A note comes before
// the file, so that files which nothing names a day later go, whatever happens
// in between.
func (w *Writer) PutFile(ctx context.Context, p *warble.Photo, data []byte) error {
	note := warble.Due{Kind: warble.DueMedia, ID: p.Media, Photo: p.ID, At: w.opt.Clock().Add(warble.MediaGrace).UnixMilli()}
	if _, err := w.s.Commit.Apply(ctx, &warble.Change{Docs: []*warble.Doc{note.Doc()}}); err != nil {
		return err
	}
	return w.s.Blobs.Put(ctx, p.Full(), p.MIME, data)
}

func mediaData(m *warble.Media) []byte {
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return data
}

// ownDoc returns a person's own document of a kind.
func (w *Writer) ownDoc(ctx context.Context, param string, user warble.UserID, id warble.DocID, kind warble.DocKind) (*warble.Doc, error) {
	docs, err := w.s.Docs.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	d := docs[0]
	switch {
	case d == nil || d.Gone || d.Kind != kind:
		return nil, &warble.Error{Kind: warble.ErrNotFound, Param: param, Value: id.String(), Detail: "there is nothing with this id; it may have been deleted"}
	case d.Owner != user:
		return nil, &warble.Error{Kind: warble.ErrForbidden, Param: param, Value: id.String(), Detail: "this belongs to somebody else; use your own"}
	}
	return d, nil
}

// Describe sets the alt text of an upload of one's own that nothing uses yet;
// at most MaxAltText characters. Afterwards it is ErrConflict.
func (w *Writer) Describe(ctx context.Context, user warble.UserID, media warble.DocID, alt string) (err error) {
	defer warble.Wrap(&err, "Writer.Describe")
	if _, err := w.actor(ctx, user); err != nil {
		return err
	}
	if alt, err = cleanText("alt", alt, warble.MaxAltText, true); err != nil {
		return err
	}
	f, err := w.free(ctx, user, media)
	if err != nil || f.media.Photo.Alt == alt {
		return err
	}
	f.media.Photo.Alt = alt
	d := *f.doc
	d.Version, d.Data = d.Version+1, mediaData(f.media)
	return warble.SaveVersion(ctx, w.s, w.opt.Clock, &d)
}

// freePhoto is an upload that nothing uses.
type freePhoto struct {
	doc   *warble.Doc
	media *warble.Media
}

// free returns a person's own upload that nothing uses.
func (w *Writer) free(ctx context.Context, user warble.UserID, id warble.DocID) (freePhoto, error) {
	d, err := w.ownDoc(ctx, "media", user, id, warble.DocMedia)
	if err != nil {
		return freePhoto{}, err
	}
	m, err := warble.MediaOf(d)
	if err != nil {
		return freePhoto{}, err
	}
	if m.Tweet != 0 || m.Profile != 0 {
		return freePhoto{}, errPhotoUsed(id)
	}
	return freePhoto{d, m}, nil
}

// taken is the upload's document as its taker leaves it.
func (f freePhoto) taken(m warble.Media) *warble.Doc {
	d := *f.doc
	d.Version, d.Data = d.Version+attachJump, mediaData(&m)
	return &d
}

func errPhotoUsed(id warble.DocID) error {
	return &warble.Error{Kind: warble.ErrConflict, Param: "media", Value: id.String(), Detail: "this photo is in use already; upload it again"}
}

// composePhotos adds a draft's photos to its tweet.
func (w *Writer) composePhotos(ctx context.Context, p *draft, user warble.UserID, media []warble.DocID) error {
	if len(media) > warble.MaxPhotos {
		return warble.Invalid("media", strconv.Itoa(len(media)), "a tweet has at most four photos")
	}
	for i, id := range media {
		for _, other := range media[:i] {
			if id == other {
				return warble.Invalid("media", id.String(), "the same photo is named twice")
			}
		}
		f, err := w.free(ctx, user, id)
		if err != nil {
			return err
		}
		p.photos = append(p.photos, f)
		p.tweet.Photos = append(p.tweet.Photos, f.media.Photo)
	}
	return nil
}

// takePhotos claims uploads for the tweet or person who takes them, so that no
// two do. The change that follows writes it into their documents.
func (w *Writer) takePhotos(ctx context.Context, photos []freePhoto, taker warble.ID) error {
	mine := warble.Claim{Holder: taker}
	for _, f := range photos {
		stands, err := w.s.Claims.Swap(ctx, warble.PhotoClaim(f.doc.ID), warble.Claim{}, mine, photoClaimTime)
		if err != nil {
			return err
		}
		if stands != mine {
			return errPhotoUsed(f.doc.ID)
		}
	}
	return nil
}

// leavePhotos gives claimed uploads back where nothing was stored, so that a
// second try may have them. A claim that stays runs out by itself.
func (w *Writer) leavePhotos(ctx context.Context, photos []freePhoto, taker warble.ID) {
	for _, f := range photos {
		_, err := w.s.Claims.Swap(context.WithoutCancel(ctx), warble.PhotoClaim(f.doc.ID), warble.Claim{Holder: taker}, warble.Claim{}, 0)
		if err != nil {
			w.opt.Log.Warn("a photo stays claimed for a while", "media", f.doc.ID, "err", err)
		}
	}
}
