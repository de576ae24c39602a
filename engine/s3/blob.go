package s3

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/minio/minio-go/v7"

	"warble"
)

// Open asks for the whole file at once, so that reading it from its beginning is one request.
func (e *Engine) Open(ctx context.Context, name string) (warble.Blob, error) {
	key, ok := object(name)
	if !ok {
		return nil, warble.Fail(warble.ErrNotFound, "there is no such photo")
	}
	b := &blob{engine: e, ctx: ctx, key: key}
	info, err := b.request(minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	b.size = info.Size
	return b, nil
}

// blob is a file being read: a body that stands somewhere in it, and where the next read begins. A body that breaks
// off is asked for again from there, once for each read. It is for one goroutine.
type blob struct {
	engine *Engine
	ctx    context.Context // of who reads: ending it ends the reading
	key    string
	size   int64
	at     int64 // of the next read

	body  io.ReadCloser // nil: none
	stand int64         // of the body
	stop  context.CancelFunc
}

var errClosed = errors.New("s3: read of a closed file")

// request begins a body. What takes longer than the deadline is stopped, but not the body's later reads.
func (b *blob) request(opt minio.GetObjectOptions) (minio.ObjectInfo, error) {
	ctx, stop := context.WithCancel(b.ctx)
	timer := time.AfterFunc(deadline, stop)
	defer timer.Stop()
	core := minio.Core{Client: b.engine.client}
	body, info, _, err := core.GetObject(ctx, b.engine.bucket, b.key, opt)
	if err != nil {
		stop()
		return info, b.fail(err)
	}
	b.body, b.stop = body, stop
	return info, nil
}

// fail is fail for a read, unless it is the reader who ended it.
func (b *blob) fail(err error) error {
	if b.ctx.Err() != nil {
		return b.ctx.Err()
	}
	return fail(warble.ErrUnavailable, err)
}

func (b *blob) Size() int64 { return b.size }

// Seek asks for nothing; the next read does, where it begins elsewhere.
func (b *blob) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += b.at
	case io.SeekEnd:
		offset += b.size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return b.at, warble.Invalid("range", "", "a place in a photo is not before its beginning")
	}
	b.at = offset
	return offset, nil
}

func (b *blob) Read(p []byte) (int, error) {
	switch {
	case b.engine == nil:
		return 0, errClosed
	case b.at >= b.size:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	n, err := b.readOnce(p)
	if n == 0 && b.ctx.Err() == nil {
		n, err = b.readOnce(p)
	}
	if n > 0 {
		return n, nil
	}
	return 0, b.fail(err)
}

// readOnce reads from the place that is asked for; without a byte there is an error.
func (b *blob) readOnce(p []byte) (int, error) {
	if b.body == nil || b.stand != b.at {
		b.drop()
		var opt minio.GetObjectOptions
		if err := opt.SetRange(b.at, b.size-1); err != nil {
			return 0, err
		}
		if _, err := b.request(opt); err != nil {
			return 0, err
		}
		b.stand = b.at
	}
	timer := time.AfterFunc(deadline, b.stop)
	n, err := b.body.Read(p)
	timer.Stop()
	b.at += int64(n)
	b.stand = b.at
	if err != nil && b.at < b.size {
		b.drop()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
	}
	if n == 0 && err == nil {
		err = io.ErrNoProgress
	}
	return n, err
}

func (b *blob) drop() {
	if b.body != nil {
		b.body.Close() // it was only read
		b.stop()
		b.body = nil
	}
}

func (b *blob) Close() error {
	b.drop()
	b.engine = nil
	return nil
}
