package pebble

import (
	"context"

	"warble"
	"warble/internal/codec"
)

type userStore struct{ *Engine }

func (s userStore) Get(_ context.Context, ids ...warble.UserID) ([]*warble.User, error) {
	out := make([]*warble.User, len(ids))
	for i, id := range ids {
		u, err := s.user(id)
		if err != nil {
			return nil, err
		}
		out[i] = u
	}
	return out, nil
}

func (s userStore) ByHandle(_ context.Context, handle string) (*warble.User, error) {
	folded := warble.FoldHandle(handle)
	c, err := s.peekClaim("handle/" + folded)
	if err != nil || c.Holder == 0 {
		return nil, err
	}
	u, err := s.user(c.Holder)
	if err != nil || u == nil || warble.FoldHandle(u.Handle) != folded {
		return nil, err
	}
	return u, nil
}

func (s userStore) Scan(_ context.Context, shard int, p warble.Page) ([]*warble.User, error) {
	return scan(s.Engine, rowUser, shard, p, codec.ReadUser)
}

// scan reads one page of a shard, without filling the caches: it walks everything.
func scan[V any](e *Engine, kind byte, shard int, p warble.Page, read func(warble.ID, []byte) (*V, error)) (out []*V, err error) {
	if shard < 0 || shard >= warble.Shards {
		return nil, warble.Invalid("shard", "", "there are 64 shards, counted from 0")
	}
	err = e.walk([]byte{kind, byte(shard)}, p, func(k, row []byte) error {
		v, err := read(tail(k), row)
		if err == nil {
			out = append(out, v)
		}
		return err
	})
	return turned(out, p), err
}
