package twitter

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"warble"
	"warble/internal/httpx"
	"warble/internal/photo"
	"warble/role/write"
)

const (
	// maxMultipart leaves room for the other parts and their headers.
	maxMultipart = photo.MaxBytes + 64<<10
	// maxBase64 is the same file as base64 in JSON.
	maxBase64 = photo.MaxBytes/3*4 + 64<<10
	// mediaLife is how long an upload nobody uses is kept.
	mediaLife = 24 * 60 * 60
)

// file is an uploaded file with what came beside it.
type file struct {
	data    []byte
	segment string // of a chunk
}

// readFile reads a file that comes as multipart/form-data or as base64 in JSON.
func readFile(w http.ResponseWriter, r *http.Request) (*file, error) {
	switch httpx.MediaType(r) {
	case "multipart/form-data":
		return readMultipart(w, r)
	case "application/json":
		return readBase64(w, r)
	}
	return nil, &httpx.StatusError{
		Status: http.StatusUnsupportedMediaType,
		Detail: "Send the file as multipart/form-data in the part media, or as base64 in JSON in the member media.",
	}
}

// categories are X's kinds of media that Warble has.
func checkCategory(c string) error {
	switch c {
	case "", "tweet_image", "tweet_gif":
		return nil
	}
	return warble.Invalid("media_category", c, "only photos are taken: media_category is tweet_image")
}

func readBase64(w http.ResponseWriter, r *http.Request) (*file, error) {
	var body struct {
		Media    string   `json:"media"`
		Category string   `json:"media_category"`
		Type     string   `json:"media_type"`
		Shared   bool     `json:"shared"`
		Owners   any      `json:"additional_owners"`
		Segment  *segment `json:"segment_index"`
	}
	if err := httpx.Decode(w, r, maxBase64, &body); err != nil {
		return nil, err
	}
	if err := checkCategory(body.Category); err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(body.Media)
	if err != nil {
		data, err = base64.URLEncoding.DecodeString(body.Media)
	}
	if err != nil || len(data) == 0 {
		return nil, warble.Invalid("media", "", "media is the file in base64")
	}
	f := &file{data: data}
	if body.Segment != nil {
		f.segment = string(*body.Segment)
	}
	return f, nil
}

// segment is a number, or a number in a string.
type segment string

func (s *segment) UnmarshalJSON(b []byte) error {
	*s = segment(strings.Trim(string(b), `"`))
	return nil
}

func readMultipart(w http.ResponseWriter, r *http.Request) (*file, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxMultipart)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, warble.Invalid("body", "", "the body is not multipart/form-data")
	}
	f := &file{}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil || n > 16 {
			return nil, badMultipart(err)
		}
		if err := f.part(part); err != nil {
			return nil, err
		}
	}
	if len(f.data) == 0 {
		return nil, warble.Invalid("media", "", "the part media holds the file")
	}
	return f, nil
}

func badMultipart(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooBig()
	}
	return warble.Invalid("body", "", "the body is not well-formed multipart/form-data")
}

func tooBig() error {
	return &httpx.StatusError{Status: http.StatusRequestEntityTooLarge, Param: "media", Detail: "A photo has at most 16 MB: send a smaller one."}
}

func (f *file) part(p *multipart.Part) error {
	name := p.FormName()
	limit := int64(1 << 10)
	if name == "media" {
		limit = photo.MaxBytes
	}
	data, err := io.ReadAll(io.LimitReader(p, limit+1))
	if err != nil {
		return badMultipart(err)
	}
	if int64(len(data)) > limit {
		if name == "media" {
			return tooBig()
		}
		return warble.Invalid(name, "", "this part is too long")
	}
	switch name {
	case "media":
		if len(data) == 0 {
			return warble.Invalid("media", "", "the file is empty")
		}
		f.data = data
	case "media_category":
		return checkCategory(string(data))
	case "segment_index":
		f.segment = string(data)
	case "media_type", "shared", "additional_owners", "command", "media_id":
	default:
		return warble.Invalid(name, "", "there is no such part")
	}
	return nil
}

