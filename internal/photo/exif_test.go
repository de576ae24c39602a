package photo

import (
	"encoding/binary"
	"errors"
	"image"
	"testing"
)

// exifBlock is a TIFF structure with an orientation among other tags.
func exifBlock(order binary.AppendByteOrder, orientation uint16) []byte {
	b := []byte("II*\x00")
	if order == binary.BigEndian {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 3)
	for _, e := range [][2]uint16{{0x010f, 0}, {0x0112, orientation}, {0x8825, 0}} {
		b = order.AppendUint16(b, e[0])
		b = order.AppendUint16(b, 3)
		b = order.AppendUint32(b, 1)
		b = order.AppendUint16(b, e[1])
		b = order.AppendUint16(b, 0)
	}
	return order.AppendUint32(b, 0)
}

// withExif puts an APP1 segment into a JPEG.
func withExif(data, block []byte) []byte {
	app1 := append([]byte("Exif\x00\x00"), block...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(app1)+2))
	return append(append(head, app1...), data[2:]...)
}

func TestExifOrientation(t *testing.T) {
	for o := uint16(1); o <= 8; o++ {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			if got := exifOrientation(exifBlock(order, o)); got != int(o) {
				t.Errorf("%v: got %d, want %d", order, got, o)
			}
		}
	}
}

func TestBrokenExifMeansUpright(t *testing.T) {
	good := exifBlock(binary.LittleEndian, 6)
	changed := func(at int, to ...byte) []byte {
		b := append([]byte(nil), good...)
		copy(b[at:], to)
		return b
	}
	for name, block := range map[string][]byte{
		"empty":               nil,
		"no TIFF":             []byte("hello, world, hello"),
		"offset beyond":       changed(4, 0xff, 0xff, 0xff, 0xff),
		"offset at the end":   changed(4, byte(len(good)-1)),
		"cut in the entry":    good[:8+2+12+6],
		"value 0":             changed(8+2+12+8, 0),
		"value 9":             changed(8+2+12+8, 9),
		"of type long":        changed(8+2+12+2, 4),
		"two values":          changed(8+2+12+4, 2),
		"endless count, none": append([]byte("II*\x00\x08\x00\x00\x00\xff\xff"), make([]byte, 40)...),
	} {
		if got := exifOrientation(block); got != 1 {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// TestAllEightOrientations stores the same picture in each of the eight ways
// the EXIF standard describes and wants it back upright each time.
func TestAllEightOrientations(t *testing.T) {
	upright := quarters(64, 48)
	for o := 1; o <= 8; o++ {
		stored := storedAs(upright, o)
		p := process(t, withExif(encodeJPEG(t, stored), exifBlock(binary.BigEndian, uint16(o))))
		if p.Width != 64 || p.Height != 48 {
			t.Errorf("orientation %d: %d×%d", o, p.Width, p.Height)
		}
		wantQuarters(t, p, red, green, blue, yellow)
	}
}

// storedAs gives the pixels a camera stores for orientation o, from the
// standard's words: which side of the upright picture row 0 and column 0 are.
func storedAs(upright *image.NRGBA, o int) *image.NRGBA {
	w, h := upright.Rect.Dx(), upright.Rect.Dy()
	rowIsColumn := o >= 5                              // row 0 is a left or right side
	fromRight := o == 2 || o == 3 || o == 6 || o == 7  // the side named "right" is 0
	fromBottom := o == 3 || o == 4 || o == 7 || o == 8 // the side named "bottom" is 0
	size := map[bool]image.Point{false: {w, h}, true: {h, w}}[rowIsColumn]
	stored := image.NewNRGBA(image.Rectangle{Max: size})
	for y := range h {
		for x := range w {
			sx, sy := x, y
			if fromRight {
				sx = w - 1 - x
			}
			if fromBottom {
				sy = h - 1 - y
			}
			if rowIsColumn {
				sx, sy = sy, sx
			}
			stored.SetNRGBA(sx, sy, upright.NRGBAAt(x, y))
		}
	}
	return stored
}

func TestOrientationInPNGAndWebP(t *testing.T) {
	block := exifBlock(binary.BigEndian, 8)
	file := encodePNG(t, storedAs(quarters(64, 48), 8))
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(block)))
	chunk = append(append(append(chunk, "eXIf"...), block...), 0, 0, 0, 0)
	const afterIHDR = 33
	h, err := inspectPNG(append(append(append([]byte(nil), file[:afterIHDR]...), chunk...), file[afterIHDR:]...))
	if err != nil || h.orientation != 8 {
		t.Errorf("PNG: %d, %v", h.orientation, err)
	}

	webp := unbase64(t, webpAlpha)
	webp = append(binary.LittleEndian.AppendUint32(append(webp, "EXIF"...), uint32(len(block))), block...)
	if h, err := inspectWebP(webp); err != nil || h.orientation != 8 {
		t.Errorf("WebP: %d, %v", h.orientation, err)
	}
}

func TestOrientIsItsOwnInverse(t *testing.T) {
	img := image.NewYCbCr(image.Rect(0, 0, 7, 4), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = byte(i)
	}
	inverse := [9]int{0, 1, 2, 3, 4, 5, 8, 7, 6}
	for o := 1; o <= 8; o++ {
		back := orient(orient(img, o), inverse[o])
		if difference(back, img) != 0 {
			t.Errorf("orientation %d then %d is not the picture", o, inverse[o])
		}
	}
}

func FuzzOrientation(f *testing.F) {
	for o := range uint16(10) {
		f.Add(exifBlock(binary.LittleEndian, o))
		f.Add(exifBlock(binary.BigEndian, o))
	}
	f.Add([]byte("MM\x00*\xff\xff\xff\xfe"))
	img := encodeJPEG(f, quarters(8, 8))
	f.Fuzz(func(t *testing.T, block []byte) {
		o := exifOrientation(block)
		if o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
		if len(block) > 60000 {
			return
		}
		// The same through the segments of a JPEG.
		if h, err := inspectJPEG(withExif(img, block)); err != nil || h.orientation != o {
			t.Fatalf("%d, %v; want %d", h.orientation, err, o)
		}
	})
}

func FuzzProcess(f *testing.F) {
	for _, data := range uploads(f) {
		f.Add(data)
		f.Add(withExif(data, exifBlock(binary.LittleEndian, 6)))
	}
	f.Add(unbase64(f, webpAnimated))
	f.Add(jpegHeader(0xc2, 16, 16))
	f.Add(pngHeader(9, 9, 16, 6, 1))
	f.Add(gifHeader(20, 20))
	f.Add(webpHeader(10, 10, "VP8 \x00\x00\x00\x00"))
	p := New(4)
	f.Fuzz(func(t *testing.T, data []byte) {
		if h, err := inspect(data); err == nil && h.width*h.height > 1<<20 {
			return // valid, but too slow to fuzz
		}
		pic, err := p.Process(t.Context(), data)
		if (pic == nil) == (err == nil) {
			t.Fatal(pic, err)
		}
		if err == nil {
			checkPicture(t, pic)
			return
		}
		var e *Error
		if !errors.As(err, &e) || e.Detail == "" {
			t.Fatalf("%T %v", err, err)
		}
	})
}
