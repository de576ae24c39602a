//go:build cluster

package jetstream

import (
	"testing"

	"warble"
	"warble/engine/enginetest"
)

// TestContract holds log and hub to the suite. Truth is in memory; every change goes through the relay.
func TestContract(t *testing.T) {
	conf := shared(t)
	w := newWorld(t, conf)
	w.engine(t)
	enginetest.Run(t, func(*testing.T) *warble.Stores { return w.Stores }, enginetest.Options{Only: []string{"log", "hub"}})
}
