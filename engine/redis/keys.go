package redis

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"warble"
)

// slots is how many slots a Redis Cluster has.
const slots = 1 << 14

// What a key is of: the byte that follows the prefix, or the bucket's tag.
const (
	keyTimeline = 't'
	keyMarks    = 'm' // of a bucket: a hash with a mark for each partition, and the generation
	keyCounts   = 'c'
	keyWrote    = 'w'
	keyTally    = 'l' // of a limit: a number
)

// keys names all there is. A bucket's keys begin with its hash tag, so that they lie in one slot.
type keys struct {
	prefix string
	tags   []string // of the buckets: prefix and tag
	shift  int
}

func newKeys(prefix string, buckets int) *keys {
	k := &keys{prefix: prefix + "/", tags: make([]string, buckets), shift: 64 - bits.TrailingZeros(uint(buckets))}
	for n, left := 0, buckets; left > 0; n++ {
		tag := strconv.FormatInt(int64(n), 36)
		if bucket := slotOf(tag) * buckets / slots; k.tags[bucket] == "" {
			k.tags[bucket] = k.prefix + "{" + tag + "}"
			left--
		}
	}
	return k
}

// bucket is where an owner's timeline lies.
func (k *keys) bucket(owner warble.UserID) int { return int(owner.Hash() >> k.shift) }

func (k *keys) marks(bucket int) string { return k.tags[bucket] + string(rune(keyMarks)) }

func (k *keys) timeline(owner warble.UserID) string {
	return string(k.appendTimeline(nil, k.bucket(owner), owner))
}

func (k *keys) appendTimeline(b []byte, bucket int, owner warble.UserID) []byte {
	b = append(append(b, k.tags[bucket]...), keyTimeline)
	return binary.BigEndian.AppendUint64(b, uint64(owner))
}

// of is a key outside the buckets.
func (k *keys) of(kind byte, name string) string { return k.prefix + string(rune(kind)) + name }

// ofID is one of an id.
func (k *keys) ofID(kind byte, id warble.ID) string { return k.of(kind, packID(id)) }

// packID is an id in 8 bytes that sort as the id does.
func packID(id warble.ID) string { return string(binary.BigEndian.AppendUint64(nil, uint64(id))) }

// slotOf is the slot Redis Cluster puts a hash tag in: its CRC-16 (XMODEM), modulo the number of slots.
func slotOf(tag string) int {
	crc := uint16(0)
	for _, c := range []byte(tag) {
		crc ^= uint16(c) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slots
}
