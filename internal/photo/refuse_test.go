package photo

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/gif"
	"runtime"
	"strings"
	"testing"
)

// The smallest WebP files of each kind: one pixel.
const (
	webpLossy    = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"
	webpAlpha    = "UklGRkoAAABXRUJQVlA4WAoAAAAQAAAAAAAAAAAAQUxQSAwAAAARBxAR/Q9ERP8DAABWUDggGAAAABQBAJ0BKgEAAQAAAP4AAA3AAP7mtQAAAA=="
	webpAnimated = "UklGRlIAAABXRUJQVlA4WAoAAAASAAAAAAAAAAAAQU5JTQYAAAD/////AABBTk1GJgAAAAAAAAAAAAAAAAAAAGQAAABWUDhMDQAAAC8AAAAQBxAREYiI/gcA"
)

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wantCode checks that err is a refusal of that code with a usable sentence.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error with code %s", err, code)
	}
	if e.Code != code || len(e.Detail) < 20 || !strings.Contains(e.Detail, ": ") {
		t.Errorf("got %v, want code %s and a sentence with a way out", e, code)
	}
}

// jpegHeader is a JPEG that claims a size: SOF and the start of a scan.
func jpegHeader(sof byte, w, h int) []byte {
	b := []byte{0xff, 0xd8, 0xff, sof, 0, 17, 8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0}
	return append(b, 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0)
}

// pngHeader is a PNG that claims a size, with a valid checksum.
func pngHeader(w, h uint32, depth, colour, interlace byte) []byte {
	ihdr := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
	ihdr = append(ihdr, depth, colour, 0, 0, interlace)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(ihdr))
}

func gifHeader(w, h int) []byte {
	return append([]byte("GIF89a"), byte(w), byte(w>>8), byte(h), byte(h>>8), 0, 0, 0, ',', 0, 0, 0, 0,
		byte(w), byte(w>>8), byte(h), byte(h>>8), 0, 8)
}

func webpHeader(w, h int, body string) []byte {
	w, h = w-1, h-1
	b := []byte("WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00")
	b = append(b, byte(w), byte(w>>8), byte(w>>16), byte(h), byte(h>>8), byte(h>>16))
	b = append(b, body...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(b))), b...)
}

func TestBombsAreRefusedUnopened(t *testing.T) {
	lossless := "VP8L\x05\x00\x00\x00\x2f\xff\xff\xff\x0f\x00" // 16384 × 16384
	for name, data := range map[string][]byte{
		"png":                        pngHeader(50000, 50000, 8, 6, 0),
		"png, the largest":           pngHeader(1<<31-1, 1<<31-1, 8, 6, 0),
		"png, long and thin":         pngHeader(1<<31-1, 1, 1, 0, 0),
		"gif":                        gifHeader(65535, 65535),
		"jpeg":                       jpegHeader(0xc0, 65535, 65535),
		"jpeg, progressive":          jpegHeader(0xc2, 65535, 65535),
		"jpeg, heavy for its pixels": jpegHeader(0xc2, 6300, 6300),
		"webp":                       webpHeader(1<<15, 1<<15, ""),
		"webp, lossless":             append([]byte("RIFF\x12\x00\x00\x00WEBP"), lossless...),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			p := New(1)
			runtime.ReadMemStats(&before)
			_, err := p.Process(t.Context(), data)
			runtime.ReadMemStats(&after)
			wantCode(t, err, CodeTooManyPixels)
			if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
				t.Errorf("%d bytes allocated to refuse it", n)
			}
			t.Log(err)
		})
	}
}

func TestChunksThatClaimMoreThanThereIsAllocateNothing(t *testing.T) {
	for name, data := range map[string][]byte{
		"webp chunk": append(unbase64(t, webpLossy)[:16], "\xff\xff\xff\x7f"+"0123456789"...),
		"png chunk":  append(pngHeader(100, 100, 8, 6, 0), "\x7f\xff\xff\xffeXIf0123"...),
		"webp alpha": webpHeader(5000, 5000, "ALPH\xff\xff\xff\x00\x00"),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := New(1).Process(t.Context(), data)
		runtime.ReadMemStats(&after)
		wantCode(t, err, CodeDamaged)
		if n := after.TotalAlloc - before.TotalAlloc; n > 512<<10 {
			t.Errorf("%s: %d bytes allocated", name, n)
		}
	}
}

