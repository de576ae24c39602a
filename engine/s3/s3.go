package s3

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"warble"
)

// deadline is how long one call may take, and one read of an open file.
const deadline = 5 * time.Second

// mostConnections is how many requests are on their way at once; more wait for their turn until their deadline.
const mostConnections = 64

// mostTries is how often a put is sent where the store did not answer: putting again does no harm.
const mostTries = 3

// cacheControl is what whoever fetches a photo directly may keep it for: a day, as the reader says of public ones.
const cacheControl = "public, max-age=86400, immutable"

// prefix is where in the bucket the photos lie.
const prefix = "photos/"

// Options of an engine. The zero value is right for a server.
type Options struct {
	// Clock says how old a file is. Default: the system's.
	Clock func() time.Time
}

// Engine is the photo files of one bucket.
type Engine struct {
	client    *minio.Client
	transport *http.Transport
	bucket    string
	public    string // URL before an object's name; empty: none
	clock     func() time.Time
}

var _ warble.Blobs = (*Engine)(nil)

// Open connects to the store and makes the bucket if it is not there. A configuration that cannot work is ErrInvalid, a
// key that is refused too; a store that cannot be reached is ErrUnavailable.
func Open(ctx context.Context, c Config, opt Options) (*Engine, error) {
	endpoint, err := c.check()
	if err != nil {
		return nil, err
	}
	access, err := c.AccessKey.Read("s3.access_key")
	if err != nil {
		return nil, err
	}
	key, err := c.SecretKey.Read("s3.secret_key")
	if err != nil {
		return nil, err
	}
	secure, err := c.TLS.Config("s3.tls")
	if err != nil {
		return nil, err
	}
	if c.Region == "" {
		c.Region = defaultRegion
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	e := &Engine{bucket: c.Bucket, clock: opt.Clock, transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		TLSHandshakeTimeout: 3 * time.Second, ResponseHeaderTimeout: deadline,
		MaxConnsPerHost: mostConnections, MaxIdleConnsPerHost: mostConnections, IdleConnTimeout: time.Minute,
		TLSClientConfig: secure, DisableCompression: true,
	}}
	if c.PublicURL != "" {
		e.public = strings.TrimSuffix(c.PublicURL, "/") + "/" + prefix
	}
	e.client, err = minio.New(endpoint.Host, &minio.Options{
		Creds: credentials.NewStaticV4(access, key, ""), Secure: endpoint.Scheme == "https", Transport: e.transport,
		Region: c.Region, BucketLookup: minio.BucketLookupAuto, MaxRetries: 1,
	})
	if err != nil {
		return nil, &warble.Error{Kind: warble.ErrInvalid, Param: "s3.endpoint", Value: c.Endpoint, Detail: "the photo store's client refuses it", Err: err}
	}
	if err := e.makeBucket(ctx, c.Region); err != nil {
		e.transport.CloseIdleConnections()
		return nil, err
	}
	return e, nil
}

func (e *Engine) makeBucket(ctx context.Context, region string) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	there, err := e.client.BucketExists(ctx, e.bucket)
	if err == nil && !there {
		err = e.client.MakeBucket(ctx, e.bucket, minio.MakeBucketOptions{Region: region})
		if minio.ToErrorResponse(err).Code == "BucketAlreadyOwnedByYou" { // another process was first
			err = nil
		}
	}
	if keyRefused(err) { // which waiting will not mend
		return &warble.Error{Kind: warble.ErrInvalid, Param: "s3.access_key", Detail: "the photo store refuses our key", Err: err}
	}
	return fail(warble.ErrUnavailable, err)
}

func keyRefused(err error) bool {
	answer := minio.ToErrorResponse(err)
	return err != nil && (answer.Code == minio.AccessDenied || answer.StatusCode == http.StatusForbidden)
}

// Close gives the connections back. Nothing may be called afterwards.
func (e *Engine) Close() error {
	e.transport.CloseIdleConnections()
	return nil
}

// object returns the object of a file. Only the names that photos have pass.
func object(name string) (key string, ok bool) {
	digits, size, _ := strings.Cut(name, "/")
	if len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" || (size != "full" && size != "small") {
		return "", false
	}
	return prefix + name, true
}

func badName(name string) error {
	return warble.Invalid("photo", name, "a photo file is named by 32 hexadecimal digits and /full or /small")
}

// Put stores data under a name that was not there, and is durable on return as far as the store is.
func (e *Engine) Put(ctx context.Context, name, contentType string, data []byte) error {
	key, ok := object(name)
	if !ok {
		return badName(name)
	}
	if !slices.Contains([]string{"image/jpeg", "image/png", "image/gif", "image/webp"}, contentType) {
		return warble.Invalid("media_type", contentType, "photos are stored as JPEG, PNG, GIF or WebP")
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	opt := minio.PutObjectOptions{ContentType: contentType, CacheControl: cacheControl, DisableMultipart: true, SendContentMd5: true}
	opt.SetMatchETagExcept("*")
	kind := warble.ErrUnavailable // until a try may have reached the store
	for try := 1; ; try++ {
		_, err := e.client.PutObject(ctx, e.bucket, key, bytes.NewReader(data), int64(len(data)), opt)
		answer := minio.ToErrorResponse(err)
		if err == nil || answer.StatusCode == http.StatusPreconditionFailed {
			return nil // 412: the name is there
		}
		if !refused(err) {
			kind = warble.ErrUnknown
		}
		again := answer.StatusCode == 0 || answer.StatusCode >= 500 || answer.StatusCode == http.StatusConflict
		if !again || try == mostTries || !pause(ctx, try) {
			return fail(kind, err)
		}
	}
}

// refused tells whether a request surely changed nothing: no connection, or an answer that says no.
func refused(err error) bool {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return true
	}
	status := minio.ToErrorResponse(err).StatusCode
	return status >= 400 && status < 500 || status == http.StatusServiceUnavailable
}

// pause waits before the next try; false: the call has ended.
func pause(ctx context.Context, try int) bool {
	timer := time.NewTimer(time.Duration(try) * 100 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Delete removes a file; that it is not there is no error.
func (e *Engine) Delete(ctx context.Context, name string) error {
	key, ok := object(name)
	if !ok {
		return badName(name)
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	err := e.client.RemoveObject(ctx, e.bucket, key, minio.RemoveObjectOptions{})
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return nil
	}
	if err != nil && !refused(err) {
		return fail(warble.ErrUnknown, err)
	}
	return fail(warble.ErrUnavailable, err)
}

// URL is where anybody may fetch a file, if the configuration has a public URL.
func (e *Engine) URL(name string) string {
	if _, ok := object(name); !ok || e.public == "" {
		return ""
	}
	return e.public + name
}

// fail gives an error of the store a kind; one that says the file is not there has its own.
func fail(kind, err error) error {
	switch answer := minio.ToErrorResponse(err); {
	case err == nil:
		return nil
	case answer.Code == minio.NoSuchKey:
		return &warble.Error{Kind: warble.ErrNotFound, Detail: "there is no such photo", Err: err}
	case keyRefused(err):
		return &warble.Error{Kind: kind, Detail: "the photo store refuses our key", Err: err}
	}
	return &warble.Error{Kind: kind, Detail: "the photo store cannot be reached", Err: err}
}
