// Package fault breaks a running service, one part after the other, while
// people write and read, and looks afterwards whether what they were told is
// true. Read history_test.go first, which says what is known of a call, then
// check_test.go, which judges; load_test.go makes the calls, lab_test.go and
// its neighbours the faults, matrix_test.go the order of them. Its tests have
// the build tag cluster: `make cluster-test`. Those of the lab need root.
package fault
