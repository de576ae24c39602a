package photo

import "encoding/binary"

// exifOrientation reads the orientation tag, 1 to 8, out of an EXIF block (a
// TIFF structure, without the "Exif\0\0" that JPEG puts before it). Whatever
// is wrong with the block, the answer is 1: as stored. Lengths and offsets in
// the block are only ever compared with what is there, and it reads at most
// one directory, so its time is bounded by len(tiff).
func exifOrientation(tiff []byte) int {
	const (
		tagOrientation = 0x0112
		typeShort      = 3
		entrySize      = 12
	)
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(tiff[4:8]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < entrySize {
			return 1
		}
		e := entries[:entrySize]
		entries = entries[entrySize:]
		if order.Uint16(e) != tagOrientation {
			continue
		}
		v := int(order.Uint16(e[8:]))
		if order.Uint16(e[2:]) != typeShort || order.Uint32(e[4:]) != 1 || v < 1 || v > 8 {
			return 1
		}
		return v
	}
	return 1
}
