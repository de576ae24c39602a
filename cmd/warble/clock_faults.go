//go:build faults

package main

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"warble/server"
)

// clockFlag adds the hidden flag --clock-offset FILE: the process's time of day
// is off by the duration in the file, which is read again every 100 ms. Timers
// and what is measured with them stay right, as on a machine whose clock is wrong.
func clockFlag(c *cobra.Command, cfg *server.Config) {
	c.Flags().Func("clock-offset", "file of a duration by which the clock is off", func(file string) error {
		offset, err := readOffset(file)
		if err != nil {
			return err
		}
		var now atomic.Int64
		now.Store(int64(offset))
		go func() {
			for range time.Tick(100 * time.Millisecond) {
				if offset, err := readOffset(file); err == nil {
					now.Store(int64(offset))
				}
			}
		}()
		cfg.Clock = func() time.Time {
			return time.Now().Round(0).Add(time.Duration(now.Load())) // Round takes the monotonic reading away
		}
		return nil
	})
	if err := c.Flags().MarkHidden("clock-offset"); err != nil {
		panic(err)
	}
}

func readOffset(file string) (time.Duration, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}
