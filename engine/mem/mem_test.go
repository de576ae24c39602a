package mem_test

import (
	"testing"

	"warble"
	"warble/engine/enginetest"
	"warble/engine/mem"
)

func TestContract(t *testing.T) {
	clock := enginetest.NewClock()
	enginetest.Run(t, func(*testing.T) *warble.Stores {
		return mem.New(mem.Options{Clock: clock.Now})
	}, enginetest.Options{Clock: clock})
}
