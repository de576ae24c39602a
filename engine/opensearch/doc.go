// Package opensearch finds tweets and people in OpenSearch, newest first.
//
// # The same answers as embedded
//
// OpenSearch cuts nothing. A document's words are cut by internal/words, as for the index of one machine, and sent parted
// by spaces in the order of their positions: readings of one place are joined by a bar, places without a word are dots.
// A whitespace tokenizer, a filter that parts at bars and one that drops dots bring back exactly the positions that were
// there, so a phrase is a phrase in both shapes, also where scripts are cut into characters and pairs. Operators
// (from:, has:, …) are terms of a second field.
//
// # Newest first
//
// An index is sorted by id, descending, as are all searches, and hits are not counted: each segment is left as soon as a
// page is full. A page begins by a range of ids, which the sort finds at once; search_after would walk there. Tweets lie
// in ranges of ids, each an index of its own: the one a tweet belongs to follows from its id alone. Searches look at the
// newest range first and at older ones only while the page is not full. A new range begins 30 s or more ahead of the
// clock, and nothing is put by a table of ranges older than 20 s, so that no tweet is ever put beside its range.
//
// # Versions
//
// A document is stored under its row's version and never replaced by a lower one: whoever read truth earlier and comes
// later does no harm. A removal is not remembered: who adds what he read before it makes it findable again, until
// rebuild; callers check each hit against truth.
//
// # Durability and bounds
//
// What Add returned from is on disk, so a consumer needs no checkpoint of its own; it is found within about a second.
// Every call has a deadline of 5 s, all nodes together, and 64 are under way at once. One that is not answered by a
// node goes to the next. The ranges are read every 5 s beside the calls, which never wait for that.
package opensearch
