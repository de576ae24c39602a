// Package powerloss cuts the power of the embedded engine at random moments: it
// copies the file system as a disk would hold it, with any share of what was
// not synced, opens the copy, and looks whether everything acknowledged is
// there and everything else whole. Its test has the build tag powerloss:
// `make powerloss`.
package powerloss
