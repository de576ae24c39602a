// Package warble is the domain of a Twitter-like service: what a tweet, a
// follow, a like and a timeline are, and the rules that hold between them. It
// does no I/O of its own: it speaks to the contracts of store.go, which the
// packages below engine/ fulfil.
//
// A guided tour:
//
//   - user.go, tweet.go, photo.go, edge.go, doc.go: the entities;
//   - text.go: handles, hashtags, links, weighted length;
//   - store.go: the contracts, grouped by what they promise (truth, log, derived);
//   - visible.go: the one predicate that decides who sees what; pullset.go: the
//     one that decides between push and pull;
//   - role/write: [warble/role/write.Writer.PostTweet] and RecordUserTweetLike first;
//   - role/read: [warble/role/read.Reader.GenerateTimeline] first;
//   - role/fanout: what carries an acknowledged change to homes, counts, the
//     search index, notices and live streams.
package warble
