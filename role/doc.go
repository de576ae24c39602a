// Package role holds no code of its own: below it are the three roles of Warble,
// which share stores, log and hub and never call each other, and beside it the
// tests that look at them together.
//
//   - role/write: [warble/role/write.Writer.PostTweet], RecordUserTweetLike and every other change;
//   - role/read: [warble/role/read.Reader.GenerateTimeline] and every other answer;
//   - role/fanout: what carries an acknowledged change on, rebuilds and checks.
package role
