package server

import (
	"context"
	"testing"
	"time"
	"warble/role/write"
)

func TestSettledDoesNotWaitForWhatCameAfterIt(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	app, err := Open(ctx, Config{Data: "mem:", Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	register := func(handle string) {
		t.Helper()
		if _, err := app.Writer.Register(ctx, write.Registration{Handle: handle, Imported: true}); err != nil {
			t.Fatal(err)
		}
	}
	register("before")
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := app.Settled(short, nil); err == nil {
		t.Error("settled though nobody carried what was there")
	}
	calls := 0
	err = app.Settled(ctx, func(int64) {
		if calls++; calls > 1 {
			return
		}
		if err := app.CatchUp(ctx, nil); err != nil {
			t.Error(err)
		}
		register("after") // nobody carries it
	})
	if err != nil {
		t.Error(err)
	}
}
