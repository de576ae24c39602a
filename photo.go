package warble

import (
	"encoding/hex"
	"encoding/json"
)

// PhotoID names the stored files of one upload: 128 random bits, never reused.
type PhotoID [16]byte

func (p PhotoID) String() string { return hex.EncodeToString(p[:]) }

// MarshalText gives the hexadecimal form.
func (p PhotoID) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the hexadecimal form.
func (p *PhotoID) UnmarshalText(b []byte) error {
	if len(b) != 32 {
		return Invalid("photo", string(b), "a photo's name is 32 hexadecimal digits")
	}
	_, err := hex.Decode(p[:], b)
	return err
}

// Photo is a picture as its tweet or profile holds it. Media is the DocKind
// Media document made by the upload; it says who owns the photo.
type Photo struct {
	ID             PhotoID
	Media          DocID
	Width, Height  int // of the full version, pixels
	SmallW, SmallH int // of the small version
	Blurhash       string
	Alt            string
	MIME           string
}

// Full is the name of the stored file of the large version.
func (p *Photo) Full() string { return p.ID.String() + "/full" }

// Small is the name of the stored file of the small version.
func (p *Photo) Small() string { return p.ID.String() + "/small" }

// Media is the document of one upload. Tweet is set when a tweet took it,
// Profile when it became an avatar or header; only one of them ever is.
type Media struct {
	Photo   Photo
	Tweet   TweetID `json:",omitempty"`
	Profile UserID  `json:",omitempty"`
}

// MediaOf reads the upload out of its document.
func MediaOf(d *Doc) (*Media, error) {
	m := new(Media)
	if err := json.Unmarshal(d.Data, m); err != nil {
		return nil, err
	}
	m.Photo.Media = d.ID
	return m, nil
}

// PhotoClaim is the claim that decides who takes an upload.
func PhotoClaim(media DocID) string { return "photo/" + media.String() }
