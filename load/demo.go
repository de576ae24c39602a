package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"warble"
	"warble/internal/photo"
	"warble/role/write"
)

// Demo is how a visitor gets into the demo network.
type Demo struct {
	Handles  [2]string // who to sign in as
	Password string    // of everybody in it
	Token    string    // an access token of the first
	User     warble.UserID
}

const (
	demoPassword = "warble-demo" // not a secret: it is printed
	demoSeed     = 1
	demoTimeout  = 4 * time.Minute
)

// Fill fills an empty store with a small living network: people with pictures,
// follows, threads, photos, likes, spread over the last week. One that was cut off
// is completed: everything in it has an id that follows from when it was begun,
// and nothing is made twice. In a store that has it already it only signs in; in
// one that has other people, or where the first of the network is gone, it does
// nothing and returns nil. The same people say the same things every time.
func Fill(ctx context.Context, s *Store, m Meter) (*Demo, error) {
	defer m.Done()
	begun, done, err := s.demoBegun(ctx)
	if err != nil || begun.IsZero() {
		return nil, err
	}
	if !done {
		d := &demo{s: s, now: begun, rng: rand.New(rand.NewPCG(demoSeed, 0)), meter: m, ids: map[string]warble.UserID{}, tweets: map[string]warble.TweetID{}}
		if err := d.fill(ctx); err != nil {
			return nil, fmt.Errorf("filling the demo network: %w", err)
		}
		if err := s.saveDemo(ctx, demoMark{Begun: begun.UnixMilli(), Done: true}, 2); err != nil {
			return nil, err
		}
	}
	people := demoPeople()
	first, err := s.Stores.Users.ByHandle(ctx, people[0].handle)
	if err != nil || !first.Active() {
		return nil, err
	}
	token, err := s.Token(ctx, first.ID)
	if err != nil {
		return nil, err
	}
	return &Demo{Handles: [2]string{people[0].handle, people[1].handle}, Password: demoPassword, Token: token, User: first.ID}, nil
}

// demoMark is what a store keeps of its demo network, in a document of kind
// DocCursor: when it was begun, in unix milliseconds, and whether it is whole.
type demoMark struct {
	Begun int64 `json:"begun"`
	Done  bool  `json:"done"`
}

// demoBegun says when a store's demo network was begun, just now where it is
// empty, and whether it is whole. The zero time: the store has other people.
func (s *Store) demoBegun(ctx context.Context) (begun time.Time, done bool, err error) {
	docs, err := s.Stores.Docs.Get(ctx, derivedID("demo"))
	if err != nil {
		return time.Time{}, false, err
	}
	if docs[0] != nil {
		var mark demoMark
		err := json.Unmarshal(docs[0].Data, &mark)
		return time.UnixMilli(mark.Begun), mark.Done, err
	}
	first := demoPeople()[0].handle
	if u, err := s.Stores.Users.ByHandle(ctx, first); err != nil || u != nil && u.Email == demoEmail(first) {
		return time.Now(), true, err // made by a program that kept no mark
	}
	empty, err := s.empty(ctx)
	if err != nil || !empty {
		return time.Time{}, false, err
	}
	mark := demoMark{Begun: time.Now().UnixMilli()}
	return time.UnixMilli(mark.Begun), false, s.saveDemo(ctx, mark, 1)
}

// demoEmail is an address that nobody can have.
func demoEmail(handle string) string { return handle + "@example.org" }

func (s *Store) saveDemo(ctx context.Context, mark demoMark, version uint64) error {
	data, err := json.Marshal(mark)
	if err != nil {
		return err
	}
	return overtake(ctx, func() error {
		return s.Writer.SaveDoc(ctx, &warble.Doc{ID: derivedID("demo"), Kind: warble.DocCursor, Version: version, Data: data})
	})
}

// empty says whether a store has no people.
func (s *Store) empty(ctx context.Context) (bool, error) {
	for shard := range warble.Shards {
		users, err := s.Stores.Users.Scan(ctx, shard, warble.Page{Limit: 1})
		if err != nil || len(users) > 0 {
			return false, err
		}
	}
	return true, nil
}

// demo is the network while it is being made.
type demo struct {
	s      *Store
	now    time.Time
	rng    *rand.Rand
	meter  Meter
	steps  int64
	ids    map[string]warble.UserID  // by handle
	tweets map[string]warble.TweetID // by name
	posted []demoPost
}

type demoPost struct {
	id     warble.TweetID
	author string
	charm  float64
	hours  float64
}

