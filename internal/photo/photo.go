// Package photo turns an uploaded file into the two pictures Warble stores,
// and draws pictures for the demo network.
//
// JPEG, PNG, GIF (its first frame) and WebP come in. What goes out is always
// JPEG: a full picture with a long edge of at most [FullEdge] pixels and a small
// one of at most [SmallEdge], both upright, plus a blurhash to show while they
// load. Nothing is ever enlarged. Every output byte is written by our own
// encoder call, so no EXIF, GPS position, XMP, thumbnail, comment or colour
// profile of the upload survives; a picture in a wide colour space looks
// slightly paler for it. Transparent parts are laid on white: one output format
// keeps the edges, the caches and the clients simple.
//
// Uploads are hostile. The header alone decides whether a file is decoded at
// all (bytes, pixels, memory the decoder would take, scans of a progressive
// JPEG), decoders run behind a gate of fixed width, stop when the caller goes
// away, and one that panics is reported as a damaged file.
//
// A picture moves through these files: sniff.go (what is it), header.go and
// exif.go (how big, how heavy, which way up), gate.go (when), decode.go, shrink.go
// (planar area averaging on Y, Cb and Cr, never a full-size RGBA copy), orient.go.
package photo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/bbrks/go-blurhash"
)

// What Process accepts and what it makes.
const (
	MaxBytes  = 16 << 20   // bytes of an upload
	MaxPixels = 40_000_000 // width × height, as the header states them
	FullEdge  = 2048       // pixels, long edge of Picture.Full
	SmallEdge = 400        // pixels, long edge of Picture.Small

	// MaxDecodeBytes bounds what one decoder may hold. Nearly every picture
	// of 40 megapixels stays below it; above 31 megapixels a progressive JPEG
	// without chroma subsampling does not (15 bytes per pixel between scans).
	MaxDecodeBytes = 480_000_000

	fullQuality  = 85 // JPEG quality, 1 to 100
	smallQuality = 80
	blurEdge     = 32 // pixels, long edge of the copy the blurhash is taken from
)

// Picture is an upload made ready to store. Full and Small may share memory
// (they do when the picture is no larger than SmallEdge) and are not to be
// changed. All sizes are pixels of the upright picture.
type Picture struct {
	Full, Small             []byte
	Width, Height           int // of Full
	SmallWidth, SmallHeight int
	Blurhash                string
	MIME                    string // of Full and Small
}

// Why a file is refused: the values of Error.Code.
const (
	CodeUnsupported   = "unsupported"     // not a format, or a kind of a format, we read
	CodeTooLarge      = "too_large"       // more than MaxBytes
	CodeTooManyPixels = "too_many_pixels" // more than MaxPixels, or than MaxDecodeBytes
	CodeDamaged       = "damaged"         // empty, cut short, or not what it claims to be
)

// Error is the only error Process gives about a file itself, so it is never
// worth trying the same bytes again. Detail is one sentence without
// internals, fit to be shown to the person who sent the file, and says what
// to do instead. Err is the decoder's own reason, for logs; it may be nil.
type Error struct {
	Code   string
	Detail string
	Err    error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return "photo: " + e.Code + ": " + e.Detail + " (" + e.Err.Error() + ")"
	}
	return "photo: " + e.Code + ": " + e.Detail
}

func (e *Error) Unwrap() error { return e.Err }

// ErrBusy means too many uploads wait already: nothing was done, try later.
var ErrBusy = errors.New("photo: too many pictures are being processed")

// Processor turns uploads into pictures, a bounded number at a time. It is
// safe for concurrent use and holds no pictures between calls.
type Processor struct{ gate *gate }

// New gives a Processor that decodes at most n pictures at once (n < 1 counts
// as 1) and lets four times as many wait. A picture whose decoder needs more
// than 64 MB takes several of the n places, so the memory in use is at most
// the larger of n × 64 MB and MaxDecodeBytes, plus the uploads themselves.
func New(n int) *Processor { return &Processor{newGate(max(n, 1))} }

// Process makes the stored pictures of one uploaded file. It does not keep or
// change data.
//
// The error is an *Error when the file is at fault (decided before waiting
// wherever the header shows it), ErrBusy when the queue is full, and ctx's
// error when ctx ends first, while waiting or while decoding. No partial
// result is ever returned.
func (p *Processor) Process(ctx context.Context, data []byte) (*Picture, error) {
	h, err := inspect(data)
	if err != nil {
		return nil, err
	}
	leave, err := p.gate.enter(ctx, h.places())
	if err != nil {
		return nil, err
	}
	defer leave()
	full, err := shrunk(ctx, h, data)
	if err != nil {
		return nil, err
	}
	return finish(ctx, orient(full, h.orientation))
}

// shrunk decodes data and gives it at full size, not yet upright. The decoded
// original is garbage once it returns.
func shrunk(ctx context.Context, h header, data []byte) (*image.YCbCr, error) {
	img, err := decode(ctx, h, data)
	if err != nil {
		return nil, err
	}
	w, ht := fit(h.width, h.height, FullEdge)
	return shrink(ctx, newSource(img, h.width, h.height), w, ht)
}

// finish derives everything else from the upright full picture.
func finish(ctx context.Context, full *image.YCbCr) (*Picture, error) {
	size := full.Rect.Size()
	p := &Picture{Width: size.X, Height: size.Y, MIME: "image/jpeg"}
	var err error
	if p.Full, err = encode(full, fullQuality); err != nil {
		return nil, err
	}
	p.SmallWidth, p.SmallHeight = fit(size.X, size.Y, SmallEdge)
	small := full
	if p.Small = p.Full; p.SmallWidth != size.X || p.SmallHeight != size.Y {
		if small, err = shrink(ctx, planarSource(full), p.SmallWidth, p.SmallHeight); err != nil {
			return nil, err
		}
		if p.Small, err = encode(small, smallQuality); err != nil {
			return nil, err
		}
	}
	p.Blurhash, err = blur(ctx, small)
	return p, err
}

// fit gives the size of a w × h picture whose long edge may be at most edge:
// never larger than it was, never thinner than one pixel.
func fit(w, h, edge int) (int, int) {
	long := max(w, h)
	if long <= edge {
		return w, h
	}
	scale := func(n int) int { return max(1, (n*edge+long/2)/long) }
	return scale(w), scale(h)
}

func encode(img *image.YCbCr, quality int) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(img.Rect.Dx()*img.Rect.Dy()/4 + 1024)
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("photo: encode: %w", err)
	}
	return bytes.Clone(b.Bytes()), nil
}

// blur gives the blurhash: four components along the long edge, three along
// the short one.
func blur(ctx context.Context, img *image.YCbCr) (string, error) {
	w, h := fit(img.Rect.Dx(), img.Rect.Dy(), blurEdge)
	tiny, err := shrink(ctx, planarSource(img), w, h)
	if err != nil {
		return "", err
	}
	nx, ny := 4, 3
	if h > w {
		nx, ny = 3, 4
	}
	hash, err := blurhash.Encode(nx, ny, tiny)
	if err != nil {
		return "", fmt.Errorf("photo: blurhash: %w", err)
	}
	return hash, nil
}
