package httpx

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"warble"
)

// MaxBody is how many bytes a request body may have where nothing else is said.
const MaxBody = 64 << 10

// ReadBody reads a body of at most limit bytes; a longer one is 413, an
// encoded one, whose size nobody knows, 415.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	if code := r.Header["Content-Encoding"]; len(code) > 0 && code[0] != "" && code[0] != "identity" {
		return nil, &StatusError{Status: http.StatusUnsupportedMediaType, Detail: "Send the body as it is, without a Content-Encoding."}
	}
	body := make([]byte, 0, max(r.ContentLength, 0)+512)
	in := http.MaxBytesReader(w, r.Body, limit)
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, bodyError(err, limit)
		}
	}
}

func bodyError(err error, limit int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	if r, ok := errors.AsType[*warble.Error](err); ok {
		return r
	}
	return &StatusError{Status: 400, Title: "Invalid Request", Detail: "The request body was cut short."}
}

func tooLarge(limit int64) error {
	return &StatusError{Status: http.StatusRequestEntityTooLarge, Title: "Content Too Large", Detail: "The request body may have at most " + strconv.FormatInt(limit, 10) + " bytes."}
}

// MediaType is the request's media type in lower case, without parameters.
func MediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// Decode reads a JSON body of at most limit bytes (zero: MaxBody) into v: an
// object, with known members of the right types only, and nothing after it.
// The error names the member at fault.
func Decode(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	if limit == 0 {
		limit = MaxBody
	}
	body, err := ReadBody(w, r, limit)
	if err != nil {
		return err
	}
	if len(body) > 0 {
		if t := MediaType(r); t != "application/json" && t != "" {
			return &StatusError{Status: http.StatusUnsupportedMediaType, Detail: "Send the body as application/json."}
		}
	}
	return DecodeBytes(body, v)
}

// DecodeBytes is Decode for a body that was read already.
func DecodeBytes(body []byte, v any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return jsonError(err, body, v)
	}
	if _, err := d.Token(); err != io.EOF {
		return warble.Invalid("body", "", "there is something after the JSON document")
	}
	return nil
}

func jsonError(err error, body []byte, v any) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		name := t.Field
		if name == "" {
			name = "body"
		}
		return warble.Invalid(name, t.Value, wanted(t.Type)+" belongs here")
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if plain, uerr := strconv.Unquote(name); uerr == nil {
			name = plain
		}
		return unknownMember(name, body, v)
	}
	if e, ok := errors.AsType[*warble.Error](err); ok {
		return e
	}
	if errors.Is(err, io.EOF) {
		return warble.Invalid("body", "", "a JSON document is needed")
	}
	return warble.Invalid("body", "", "the body is not a JSON document")
}
