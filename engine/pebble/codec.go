package pebble

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"warble"
)

// errDamaged is a row that does not read back: the disk, or a layout this
// program does not know.
var errDamaged = errors.New("a stored row is damaged")

// writer appends the fields of a row. Numbers are varints, and a run of flags
// shares a byte, because most fields of most rows are empty.
type writer []byte

func (w *writer) byte(v byte)     { *w = append(*w, v) }
func (w *writer) uint(v uint64)   { *w = binary.AppendUvarint(*w, v) }
func (w *writer) int(v int64)     { *w = binary.AppendVarint(*w, v) }
func (w *writer) id(v warble.ID)  { *w = binary.BigEndian.AppendUint64(*w, uint64(v)) }
func (w *writer) float(v float64) { *w = binary.BigEndian.AppendUint64(*w, math.Float64bits(v)) }
func (w *writer) text(v string)   { w.uint(uint64(len(v))); *w = append(*w, v...) }

// reader takes the fields out again. The text it returns shares one string.
// After a field that is not there whole, bad is set and all further ones are zero.
type reader struct {
	s   string
	bad bool
}

func (r *reader) take(n int) string {
	if n < 0 || n > len(r.s) {
		r.bad, r.s = true, ""
		return ""
	}
	out := r.s[:n]
	r.s = r.s[n:]
	return out
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) uint() (v uint64) {
	for shift := uint(0); shift < 64; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.bad = true
	return 0
}

func (r *reader) int() int64 {
	v := r.uint()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) fixed() (v uint64) {
	s := r.take(8)
	for i := range len(s) {
		v = v<<8 | uint64(s[i])
	}
	return v
}

func (r *reader) id() warble.ID  { return warble.ID(r.fixed()) }
func (r *reader) float() float64 { return math.Float64frombits(r.fixed()) }

func (r *reader) text() string {
	n := r.uint()
	if n > uint64(len(r.s)) {
		r.bad = true
		return ""
	}
	return r.take(int(n))
}

