package twitter

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"warble"
	"warble/internal/httpx"
	"warble/internal/photo"
)

// A chunked upload: initialize makes a document of kind DocUpload, append
// stores a chunk as a blob and notes it there, finalize puts the chunks
// together and makes the photo. Everything is in the stores, so each step may
// meet another process.

const (
	maxSegments = 64
	maxOpen     = 8         // uploads in flight per person
	chunkLife   = time.Hour // then the next initialize clears one away
)

// inFlight is the Data of a DocUpload.
type inFlight struct {
	Media  warble.DocID // the id the photo will have
	Total  int          // bytes, as announced; zero: not announced
	Begun  int64        // unix milliseconds
	Chunks map[int]int  // bytes of each segment
}

// file is a chunk as it is stored: under the name of a photo, so that what is
// left of it goes as a photo's files do.
func (f *inFlight) file(segment int) *warble.Photo {
	sum := sha256.Sum256([]byte("upload/" + f.Media.String() + "/" + strconv.Itoa(segment)))
	return &warble.Photo{ID: warble.PhotoID(sum[:16]), MIME: "image/jpeg"}
}

func (f *inFlight) size() (n int) {
	for _, bytes := range f.Chunks {
		n += bytes
	}
	return n
}

// inFlights lists somebody's uploads in flight.
func (a *api) inFlights(ctx context.Context, user warble.UserID) ([]*warble.Doc, []inFlight, error) {
	docs, err := a.Stores.Docs.List(ctx, user, warble.DocUpload, warble.Page{Limit: 4 * maxOpen})
	if err != nil {
		return nil, nil, err
	}
	list := make([]inFlight, len(docs))
	for i, d := range docs {
		if err := json.Unmarshal(d.Data, &list[i]); err != nil {
			return nil, nil, err
		}
	}
	return docs, list, nil
}

// find is the upload whose photo will have this id.
func (a *api) find(ctx context.Context, user warble.UserID, media warble.DocID) (*warble.Doc, *inFlight, error) {
	docs, list, err := a.inFlights(ctx, user)
	if err != nil {
		return nil, nil, err
	}
	for i := range list {
		if list[i].Media == media {
			return docs[i], &list[i], nil
		}
	}
	e := warble.Fail(warble.ErrNotFound, "There is no such upload of yours.")
	e.Param, e.Value = "id", media.String()
	return nil, nil, e
}

func (a *api) save(ctx context.Context, d warble.Doc, f *inFlight, gone bool) error {
	d.Version++
	d.Gone, d.Data = gone, nil
	if !gone {
		data, err := json.Marshal(f)
		if err != nil {
			return err
		}
		d.Data = data
	}
	return a.Writer.SaveDoc(ctx, &d)
}

// clear forgets an upload and its chunks.
func (a *api) clear(ctx context.Context, d *warble.Doc, f *inFlight) error {
	for segment := range f.Chunks {
		if err := a.Stores.Blobs.Delete(ctx, f.file(segment).Full()); err != nil {
			return err
		}
	}
	return a.save(ctx, *d, f, true)
}

func (a *api) uploadBegin(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	var body struct {
		Type     string   `json:"media_type"`
		Total    int      `json:"total_bytes"`
		Category string   `json:"media_category"`
		Shared   bool     `json:"shared"`
		Owners   []string `json:"additional_owners"`
	}
	if err := httpx.Decode(w, r, 0, &body); err != nil {
		return err
	}
	if err := checkCategory(body.Category); err != nil {
		return err
	}
	switch body.Type {
	case "", "image/jpeg", "image/pjpeg", "image/png", "image/gif", "image/webp":
	default:
		return warble.Invalid("media_type", body.Type, "photos are taken as JPEG, PNG, GIF or WebP")
	}
	if body.Total < 0 || body.Total > photo.MaxBytes {
		return warble.Invalid("total_bytes", strconv.Itoa(body.Total), "a photo has at most 16777216 bytes")
	}
	ctx, user := r.Context(), c.Who.User
	if err := a.makeRoom(ctx, user); err != nil {
		return err
	}
	doc, err := a.Writer.NextID(ctx)
	if err != nil {
		return err
	}
	f := &inFlight{Media: c.ID, Total: body.Total, Begun: a.clock().UnixMilli()}
	if f.Media == 0 {
		if f.Media, err = a.Writer.NextID(ctx); err != nil {
			return err
		}
	}
	if err := a.save(ctx, warble.Doc{ID: doc, Owner: user, Kind: warble.DocUpload}, f, false); err != nil {
		return err
	}
	b := appendID(append(make([]byte, 0, 160), `{"data":{"id":`...), f.Media)
	b = appendMediaKey(member(b, "media_key"), f.Media)
	b = appendIntMember(b, "expires_after_secs", int64(chunkLife/time.Second))
	httpx.ReplyJSON(w, r, http.StatusOK, append(b, "}}"...))
	return nil
}

// makeRoom clears old uploads away and insists that few are left.
func (a *api) makeRoom(ctx context.Context, user warble.UserID) error {
	docs, list, err := a.inFlights(ctx, user)
	if err != nil {
		return err
	}
	open := 0
	for i := range docs {
		if a.clock().UnixMilli()-list[i].Begun < chunkLife.Milliseconds() {
			open++
			continue
		}
		if err := a.clear(ctx, docs[i], &list[i]); err != nil {
			return err
		}
	}
	if open >= maxOpen {
		return warble.Fail(warble.ErrLimit, "%d uploads are under way already: finish one, or wait an hour.", maxOpen)
	}
	return nil
}

