package twitter

import (
	"net/http"
	"time"

	"warble"
	"warble/internal/httpx"
)

// servePhoto answers with a photo's bytes, at
// /media/{media id}/{32 hexadecimal digits}/{full|small}.jpg. Whether they may
// be seen is asked each time; what everybody may see, caches may keep a day.
func (a *api) servePhoto(w http.ResponseWriter, r *http.Request, c *httpx.Call) error {
	media, err := pathID(r, "media")
	if err != nil {
		return noPhoto()
	}
	var id warble.PhotoID
	if err := id.UnmarshalText([]byte(r.PathValue("photo"))); err != nil || id.String() != r.PathValue("photo") {
		return noPhoto()
	}
	p, public, err := a.Reader.Photo(r.Context(), c.Who.User, media, id)
	if err != nil {
		return err
	}
	name, tag := p.Full(), `"`+id.String()+`-f"`
	switch r.PathValue("file") {
	case "full.jpg":
	case "small.jpg":
		name, tag = p.Small(), `"`+id.String()+`-s"`
	default:
		return noPhoto()
	}
	h := w.Header()
	httpx.PageHeaders(h, "default-src 'none'; sandbox")
	h.Set("Content-Type", p.MIME)
	if public {
		h.Set("Cache-Control", "public, max-age=86400, immutable")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	} else {
		h.Set("Cache-Control", "private, no-store")
		h.Set("Vary", "Authorization, Cookie")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
	}
	if public {
		if url := a.Stores.Blobs.URL(name); url != "" {
			h.Del("Content-Type")
			http.Redirect(w, r, url, http.StatusFound)
			return nil
		}
	}
	if httpx.NotModified(w, r, tag) {
		return nil
	}
	f, err := a.Stores.Blobs.Open(r.Context(), name)
	if err != nil {
		return err
	}
	defer f.Close() // it was only read
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

func noPhoto() error {
	return warble.Fail(warble.ErrNotFound, "There is no such photo, or it is not visible to you.")
}
