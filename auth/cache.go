package auth

import (
	"sync"
	"time"

	"warble"
	"warble/internal/httpx"
)

const (
	cacheShards   = 64
	cachePerShard = 4096
	// maxStale is how long what was learnt about a secret is believed.
	maxStale = 10 * time.Second
)

// tokenCache remembers good secrets by their hash. Bad ones are not
// remembered: they would be an attacker's memory.
type tokenCache struct {
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu  sync.RWMutex
	m   map[digest]cached
	gen uint64 // rises with every removal: a load begun before one is not kept
}

type cached struct {
	who     httpx.Caller
	kind    warble.DocKind // a session's secret is no token
	learnt  int64          // unix nanoseconds
	expires int64          // unix nanoseconds; zero: never
}

func newTokenCache() *tokenCache {
	c := new(tokenCache)
	for i := range c.shards {
		c.shards[i].m = map[digest]cached{}
	}
	return c
}

func (c *tokenCache) shard(d *digest) *cacheShard { return &c.shards[d[31]%cacheShards] }

// get answers from memory. gen goes back to put.
func (c *tokenCache) get(d *digest, kind warble.DocKind, now int64) (who httpx.Caller, gen uint64, ok bool) {
	sh := c.shard(d)
	sh.mu.RLock()
	e, ok := sh.m[*d]
	gen = sh.gen
	sh.mu.RUnlock()
	if !ok || e.kind != kind || now-e.learnt > int64(maxStale) || e.expires != 0 && now >= e.expires {
		return httpx.Caller{}, gen, false
	}
	return e.who, gen, true
}

func (c *tokenCache) put(d *digest, e cached, gen uint64) {
	sh := c.shard(d)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.gen != gen {
		return
	}
	if len(sh.m) >= cachePerShard {
		for old := range sh.m {
			delete(sh.m, old)
			break
		}
	}
	sh.m[*d] = e
}

func (c *tokenCache) remove(d *digest) {
	sh := c.shard(d)
	sh.mu.Lock()
	sh.gen++
	delete(sh.m, *d)
	sh.mu.Unlock()
}
