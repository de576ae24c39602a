package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"warble"
)

// request is one call of OpenSearch. Whatever is asked may be asked again.
type request struct {
	method, path string
	body         []byte
	changes      bool // documents, so that a call without an answer may have been done
}

// errLate ends what took longer than our own deadline, not the caller's.
var errLate = errors.New("opensearch: deadline exceeded")

// errRefused says that a name or password is wrong.
var errRefused = errors.New("opensearch: not signed in")

// answerError is an answer that is not what was asked for.
type answerError struct {
	status int
	text   string
}

func (a *answerError) Error() string {
	return fmt.Sprintf("opensearch: status %d: %.300s", a.status, a.text)
}

// within ends a call at our deadline. A context that has one of ours already keeps it.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, deadline, errLate)
}

// call asks one node after the other, the one that answered last first, until one answers or the deadline is over. A node
// that leaves us waiting gets half of the time that is left while there is another to ask. An answer other than 2xx is
// an error.
func (e *Engine) call(ctx context.Context, r request) (answer []byte, err error) {
	ctx, stop := within(ctx)
	defer stop()
	select {
	case e.calls <- struct{}{}:
		defer func() { <-e.calls }()
	case <-ctx.Done():
		return nil, failed(ctx, warble.ErrUnavailable, errors.New("opensearch: too much is asked at once"))
	}
	kind := warble.ErrUnavailable // until a node may have done it
	hosts := uint32(len(e.conf.Hosts))
	first := e.host.Load()
	var status int
	for i := range hosts {
		at := (first + i) % hosts
		status, answer, err = e.ask(ctx, at, i+1 == hosts, r)
		if r.changes && maybeDone(status, err) {
			kind = warble.ErrUnknown
		}
		if err == nil && !elsewhere(status) || ctx.Err() != nil {
			break
		}
		e.host.CompareAndSwap(at, (at+1)%hosts)
	}
	switch {
	case err != nil:
		return nil, failed(ctx, kind, err)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return nil, &warble.Error{Kind: kind, Detail: "search is not set up rightly", Err: errors.Join(errRefused, &answerError{status, string(answer)})}
	case status >= 300:
		return nil, failed(ctx, kind, &answerError{status, string(answer)})
	}
	return answer, nil
}

// elsewhere tells whether another node may have a better answer.
func elsewhere(status int) bool { return status == http.StatusTooManyRequests || status >= 500 }

// maybeDone tells whether a node that did not say yes may have done what was asked. What is refused for want of room or of
// a manager is not begun.
func maybeDone(status int, err error) bool {
	if err != nil {
		dial, ok := errors.AsType[*net.OpError](err)
		return !ok || dial.Op != "dial"
	}
	return status >= 500 && status != http.StatusServiceUnavailable
}

// failed is the error of a call that was not answered, or wrongly; the caller's own end of it is his context's error.
func failed(ctx context.Context, kind, err error) error {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errLate) {
		return ctx.Err()
	}
	return &warble.Error{Kind: kind, Detail: "search does not answer now; try again", Err: err}
}

func (e *Engine) ask(ctx context.Context, at uint32, last bool, r request) (status int, answer []byte, err error) {
	if end, ok := ctx.Deadline(); ok && !last {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Until(end)/2)
		defer stop()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, e.conf.Hosts[at]+r.path, bytes.NewReader(r.body))
	if err != nil {
		return 0, nil, err
	}
	if len(r.body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if e.conf.Username != "" {
		req.SetBasicAuth(e.conf.Username, e.password)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, answer, err
}

// get reads an answer into v.
func (e *Engine) get(ctx context.Context, r request, v any) error {
	answer, err := e.call(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, v); err != nil {
		return failed(ctx, warble.ErrUnavailable, fmt.Errorf("%w: %w", &answerError{http.StatusOK, string(answer)}, err))
	}
	return nil
}
