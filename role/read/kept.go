package read

import (
	"slices"
	"sync/atomic"
	"warble"
)

// keptPages is how many first pages of home a reader keeps, twice: some 3 KB
// each, and as much again of what an edge keeps beside one.
const keptPages = 12 << 10

// keptLimit is the longest page that is kept.
const keptLimit = 40

// keptKey is who asked for what.
type keptKey struct {
	viewer warble.UserID
	q      TimelineQuery
}

// keptPage is a first page of home as it was made. It is what would be made
// again while its entries are the same and nothing it was made of has been written.
type keptPage struct {
	entries []warble.TweetID
	at      uint64 // what was written up to here is in the page
	of      []warble.Stamp
	tl      *Timeline
}

// keptHome returns the viewer's page over these entries, if it is still true.
func (r *Reader) keptHome(viewer warble.UserID, q TimelineQuery, entries []warble.TweetID) *Timeline {
	k, ok := r.kept.Get(keptKey{viewer, q})
	if !ok || !slices.Equal(k.entries, entries) || !r.s.Stamps.Unchanged(k.at, k.of) {
		return nil
	}
	return k.tl
}

// keepHome keeps a page made of these entries from the moment at on.
func (r *Reader) keepHome(sc *scene, q TimelineQuery, entries []warble.TweetID, tl *Timeline, at uint64) {
	if r.s.Stamps == nil || q.Limit > keptLimit || len(tl.Items) == 0 {
		return
	}
	tl.Kept = new(atomic.Value)
	r.kept.Set(keptKey{sc.viewer, q}, &keptPage{entries: entries, at: at, of: sc.stamps(entries, tl), tl: tl})
}

// stamps are those of all that a page of home was made of.
func (sc *scene) stamps(entries []warble.TweetID, tl *Timeline) []warble.Stamp {
	of := make([]warble.Stamp, 0, 3*len(entries)+16)
	for _, kinds := range [...][]warble.EdgeKind{warble.BondKinds, flagKinds, {warble.Vote}} {
		for _, kind := range kinds {
			of = append(of, warble.EdgesStamp(kind, sc.viewer))
		}
	}
	for _, id := range sc.retweeters {
		of = append(of, warble.EdgesStamp(warble.Retweet, id))
	}
	for _, c := range sc.casts {
		for _, id := range c.People() {
			of = append(of, warble.RowStamp(id))
		}
	}
	for _, id := range entries {
		of = append(of, warble.RowStamp(id))
	}
	for id := range sc.refs {
		of = append(of, warble.RowStamp(id), warble.CountStamp(id))
	}
	for i := range tl.Items {
		of = append(of, warble.CountStamp(tl.Items[i].Tweet.ID))
	}
	slices.Sort(of)
	return slices.Clip(slices.Compact(of))
}
