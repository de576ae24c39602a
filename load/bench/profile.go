package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"
)

// profiled does something and, where a directory for profiles is given, writes
// the CPU profile of this process meanwhile to NAME.pprof there.
func profiled(dir, name string, do func() error) error {
	if dir == "" {
		return do()
	}
	f, err := os.Create(filepath.Join(dir, name+".pprof"))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	err = do()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

// profile fetches a CPU profile of a server that is under load.
func (s *server) profile(ctx context.Context, dir, name string, d time.Duration) error {
	if dir == "" {
		return nil
	}
	c, err := dial(ctx, s.private)
	if err != nil {
		return err
	}
	defer c.Close()
	status, body, err := c.do(get(fmt.Sprintf("/debug/pprof/profile?seconds=%d", max(1, int(d.Seconds()))), ""))
	if err != nil || status != 200 {
		return fmt.Errorf("no profile: %d %s %w", status, body, err)
	}
	return os.WriteFile(filepath.Join(dir, name+".pprof"), body, 0o600)
}

// warm puts a server under load before it is measured; a profile is taken now,
// where it disturbs nothing.
func (b *bench) warm(ctx context.Context, s *server, name string, request func(worker, i int) []byte) error {
	fetched := make(chan error, 1)
	go func() { fetched <- s.profile(ctx, b.opt.Profile, name, b.plan.Warm) }()
	d := b.plan.Warm
	if b.opt.Profile != "" {
		d += time.Second
	}
	if _, err := pound(ctx, s.addr, d, 0, request); err != nil {
		return errors.Join(s.explain(err), <-fetched)
	}
	return <-fetched
}