func (a *api) uploadAppend(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	media, err := pathID(r, "id")
	if err != nil {
		return err
	}
	leave, err := a.uploads.enter(r.Context(), c.Who.User)
	if err != nil {
		return err
	}
	defer leave()
	chunk, err := readFile(w, r)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(chunk.segment)
	if err != nil || n < 0 || n >= maxSegments {
		return warble.Invalid("segment_index", chunk.segment, "segment_index is a number from 0 to 63")
	}
	// Another chunk may be noted at the same moment: then look again.
	for try := 0; ; try++ {
		begun, err := a.note(r.Context(), c.Who.User, media, n, chunk.data)
		if err == nil {
			b := strconv.AppendInt(append(make([]byte, 0, 64), `{"data":{"expires_at":`...), begun/1000+int64(chunkLife/time.Second), 10)
			httpx.ReplyJSON(w, r, http.StatusOK, append(b, "}}"...))
			return nil
		}
		if httpx.StatusOf(err) != http.StatusConflict || try == 10 {
			return err
		}
	}
}

// note stores a chunk and notes it in the upload's document.
func (a *api) note(ctx context.Context, user warble.UserID, media warble.DocID, segment int, data []byte) (begun int64, err error) {
	doc, f, err := a.find(ctx, user, media)
	if err != nil {
		return 0, err
	}
	if have, ok := f.Chunks[segment]; ok && have != len(data) {
		return 0, warble.Invalid("segment_index", strconv.Itoa(segment), "this segment is there already, with other bytes")
	} else if ok {
		return f.Begun, nil
	}
	limit := photo.MaxBytes
	if f.Total > 0 {
		limit = f.Total
	}
	if f.size()+len(data) > limit {
		return 0, warble.Invalid("media", "", "the chunks have more bytes than "+strconv.Itoa(limit))
	}
	chunk := f.file(segment)
	chunk.Media = doc.ID
	if err := a.Writer.PutFile(ctx, chunk, data); err != nil {
		return 0, err
	}
	if f.Chunks == nil {
		f.Chunks = map[int]int{}
	}
	f.Chunks[segment] = len(data)
	return f.Begun, a.save(ctx, *doc, f, false)
}

func (a *api) uploadEnd(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	media, err := pathID(r, "id")
	if err != nil {
		return err
	}
	leave, err := a.uploads.enter(r.Context(), c.Who.User)
	if err != nil {
		return err
	}
	defer leave()
	ctx, user := r.Context(), c.Who.User
	if d, err := a.finished(ctx, user, media); err != nil || d != nil {
		if err == nil {
			err = replyMedia(w, r, d, 0)
		}
		return err
	}
	doc, f, err := a.find(ctx, user, media)
	if err != nil {
		return err
	}
	data, err := a.join(ctx, f)
	if err != nil {
		return err
	}
	d, err := a.store(ctx, user, media, data)
	if err != nil {
		return err
	}
	if err := a.clear(ctx, doc, f); err != nil && httpx.StatusOf(err) != http.StatusConflict {
		return err
	}
	return replyMedia(w, r, d, len(data))
}

// finished is the photo an upload became; nil while there is none.
func (a *api) finished(ctx context.Context, user warble.UserID, media warble.DocID) (*warble.Doc, error) {
	docs, err := a.Stores.Docs.Get(ctx, media)
	if err != nil || docs[0] == nil || docs[0].Kind != warble.DocMedia || docs[0].Owner != user {
		return nil, err
	}
	return docs[0], nil
}

// join reads the chunks in their order.
func (a *api) join(ctx context.Context, f *inFlight) ([]byte, error) {
	segments := make([]int, 0, len(f.Chunks))
	for n := range f.Chunks {
		segments = append(segments, n)
	}
	slices.Sort(segments)
	if len(segments) == 0 || segments[len(segments)-1] != len(segments)-1 || f.Total > 0 && f.size() != f.Total {
		return nil, warble.Invalid("id", f.Media.String(), "chunks are missing: segments are numbered from 0 and add up to total_bytes")
	}
	data := make([]byte, 0, f.size())
	for _, n := range segments {
		blob, err := a.Stores.Blobs.Open(ctx, f.file(n).Full())
		if err != nil {
			return nil, err
		}
		part, err := io.ReadAll(io.LimitReader(blob, photo.MaxBytes))
		_ = blob.Close() // it was only read
		if err != nil {
			return nil, err
		}
		data = append(data, part...)
	}
	return data, nil
}

// uploadStatus says how far an upload is.
func (a *api) uploadStatus(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	q, err := a.specs.status.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if cmd := q.more["command"]; cmd != "" && cmd != "STATUS" {
		return warble.Invalid("command", cmd, "command is STATUS")
	}
	media, err := warble.ParseID(q.more["media_id"])
	if err != nil {
		return warble.Invalid("media_id", q.more["media_id"], "an id is a decimal number")
	}
	d, err := a.finished(r.Context(), c.Who.User, media)
	if err != nil {
		return err
	}
	if d != nil {
		return replyMedia(w, r, d, 0)
	}
	if _, _, err := a.find(r.Context(), c.Who.User, media); err != nil {
		return err
	}
	b := appendID(append(make([]byte, 0, 160), `{"data":{"id":`...), media)
	b = appendMediaKey(member(b, "media_key"), media)
	httpx.ReplyJSON(w, r, http.StatusOK, append(b, `,"processing_info":{"state":"pending","progress_percent":0}}}`...))
	return nil
}
