package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"warble"
	"warble/internal/httpx"
)

// Cost is how dear one guess at a password is made.
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultCost is argon2id's second recommended setting: 22 ms and 20 MB here.
var DefaultCost = Cost{Memory: 19 << 10, Time: 2, Threads: 1}

// What a stored hash may ask for: a row that says more is damaged, not dear.
const (
	maxMemory = 256 << 10
	maxTime   = 16
	keyBytes  = 32
	saltBytes = 16
)

// Lengths of a password: code points below, bytes above.
const (
	MinPassword = 8
	MaxPassword = 1024
)

// gate lets a bounded number through and a bounded number wait.
type gate struct {
	in   chan struct{}
	room chan struct{}
}

func newGate(in, wait int) *gate {
	return &gate{in: make(chan struct{}, in), room: make(chan struct{}, in+wait)}
}

// enter fails at once when the queue is full. leave must be called after a nil error.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.room <- struct{}{}:
	default:
		return httpx.Busy("Too many people are signing in at this moment: try again in a few seconds.")
	}
	select {
	case g.in <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-g.room
		return ctx.Err()
	}
}

func (g *gate) leave() { <-g.in; <-g.room }

// HashPassword makes the stored form of a new password. A password that is
// too short or too long is ErrInvalid "password".
func (s *Service) HashPassword(ctx context.Context, password string) (string, error) {
	if utf8.RuneCountInString(password) < MinPassword {
		return "", warble.Invalid("password", "", fmt.Sprintf("a password has at least %d characters", MinPassword))
	}
	if len(password) > MaxPassword || !utf8.ValidString(password) {
		return "", warble.Invalid("password", "", fmt.Sprintf("a password is UTF-8 text of at most %d bytes", MaxPassword))
	}
	if err := s.gate.enter(ctx); err != nil {
		return "", err
	}
	defer s.gate.leave()
	var salt [saltBytes]byte
	_, _ = rand.Read(salt[:]) // never fails
	return s.opt.Cost.hash(password, salt[:]), nil
}

func (c Cost) hash(password string, salt []byte) string {
	key := argon2.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, keyBytes)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, c.Threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// verify compares in constant time. An empty or unreadable hash costs as much
// as a good one and never fits. weak says that the hash should be made anew.
func (s *Service) verify(ctx context.Context, stored, password string) (ok, weak bool, err error) {
	if len(password) > MaxPassword {
		return false, false, nil
	}
	if err := s.gate.enter(ctx); err != nil {
		return false, false, err
	}
	defer s.gate.leave()
	cost, salt, key, good := parsePHC(stored)
	if !good {
		cost, salt, key = s.opt.Cost, make([]byte, saltBytes), make([]byte, keyBytes)
	}
	got := argon2.IDKey([]byte(password), salt, cost.Time, cost.Memory, cost.Threads, uint32(len(key)))
	fits := subtle.ConstantTimeCompare(got, key) == 1
	return fits && good, cost != s.opt.Cost, nil
}

// parsePHC reads $argon2id$v=19$m=…,t=…,p=…$salt$key.
func parsePHC(stored string) (c Cost, salt, key []byte, ok bool) {
	part := strings.Split(stored, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, false
	}
	var m, t, p uint32
	if n, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil || n != 3 {
		return c, nil, nil, false
	}
	if m < 8 || m > maxMemory || t < 1 || t > maxTime || p < 1 || p > math.MaxUint8 {
		return c, nil, nil, false
	}
	c = Cost{Memory: m, Time: t, Threads: uint8(p)}
	var err, err2 error
	salt, err = base64.RawStdEncoding.DecodeString(part[4])
	key, err2 = base64.RawStdEncoding.DecodeString(part[5])
	return c, salt, key, err == nil && err2 == nil && len(salt) >= 8 && len(key) >= 16 && len(key) <= 64
}
