package fanout

import (
	"context"
	"time"
	"warble"
)

// index checks that search finds only what is or was there, and every tweet once.
func (c *Checker) index(ctx context.Context) error {
	seen := map[warble.TweetID]struct{}{}
	err := eachFound(ctx, c.s, false, func(ids []warble.ID) error {
		rows, err := c.s.Tweets.Get(ctx, ids...)
		for i, t := range rows {
			if t == nil {
				c.report(Breach{"index", "tweet " + ids[i].String(), "found by search, but never was"})
			}
			if _, twice := seen[ids[i]]; twice {
				c.report(Breach{"index", "tweet " + ids[i].String(), "found twice"})
			}
			seen[ids[i]] = struct{}{}
		}
		return err
	})
	if err != nil {
		return err
	}
	err = eachFound(ctx, c.s, true, func(ids []warble.ID) error {
		users, err := c.s.Users.Get(ctx, ids...)
		for i, u := range users {
			if u == nil {
				c.report(Breach{"index", "user " + ids[i].String(), "found by search, but never was"})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.indexed(ctx, seen)
}

func (c *Checker) indexed(ctx context.Context, seen map[warble.TweetID]struct{}) error {
	for shard := range warble.Shards {
		for p := (warble.Page{Limit: 1000}); ; {
			rows, err := c.s.Tweets.Scan(ctx, shard, p)
			if err != nil {
				return err
			}
			for _, t := range rows {
				if _, ok := seen[t.ID]; ok || t.Gone || t.ID.Time().After(time.Now().Add(-5*time.Second)) && c.Settle != nil {
					continue
				}
				err := c.hold(ctx, "index", "tweet "+t.ID.String(), func(ctx context.Context) (string, error) {
					ids, err := c.s.Index.Search(ctx, &warble.Query{Op: warble.QueryAll}, warble.Page{Before: t.ID + 1, After: t.ID - 1, Limit: 1})
					if err != nil || len(ids) == 1 {
						return "", err
					}
					again, err := c.s.Tweets.Get(ctx, t.ID)
					if err != nil || again[0] == nil || again[0].Gone {
						return "", err
					}
					return "not found by search", nil
				})
				if err != nil {
					return err
				}
			}
			if len(rows) < p.Limit {
				break
			}
			p.Before = rows[len(rows)-1].ID
		}
	}
	return nil
}
