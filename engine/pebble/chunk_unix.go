//go:build unix && !solaris && !illumos && !aix

package pebble

import (
	"syscall"
	"unsafe"
)

// newChunk takes memory from the system; a page of it costs nothing until it is written.
func newChunk(ids int) []uint64 {
	b, err := syscall.Mmap(-1, 0, ids*8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic("pebble: no memory for timelines: " + err.Error())
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), ids)
}

func freeChunk(c []uint64) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(&c[0])), len(c)*8)
	_ = syscall.Munmap(b) // fails only for what newChunk did not make
}
