// Package pebble is the embedded engine: everything Warble remembers in one
// directory, over two Pebble stores, with the hot part in memory. Start with
// [Open], then apply.go, the only place where truth is written.
//
//	PATH/FORMAT    the number of this layout; a newer one is refused
//	PATH/LOCK      held while a process has the directory open
//	PATH/truth     users, tweets, edges, documents, claims and the log; a commit returns when it is synced
//	PATH/derived   counts, consumers' places in the log, search segments; no WAL
//
// Rows of truth. ^ marks a number stored inverted, so that reading forward,
// the cheap direction, reads newest first.
//
//	c name                      claim, and when it runs out
//	u shard ^id                 user; the shard (1 byte) makes the 64 slices of Scan contiguous
//	t shard ^id                 tweet, newest version or tombstone
//	v id version                every version of a tweet that was edited; an unedited tweet has none,
//	                            so that posting writes the text once
//	a author ^id                (empty) ids of an author, without tombstones
//	e kind from to              the edge itself: since, part, value. One of a kind with Once() stays as a
//	                            row marked gone when it is removed; of other kinds nothing is left
//	f kind from ^since ^to      edges out, by since: part, value (a list needs no second read)
//	i kind to ^part ^since ^from  edges in, part by part: value. The part comes first so that a part,
//	                            which is fan-out's chunk and the unit of counting, is one short range
//	b kind to ^part             a part, from its first edge on; when the next opens, its least and highest
//	                            since: To merges only the parts that can hold what it looks for. And
//	                            where part 0 has no row there never was an edge: one point read says so
//	d id                        document; one that is gone stays without data, unless its kind is fleeting
//	l owner kind ^id            (empty) documents that stand
//	z partition sequence        event, written in the commit it belongs to; cut off when all groups are past it
//
// Rows of derived. Search has the keys that begin with s for itself.
//
//	n id kind part              how many, and as of when; id first, so one short scan loads all of a tweet's counts
//	p group partition           the lowest event not done
//
// The rows of derived only roll back together (a flush writes a prefix of
// what was written), so a place in the log never runs ahead of the counts and
// segments it stands for; and the log is cut only up to places known to be
// flushed. Losing derived whole costs a rebuild, never truth.
//
// Failure model: a process that dies, and a machine that loses power, keep
// every acknowledged change, and of others all or none. When the disk is
// nearly full writes are refused (ErrUnavailable), reads go on, and writes come
// back when there is space. When the disk fails while storing, that write ends
// with ErrUnknown, all later ones are refused until the program is started
// again, reads go on, and consumers of the log end with the reason: a server
// stops then. Where Pebble itself cannot go on the process ends, see fatal.go.
package pebble
