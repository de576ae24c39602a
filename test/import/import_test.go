//go:build import

package importing

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"warble/client"
)

// What the follow graph should take on two idle cores, and what it may take on
// a machine that others use as well.
const followsWanted = time.Minute

var limit = flag.Duration("limit", 3*time.Minute, "for the import of the follow graph")

func TestImportAllOfTheSharedData(t *testing.T) {
	want := ReadFiles(t)
	h := &House{T: t, Binary: filepath.Join(t.TempDir(), "warble"), Data: "dir:" + filepath.Join(t.TempDir(), "data"), Limit: 10 * time.Minute}
	if out, err := exec.Command("go", "build", "-o", h.Binary, "warble/cmd/warble").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	h.Says("14640 rows read, 14478 added, 155 already there, 7 rejected; 7698 people made", "import", "tweets", want.Path("tweets.csv"))
	start := time.Now()
	h.Says("1342310 rows read, 2684592 added, 0 already there, 14 rejected; 73608 people made",
		"import", "follows", want.Path("ego-twitter.edges.gz"), "--handles", want.Path("tweets.csv"), "--both")
	if took := time.Since(start); took > *limit {
		t.Errorf("the follow graph took %s, with counts and search; %s is the limit", took.Round(time.Second), *limit)
	} else {
		t.Logf("the follow graph took %s, %.2f of the %s wanted", took.Round(time.Second), float64(took)/float64(followsWanted), followsWanted)
	}
	h.Says("19 files read, 17 added, 0 already there, 2 rejected; 1 person made", "import", "photos", want.Path("photos"))
	h.Says("14640 rows read, 0 added, 14633 already there, 7 rejected; 0 people made", "import", "tweets", want.Path("tweets.csv"))
	h.Says("19 files read, 0 added, 17 already there, 2 rejected; 0 people made", "import", "photos", want.Path("photos"))
	h.Says("clean: ", "check")

	serve(h)
	t.Run("every tweet is readable and searchable", func(t *testing.T) { h.With(t).Tweets(want, want.Handles) })
	t.Run("the longest home is what the files say", func(t *testing.T) { h.With(t).Home(want) })
	t.Run("photos", func(t *testing.T) { photos(h.With(t)) })
}

var addressLine = regexp.MustCompile(`Warble serves (http://\S+) from`)

// serve starts the server and waits for its address.
func serve(h *House) {
	h.Helper()
	cmd := exec.Command(h.Binary, "serve", "--dev", "--quiet", "--listen", "127.0.0.1:0", "--data", h.Data)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		h.Fatal(err)
	}
	ended := make(chan error, 1)
	h.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // where it ended already, Wait says why
		if err := <-ended; err != nil {
			h.Errorf("the server ended with %v", err)
		}
	})
	found := make(chan string, 1)
	go func() {
		scan := bufio.NewScanner(out)
		for scan.Scan() {
			if m := addressLine.FindStringSubmatch(scan.Text()); m != nil {
				found <- m[1]
			}
		}
		ended <- cmd.Wait()
	}()
	select {
	case h.URL = <-found:
	case <-time.After(30 * time.Second):
		h.Fatal("the server was not ready after 30 s")
	}
}

// photos fetches every photo posted: it is a JPEG, and holds no metadata.
func photos(h *House) {
	api := client.New(h.URL, "")
	u, err := api.User(h.Context(), "photos")
	if err != nil {
		h.Fatal(err)
	}
	var answer struct {
		Data     []struct{ Text string }
		Includes struct{ Media []struct{ URL string } }
	}
	q := url.Values{"max_results": {"100"}, "expansions": {"attachments.media_keys"}, "media.fields": {"url"}}
	if err := api.Do(h.Context(), http.MethodGet, "/2/users/"+u.ID.String()+"/tweets", q, nil, &answer); err != nil {
		h.Fatal(err)
	}
	if len(answer.Data) != 17 || len(answer.Includes.Media) != 17 {
		h.Fatalf("%d tweets with %d photos, want 17", len(answer.Data), len(answer.Includes.Media))
	}
	for _, m := range answer.Includes.Media {
		data, err := fetch(h.Context(), m.URL)
		if err != nil {
			h.Error(err)
			continue
		}
		if !strings.HasPrefix(string(data), "\xff\xd8") || strings.Contains(string(data), "Exif") || strings.Contains(string(data), "GPS") {
			h.Errorf("%s is no JPEG without metadata", m.URL)
		}
	}
}

func fetch(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", address, resp.Status)
	}
	return io.ReadAll(resp.Body)
}
