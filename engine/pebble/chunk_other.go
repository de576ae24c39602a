//go:build !unix || solaris || illumos || aix

package pebble

func newChunk(ids int) []uint64 { return make([]uint64, ids) }

func freeChunk([]uint64) {}
