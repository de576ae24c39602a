//go:build race

package server

// raced: the race detector watches, which takes memory of its own.
const raced = true