// length reads how many things follow, each of at least one byte.
func (r *reader) length() int {
	n := r.uint()
	if n > uint64(len(r.s)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) err() error {
	if r.bad {
		return errDamaged
	}
	return nil
}

// flags packs up to eight answers into a byte.
func flags(on ...bool) (b byte) {
	for i, v := range on {
		if v {
			b |= 1 << i
		}
	}
	return b
}

const (
	tweetGone = 1 << iota
	tweetImported
	tweetLinks // replies, quotes, retweets
	tweetMore  // what few tweets have
)

func appendTweet(b []byte, t *warble.Tweet) []byte {
	w := writer(b)
	links := t.ReplyTo|t.ReplyAuthor|t.QuoteOf|t.QuoteAuthor|t.RetweetOf|t.RetweetAuthor != 0
	more := t.Edited != 0 || t.ContentWarning != "" || t.ReplySetting != 0 || len(t.Mentions) > 0 || len(t.Photos) > 0 || t.Poll != nil || t.Place != nil
	w.byte(flags(t.Gone, t.Imported, links, more))
	w.id(t.Author)
	w.uint(uint64(t.Version))
	if t.Gone {
		return w
	}
	w.text(t.Text)
	w.text(t.Lang)
	switch t.Conversation { // nearly always its own
	case t.ID:
		w.byte(1)
	default:
		w.byte(0)
		w.id(t.Conversation)
	}
	if links {
		for _, id := range []warble.ID{t.ReplyTo, t.ReplyAuthor, t.QuoteOf, t.QuoteAuthor, t.RetweetOf, t.RetweetAuthor} {
			w.id(id)
		}
	}
	if more {
		w.tweetMore(t)
	}
	return w
}

func (w *writer) tweetMore(t *warble.Tweet) {
	w.int(t.Edited)
	w.text(t.ContentWarning)
	w.byte(byte(t.ReplySetting))
	w.uint(uint64(len(t.Mentions)))
	for _, id := range t.Mentions {
		w.id(id)
	}
	w.uint(uint64(len(t.Photos)))
	for i := range t.Photos {
		w.photo(&t.Photos[i])
	}
	w.byte(flags(t.Poll != nil, t.Place != nil, t.Place != nil && t.Place.Point))
	if p := t.Poll; p != nil {
		w.id(p.ID)
		w.int(p.Ends)
		w.uint(uint64(len(p.Options)))
		for _, option := range p.Options {
			w.text(option)
		}
	}
	if p := t.Place; p != nil {
		w.text(p.Name)
		w.text(p.Source)
		w.float(p.Lon)
		w.float(p.Lat)
	}
}

func (w *writer) photo(p *warble.Photo) {
	*w = append(*w, p.ID[:]...)
	w.id(p.Media)
	for _, n := range []int{p.Width, p.Height, p.SmallW, p.SmallH} {
		w.int(int64(n))
	}
	w.text(p.Blurhash)
	w.text(p.Alt)
	w.text(p.MIME)
}

func (r *reader) photo() (p warble.Photo) {
	copy(p.ID[:], r.take(len(p.ID)))
	p.Media = r.id()
	for _, n := range []*int{&p.Width, &p.Height, &p.SmallW, &p.SmallH} {
		*n = int(r.int())
	}
	p.Blurhash, p.Alt, p.MIME = r.text(), r.text(), r.text()
	return p
}

func readTweet(id warble.TweetID, row []byte) (*warble.Tweet, error) {
	r := reader{s: string(row)}
	has := r.byte()
	t := &warble.Tweet{ID: id, Author: r.id(), Version: uint32(r.uint()), Gone: has&tweetGone != 0, Imported: has&tweetImported != 0}
	if t.Gone {
		t.Imported = false
		return t, r.err()
	}
	t.Text, t.Lang = r.text(), r.text()
	t.Conversation = id
	if r.byte() == 0 {
		t.Conversation = r.id()
	}
	if has&tweetLinks != 0 {
		for _, id := range []*warble.ID{&t.ReplyTo, &t.ReplyAuthor, &t.QuoteOf, &t.QuoteAuthor, &t.RetweetOf, &t.RetweetAuthor} {
			*id = r.id()
		}
	}
	if has&tweetMore != 0 {
		r.tweetMore(t)
	}
	return t, r.err()
}

func (r *reader) tweetMore(t *warble.Tweet) {
	t.Edited = r.int()
	t.ContentWarning = r.text()
	t.ReplySetting = warble.ReplySetting(r.byte())
	for range r.length() {
		t.Mentions = append(t.Mentions, r.id())
	}
	for range r.length() {
		t.Photos = append(t.Photos, r.photo())
	}
	has := r.byte()
	if has&1 != 0 {
		t.Poll = &warble.Poll{ID: r.id(), Ends: r.int()}
		for range r.length() {
			t.Poll.Options = append(t.Poll.Options, r.text())
		}
	}
	if has&2 != 0 {
		t.Place = &warble.Place{Name: r.text(), Source: r.text(), Lon: r.float(), Lat: r.float(), Point: has&4 != 0}
	}
}

func appendUser(b []byte, u *warble.User) []byte {
	w := writer(b)
	w.byte(flags(u.Protected, u.Suspended, u.Deleted, u.Imported, u.Avatar != nil, u.Header != nil))
	w.uint(u.Version)
	for _, s := range []string{u.Handle, u.Name, u.Bio, u.Location, u.URL, u.Email, u.Password, u.Born, u.LastLogin} {
		w.text(s)
	}
	w.id(u.Pinned)
	for _, p := range []*warble.Photo{u.Avatar, u.Header} {
		if p != nil {
			w.photo(p)
		}
	}
	return w
}

func readUser(id warble.UserID, row []byte) (*warble.User, error) {
	r := reader{s: string(row)}
	has := r.byte()
	u := &warble.User{
		ID: id, Version: r.uint(),
		Protected: has&1 != 0, Suspended: has&2 != 0, Deleted: has&4 != 0, Imported: has&8 != 0,
	}
	for _, s := range []*string{&u.Handle, &u.Name, &u.Bio, &u.Location, &u.URL, &u.Email, &u.Password, &u.Born, &u.LastLogin} {
		*s = r.text()
	}
	u.Pinned = r.id()
	if has&16 != 0 {
		p := r.photo()
		u.Avatar = &p
	}
	if has&32 != 0 {
		p := r.photo()
		u.Header = &p
	}
	return u, r.err()
}

func appendDoc(b []byte, d *warble.Doc) []byte {
	w := writer(b)
	w.byte(flags(d.Gone))
	w.id(d.Owner)
	w.byte(byte(d.Kind))
	w.uint(d.Version)
	return append(w, d.Data...)
}

func readDoc(id warble.DocID, row []byte) (*warble.Doc, error) {
	r := reader{s: string(row)}
	gone := r.byte()&1 != 0
	d := &warble.Doc{ID: id, Owner: r.id(), Kind: warble.DocKind(r.byte()), Version: r.uint(), Gone: gone}
	if len(r.s) > 0 {
		d.Data = []byte(r.s)
	}
	return d, r.err()
}

// appendEdge writes the row of the edge itself.
func appendEdge(b []byte, e *warble.Edge, gone bool) []byte {
	w := writer(b)
	w.byte(flags(gone))
	w.id(e.Since)
	w.uint(uint64(e.Part))
	return append(w, e.Value...)
}

func readEdge(k warble.EdgeKey, row []byte) (e warble.Edge, gone bool, err error) {
	r := reader{s: string(row)}
	gone = r.byte()&1 != 0
	e = warble.Edge{Kind: k.Kind, From: k.From, To: k.To, Since: r.id(), Part: uint32(r.uint())}
	e.Value = r.s
	return e, gone, r.err()
}

// appendOut writes the value of an out row: what its key does not say.
func appendOut(b []byte, e *warble.Edge) []byte {
	w := writer(b)
	w.uint(uint64(e.Part))
	return append(w, e.Value...)
}

func appendClaim(b []byte, c warble.Claim, until time.Time) []byte {
	w := writer(b)
	var at int64
	if !until.IsZero() {
		at = until.UnixNano()
	}
	w.int(at)
	w.id(c.Holder)
	w.uint(c.Epoch)
	return append(w, c.Data...)
}

func readClaim(row []byte, now time.Time) (warble.Claim, error) {
	r := reader{s: string(row)}
	until := r.int()
	c := warble.Claim{Holder: r.id(), Epoch: r.uint()}
	c.Data = r.s
	if until != 0 && now.UnixNano() >= until {
		c = warble.Claim{}
	}
	return c, r.err()
}

func appendEvent(b []byte, ev *warble.Event, at time.Time) []byte {
	w := writer(b)
	w.int(at.UnixMilli())
	w.byte(byte(ev.Kind))
	w.byte(flags(ev.Quiet))
	w.id(ev.Key)
	w.id(ev.ID)
	w.uint(uint64(len(ev.Edges)))
	for i := range ev.Edges {
		e := &ev.Edges[i]
		w.byte(byte(e.Kind))
		w.id(e.From)
		w.id(e.To)
		w.id(e.Since)
		w.uint(uint64(e.Part))
		w.text(e.Value)
	}
	return w
}

func readEvent(row []byte) (ev warble.Event, at time.Time, err error) {
	r := reader{s: string(row)}
	at = time.UnixMilli(r.int())
	ev = warble.Event{Kind: warble.EventKind(r.byte()), Quiet: r.byte()&1 != 0, Key: r.id(), ID: r.id()}
	if n := r.length(); n > 0 {
		ev.Edges = make([]warble.Edge, n)
	}
	for i := range ev.Edges {
		ev.Edges[i] = warble.Edge{
			Kind: warble.EdgeKind(r.byte()), From: r.id(), To: r.id(), Since: r.id(), Part: uint32(r.uint()), Value: r.text(),
		}
	}
	return ev, at, r.err()
}

// copyTweet makes a row that shares nothing with the caller's.
func copyTweet(t *warble.Tweet) *warble.Tweet {
	row := *t
	row.Mentions = slices.Clone(t.Mentions)
	row.Photos = slices.Clone(t.Photos)
	if t.Poll != nil {
		poll := *t.Poll
		poll.Options = slices.Clone(t.Poll.Options)
		row.Poll = &poll
	}
	if t.Place != nil {
		place := *t.Place
		row.Place = &place
	}
	return &row
}

func copyUser(u *warble.User) *warble.User {
	row := *u
	for _, p := range []**warble.Photo{&row.Avatar, &row.Header} {
		if *p != nil {
			photo := **p
			*p = &photo
		}
	}
	return &row
}
