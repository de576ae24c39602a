package httpx

import (
	"bytes"
	"io"
)

// replay is a body that was read already.
func replay(body []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(body)) }
