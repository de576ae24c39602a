// Package search is the embedded search index: newest first, stopping as soon
// as a page is full, so that a common word costs as little as a rare one.
//
// # Segments
//
// Documents are gathered in memory, where they are found at once, up to
// SegmentDocs; then the segment is sealed into Pebble and never changes again,
// but for its dead documents. In a sealed segment documents are numbered from
// the newest to the oldest. Late documents (an import of old tweets) are
// gathered in a segment of their own, so that the segments of new tweets do
// not reach back into the past. Segments may overlap in time all the same: a
// search merges those that do by id, and walks the others one after the other.
//
// # Keys
//
// All begin with s, then t for tweets or u for people; seq is a segment's
// number, max its highest id, ^ the complement, numbers are big-endian:
//
//	p term 0 ^max ^seq   the postings of a term in a segment, see postings.go
//	d seq                the ids of the documents, newest first
//	m seq                max, min and number of documents: the segment exists
//	x seq                which of its documents are dead, as a bit set
//	g seq                the segment is not there (any more): its rows may go
//	n 0                  the highest number ever given to a segment
//	r seq n              the n-th piece of an open segment: records of terms
//
// So the postings of one term lie side by side, newest segment first, and a
// search for it reads one place of the store.
//
// # What survives
//
// The store has no WAL: a crash takes it back to an earlier state, whole
// batches at a time. Sync writes what was added since into the store, the open
// segments as records, so that a consumer that calls Sync, writes its place in
// the log to the same store, and gets what comes after that place again, loses
// nothing. Adding a document again replaces it, wherever it is.
//
// # Room
//
// Postings of dead documents stay until Compact. It also parts segments that
// reach over many others, as those of an import in no order do: a search opens
// every segment that may hold the newest hit. Call it after an import or a
// rebuild, and now and then; it does nothing where nothing is to be gained.
//
// # Bounds
//
// A search visits at most Options.Budget postings and those of one segment more,
// then answers what it has and where to go on, see [warble.Unfinished]; a prefix
// stands for at most Options.PrefixTerms words of the sealed segments,
// the first in the order of their bytes. Where Page.Oldest is asked for, the
// walk begins at the newest hit all the same.
package search
