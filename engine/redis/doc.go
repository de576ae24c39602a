// Package redis keeps what is derived and quickly made again in a Redis or Valkey Cluster (7.0 or later): stored home
// timelines, counts as a cache in front of their source, and marks of who wrote lately.
//
// # A timeline
//
// A timeline is one list of 8-byte ids, newest first, with a header as its last element: about 10.5 bytes an entry. The
// list is always sorted and distinct, so that a push looks at its first element only, and a read takes a stretch of it.
// Only timelines that exist are pushed to; they end by Redis's own TTL [warble.TimelineAge] after they were built.
//
// Timelines live in buckets: a power of two of hash tags, spread evenly over the cluster's slots. One script carries
// the pairs of many tweets to one bucket, which is what makes a push cheap.
//
// # What a failover does
//
// Redis answers before its replicas have what it answered for. A failover therefore takes a bucket back to an earlier
// moment, and nobody notices by itself. So each bucket also keeps, for each log partition, the number of the last push
// that it has had ([warble.Mark]); pushes of the log name the number that they expect, and are told where a bucket is
// behind. See marks.go.
package redis