func (d *demo) fill(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, demoTimeout)
	defer stop()
	pictures, err := d.drawAll(ctx)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, map[string]write.Upload) error{d.people, d.follows, d.post, d.retweets, d.likes, d.list, d.votes} {
		if err := step(ctx, pictures); err != nil {
			return err
		}
	}
	return d.s.Settle(ctx, nil)
}

// demoPicture is a picture to draw, by the name under which it is looked up.
type demoPicture struct {
	name string
	draw func() []byte
}

// missing lists the pictures of people and tweets that are not there yet: all,
// unless an earlier fill was cut off.
func (d *demo) missing(ctx context.Context) ([]demoPicture, error) {
	var list []demoPicture
	for i, p := range demoPeople() {
		u, err := d.s.Stores.Users.ByHandle(ctx, p.handle)
		if err != nil {
			return nil, err
		}
		if u != nil && u.Avatar != nil {
			continue
		}
		seed := uint64(i) + 100
		list = append(list, demoPicture{"avatar " + p.handle, func() []byte { return photo.Avatar(seed, 200) }})
		if p.header {
			list = append(list, demoPicture{"header " + p.handle, func() []byte { return photo.Landscape(seed, 750, 250) }})
		}
	}
	for i, t := range demoTweets() {
		there, err := d.s.Stores.Tweets.Get(ctx, d.ago(t.hours, i))
		if err != nil {
			return nil, err
		}
		if there[0] != nil {
			continue
		}
		for k, p := range t.photos {
			seed := uint64(i+k)*landscapeScenes + p.scene
			list = append(list, demoPicture{fmt.Sprintf("photo %d/%d", i, k), func() []byte { return photo.Landscape(seed, 768, 512) }})
		}
	}
	return list, nil
}

// drawAll draws and processes every missing picture, as many at a time as the
// processor lets in: nearly all of the time that Fill takes.
func (d *demo) drawAll(ctx context.Context) (map[string]write.Upload, error) {
	list, err := d.missing(ctx)
	if err != nil {
		return nil, err
	}
	done := make([]write.Upload, len(list))
	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(2)
	for i, p := range list {
		work.Go(func() (err error) {
			done[i], err = d.s.process(workCtx, p.draw())
			return err
		})
	}
	err = work.Wait()
	out := make(map[string]write.Upload, len(list))
	for i, p := range list {
		out[p.name] = done[i]
	}
	return out, err
}

// step moves the meter, and stops where the fill is to be given up.
func (d *demo) step(ctx context.Context) error {
	d.steps++
	d.meter.Set(d.steps, int64(len(demoPeople())+len(demoTweets())))
	return ctx.Err()
}

// ago is an id for something that happened hours before now. n keeps ids of one
// moment apart.
func (d *demo) ago(hours float64, n int) warble.ID {
	at := d.now.Add(-time.Duration(hours * float64(time.Hour)))
	return warble.MakeID(at.UnixMilli()+int64(n%997), uint8(n>>8), uint8(n))
}

