package opensearch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"warble"
	"warble/internal/credential"
)

// Config is the section opensearch of the cluster file.
type Config struct {
	// Hosts are some nodes, as http://127.0.0.1:9200 or https://search.example.org.
	Hosts []string `yaml:"hosts"`
	// Index begins the name of every index. Default: warble.
	Index string `yaml:"index"`
	// Username signs in; empty: without.
	Username string `yaml:"username"`
	// Password says where the password is.
	Password credential.Secret `yaml:"password"`
	// TLS says what hosts of https are believed by; absent: by the system's authorities.
	TLS *credential.TLS `yaml:"tls"`
}

// Options are what the caller of Open may choose. The zero value is good.
type Options struct {
	// Clock says where a new range may begin. Default: time.Now.
	Clock func() time.Time
	// Log gets what an operator should see. Default: nothing.
	Log *slog.Logger
	// RangeDocs is how many tweets a range gets before the next one begins. Default: 50 million.
	RangeDocs int64
}

func (o *Options) fill() {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RangeDocs == 0 {
		o.RangeDocs = 50_000_000
	}
}

const (
	deadline    = 5 * time.Second // of every call
	dialTimeout = time.Second
	maxCalls    = 64      // under way at once; more wait until their deadline
	maxAnswer   = 8 << 20 // bytes
)

// Engine is the search index. Its methods may be called by many goroutines.
type Engine struct {
	conf     Config
	opt      Options
	password string
	client   *http.Client
	calls    chan struct{}
	host     atomic.Uint32 // the one to ask first
	ranges   atomic.Pointer[ranges]

	stop    context.CancelFunc
	working sync.WaitGroup
}

// Open connects, and makes the indices that are not there. Nodes that cannot be reached are ErrUnavailable, what can
// never work is ErrInvalid, each with one sentence.
func Open(ctx context.Context, conf Config, opt Options) (*Engine, error) {
	if conf.Index == "" {
		conf.Index = "warble"
	}
	if err := conf.check(); err != nil {
		return nil, err
	}
	opt.fill()
	password, err := conf.Password.Read("opensearch.password")
	if err != nil {
		return nil, err
	}
	secure, err := conf.TLS.Config("opensearch.tls")
	if err != nil {
		return nil, err
	}
	e := &Engine{conf: conf, opt: opt, password: password, calls: make(chan struct{}, maxCalls)}
	e.client = &http.Client{Transport: &http.Transport{
		DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, TLSClientConfig: secure, TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: maxCalls, IdleConnTimeout: time.Minute,
	}}
	if err := e.prepare(ctx); err != nil {
		e.client.CloseIdleConnections()
		if errors.Is(err, errRefused) {
			err = &warble.Error{Kind: warble.ErrInvalid, Param: "opensearch.username", Value: conf.Username, Detail: "OpenSearch refuses the name or the password", Err: errRefused}
		}
		return nil, err
	}
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop = stop
	e.working.Go(func() { e.keepRanges(alive) })
	return e, nil
}

// prepare makes what is not there.
func (e *Engine) prepare(ctx context.Context) error {
	body := fmt.Sprintf(template, e.people(), e.conf.Index+tweetsInfix+"*")
	if _, err := e.call(ctx, request{method: http.MethodPut, path: "/_index_template/" + e.conf.Index, body: []byte(body)}); err != nil {
		return err
	}
	if err := e.create(ctx, e.people()); err != nil {
		return err
	}
	return e.readRanges(ctx)
}

func (c *Config) check() error {
	if len(c.Hosts) == 0 {
		return warble.Invalid("opensearch.hosts", "", "name at least one node, as http://127.0.0.1:9200")
	}
	for i, h := range c.Hosts {
		u, err := url.Parse(h)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			return warble.Invalid("opensearch.hosts", h, "a node is a URL without a path, as http://127.0.0.1:9200")
		}
		if c.TLS != nil && u.Scheme != "https" {
			return warble.Invalid("opensearch.tls", h, "certificates are given, but a node's URL does not begin with https")
		}
		c.Hosts[i] = strings.TrimRight(h, "/")
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9_-]{0,99}$`).MatchString(c.Index) {
		return warble.Invalid("opensearch.index", c.Index, "an index is named by up to 100 small letters, digits, - and _, and begins with a letter")
	}
	return nil
}

// Close gives the connections back. Nothing may be called afterwards.
func (e *Engine) Close() error {
	e.stop()
	e.working.Wait()
	e.client.CloseIdleConnections()
	return nil
}

func (e *Engine) people() string { return e.conf.Index + "-people" }

// template holds the settings of every index, also of one that a document finds gone and so brings back.
const template = `{
  "index_patterns": ["%s", "%s"],
  "template": {
    "settings": {
      "index": {
        "sort.field": "id", "sort.order": "desc", "refresh_interval": "1s", "gc_deletes": "0s",
        "number_of_shards": 1, "auto_expand_replicas": "0-1"
      },
      "analysis": {
        "filter": {
          "readings": {"type": "pattern_capture", "preserve_original": false, "patterns": ["([^|]+)"]},
          "gaps": {"type": "stop", "stopwords": ["."]}
        },
        "analyzer": {"words": {"type": "custom", "tokenizer": "whitespace", "filter": ["readings", "gaps"]}}
      }
    },
    "mappings": {
      "dynamic": "strict",
      "_source": {"enabled": false},
      "properties": {
        "id": {"type": "long"},
        "words": {"type": "text", "analyzer": "words", "norms": false},
        "is": {"type": "keyword", "norms": false, "doc_values": false}
      }
    }
  }
}`

// create makes an index; that it is there is no error.
func (e *Engine) create(ctx context.Context, index string) error {
	_, err := e.call(ctx, request{method: http.MethodPut, path: "/" + index})
	if said, ok := errors.AsType[*answerError](err); ok && strings.Contains(said.text, "resource_already_exists_exception") {
		return nil
	}
	return err
}

// Drop removes every index: for a bench or a test, which have some of their own. Nothing may be called afterwards but Close.
func (e *Engine) Drop(ctx context.Context) error {
	e.stop()
	e.working.Wait()
	for _, path := range []string{"/" + e.conf.Index + "-*", "/_index_template/" + e.conf.Index} {
		if _, err := e.call(ctx, request{method: http.MethodDelete, path: path}); err != nil {
			return err
		}
	}
	return nil
}
