package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"warble"
)

// maxSecret is the longest secret that is looked at; ours have 43 characters.
const maxSecret = 128

// newSecret makes 256 random bits, as 43 characters that need no escaping anywhere.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

type digest [sha256.Size]byte

func digestOf(secret string) digest {
	var b [maxSecret]byte
	return sha256.Sum256(b[:copy(b[:], secret)])
}

// id is the document's id under which what the secret stands for is kept.
func (d *digest) id() warble.DocID {
	return warble.DocID(binary.BigEndian.Uint64(d[:8]) >> 1)
}

// MarshalText and UnmarshalText give base64url.
func (d digest) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, d[:]), nil
}

func (d *digest) UnmarshalText(b []byte) error {
	n, err := base64.RawURLEncoding.Decode(d[:], b[:min(len(b), 43)])
	if err == nil && n != len(d) {
		return base64.CorruptInputError(n)
	}
	return err
}
