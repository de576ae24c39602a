package photo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// decode gives the pixels of a file that inspect let through, as stored. A
// GIF's first frame may cover only a part of h's size. The error is ctx's if
// ctx ended, else an *Error.
func decode(ctx context.Context, h header, data []byte) (img image.Image, err error) {
	defer func() {
		if r := recover(); r != nil {
			// Not ours to repair and not worth the process: a decoder that
			// trips over a file is a reason to refuse the file.
			img, err = nil, refusal(h.format, fmt.Errorf("decoder panic: %v", r))
		}
	}()
	r := &patientReader{ctx: ctx, r: bytes.NewReader(data)}
	switch h.format {
	case formatJPEG:
		img, err = jpeg.Decode(r)
	case formatPNG:
		img, err = png.Decode(r)
	case formatGIF:
		img, err = gif.Decode(r)
	case formatWebP:
		img, err = webp.Decode(r)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, refusal(h.format, err)
	}
	if b := img.Bounds(); h.format != formatGIF && b != image.Rect(0, 0, h.width, h.height) {
		return nil, refusal(h.format, errDisagree)
	}
	return img, nil
}

// patientReader ends with ctx's error once ctx has ended. Decoders read a few
// kilobytes at a time, so this is how they are stopped.
type patientReader struct {
	ctx context.Context
	r   io.Reader
}

func (p *patientReader) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}

// refusal turns a decoder's error into ours.
func refusal(f format, err error) *Error {
	var noJPEG jpeg.UnsupportedError
	var noPNG png.UnsupportedError
	e := &Error{Code: CodeUnsupported, Err: err}
	switch {
	case errors.Is(err, errAnimated):
		e.Detail = "animated WebP is not supported: send a still picture (of an animated GIF the first frame is kept)"
	case errors.As(err, &noJPEG), errors.As(err, &noPNG):
		e.Detail = fmt.Sprintf("this kind of %s is not supported: save it again as an ordinary JPEG or PNG", f)
	default:
		e.Code = CodeDamaged
		e.Detail = fmt.Sprintf("the %s is damaged or incomplete: open it, save it again and send that", f)
	}
	return e
}
