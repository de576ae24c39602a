//go:build race

package photo

// raceEnabled: the race detector slows our loops more than the decoder's.
const raceEnabled = true
