// Package mem is the reference engine: every store of Warble in memory, in simple maps and sorted slices under one
// mutex. It is written to be read, and to be right; where an engine and this one disagree, look here first. Nothing
// survives the process.
package mem

import (
	"cmp"
	"slices"
	"sort"
	"sync"
	"time"

	"warble"
)

// Options of the engine.
type Options struct {
	// Clock is the time for claims, timelines and the log. Default: time.Now.
	Clock func() time.Time
}

// defaultLimit is the length of a page that does not say one.
const defaultLimit = 100

// New returns empty stores.
func New(opt Options) *warble.Stores {
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	e := &engine{
		now:       opt.Clock,
		claims:    map[string]claim{},
		users:     map[warble.UserID]*warble.User{},
		tweets:    map[warble.TweetID][]*warble.Tweet{},
		by:        map[warble.UserID][]ref{},
		edges:     map[warble.EdgeKey]edgeRow{},
		out:       map[end][]ref{},
		in:        map[end][]ref{},
		parts:     map[end][]int{},
		docs:      map[warble.DocID]*warble.Doc{},
		lists:     map[docList][]ref{},
		blobs:     map[string][]byte{},
		groups:    map[string]*group{},
		timelines: map[warble.UserID]*timeline{},
		counts:    map[countOf]map[uint32]warble.Count{},
		found:     map[warble.ID]warble.IndexDoc{},
		topics:    map[string]map[chan []byte]bool{},
	}
	e.more = sync.NewCond(&e.mu)
	return new(warble.Stamps).Of(&warble.Stores{
		Claims: claimStore{e}, Commit: commitStore{e}, Users: userStore{e}, Tweets: tweetStore{e}, Edges: edgeStore{e},
		Docs: docStore{e}, Blobs: blobStore{e}, Log: logStore{e}, Timelines: timelineStore{e}, Counts: countStore{e},
		Index: indexStore{e}, Hub: hubStore{e},
		Close: func() error { return nil },
	})
}

// engine is all the state there is. mu guards everything below it; nothing that may block runs under it.
type engine struct {
	now func() time.Time
	mu  sync.Mutex

	claims      map[string]claim
	users       map[warble.UserID]*warble.User
	userShards  [warble.Shards][]ref
	tweets      map[warble.TweetID][]*warble.Tweet // versions, oldest first; a tombstone stands alone
	tweetShards [warble.Shards][]ref
	by          map[warble.UserID][]ref
	edges       map[warble.EdgeKey]edgeRow
	out, in     map[end][]ref
	parts       map[end][]int // how many edges each part into a thing holds
	docs        map[warble.DocID]*warble.Doc
	lists       map[docList][]ref
	blobs       map[string][]byte

	log    [logParts][]*entry // in the order stored; what every group has done is cut off the front
	groups map[string]*group
	more   *sync.Cond // the log grew, an event was done, or a context ended

	timelines map[warble.UserID]*timeline
	counts    map[countOf]map[uint32]warble.Count
	found     map[warble.ID]warble.IndexDoc
	foundIDs  []ref
	topics    map[string]map[chan []byte]bool
}

// ref is a place in an ordered list: the id the list is ordered by, and the thing that stands there.
type ref struct{ at, id warble.ID }

func (r ref) compare(o ref) int {
	return cmp.Or(cmp.Compare(r.at, o.at), cmp.Compare(r.id, o.id))
}

// insert and remove keep a list sorted, oldest first. What is there already, or is not, changes nothing.
func insert(list []ref, r ref) []ref {
	if n := len(list); n == 0 || list[n-1].compare(r) < 0 {
		return append(list, r)
	}
	i, there := slices.BinarySearchFunc(list, r, ref.compare)
	if there {
		return list
	}
	return slices.Insert(list, i, r)
}

func remove(list []ref, r ref) []ref {
	if i, there := slices.BinarySearchFunc(list, r, ref.compare); there {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// page cuts one page out of a sorted list, newest first.
func page(list []ref, p warble.Page) []ref {
	lo := sort.Search(len(list), func(i int) bool { return list[i].at > p.After })
	hi := len(list)
	if p.Before != 0 {
		hi = sort.Search(len(list), func(i int) bool { return list[i].at >= p.Before })
	}
	if lo >= hi {
		return nil
	}
	limit := p.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	if n := hi - lo; n > limit && p.Oldest {
		hi = lo + limit
	} else if n > limit {
		lo = hi - limit
	}
	out := slices.Clone(list[lo:hi])
	slices.Reverse(out)
	return out
}

func idsOf(refs []ref) []warble.ID {
	out := make([]warble.ID, len(refs))
	for i, r := range refs {
		out[i] = r.id
	}
	return out
}