// keyed runs next under the request's Idempotency-Key, if it has one; body is
// what tells the request from another.
func keyed(w http.ResponseWriter, r *http.Request, c *httpx.Call, body []byte, next httpx.Handler) error {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || c.Once == nil {
		return next(w, r, c)
	}
	sum := sha256.Sum256(body)
	return c.Once(w, r, c, key, sum[:], next)
}

// upload takes a photo in one go.
func (a *api) upload(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	leave, err := a.uploads.enter(r.Context(), c.Who.User)
	if err != nil {
		return err
	}
	defer leave()
	f, err := readFile(w, r)
	if err != nil {
		return err
	}
	return keyed(w, r, c, f.data, func(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
		c.Changing = true
		d, err := a.store(r.Context(), c.Who.User, c.ID, f.data)
		if err != nil {
			return err
		}
		return replyMedia(w, r, d, len(f.data))
	})
}

// store makes a file ready and keeps it.
func (a *api) store(ctx context.Context, user warble.UserID, id warble.DocID, data []byte) (*warble.Doc, error) {
	p, err := a.Photos.Process(ctx, data)
	if err != nil {
		return nil, photoError(err)
	}
	d, err := a.Writer.Upload(ctx, user, write.Upload{
		ID: id, Full: p.Full, Small: p.Small, MIME: p.MIME, Blurhash: p.Blurhash,
		Width: p.Width, Height: p.Height, SmallW: p.SmallWidth, SmallH: p.SmallHeight,
	})
	return d, named(err, "")
}

// photoError says what is wrong with a file in this API's words.
func photoError(err error) error {
	if errors.Is(err, photo.ErrBusy) {
		return httpx.Busy("Too many photos are being processed: try again in a moment.")
	}
	if e, ok := errors.AsType[*photo.Error](err); ok {
		if e.Code == photo.CodeTooLarge {
			return tooBig()
		}
		return warble.Invalid("media", "", e.Detail)
	}
	return err
}

func replyMedia(w http.ResponseWriter, r *http.Request, d *warble.Doc, size int) error {
	m, err := warble.MediaOf(d)
	if err != nil {
		return err
	}
	b := append(make([]byte, 0, 320), `{"data":{"id":`...)
	b = appendID(b, d.ID)
	b = appendMediaKey(member(b, "media_key"), d.ID)
	b = appendIntMember(b, "expires_after_secs", mediaLife)
	if size > 0 {
		b = appendIntMember(b, "size", int64(size))
	}
	b = appendString(append(b, `,"image":{"image_type":`...), m.Photo.MIME)
	b = appendIntMember(b, "w", int64(m.Photo.Width))
	b = appendIntMember(b, "h", int64(m.Photo.Height))
	b = append(b, `},"processing_info":{"state":"succeeded","progress_percent":100}}}`...)
	httpx.ReplyJSON(w, r, http.StatusOK, b)
	return nil
}

// mediaMetadata sets the alternative text.
func (a *api) mediaMetadata(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	var body struct {
		ID       string `json:"id"`
		Metadata struct {
			Alt struct {
				Text string `json:"text"`
			} `json:"alt_text"`
		} `json:"metadata"`
	}
	if err := httpx.Decode(w, r, 0, &body); err != nil {
		return err
	}
	id, err := warble.ParseID(body.ID)
	if err != nil {
		return warble.Invalid("id", body.ID, "an id is a decimal number in a string")
	}
	if err := a.Writer.Describe(r.Context(), c.Who.User, id, body.Metadata.Alt.Text); err != nil {
		e := named(err, "")
		if w, ok := errors.AsType[*warble.Error](e); ok && w.Param == wireNames["media"] {
			w.Param = "id"
		}
		return e
	}
	b := append(make([]byte, 0, 256), `{"data":{"id":`...)
	b = appendID(b, id)
	b = append(b, `,"associated_metadata":{"alt_text":{"text":`...)
	b = appendString(b, body.Metadata.Alt.Text)
	httpx.ReplyJSON(w, r, http.StatusOK, append(b, "}}}}"...))
	return nil
}
