// Package cassandra keeps truth and counts in Cassandra 5 (or ScyllaDB): claims,
// users, tweets, edges, documents, and the outbox, which is the redo log of
// every change. Start with [Open]; the tables are in schema/, each with what
// bounds its partitions; commit.go is the only place where truth is written.
//
// How it stays right. Every read and write is LOCAL_QUORUM with three replicas,
// so that a read sees each write acknowledged before it, and a read that saw a
// write has repaired it: what was answered once is answered again. Only claims
// use lightweight transactions, on rows that nothing else writes.
//
// Time. Which of two writes of a cell stands is decided by their write times, in
// microseconds, never by the order they arrive in. A row put once under its own
// id is written at the time in that id, by whomever and however often. Any other
// row, and whatever says that something is gone, is written after a read, at the
// clock or just above what is stored, whichever is later; that time is kept in the outbox
// and by every repeat. Nothing is removed by a CQL DELETE, claims excepted.
//
// Failure model: any one of three replicas may be gone or late. A call that
// could not reach a quorum wraps warble.ErrUnavailable where nothing can have been stored
// and warble.ErrUnknown where it may have been.
package cassandra
