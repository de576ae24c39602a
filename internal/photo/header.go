package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"
	"image/jpeg"

	"golang.org/x/image/webp"
)

// header is what the first bytes of a file tell about it.
type header struct {
	format        format
	width, height int   // as stored, before orientation
	orientation   int   // 1 to 8, as in EXIF
	cost          int64 // bytes the decoder holds at its peak, estimated from above
}

// placeBytes is the decoder memory that one place of the gate stands for.
const placeBytes = 64 << 20

// places is how much of the gate the picture takes.
func (h header) places() int { return int((h.cost + placeBytes - 1) / placeBytes) }

// inspect decides from the headers whether data may be decoded. It allocates
// nothing that depends on what the file claims.
func inspect(data []byte) (header, error) {
	if len(data) > MaxBytes {
		return header{}, &Error{Code: CodeTooLarge, Detail: fmt.Sprintf(
			"the file has %.1f MB and the limit is %d MB: send a smaller version", float64(len(data))/(1<<20), MaxBytes>>20)}
	}
	f, refused := sniff(data)
	if refused != nil {
		return header{}, refused
	}
	var h header
	var err error
	switch f {
	case formatJPEG:
		h, err = inspectJPEG(data)
	case formatPNG:
		h, err = inspectPNG(data)
	case formatGIF:
		h, err = inspectGIF(data)
	case formatWebP:
		h, err = inspectWebP(data)
	}
	if err != nil {
		return header{}, refusal(f, err)
	}
	h.format = f
	return h, h.check()
}

// check applies the limits.
func (h header) check() error {
	if h.width <= 0 || h.height <= 0 {
		return refusal(h.format, errors.New("no pixels"))
	}
	pixels := int64(h.width) * int64(h.height)
	if pixels <= MaxPixels && h.cost <= MaxDecodeBytes {
		return nil
	}
	detail := fmt.Sprintf("the picture has %d × %d pixels and the limit is %d megapixels: send a smaller version",
		h.width, h.height, MaxPixels/1_000_000)
	if pixels <= MaxPixels {
		detail = fmt.Sprintf("a %s of this kind takes too much memory at %d × %d pixels: send a smaller version",
			h.format, h.width, h.height)
	}
	return &Error{Code: CodeTooManyPixels, Detail: detail}
}

var (
	errShort    = errors.New("header cut short")
	errScans    = errors.New("too many scans")
	errDisagree = errors.New("frame headers disagree")
)

// maxScans bounds the passes of a progressive JPEG. Encoders make 10 to 20; a
// hostile file could ask for a pass over all 40 megapixels every 50 bytes.
const maxScans = 64

// inspectJPEG walks the marker segments up to the end of the picture. The
// size it finds must be the one the decoder will find, else what it checks
// is not what is decoded.
func inspectJPEG(data []byte) (header, error) {
	h := header{orientation: 1}
	var samples, scans int64
	progressive, exif := false, false
	for w := (segments{data: data[2:]}); w.next(); {
		switch body := w.body; {
		case w.marker >= 0xc0 && w.marker <= 0xc2 && h.width == 0:
			if len(body) < 6 {
				return h, errShort
			}
			h.height, h.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
			samples = jpegSamples(h, body[6:])
			progressive = w.marker == 0xc2
		case w.marker == 0xe1 && !exif && bytes.HasPrefix(body, []byte("Exif\x00\x00")):
			h.orientation, exif = exifOrientation(body[6:]), true
		case w.marker == 0xda:
			if scans++; progressive && scans > maxScans {
				return h, errScans
			}
		}
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return h, err
	}
	if c.Width != h.width || c.Height != h.height {
		return h, errDisagree
	}
	h.cost = samples
	if progressive {
		h.cost += 4 * samples // one int32 per sample, kept between scans
	}
	if c.ColorModel == color.CMYKModel || c.ColorModel == color.RGBAModel {
		h.cost += 4 * int64(h.width) * int64(h.height) // copied once more
	}
	return h, nil
}

// jpegSamples estimates the bytes of the decoded planes from the components
// of a frame header (three bytes each: name, sampling factors, table).
func jpegSamples(h header, components []byte) int64 {
	pixels := int64(h.width+31) * int64(h.height+31) // whole blocks
	var sum, most int64
	for i := 0; i+3 <= len(components); i += 3 {
		hv := int64(components[i+1]>>4) * int64(components[i+1]&15)
		sum, most = sum+hv, max(most, hv)
	}
	if most == 0 {
		return pixels
	}
	return pixels * sum / most
}

