// Package codec turns users, tweets, documents and events into the compact rows
// that engines keep, and back. What it wrote once it reads for ever: a field
// that comes is appended behind a flag, none is moved. Keys and whatever else an
// engine keeps beside a row are its own; [Writer] and [Reader] serve those too.
package codec

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"warble"
)

// ErrDamaged is a row that does not read back: the disk, or a layout this
// program does not know.
var ErrDamaged = errors.New("a stored row is damaged")

// Writer appends the fields of a row. Numbers are varints, and a run of flags
// shares a byte, because most fields of most rows are empty.
type Writer []byte

// Byte appends a byte.
func (w *Writer) Byte(v byte) { *w = append(*w, v) }

// Uint appends a number, a small one in few bytes.
func (w *Writer) Uint(v uint64) { *w = binary.AppendUvarint(*w, v) }

// Int appends a number that may be negative.
func (w *Writer) Int(v int64) { *w = binary.AppendVarint(*w, v) }

// ID appends an id in 8 bytes.
func (w *Writer) ID(v warble.ID) { *w = binary.BigEndian.AppendUint64(*w, uint64(v)) }

// Float appends a number with a fraction.
func (w *Writer) Float(v float64) { *w = binary.BigEndian.AppendUint64(*w, math.Float64bits(v)) }

// Text appends any bytes and how many they are.
func (w *Writer) Text(v string) { w.Uint(uint64(len(v))); *w = append(*w, v...) }

// Reader takes the fields out again. The text it returns shares one string.
// After a field that is not there whole, bad is set and all further ones are zero.
type Reader struct {
	s   string
	bad bool
}

// Take begins to read a row, of which it keeps a copy.
func Take(row []byte) Reader { return Reader{s: string(row)} }

func (r *Reader) take(n int) string {
	if n < 0 || n > len(r.s) {
		r.bad, r.s = true, ""
		return ""
	}
	out := r.s[:n]
	r.s = r.s[n:]
	return out
}

// Byte reads what [Writer.Byte] wrote.
func (r *Reader) Byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

