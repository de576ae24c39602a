// Package crash kills and pauses the real binary at random moments, under 64
// writers, and looks whether everything it had acknowledged is there after a
// restart. Its test has the build tag crash: `make crash`.
package crash
