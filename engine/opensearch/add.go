package opensearch

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"warble"
	"warble/internal/words"
)

// bulkBytes is about how long a bulk call may be.
const bulkBytes = 1 << 20

// document is what OpenSearch is sent.
type document struct {
	Num   int64    `json:"id"`
	Words string   `json:"words"`
	Is    []string `json:"is,omitempty"`
}

// bulk gathers actions and sends them when there are enough.
type bulk struct {
	e    *Engine
	ctx  context.Context
	body []byte
	done bool // something was stored
}

// Add makes documents findable within about a second; adding one again replaces it, unless what is stored is of a
// later version. A tombstone is removed.
func (e *Engine) Add(ctx context.Context, docs []warble.IndexDoc) error {
	from, err := e.known(ctx)
	if err != nil {
		return err
	}
	b := bulk{e: e, ctx: ctx}
	var c words.Cutter
	for _, d := range docs {
		if d.Tweet != nil && d.Tweet.Gone {
			if err := b.remove(from, d.Tweet.ID); err != nil {
				return err
			}
			continue
		}
		c.Reset()
		c.Doc(d)
		index, version := e.people(), uint64(0)
		if d.Tweet != nil {
			index, version = e.indexOf(from, d.Tweet.ID), uint64(d.Tweet.Version)
		} else {
			version = d.User.Version
		}
		text, err := json.Marshal(cut(d.ID(), &c))
		if err != nil {
			return err
		}
		head := `{"index":{"_index":"` + index + `","_id":"` + d.ID().String() + `","version":` + strconv.FormatUint(version, 10) + `,"version_type":"external_gte"}}`
		if err := b.add(head, text); err != nil {
			return err
		}
	}
	return b.send()
}

// cut is a document as sent: see the package's comment.
func cut(id warble.ID, c *words.Cutter) document {
	d := document{Num: int64(id)}
	var text []byte
	at := int32(-1)
	for i := range c.Len() {
		term, pos := c.Term(i)
		switch pos {
		case words.NoPos:
			d.Is = append(d.Is, string(term))
			continue
		case at:
			text = append(text, '|')
		default:
			if at >= 0 {
				text = append(text, ' ')
			}
			for at++; at < pos; at++ {
				text = append(text, '.', ' ')
			}
		}
		text = append(text, term...)
	}
	d.Words = string(text)
	return d
}

// Remove is idempotent.
func (e *Engine) Remove(ctx context.Context, ids ...warble.ID) error {
	from, err := e.known(ctx)
	if err != nil {
		return err
	}
	b := bulk{e: e, ctx: ctx}
	for _, id := range ids {
		if err := b.remove(from, id); err != nil {
			return err
		}
	}
	return b.send()
}

// remove removes a tweet and a person: an id is one of the two.
func (b *bulk) remove(from *ranges, id warble.ID) error {
	for _, index := range []string{b.e.indexOf(from, id), b.e.people()} {
		if err := b.add(`{"delete":{"_index":"`+index+`","_id":"`+id.String()+`"}}`, nil); err != nil {
			return err
		}
	}
	return nil
}

func (b *bulk) add(head string, doc []byte) error {
	b.body = append(append(b.body, head...), '\n')
	if doc != nil {
		b.body = append(append(b.body, doc...), '\n')
	}
	if len(b.body) < bulkBytes {
		return nil
	}
	return b.send()
}

func (b *bulk) send() error {
	if len(b.body) == 0 {
		return nil
	}
	r := request{method: http.MethodPost, path: "/_bulk?filter_path=items.*.status,items.*.error.reason", body: b.body, changes: true}
	var answer bulkAnswer
	if err := b.e.get(b.ctx, r, &answer); err != nil {
		return b.fail(err)
	}
	b.body = b.body[:0]
	var failure error
	for _, item := range answer.Items {
		for _, did := range item {
			switch {
			case did.Status < 300:
				b.done = true
			case did.Status == http.StatusConflict, did.Status == http.StatusNotFound: // a later version stands; nothing to remove
			default:
				failure = failed(b.ctx, warble.ErrUnavailable, &answerError{did.Status, string(did.Error)})
			}
		}
	}
	return b.fail(failure)
}

// bulkAnswer says what became of each action.
type bulkAnswer struct {
	Items []map[string]struct {
		Status int
		Error  json.RawMessage
	}
}

// fail is the error of all that was gathered, of which a part may stand.
func (b *bulk) fail(err error) error {
	if e, ok := errors.AsType[*warble.Error](err); ok && b.done {
		part := *e
		part.Kind = warble.ErrUnknown
		return &part
	}
	return err
}
