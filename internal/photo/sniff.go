package photo

import (
	"bytes"
	"strings"
)

// format is one of the four we decode; its text is how sentences name it.
type format string

const (
	formatJPEG format = "JPEG"
	formatPNG  format = "PNG"
	formatGIF  format = "GIF"
	formatWebP format = "WebP"
)

const sendInstead = "send JPEG, PNG, GIF or WebP"

// known lists the formats people send that we do not decode, by their first
// bytes; a dot stands for any byte. The first match wins.
var known = []struct{ magic, name string }{
	{"II*\x00", "TIFF pictures and raw camera files are"},
	{"MM\x00*", "TIFF pictures and raw camera files are"},
	{"BM", "BMP pictures are"},
	{"%PDF-", "PDF documents are"},
	{"8BPS", "Photoshop files are"},
	{"\x00\x00\x01\x00", "icon files are"},
	{"\xff\x0a", "JPEG XL pictures are"},
	{"\x00\x00\x00\x0cJXL ", "JPEG XL pictures are"},
	{"\x00\x00\x00\x0cjP  ", "JPEG 2000 pictures are"},
	{"\xff\x4f\xff\x51", "JPEG 2000 pictures are"},
	{"\x1a\x45\xdf\xa3", "videos are"},
	{"RIFF....AVI ", "videos are"},
	{"FLV\x01", "videos are"},
	{"OggS", "videos and sounds are"},
	{"\x00\x00\x01\xba", "videos are"},
}

const heicSentence = "HEIC photos are not supported: " + sendInstead +
	"; on an iPhone choose Settings → Camera → Formats → Most Compatible"

// sniff tells by its first bytes which decoder a file needs; names and
// declared content types are never trusted. Anything else is refused with a
// sentence that names what it seems to be.
func sniff(data []byte) (format, *Error) {
	switch {
	case len(data) == 0:
		return "", &Error{Code: CodeDamaged, Detail: "the file is empty: " + sendInstead}
	case matches(data, "\xff\xd8\xff"):
		return formatJPEG, nil
	case matches(data, "\x89PNG\r\n\x1a\n"):
		return formatPNG, nil
	case matches(data, "GIF87a"), matches(data, "GIF89a"):
		return formatGIF, nil
	case matches(data, "RIFF....WEBP"):
		return formatWebP, nil
	case matches(data, "....ftyp"):
		return "", unsupported(sniffBrand(data))
	}
	for _, k := range known {
		if matches(data, k.magic) {
			return "", unsupported(notSupported(k.name))
		}
	}
	if looksLikeSVG(data) {
		return "", unsupported(notSupported("SVG drawings are"))
	}
	return "", unsupported("this is not a picture we know: " + sendInstead)
}

func unsupported(detail string) *Error { return &Error{Code: CodeUnsupported, Detail: detail} }

func notSupported(these string) string { return these + " not supported: " + sendInstead }

func matches(data []byte, magic string) bool {
	if len(data) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '.' && magic[i] != data[i] {
			return false
		}
	}
	return true
}

// sniffBrand gives the sentence for an ISO base media file: HEIC and AVIF
// photos share their box with video. The major brand may be the general
// "mif1", so the compatible brands are looked at too, as far as they are there.
func sniffBrand(data []byte) string {
	box := data[:min(len(data), 64)]
	if size := int(box[2])<<8 | int(box[3]); size >= 8 && size < len(box) {
		box = box[:size]
	}
	heif := false
	for i := 8; i+4 <= len(box); i += 4 {
		if i == 12 {
			continue // the minor version
		}
		switch string(box[i : i+4]) {
		case "avif", "avis":
			return notSupported("AVIF pictures are")
		case "heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1":
			heif = true
		case "crx ":
			return notSupported("raw camera files are")
		}
	}
	if heif {
		return heicSentence
	}
	return "videos are not supported yet: " + sendInstead
}

// looksLikeSVG reports whether text that starts like XML or HTML names an svg
// element within its first kilobyte.
func looksLikeSVG(data []byte) bool {
	head := bytes.TrimPrefix(data[:min(len(data), 1024)], []byte("\xef\xbb\xbf"))
	head = bytes.TrimLeft(head, " \t\r\n")
	return bytes.HasPrefix(head, []byte("<")) && strings.Contains(strings.ToLower(string(head)), "<svg")
}
