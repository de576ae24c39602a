// Package journey walks through the distributed shape as somebody does who has
// just found it: `make cluster` from nothing, an account, a bot with the
// official SDK, an import held against the files, an alert by a real fault, the
// end. What the embedded shape is asked in test/sdk and test/import is asked
// here in the same words. Its test has the build tag journey: `make journey`.
package journey
