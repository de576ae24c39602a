package cassandra

import (
	"context"

	"warble"
	"warble/internal/codec"
)

type userStore struct{ *Engine }

// stageUser returns what stores a person, nothing where the stored version is as high.
func (e *Engine) stageUser(ctx context.Context, u *warble.User) ([]row, error) {
	var version, at int64
	found, err := e.first(ctx, `SELECT version, WRITETIME(version) FROM users WHERE id = ?`, []any{int64(u.ID)}, &version, &at)
	if err != nil || found && u.Version <= uint64(version) {
		return nil, err
	}
	rows := []row{{stmt: stmtUser, at: e.after(at), args: []any{int64(u.Version), codec.AppendUser(nil, u), int64(u.ID)}}}
	if found {
		return rows, nil
	}
	shard, month := int64(u.ID.Shard()), int64(u.ID.Month())
	rows = append(rows, row{stmt: stmtUserScan, at: ownTime(u.ID), args: []any{shard, month, int64(u.ID)}})
	return e.appendSpan(rows, scanUsers, shard, 0, month), nil
}

// ownTime is the write time of a row that is put once, under its own id.
func ownTime(id warble.ID) int64 { return max(1, id.Millis()*1000) }

func (s userStore) Get(ctx context.Context, ids ...warble.UserID) ([]*warble.User, error) {
	out := make([]*warble.User, len(ids))
	err := together(ctx, len(ids), func(ctx context.Context, i int) error {
		var data []byte
		found, err := s.first(ctx, `SELECT data FROM users WHERE id = ?`, []any{int64(ids[i])}, &data)
		if err != nil || !found {
			return err
		}
		out[i], err = codec.ReadUser(ids[i], data)
		return damaged(err)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// damaged is the error of a row that cannot be read.
func damaged(err error) error {
	if err == nil {
		return nil
	}
	return &warble.Error{Kind: warble.ErrUnavailable, Detail: "a stored row is damaged", Err: err}
}

func (s userStore) ByHandle(ctx context.Context, handle string) (*warble.User, error) {
	folded := warble.FoldHandle(handle)
	c, err := claimStore(s).Get(ctx, "handle/"+folded)
	if err != nil || c.Holder == 0 {
		return nil, err
	}
	users, err := s.Get(ctx, c.Holder)
	if err != nil || users[0] == nil || warble.FoldHandle(users[0].Handle) != folded {
		return nil, err
	}
	return users[0], nil
}

func (s userStore) Scan(ctx context.Context, shard int, p warble.Page) ([]*warble.User, error) {
	if shard < 0 || shard >= warble.Shards {
		return nil, warble.Invalid("shard", "", "there are 64 shards, counted from 0")
	}
	months := func(ctx context.Context, take func(idSpan) (bool, error)) error {
		return s.spans(ctx, p, scanUsers, int64(shard), 0, monthIDs, take)
	}
	ids, err := s.idPage(ctx, p, months, func(ctx context.Context, month int64, at idStretch) ([]listedID, error) {
		return s.ids(ctx, `SELECT id FROM users_by_shard WHERE shard = ? AND month = ?`, []any{int64(shard), month}, at)
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, ids...)
}
