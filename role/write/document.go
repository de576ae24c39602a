package write

import (
	"context"
	"strconv"
	"warble"
)

// SaveDoc stores a version of a document: d.Version is one above the version
// it was made from, 1 for a new one. ErrConflict says that another version
// came first: read it and make the change again. Data is at most 64 KiB.
func (w *Writer) SaveDoc(ctx context.Context, d *warble.Doc) (err error) {
	defer warble.Wrap(&err, "Writer.SaveDoc")
	const limit = 64 << 10
	if len(d.Data) > limit {
		return warble.Invalid("data", strconv.Itoa(len(d.Data)), "a document holds at most 64 KiB")
	}
	return warble.SaveVersion(ctx, w.s, w.opt.Clock, d)
}
