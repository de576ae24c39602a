// Package importing imports all of the shared real input with the real binary
// and compares what the service then answers with a recomputation from the
// files that uses none of Warble's own code: go test -tags import ./test/import
package importing
