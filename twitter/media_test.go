package twitter

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

func somePNG(t testing.TB) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 640, 480))
	for x := range 640 {
		for y := range 480 {
			img.Set(x, y, color.RGBA{uint8(x), uint8(y), uint8(x ^ y), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// form sends multipart/form-data; the part media is a file.
func (p *someone) form(path string, parts map[string]string) *reply {
	p.w.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, value := range parts {
		if name == "media" {
			f, err := m.CreateFormFile(name, "photo.png")
			if err != nil {
				p.w.t.Fatal(err)
			}
			_, _ = f.Write([]byte(value))
			continue
		}
		_ = m.WriteField(name, value)
	}
	_ = m.Close()
	r := httptest.NewRequest("POST", path, &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+p.token)
	return p.w.send(r)
}

func TestPhotoIsServedWithItsTweet(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	up := ann.form("/2/media/upload", map[string]string{"media": string(somePNG(t)), "media_category": "tweet_image"}).want(200)
	id := up.str("data", "id")
	if up.str("data", "media_key") != "3_"+id || up.at("data", "image", "w") != 640.0 {
		t.Errorf("upload: %s", up.body)
	}
	alt := map[string]any{"id": id, "metadata": map[string]any{"alt_text": map[string]string{"text": "a pattern"}}}
	ann.post("/2/media/metadata", alt).want(200)
	bob.post("/2/media/metadata", alt).want(403)
	bob.post("/2/tweets", map[string]any{"text": "not mine", "media": map[string]any{"media_ids": []string{id}}}).want(403)
	tweet := ann.post("/2/tweets", map[string]any{"text": "look", "media": map[string]any{"media_ids": []string{id}}}).want(201).str("data", "id")
	r := w.get("/2/tweets/" + tweet + "?expansions=attachments.media_keys&media.fields=url,alt_text,width,height,preview_image_url").want(200)
	if r.str("data", "attachments", "media_keys", 0) != "3_"+id || r.str("includes", "media", 0, "alt_text") != "a pattern" {
		t.Errorf("tweet: %s", r.body)
	}
	path := strings.TrimPrefix(r.str("includes", "media", 0, "url"), "https://warble.test")
	pic := w.get(path).want(200)
	if pic.header.Get("Content-Type") != "image/jpeg" || !strings.Contains(pic.header.Get("Cache-Control"), "public") {
		t.Errorf("headers: %v", pic.header)
	}
	again := httptest.NewRequest("GET", path, nil)
	again.Header.Set("If-None-Match", pic.header.Get("Etag"))
	if got := w.send(again).want(304); len(got.body) != 0 {
		t.Error("304 with a body")
	}
	w.get(strings.Replace(path, "full", "huge", 1)).want(404)

	w.call(ann.token, "PATCH", "/2/users/me", map[string]any{"protected": true}).want(200)
	if got := w.get(path); got.status == 200 {
		t.Error("a photo of an account that went private is served to anybody")
	}
	if got := ann.get(path).want(200); got.header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("private photo: %v", got.header)
	}
	ann.delete("/2/tweets/" + tweet).want(200)
	ann.get(path).want(404)
}

func TestUploadAsBase64(t *testing.T) {
	w := newWorld(t)
	ann := w.join("ann")
	body := map[string]any{"media": base64.StdEncoding.EncodeToString(somePNG(t)), "media_category": "tweet_image"}
	ann.post("/2/media/upload", body).want(200)
	for name, bad := range map[string]any{
		"not base64": map[string]any{"media": "&&&", "media_category": "tweet_image"},
		"video":      map[string]any{"media": "aaaa", "media_category": "tweet_video"},
		"no picture": map[string]any{"media": base64.StdEncoding.EncodeToString([]byte("hello")), "media_category": "tweet_image"},
		"empty":      map[string]any{"media_category": "tweet_image"},
	} {
		if r := ann.post("/2/media/upload", bad); r.status != 400 || !strings.HasPrefix(r.str("errors", 0, "parameter"), "media") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	big := base64.StdEncoding.EncodeToString(make([]byte, 17<<20))
	ann.post("/2/media/upload", map[string]any{"media": big, "media_category": "tweet_image"}).want(413)
	ann.form("/2/media/upload", map[string]string{"media": string(make([]byte, 17<<20))}).want(413)
}

func TestChunkedUpload(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.join("ann"), w.join("bob")
	data := somePNG(t)
	begin := map[string]any{"media_type": "image/png", "total_bytes": len(data), "media_category": "tweet_image"}
	id := ann.post("/2/media/upload/initialize", begin).want(200).str("data", "id")
	base := "/2/media/upload/" + id
	third := len(data) / 3
	chunk := func(n, from, to int) *reply {
		return ann.form(base+"/append", map[string]string{"media": string(data[from:to]), "segment_index": strconv.Itoa(n)})
	}
	chunk(1, third, 2*third).want(200)
	chunk(0, 0, third).want(200)
	chunk(0, 0, third).want(200)
	ann.post(base+"/finalize", nil).want(400)
	bob.post(base+"/finalize", nil).want(404)
	if r := ann.get("/2/media/upload?command=STATUS&media_id=" + id).want(200); r.str("data", "processing_info", "state") != "pending" {
		t.Errorf("status: %s", r.body)
	}
	ann.post(base+"/append", map[string]any{"media": base64.StdEncoding.EncodeToString(data[2*third:]), "segment_index": 2}).want(200)
	ann.form(base+"/append", map[string]string{"media": "more", "segment_index": "3"}).want(400)
	ann.form(base+"/append", map[string]string{"media": "more", "segment_index": "-1"}).want(400)
	if r := ann.post(base+"/finalize", nil).want(200); r.str("data", "id") != id || r.at("data", "image", "h") != 480.0 {
		t.Errorf("finalize: %s", r.body)
	}
	ann.post(base+"/finalize", nil).want(200)
	if r := ann.get("/2/media/upload?command=STATUS&media_id=" + id).want(200); r.str("data", "processing_info", "state") != "succeeded" {
		t.Errorf("status: %s", r.body)
	}
	ann.post("/2/media/upload/initialize", map[string]any{"media_type": "video/mp4"}).want(400)
	ann.post("/2/media/upload/initialize", map[string]any{"total_bytes": 17 << 20}).want(400)
	for range maxOpen {
		ann.post("/2/media/upload/initialize", begin).want(200)
	}
	ann.post("/2/media/upload/initialize", begin).want(429)
}

func TestStreamSendsPublicTweetsUntilDrained(t *testing.T) {
	w := newWorld(t)
	ann, eve := w.join("ann"), w.join("eve")
	w.call(eve.token, "PATCH", "/2/users/me", map[string]any{"protected": true}).want(200)
	srv := httptest.NewServer(w.mux)
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/2/tweets/sample/stream?expansions=author_id", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	eve.tweet("for nobody")
	id := ann.tweet("for everybody")
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() {
		t.Fatal(lines.Err())
	}
	var doc struct {
		Data     struct{ ID, Text string }
		Includes struct{ Users []struct{ Username string } }
	}
	if err := json.Unmarshal(lines.Bytes(), &doc); err != nil || doc.Data.ID != id || doc.Includes.Users[0].Username != "ann" {
		t.Errorf("line %s: %v", lines.Bytes(), err)
	}
	close(w.drain)
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("after the drain: %q %v", lines.Text(), lines.Err())
	}
}
