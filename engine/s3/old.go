package s3

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"warble"
)

// Grace is how long a file may lie without a document that names it: an upload takes at most a day.
const Grace = 48 * time.Hour

// listed is how many names one request asks for.
const listed = 1000

// Old walks the names of all files stored longer ago than Grace, in the order of names, from the first above after on:
// what no document names of them may be deleted. An error ends the walk; it goes on from the last name that came.
func (e *Engine) Old(ctx context.Context, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		before := e.clock().Add(-Grace)
		for more := true; more; {
			var page []minio.ObjectInfo
			var err error
			if page, err = e.list(ctx, after); err != nil {
				yield("", err)
				return
			}
			for _, info := range page {
				after = strings.TrimPrefix(info.Key, prefix)
				if _, ours := object(after); ours && info.LastModified.Before(before) && !yield(after, nil) {
					return
				}
			}
			more = len(page) == listed
		}
	}
}

func (e *Engine) list(ctx context.Context, after string) (page []minio.ObjectInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	opt := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, MaxKeys: listed}
	if after != "" {
		opt.StartAfter = prefix + after
	}
	for info := range e.client.ListObjectsIter(ctx, e.bucket, opt) {
		if info.Err != nil {
			return nil, fail(warble.ErrUnavailable, info.Err)
		}
		if page = append(page, info); len(page) == listed {
			break
		}
	}
	return page, nil
}
