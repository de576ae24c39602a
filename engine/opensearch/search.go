package opensearch

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"warble"
	"warble/internal/words"
)

const (
	defaultLimit = 20
	maxLimit     = 10_000 // what one call of OpenSearch may return

	searchTimeout = "4s" // after which OpenSearch itself gives up, within our deadline
)

// object is a piece of a query in OpenSearch's language.
type object map[string]any

// Search returns ids that match, newest first. A prefix shorter than MinPrefix is ErrInvalid.
func (e *Engine) Search(ctx context.Context, q *warble.Query, p warble.Page) ([]warble.ID, error) {
	if err := check(q); err != nil {
		return nil, err
	}
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	ctx, stop := within(ctx)
	defer stop()
	indices := []string{e.people()}
	if !q.People {
		indices = e.reaching(e.ranges.Load().from, p)
	}
	find := compile(q)
	var out []warble.ID
	for _, index := range indices {
		for len(out) < p.Limit {
			want := min(p.Limit-len(out), maxLimit)
			ids, err := e.page(ctx, index, find, p, want)
			if err != nil {
				return nil, err
			}
			out = append(out, ids...)
			if len(ids) < want {
				break
			}
			if p.Oldest {
				p.After = ids[len(ids)-1]
			} else {
				p.Before = ids[len(ids)-1]
			}
		}
	}
	if p.Oldest {
		slices.Reverse(out)
	}
	return out, nil
}

// reaching are the indices of the ranges that reach into the page, in its order.
func (e *Engine) reaching(from []warble.ID, p warble.Page) (indices []string) {
	for i, first := range from {
		last := warble.MaxID
		if i+1 < len(from) {
			last = from[i+1] - 1
		}
		if last > p.After && (p.Before == 0 || first < p.Before) {
			indices = append(indices, e.tweets(first))
		}
	}
	if !p.Oldest {
		slices.Reverse(indices)
	}
	return indices
}

// page reads one page of one index, in the order of the page.
func (e *Engine) page(ctx context.Context, index string, find object, p warble.Page, limit int) ([]warble.ID, error) {
	between := object{"gt": int64(p.After)}
	if p.Before != 0 {
		between["lt"] = int64(p.Before)
	}
	order := "desc"
	if p.Oldest {
		order = "asc"
	}
	body, err := json.Marshal(object{
		"size": limit, "track_total_hits": false, "timeout": searchTimeout, "_source": false, "stored_fields": "_none_",
		"sort":  []object{{"id": order}},
		"query": object{"bool": object{"filter": []object{{"range": object{"id": between}}, find}}},
	})
	if err != nil {
		return nil, err
	}
	var answer struct {
		TimedOut bool `json:"timed_out"`
		Hits     struct {
			Hits []struct{ Sort []int64 }
		}
		Shards struct {
			Failed int
		} `json:"_shards"`
	}
	if err := e.get(ctx, request{method: http.MethodPost, path: "/" + index + "/_search?filter_path=timed_out,_shards.failed,hits.hits.sort", body: body}, &answer); err != nil {
		return nil, err
	}
	if answer.TimedOut || answer.Shards.Failed > 0 {
		return nil, warble.Fail(warble.ErrUnavailable, "a part of the search index does not answer now; try again")
	}
	ids := make([]warble.ID, len(answer.Hits.Hits))
	for i, h := range answer.Hits.Hits {
		ids[i] = warble.ID(h.Sort[0])
	}
	return ids, nil
}

func check(q *warble.Query) error {
	if q.Op == warble.QueryPrefix && utf8.RuneCountInString(q.Text) < warble.MinPrefix {
		return warble.Invalid("query", q.Text, "a prefix has at least 2 characters")
	}
	for _, k := range q.Kids {
		if err := check(k); err != nil {
			return err
		}
	}
	return nil
}

// compile says a query in OpenSearch's language.
func compile(q *warble.Query) object {
	switch q.Op {
	case warble.QueryAll:
		return all()
	case warble.QueryWord, warble.QueryPhrase:
		return inARow(words.Query(q.Text))
	case warble.QueryPrefix:
		before, prefix := words.Prefix(q.Text)
		if prefix == "" {
			return nothing()
		}
		begins := object{"prefix": object{"words": object{"value": prefix}}}
		if len(before) == 0 {
			return begins
		}
		return object{"bool": object{"filter": []object{inARow(before), begins}}}
	case warble.QueryAnd, warble.QueryNot:
		return compileAnd(q)
	case warble.QueryOr:
		if len(q.Kids) == 0 {
			return nothing()
		}
		var kids []object
		for _, k := range q.Kids {
			kids = append(kids, compile(k))
		}
		return object{"bool": object{"should": kids, "minimum_should_match": 1}}
	}
	return object{"term": object{"is": words.Operator(q)}}
}

func all() object { return object{"match_all": object{}} }

func nothing() object { return object{"match_none": object{}} }

func compileAnd(q *warble.Query) object {
	kids := q.Kids
	if q.Op == warble.QueryNot {
		kids = []*warble.Query{q}
	}
	must, without := []object{all()}, []object{}
	for _, k := range kids {
		if k.Op == warble.QueryNot {
			without = append(without, compile(k.Kids[0]))
		} else {
			must = append(must, compile(k))
		}
	}
	return object{"bool": object{"filter": must, "must_not": without}}
}

// inARow finds words at the distances they have.
func inARow(list []words.Word) object {
	switch len(list) {
	case 0:
		return nothing()
	case 1:
		return object{"term": object{"words": list[0].Text}}
	}
	var text strings.Builder
	text.WriteString(list[0].Text)
	for i, w := range list[1:] {
		text.WriteString(strings.Repeat(" .", w.Pos-list[i].Pos-1) + " " + w.Text)
	}
	return object{"match_phrase": object{"words": text.String()}}
}
