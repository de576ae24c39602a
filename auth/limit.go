package auth

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"warble/internal/httpx"
)

// Subject is who a limit is counted for: a person, an app, or an address
// (IPv6: its /64, which is what one customer gets).
type Subject struct {
	hi, lo uint64
	kind   byte
}

// AddrSubject is the subject of an address.
func AddrSubject(a netip.Addr) Subject {
	b := a.As16()
	s := Subject{kind: '4', hi: binary.BigEndian.Uint64(b[:8]), lo: binary.BigEndian.Uint64(b[8:])}
	if a.Is6() && !a.Is4In6() {
		s.kind, s.lo = '6', 0
	}
	return s
}

const (
	limitShards   = 64
	limitPerShard = 8192 // counters: about 25 MB in all when full
)

// Limiter counts in fixed windows of [httpx.Window]. Its memory is bounded:
// when a shard is full a counter is forgotten, so a flood of addresses can
// cost somebody's count but never memory. Windows are aligned to the clock.
type Limiter struct {
	clock  func() time.Time
	shards [limitShards]limitShard
}

type limitShard struct {
	mu     sync.Mutex
	window int64
	n      map[limitKey]uint32
	_      [40]byte // keeps neighbours off one cache line
}

// limitKey is a subject and a class in 16 bytes, which a map hashes fastest:
// only an IPv4 address has a lower half, of 32 bits.
type limitKey struct{ hi, lo uint64 }

func keyOf(s Subject, class uint16) limitKey {
	return limitKey{s.hi, s.lo&0xffffffff | uint64(class)<<32 | uint64(s.kind)<<48}
}

// NewLimiter makes an empty Limiter.
func NewLimiter(clock func() time.Time) *Limiter { return &Limiter{clock: clock} }

const windowSeconds = int64(httpx.Window / time.Second)

// Reset is when the present window ends, in unix seconds.
func (l *Limiter) Reset() int64 { return (l.clock().Unix()/windowSeconds + 1) * windowSeconds }

// Take counts one use of n and says how many remain. A use beyond n is not ok
// and not counted.
func (l *Limiter) Take(s Subject, class uint16, n int) (remaining int, reset int64, ok bool) {
	window := l.clock().Unix() / windowSeconds
	key := keyOf(s, class)
	sh := &l.shards[key.shard()]
	sh.mu.Lock()
	used := int(sh.at(window)[key])
	if used < n {
		sh.put(key, uint32(used+1))
	}
	sh.mu.Unlock()
	return max(n-used-1, 0), (window + 1) * windowSeconds, used < n
}

// Used says how often a subject was counted in this window.
func (l *Limiter) Used(s Subject, class uint16) int {
	window := l.clock().Unix() / windowSeconds
	key := keyOf(s, class)
	sh := &l.shards[key.shard()]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return int(sh.at(window)[key])
}

// Forget clears a subject's count.
func (l *Limiter) Forget(s Subject, class uint16) {
	key := keyOf(s, class)
	sh := &l.shards[key.shard()]
	sh.mu.Lock()
	delete(sh.n, key)
	sh.mu.Unlock()
}

func (k limitKey) shard() int {
	h := (k.hi ^ k.lo*0xff51afd7ed558ccd) * 0x9e3779b97f4a7c15
	return int(h >> 58)
}

// at is the shard's counters of a window; the lock is held.
func (sh *limitShard) at(window int64) map[limitKey]uint32 {
	if sh.window != window || sh.n == nil {
		sh.window, sh.n = window, map[limitKey]uint32{}
	}
	return sh.n
}

func (sh *limitShard) put(key limitKey, n uint32) {
	if n == 1 && len(sh.n) >= limitPerShard {
		for other := range sh.n {
			delete(sh.n, other)
			break
		}
	}
	sh.n[key] = n
}
