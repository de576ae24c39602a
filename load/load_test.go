package load_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"warble"
	"warble/engine"
	"warble/internal/photo"
	"warble/load"
	"warble/role/fanout"
	"warble/role/read"
	"warble/role/write"
)

// open opens a store with the roles over it.
func open(t testing.TB, spec string) *load.Store {
	t.Helper()
	stores, err := engine.Open(t.Context(), spec, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ids, err := warble.NewIDs(t.Context(), stores.Claims, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	opt := warble.Options{TweetsPerDay: -1, CountTick: 5 * time.Millisecond}
	fan := fanout.NewFanout(stores, ids, opt)
	t.Cleanup(func() {
		if err := errors.Join(ids.Close(context.Background()), stores.Close()); err != nil {
			t.Error(err)
		}
	})
	return &load.Store{
		Stores: stores, Writer: write.NewWriter(stores, ids, opt), Photos: photo.New(2),
		HashPassword: func(_ context.Context, password string) (string, error) { return "hash of " + password, nil },
		Token:        func(_ context.Context, user warble.UserID) (string, error) { return "token of " + user.String(), nil },
		Settle:       func(ctx context.Context, progress func(int64)) error { return settle(ctx, fan, progress) },
	}
}

// settle runs fan-out until the log is empty.
func settle(ctx context.Context, fan *fanout.Fanout, progress func(int64)) error {
	ctx, stop := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- fan.Run(ctx) }()
	for {
		pos, err := fan.Lag(ctx)
		if progress != nil {
			progress(pos.Behind)
		}
		if err != nil || pos.Behind == 0 {
			stop()
			return errors.Join(err, <-ran)
		}
		select {
		case err := <-ran:
			stop()
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func reader(s *load.Store) *read.Reader { return read.NewReader(s.Stores, warble.Options{}) }

// shared returns the path of a file of the material that all repositories
// share. Without it the test is skipped, and fails where CI=true.
func shared(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("WARBLE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	path := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("SHARED MATERIAL MISSING: %v", err)
		}
		t.Skipf("SKIPPED, NOTHING CHECKED: shared material is missing: %v", err)
	}
	return path
}