func (d *demo) people(ctx context.Context, pictures map[string]write.Upload) error {
	hash, err := d.s.HashPassword(ctx, demoPassword)
	if err != nil {
		return err
	}
	for i, p := range demoPeople() {
		if err := d.step(ctx); err != nil {
			return err
		}
		u, err := d.s.Writer.Register(ctx, write.Registration{
			ID: d.ago(float64(p.days)*24, i), Handle: p.handle, Name: p.name, Email: demoEmail(p.handle), PasswordHash: hash,
		})
		if err != nil {
			return err
		}
		d.ids[p.handle] = u.ID
		if _, drawn := pictures["avatar "+p.handle]; !drawn {
			continue // made before the fill was cut off
		}
		if err := overtake(ctx, func() error { return d.profile(ctx, u.ID, p, pictures) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) profile(ctx context.Context, id warble.UserID, p demoPerson, pictures map[string]write.Upload) (err error) {
	e := write.ProfileEdit{Bio: &p.bio, Location: &p.location, URL: &p.url}
	if e.Avatar, err = d.upload(ctx, id, pictures["avatar "+p.handle], "Portrait of "+p.name); err != nil {
		return err
	}
	if p.header {
		if e.Header, err = d.upload(ctx, id, pictures["header "+p.handle], ""); err != nil {
			return err
		}
	}
	_, err = d.s.Writer.EditProfile(ctx, id, e)
	return err
}

// overtake makes a change again while a fill that was cut off in the middle of
// the same one still has the claim on it: for a minute at most.
func overtake(ctx context.Context, change func() error) error {
	for end := time.Now().Add(claimWait); ; {
		err := change()
		if !errors.Is(err, warble.ErrConflict) || time.Now().After(end) {
			return err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func (d *demo) upload(ctx context.Context, user warble.UserID, up write.Upload, alt string) (*warble.DocID, error) {
	up.Alt = alt
	doc, err := d.s.Writer.Upload(ctx, user, up)
	if err != nil {
		return nil, err
	}
	return &doc.ID, nil
}

// follows: everybody follows between 6 and 20 others, the famous more often.
// The two whom visitors sign in as follow 20.
func (d *demo) follows(ctx context.Context, _ map[string]write.Upload) error {
	people := demoPeople()
	for i, p := range people {
		want := 6 + d.rng.IntN(15)
		if i < 2 {
			want = 20
		}
		for range want {
			to := d.someone(people, p.handle)
			if _, err := d.s.Writer.Follow(ctx, d.ids[p.handle], d.ids[to]); err != nil {
				return err
			}
		}
	}
	return nil
}

// someone picks a person other than one, the famous more often.
func (d *demo) someone(people []demoPerson, but string) string {
	for {
		x := d.rng.Float64() * 12
		p := people[d.rng.IntN(len(people))]
		if p.handle != but && x < p.fame {
			return p.handle
		}
	}
}

func (d *demo) post(ctx context.Context, pictures map[string]write.Upload) error {
	for i, t := range demoTweets() {
		if err := d.step(ctx); err != nil {
			return err
		}
		user := d.ids[t.by]
		draft := write.Draft{ID: d.ago(t.hours, i), Text: t.text, ContentWarning: t.warning, ReplyTo: d.tweets[t.to], QuoteOf: d.tweets[t.of]}
		if t.place != "" {
			draft.Place = &warble.Place{Name: t.place}
		}
		if t.poll != nil {
			draft.Poll = &write.PollDraft{Options: t.poll, Minutes: 7 * 24 * 60}
		}
		for k, p := range t.photos {
			picture, drawn := pictures[fmt.Sprintf("photo %d/%d", i, k)]
			if !drawn {
				break // the tweet was posted before the fill was cut off
			}
			id, err := d.upload(ctx, user, picture, p.alt)
			if err != nil {
				return err
			}
			draft.Media = append(draft.Media, *id)
		}
		row, err := d.s.Writer.PostTweet(ctx, user, draft)
		if err != nil {
			return fmt.Errorf("%q: %w", t.text, err)
		}
		if t.name != "" {
			d.tweets[t.name] = row.ID
		}
		d.posted = append(d.posted, demoPost{row.ID, t.by, t.charm, t.hours})
	}
	return nil
}

func (d *demo) retweets(ctx context.Context, _ map[string]write.Upload) error {
	for _, r := range demoRetweets() {
		if _, err := d.s.Writer.Retweet(ctx, d.ids[r[0]], d.tweets[r[1]]); err != nil {
			return err
		}
	}
	return nil
}

// likes: a charming tweet has many, a fresh one not yet.
func (d *demo) likes(ctx context.Context, _ map[string]write.Upload) error {
	for _, t := range d.posted {
		share := t.charm / 16 * min(1, 0.3+t.hours/12)
		for _, p := range demoPeople() {
			if p.handle == t.author || d.rng.Float64() > share {
				continue
			}
			if err := d.s.Writer.RecordUserTweetLike(ctx, d.ids[p.handle], t.id); err != nil {
				return err
			}
		}
	}
	return nil
}

// list makes a list and pins a tweet, so that profiles show what they can.
func (d *demo) list(ctx context.Context, _ map[string]write.Upload) error {
	owner := d.ids["mira"]
	name, about := "Sky and sea", "Weather, birds, stars, boats"
	l, err := d.s.Writer.CreateList(ctx, owner, d.ago(24, 0), write.ListEdit{Name: &name, Description: &about})
	if err != nil {
		return err
	}
	for _, h := range []string{"birdline", "jun_sky", "hamish_h", "arjun_p", "smallmoons", "minh_anh"} {
		if err := d.s.Writer.AddMember(ctx, owner, l.ID, d.ids[h]); err != nil {
			return err
		}
	}
	pinned := d.tweets["reef1"]
	return overtake(ctx, func() error {
		_, err := d.s.Writer.EditProfile(ctx, owner, write.ProfileEdit{Pinned: &pinned})
		return err
	})
}

func (d *demo) votes(ctx context.Context, _ map[string]write.Upload) error {
	for _, name := range []string{"tabs", "bread"} {
		for i, p := range demoPeople() {
			if i%4 == 3 {
				continue
			}
			choice := min(int(d.rng.ExpFloat64()*1.3), 3)
			err := d.s.Writer.Vote(ctx, d.ids[p.handle], d.tweets[name], []int{choice})
			if errors.Is(err, warble.ErrForbidden) {
				break // it ended before a fill that was cut off went on
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
