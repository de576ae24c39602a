//go:build cluster

package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"warble"
	"warble/engine/enginetest"
)

// section is this engine's part of the file that WARBLE_CLUSTER names, with a bucket of its own.
func section(t *testing.T) Config {
	t.Helper()
	var c Config
	dir := enginetest.Section(t, "s3", &c)
	c.AccessKey, c.SecretKey = c.AccessKey.In(dir), c.SecretKey.In(dir)
	c.Bucket = "warble-test-" + digits(8)
	return c
}

// digits returns n random bytes in hexadecimal.
func digits(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// open opens an engine whose bucket goes with the test.
func open(t *testing.T, c Config, opt Options) *Engine {
	t.Helper()
	e, err := Open(t.Context(), c, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		for info := range e.client.ListObjectsIter(ctx, e.bucket, minio.ListObjectsOptions{Recursive: true}) {
			if err := e.client.RemoveObject(ctx, e.bucket, info.Key, minio.RemoveObjectOptions{}); err != nil {
				t.Error(err)
			}
		}
		if err := e.client.RemoveBucket(ctx, e.bucket); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func put(t *testing.T, e *Engine, name string, data []byte) {
	t.Helper()
	if err := e.Put(t.Context(), name, "image/png", data); err != nil {
		t.Fatal(err)
	}
}

func TestContract(t *testing.T) {
	e := open(t, section(t), Options{})
	enginetest.Run(t, func(*testing.T) *warble.Stores { return &warble.Stores{Blobs: e} }, enginetest.Options{Only: []string{"blobs"}})
}

func TestAPhotoKeepsItsTypeAndMayBeCached(t *testing.T) {
	c := section(t)
	c.PublicURL = "https://img.example.org/x/"
	e, name := open(t, c, Options{}), digits(16)+"/full"
	put(t, e, name, []byte("png"))
	info, err := e.client.StatObject(t.Context(), e.bucket, prefix+name, minio.StatObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if info.ContentType != "image/png" || info.Metadata.Get("Cache-Control") != cacheControl {
		t.Errorf("type %q, cache %q", info.ContentType, info.Metadata.Get("Cache-Control"))
	}
	if got := e.URL(name); got != "https://img.example.org/x/photos/"+name {
		t.Errorf("the URL is %s", got)
	}
	if got := e.URL("../" + name); got != "" {
		t.Errorf("a name of no photo has the URL %s", got)
	}
}

func TestASecondProcessFindsTheBucketAndTheSecondPutOfANameChangesNothing(t *testing.T) {
	c, name := section(t), digits(16)+"/small"
	one := open(t, c, Options{})
	two, err := Open(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	put(t, one, name, []byte("first"))
	put(t, two, name, []byte("second"))
	b, err := two.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got, err := io.ReadAll(b); err != nil || string(got) != "first" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestOldWalksWhatHasLainLongerThanGraceInOrder(t *testing.T) {
	c, clock := section(t), enginetest.NewClock()
	e := open(t, c, Options{Clock: clock.Now})
	names := []string{"aa" + digits(15) + "/full", "bb" + digits(15) + "/full", "bb" + digits(15) + "/small", "cc" + digits(15) + "/full"}
	for _, name := range names {
		put(t, e, name, []byte("x"))
	}
	if _, err := e.client.PutObject(t.Context(), e.bucket, "photos/notes.txt", bytes.NewReader(nil), 0, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	walk := func(after string) (got []string) {
		for name, err := range e.Old(t.Context(), after) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, name)
		}
		return got
	}
	clock.Advance(Grace - time.Minute)
	if got := walk(""); len(got) != 0 {
		t.Fatalf("too young, and walked: %v", got)
	}
	clock.Advance(2 * time.Minute)
	got := walk("")
	if len(got) != 4 || got[0] != names[0] || got[3] != names[3] {
		t.Fatalf("walked %v of %v", got, names)
	}
	if rest := walk(got[1]); len(rest) != 2 || rest[0] != got[2] {
		t.Fatalf("after %s came %v", got[1], rest)
	}
}

func TestABodyThatBreaksOffIsAskedForAgainFromThere(t *testing.T) {
	e, name, data := open(t, section(t), Options{}), digits(16)+"/full", bytes.Repeat([]byte("0123456789"), 50_000)
	put(t, e, name, data)
	f, err := e.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	part := make([]byte, 1000)
	if _, err := io.ReadFull(f, part); err != nil {
		t.Fatal(err)
	}
	f.(*blob).body.Close() // as a store that ends would
	rest, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(append(part, rest...), data) {
		t.Fatalf("%d and %d bytes, %v", len(part), len(rest), err)
	}
}

func TestAKeyThatIsNotOursIsRefusedInASentence(t *testing.T) {
	c := section(t)
	t.Setenv("WARBLE_TEST_KEY", "wrong-wrong-wrong")
	c.SecretKey = "env:WARBLE_TEST_KEY"
	_, err := Open(t.Context(), c, Options{})
	if refused, ok := errors.AsType[*warble.Error](err); !ok || !errors.Is(err, warble.ErrInvalid) || errors.Is(err, warble.ErrUnavailable) || refused.Detail != "the photo store refuses our key" {
		t.Fatalf("got %v", err)
	}
}