// segments walks the marker segments of a JPEG in the order and with the
// leniency of image/jpeg: bytes that are no marker are skipped, which also
// skips entropy-coded data. It ends at the end-of-image marker or the data's.
type segments struct {
	data   []byte
	marker byte
	body   []byte // without the two length bytes
}

func (s *segments) next() bool {
	for {
		i := bytes.IndexByte(s.data, 0xff)
		if i < 0 || i+1 >= len(s.data) {
			return false
		}
		s.marker = s.data[i+1]
		if s.marker == 0xff { // a fill byte
			s.data = s.data[i+1:]
			continue
		}
		s.data = s.data[i+2:]
		if s.marker == 0 || s.marker >= 0xd0 && s.marker <= 0xd7 {
			continue
		}
		if s.marker == 0xd9 || len(s.data) < 2 {
			return false
		}
		n := int(binary.BigEndian.Uint16(s.data))
		if n < 2 || n > len(s.data) {
			return false
		}
		s.body, s.data = s.data[2:n], s.data[n:]
		return true
	}
}

// inspectPNG reads IHDR, which the standard puts first, and looks for eXIf.
func inspectPNG(data []byte) (header, error) {
	if len(data) < 33 || string(data[12:16]) != "IHDR" {
		return header{}, errShort
	}
	be := binary.BigEndian
	h := header{width: int(be.Uint32(data[16:])), height: int(be.Uint32(data[20:])), orientation: 1}
	pixels := int64(h.width) * int64(h.height)
	bytesPerPixel := int64(4)
	switch depth, colour := data[24], data[25]; {
	case colour == 3:
		bytesPerPixel = 1
	case depth == 16:
		bytesPerPixel = 8
	}
	if h.cost = pixels * bytesPerPixel; data[28] != 0 {
		h.cost += h.cost / 2 // the largest pass of an interlaced picture
	}
	for rest := data[8:]; len(rest) >= 12; {
		n := int64(be.Uint32(rest))
		if n+12 > int64(len(rest)) {
			break
		}
		if string(rest[4:8]) == "eXIf" {
			h.orientation = exifOrientation(rest[8 : 8+n])
			break
		}
		rest = rest[n+12:]
	}
	return h, nil
}

// inspectGIF reads the logical screen; the decoder refuses frames beyond it.
func inspectGIF(data []byte) (header, error) {
	if len(data) < 13 {
		return header{}, errShort
	}
	h := header{width: int(data[6]) | int(data[7])<<8, height: int(data[8]) | int(data[9])<<8, orientation: 1}
	h.cost = 2 * int64(h.width) * int64(h.height) // interlaced frames are copied
	return h, nil
}

// errAnimated is an animated WebP, which our decoder cannot read.
var errAnimated = errors.New("animation")

// inspectWebP walks the chunks. All must be there in full: the decoder
// allocates what a chunk claims before it reads it.
func inspectWebP(data []byte) (header, error) {
	h := header{orientation: 1}
	perPixel, tables := int64(2), int64(0)
	for rest := data[12:]; len(rest) >= 8; {
		n := int64(binary.LittleEndian.Uint32(rest[4:]))
		if n > int64(len(rest)-8) {
			return h, errShort
		}
		switch body := rest[8 : 8+n]; string(rest[:4]) {
		case "VP8X":
			if n > 0 && body[0]&2 != 0 {
				return h, errAnimated
			}
		case "VP8L", "ALPH":
			// Four bytes per pixel, once more while a palette is undone, and
			// tile maps; then at most 2600 groups of Huffman tables, each of
			// which takes 52 KB at most and at least a 256th of it in the file.
			perPixel, tables = 9, min(2600*52<<10, 256*n)
		case "EXIF":
			h.orientation = exifOrientation(bytes.TrimPrefix(body, []byte("Exif\x00\x00")))
		}
		rest = rest[min(8+n+n&1, int64(len(rest))):]
	}
	c, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return h, err
	}
	h.width, h.height = c.Width, c.Height
	h.cost = perPixel*int64(c.Width)*int64(c.Height) + tables
	return h, nil
}
