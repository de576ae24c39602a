package disk

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// freeBytes is what this user may still write on the disk that holds path.
func freeBytes(path string) (int64, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, err
	}
	return int64(free), nil
}

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, syscall.ENOSPC)
}

// syncDir does nothing: Windows has no way to sync a directory, and NTFS keeps a journal of its entries.
func syncDir(string) error { return nil }