func TestTooManyBytesAreRefusedUnread(t *testing.T) {
	data := make([]byte, MaxBytes+1)
	copy(data, "\xff\xd8\xff")
	_, err := New(1).Process(t.Context(), data)
	wantCode(t, err, CodeTooLarge)
}

func TestEndlessScansAreRefused(t *testing.T) {
	data := jpegHeader(0xc2, 4000, 3000)
	scan := data[len(data)-14:]
	data = append(data, bytes.Repeat(scan, maxScans)...)
	if _, err := inspect(data); !errors.Is(err, errScans) {
		t.Errorf("got %v, want %v", err, errScans)
	}
}

func TestForeignFormatsAreNamed(t *testing.T) {
	for data, word := range map[string]string{
		"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic":     "HEIC",
		"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic":     "HEIC",
		"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf": "AVIF",
		"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf": "AVIF",
		"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom":     "video",
		"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ":         "video",
		"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom":     "raw",
		"\x00\x00\x00\x18ftyp":                                 "video",
		"II*\x00\x08\x00\x00\x00":                              "TIFF",
		"MM\x00*\x00\x00\x00\x08":                              "TIFF",
		"BM\x36\x00\x00\x00":                                   "BMP",
		"<svg xmlns=\"http://www.w3.org/2000/svg\"/>":          "SVG",
		"\xef\xbb\xbf <?xml version=\"1.0\"?>\n<!-- x --><SVG": "SVG",
		"%PDF-1.7":                             "PDF",
		"8BPS\x00\x01":                         "Photoshop",
		"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a": "JPEG XL",
		"\x1a\x45\xdf\xa3\x01":                 "video",
		"RIFF\x00\x00\x00\x00AVI LIST":         "video",
		"\x00\x00\x01\x00\x01\x00":             "icon",
		"hello, world":                         "not a picture we know",
		"<html>":                               "not a picture we know",
		"\xff\xd8":                             "not a picture we know",
	} {
		_, err := New(1).Process(t.Context(), []byte(data))
		wantCode(t, err, CodeUnsupported)
		if !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), sendInstead) {
			t.Errorf("%.20q: %v", data, err)
		}
	}
	_, err := New(1).Process(t.Context(), unbase64(t, webpAnimated))
	wantCode(t, err, CodeUnsupported)
	_, err = New(1).Process(t.Context(), nil)
	wantCode(t, err, CodeDamaged)
}

// uploads gives one valid small file per format.
func uploads(t testing.TB) map[string][]byte {
	img := quarters(60, 50)
	var g bytes.Buffer
	if err := gif.Encode(&g, img, &gif.Options{NumColors: 16}); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"jpeg": encodeJPEG(t, img), "grey": encodeJPEG(t, image.NewGray(img.Rect)), "png": encodePNG(t, img),
		"gif": g.Bytes(), "webp": unbase64(t, webpLossy), "webp alpha": unbase64(t, webpAlpha),
	}
}

func TestTruncatedFilesAreDamaged(t *testing.T) {
	p := New(1)
	for name, data := range uploads(t) {
		for n := 12; n < len(data)-2; n += 1 + len(data)/97 {
			if _, err := p.Process(t.Context(), data[:n]); err == nil {
				// The last bytes of some formats hold nothing a decoder needs.
				if n < len(data)*3/4 {
					t.Errorf("%s cut to %d of %d bytes was accepted", name, n, len(data))
				}
			} else {
				wantCode(t, err, CodeDamaged)
			}
		}
	}
}

func TestArithmeticCodedJPEGIsUnsupported(t *testing.T) {
	_, err := New(1).Process(t.Context(), jpegHeader(0xc9, 100, 100))
	wantCode(t, err, CodeUnsupported)
}

func TestACallerWhoLeavesGetsHisOwnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, data := range uploads(t) {
		if _, err := New(1).Process(ctx, data); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		h, err := inspect(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(ctx, h, data); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, while decoding: %v", name, err)
		}
	}
}
