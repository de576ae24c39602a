package twitter

import (
	"context"
	"net/http"
	"time"

	"warble"
	"warble/internal/httpx"
)

const (
	streamBeat  = 20 * time.Second // between signs of life
	streamWrite = 10 * time.Second // a client that takes longer for a line is too slow
	streamQueue = 4096             // tweets a client may lie behind
)

// sampleStream sends every public tweet as one JSON document a line, until the
// client is too slow or the process stops.
func (a *api) sampleStream(w http.ResponseWriter, r *http.Request, _ *httpx.Call) error {
	q, err := a.specs.stream.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	select {
	case a.streams <- struct{}{}:
		defer func() { <-a.streams }()
	default:
		return httpx.Busy("Too many streams are open: try again later.")
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	messages, err := a.Stores.Hub.Subscribe(ctx, warble.TopicPublic)
	if err != nil {
		return err
	}
	ids := make(chan warble.TweetID, streamQueue)
	go pump(messages, ids)
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	if err := out.Flush(); err != nil {
		return nil // the client went away
	}
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		line := []byte("\r\n")
		select {
		case <-ctx.Done():
			return nil
		case <-a.Drain:
			return nil
		case <-beat.C:
		case id, ok := <-ids:
			if !ok {
				return nil
			}
			if line, err = a.streamLine(ctx, q, id); err != nil || line == nil {
				continue // gone or private by now, or not readable: the stream is best effort
			}
		}
		if out.SetWriteDeadline(time.Now().Add(streamWrite)) != nil {
			return nil
		}
		if _, err := w.Write(line); err != nil || out.Flush() != nil {
			return nil
		}
		if out.SetWriteDeadline(time.Time{}) != nil { // silence is no slowness
			return nil
		}
	}
}

// pump reads the hub as fast as it speaks. A client that lies too far behind
// loses its stream rather than, unnoticed, tweets.
func pump(messages <-chan []byte, ids chan<- warble.TweetID) {
	defer close(ids)
	for m := range messages {
		id, err := warble.ParseID(string(m))
		if err != nil {
			continue
		}
		select {
		case ids <- id:
		default:
			return
		}
	}
}

// streamLine is a tweet as nobody in particular sees it; nil when it may not be seen.
func (a *api) streamLine(ctx context.Context, q *query, id warble.TweetID) ([]byte, error) {
	tl, _, err := a.Reader.Tweets(ctx, 0, q.include(0), id)
	if err != nil || tl.Items[0].Tweet == nil {
		return nil, err
	}
	d := answer{a: a, q: q, b: []byte(`{"data":`)}
	d.tweet(&tl.Items[0], tl)
	d.b = append(d.b, ',')
	if err := d.includes(ctx, tl); err != nil {
		return nil, err
	}
	d.b[len(d.b)-1] = '}' // the comma that came last
	return append(d.b, '\r', '\n'), nil
}
