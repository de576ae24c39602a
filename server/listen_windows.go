package server

import (
	"errors"
	"math"

	"golang.org/x/sys/windows"
)

func inUse(err error) bool { return errors.Is(err, windows.WSAEADDRINUSE) }

// openFiles: the system sets no limit of its own.
func openFiles() int { return math.MaxInt32 }
