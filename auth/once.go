package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"warble"
	"warble/internal/httpx"
)

const (
	keyLife   = 24 * time.Hour
	maxKey    = 255 // bytes of an Idempotency-Key
	maxClaim  = 256 // bytes of a claim's data
	claimSize = 22  // characters of the body's hash
)

// Once runs next under an Idempotency-Key. The key's claim holds the id that
// every attempt uses for what it makes, a hash of the request (with the key in
// it, so that nobody who reads the claim can guess at a password), and the
// answer once there is one, if it is small and does not change with what was
// made. Without a remembered answer a retry runs again under the same id.
func (s *Service) Once(w http.ResponseWriter, r *http.Request, c *httpx.Call, key string, body []byte, next httpx.Handler) error {
	if key == "" || len(key) > maxKey {
		return warble.Invalid("Idempotency-Key", key, "a key has 1 to 255 bytes")
	}
	name := sha256.Sum256([]byte(key))
	claim := "idem/" + c.Who.User.String() + "/" + hex.EncodeToString(name[:16])
	hash := requestHash(r, key, body)
	id, err := s.w.NextID(r.Context())
	if err != nil {
		return err
	}
	mine := warble.Claim{Holder: id, Data: hash}
	stands, err := s.s.Claims.Swap(r.Context(), claim, warble.Claim{}, mine, keyLife)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(stands.Data, hash) {
		return &httpx.StatusError{
			Status: http.StatusUnprocessableEntity, Title: "Unprocessable Content", Param: "Idempotency-Key", Value: key,
			Detail: "This key was used for another request within the last 24 hours.",
		}
	}
	if status, answer, ok := remembered(stands.Data[claimSize:]); ok {
		httpx.ReplyJSON(w, r, status, []byte(answer))
		return nil
	}
	c.ID, c.Retry = stands.Holder, stands != mine
	tee := &answerTee{ResponseWriter: w}
	if err := next(tee, r, c); err != nil || c.Changing || !tee.small() {
		return err
	}
	done := stands
	done.Data += "|" + strconv.Itoa(tee.status) + "|" + string(tee.body)
	if _, err := s.s.Claims.Swap(r.Context(), claim, stands, done, keyLife); err != nil {
		s.opt.Log.Warn("answer of an idempotency key not remembered", "err", err)
	}
	return nil
}

func requestHash(r *http.Request, key string, body []byte) string {
	h := sha256.New()
	for _, part := range []string{key, r.Method, r.URL.Path, r.URL.RawQuery} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	h.Write(body)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))[:claimSize]
}

// remembered reads "|status|body".
func remembered(data string) (status int, body string, ok bool) {
	rest, ok := strings.CutPrefix(data, "|")
	if !ok {
		return 0, "", false
	}
	code, body, ok := strings.Cut(rest, "|")
	status, err := strconv.Atoi(code)
	return status, body, ok && err == nil
}

// answerTee keeps a copy of a small answer.
type answerTee struct {
	http.ResponseWriter
	status int
	body   []byte
	long   bool
}

func (t *answerTee) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *answerTee) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *answerTee) Write(b []byte) (int, error) {
	if t.long = t.long || len(t.body)+len(b) > maxClaim-claimSize-5; !t.long {
		t.body = append(t.body, b...)
	}
	return t.ResponseWriter.Write(b)
}

func (t *answerTee) small() bool { return !t.long && t.status >= 200 && t.status < 300 }