// Uint reads what [Writer.Uint] wrote.
func (r *Reader) Uint() (v uint64) {
	for shift := uint(0); shift < 64; shift += 7 {
		b := r.Byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.bad = true
	return 0
}

// Int reads what [Writer.Int] wrote.
func (r *Reader) Int() int64 {
	v := r.Uint()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *Reader) fixed() (v uint64) {
	s := r.take(8)
	for i := range len(s) {
		v = v<<8 | uint64(s[i])
	}
	return v
}

// ID reads what [Writer.ID] wrote.
func (r *Reader) ID() warble.ID { return warble.ID(r.fixed()) }

// Float reads what [Writer.Float] wrote.
func (r *Reader) Float() float64 { return math.Float64frombits(r.fixed()) }

// Text reads what [Writer.Text] wrote.
func (r *Reader) Text() string {
	n := r.Uint()
	if n > uint64(len(r.s)) {
		r.bad = true
		return ""
	}
	return r.take(int(n))
}

// Length reads how many things follow, each of at least one byte.
func (r *Reader) Length() int {
	n := r.Uint()
	if n > uint64(len(r.s)) {
		r.bad = true
		return 0
	}
	return int(n)
}

// Rest is what has not been read.
func (r *Reader) Rest() string { return r.s }

// Err is ErrDamaged where a field was not there whole.
func (r *Reader) Err() error {
	if r.bad {
		return ErrDamaged
	}
	return nil
}

// Flags packs up to eight answers into a byte.
func Flags(on ...bool) (b byte) {
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

// AppendTweet appends a tweet without its id.
func AppendTweet(b []byte, t *warble.Tweet) []byte {
	w := Writer(b)
	links := t.ReplyTo|t.ReplyAuthor|t.QuoteOf|t.QuoteAuthor|t.RetweetOf|t.RetweetAuthor != 0
	more := t.Edited != 0 || t.ContentWarning != "" || t.ReplySetting != 0 || len(t.Mentions) > 0 || len(t.Photos) > 0 || t.Poll != nil || t.Place != nil
	w.Byte(Flags(t.Gone, t.Imported, links, more))
	w.ID(t.Author)
	w.Uint(uint64(t.Version))
	if t.Gone {
		return w
	}
	w.Text(t.Text)
	w.Text(t.Lang)
	switch t.Conversation { // nearly always its own
	case t.ID:
		w.Byte(1)
	default:
		w.Byte(0)
		w.ID(t.Conversation)
	}
	if links {
		for _, id := range []warble.ID{t.ReplyTo, t.ReplyAuthor, t.QuoteOf, t.QuoteAuthor, t.RetweetOf, t.RetweetAuthor} {
			w.ID(id)
		}
	}
	if more {
		w.tweetMore(t)
	}
	return w
}

func (w *Writer) tweetMore(t *warble.Tweet) {
	w.Int(t.Edited)
	w.Text(t.ContentWarning)
	w.Byte(byte(t.ReplySetting))
	w.Uint(uint64(len(t.Mentions)))
	for _, id := range t.Mentions {
		w.ID(id)
	}
	w.Uint(uint64(len(t.Photos)))
	for i := range t.Photos {
		w.photo(&t.Photos[i])
	}
	w.Byte(Flags(t.Poll != nil, t.Place != nil, t.Place != nil && t.Place.Point))
	if p := t.Poll; p != nil {
		w.ID(p.ID)
		w.Int(p.Ends)
		w.Uint(uint64(len(p.Options)))
		for _, option := range p.Options {
			w.Text(option)
		}
	}
	if p := t.Place; p != nil {
		w.Text(p.Name)
		w.Text(p.Source)
		w.Float(p.Lon)
		w.Float(p.Lat)
	}
}

func (w *Writer) photo(p *warble.Photo) {
	*w = append(*w, p.ID[:]...)
	w.ID(p.Media)
	for _, n := range []int{p.Width, p.Height, p.SmallW, p.SmallH} {
		w.Int(int64(n))
	}
	w.Text(p.Blurhash)
	w.Text(p.Alt)
	w.Text(p.MIME)
}

func (r *Reader) photo() (p warble.Photo) {
	copy(p.ID[:], r.take(len(p.ID)))
	p.Media = r.ID()
	for _, n := range []*int{&p.Width, &p.Height, &p.SmallW, &p.SmallH} {
		*n = int(r.Int())
	}
	p.Blurhash, p.Alt, p.MIME = r.Text(), r.Text(), r.Text()
	return p
}

// ReadTweet reads what AppendTweet wrote.
func ReadTweet(id warble.TweetID, row []byte) (*warble.Tweet, error) {
	r := Reader{s: string(row)}
	has := r.Byte()
	t := &warble.Tweet{ID: id, Author: r.ID(), Version: uint32(r.Uint()), Gone: has&tweetGone != 0, Imported: has&tweetImported != 0}
	if t.Gone {
		t.Imported = false
		return t, r.Err()
	}
	t.Text, t.Lang = r.Text(), r.Text()
	t.Conversation = id
	if r.Byte() == 0 {
		t.Conversation = r.ID()
	}
	if has&tweetLinks != 0 {
		for _, id := range []*warble.ID{&t.ReplyTo, &t.ReplyAuthor, &t.QuoteOf, &t.QuoteAuthor, &t.RetweetOf, &t.RetweetAuthor} {
			*id = r.ID()
		}
	}
	if has&tweetMore != 0 {
		r.tweetMore(t)
	}
	return t, r.Err()
}

func (r *Reader) tweetMore(t *warble.Tweet) {
	t.Edited = r.Int()
	t.ContentWarning = r.Text()
	t.ReplySetting = warble.ReplySetting(r.Byte())
	for range r.Length() {
		t.Mentions = append(t.Mentions, r.ID())
	}
	for range r.Length() {
		t.Photos = append(t.Photos, r.photo())
	}
	has := r.Byte()
	if has&1 != 0 {
		t.Poll = &warble.Poll{ID: r.ID(), Ends: r.Int()}
		for range r.Length() {
			t.Poll.Options = append(t.Poll.Options, r.Text())
		}
	}
	if has&2 != 0 {
		t.Place = &warble.Place{Name: r.Text(), Source: r.Text(), Lon: r.Float(), Lat: r.Float(), Point: has&4 != 0}
	}
}

// AppendUser appends a user without its id.
func AppendUser(b []byte, u *warble.User) []byte {
	w := Writer(b)
	w.Byte(Flags(u.Protected, u.Suspended, u.Deleted, u.Imported, u.Avatar != nil, u.Header != nil))
	w.Uint(u.Version)
	for _, s := range []string{u.Handle, u.Name, u.Bio, u.Location, u.URL, u.Email, u.Password, u.Born, u.LastLogin} {
		w.Text(s)
	}
	w.ID(u.Pinned)
	for _, p := range []*warble.Photo{u.Avatar, u.Header} {
		if p != nil {
			w.photo(p)
		}
	}
	return w
}

// ReadUser reads what AppendUser wrote.
func ReadUser(id warble.UserID, row []byte) (*warble.User, error) {
	r := Reader{s: string(row)}
	has := r.Byte()
	u := &warble.User{
		ID: id, Version: r.Uint(),
		Protected: has&1 != 0, Suspended: has&2 != 0, Deleted: has&4 != 0, Imported: has&8 != 0,
	}
	for _, s := range []*string{&u.Handle, &u.Name, &u.Bio, &u.Location, &u.URL, &u.Email, &u.Password, &u.Born, &u.LastLogin} {
		*s = r.Text()
	}
	u.Pinned = r.ID()
	if has&16 != 0 {
		p := r.photo()
		u.Avatar = &p
	}
	if has&32 != 0 {
		p := r.photo()
		u.Header = &p
	}
	return u, r.Err()
}

// AppendDoc appends a document without its id.
func AppendDoc(b []byte, d *warble.Doc) []byte {
	w := Writer(b)
	w.Byte(Flags(d.Gone))
	w.ID(d.Owner)
	w.Byte(byte(d.Kind))
	w.Uint(d.Version)
	return append(w, d.Data...)
}

// ReadDoc reads what AppendDoc wrote.
func ReadDoc(id warble.DocID, row []byte) (*warble.Doc, error) {
	r := Reader{s: string(row)}
	gone := r.Byte()&1 != 0
	d := &warble.Doc{ID: id, Owner: r.ID(), Kind: warble.DocKind(r.Byte()), Version: r.Uint(), Gone: gone}
	if len(r.s) > 0 {
		d.Data = []byte(r.s)
	}
	return d, r.Err()
}

// AppendEvent appends an event and when it was stored.
func AppendEvent(b []byte, ev *warble.Event, at time.Time) []byte {
	w := Writer(b)
	w.Int(at.UnixMilli())
	w.Byte(byte(ev.Kind))
	w.Byte(Flags(ev.Quiet))
	w.ID(ev.Key)
	w.ID(ev.ID)
	w.Uint(uint64(len(ev.Edges)))
	for i := range ev.Edges {
		e := &ev.Edges[i]
		w.Byte(byte(e.Kind))
		w.ID(e.From)
		w.ID(e.To)
		w.ID(e.Since)
		w.Uint(uint64(e.Part))
		w.Text(e.Value)
	}
	return w
}

// ReadEvent reads what AppendEvent wrote.
func ReadEvent(row []byte) (ev warble.Event, at time.Time, err error) {
	r := Reader{s: string(row)}
	at = time.UnixMilli(r.Int())
	ev = warble.Event{Kind: warble.EventKind(r.Byte()), Quiet: r.Byte()&1 != 0, Key: r.ID(), ID: r.ID()}
	if n := r.Length(); n > 0 {
		ev.Edges = make([]warble.Edge, n)
	}
	for i := range ev.Edges {
		ev.Edges[i] = warble.Edge{
			Kind: warble.EdgeKind(r.Byte()), From: r.ID(), To: r.ID(), Since: r.ID(), Part: uint32(r.Uint()), Value: r.Text(),
		}
	}
	return ev, at, r.Err()
}

// CopyTweet makes a row that shares nothing with the caller's.
func CopyTweet(t *warble.Tweet) *warble.Tweet {
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

// CopyUser makes a row that shares nothing with the caller's.
func CopyUser(u *warble.User) *warble.User {
	row := *u
	for _, p := range []**warble.Photo{&row.Avatar, &row.Header} {
		if *p != nil {
			photo := **p
			*p = &photo
		}
	}
	return &row
}
