package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A store in a directory has one owner. A command that needs the store of a
// running server is therefore run by that server: the command line goes
// through a socket in the directory, and output and exit code come back.

// Request is a command line and where it was typed.
type Request struct {
	Args     []string
	Dir      string // working directory, for relative paths
	Terminal bool   // standard error is a terminal: draw progress bars
	Input    string // what the command was given on standard input, such as a password
}

// Command executes a request with the server's store and returns its exit code.
type Command func(ctx context.Context, app *App, req Request, out, errOut io.Writer) int

// Frames of the answer: kind, length, bytes.
const (
	frameOut  = 1
	frameErr  = 2
	frameExit = 3

	frameMax = 1 << 16
)

// socketPath is where the server of a data directory listens for commands. A
// path too long for a socket moves to the temporary directory.
func socketPath(spec string) (string, bool) {
	dir, ok := strings.CutPrefix(spec, "dir:")
	if !ok {
		return "", false
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	path := filepath.Join(abs, "command.sock")
	if len(path) > 100 {
		sum := sha256.Sum256([]byte(abs))
		path = filepath.Join(os.TempDir(), "warble-"+hex.EncodeToString(sum[:8])+".sock")
	}
	return path, true
}

func (s *Server) serveCommands(ctx context.Context, run Command) error {
	path, ok := socketPath(s.cfg.Data)
	if !ok || run == nil {
		return nil
	}
	// The directory's lock is ours: a socket that lies there is a dead server's.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("the command socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(err, l.Close())
	}
	// Commands are cut off when the server stops: what they do is resumable.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /run", func(w http.ResponseWriter, r *http.Request) { s.runCommand(ctx, w, r, run) })
	hs := &http.Server{Handler: mux, ReadHeaderTimeout: s.bounds.header, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		if err := hs.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("the command socket stopped: %w", err)
		}
	}()
	s.stop = append(s.stop, func(ctx context.Context) error { cancel(); return hs.Shutdown(ctx) })
	return nil
}

func (s *Server) runCommand(ctx context.Context, w http.ResponseWriter, r *http.Request, run Command) {
	var req Request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f := &frames{w: w, flush: http.NewResponseController(w).Flush}
	code := run(r.Context(), s.App, req, frameWriter{f, frameOut}, frameWriter{f, frameErr})
	if ctx.Err() != nil {
		code = 1
	}
	f.send(frameExit, []byte{byte(code)})
}

// frames writes an answer; what cannot be delivered any more is dropped, since
// the request's context ends the command then.
type frames struct {
	mu    sync.Mutex
	w     io.Writer
	flush func() error
	err   error
}

func (f *frames) send(kind byte, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := make([]byte, 5, 5+len(data))
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(data)))
	if f.err == nil {
		_, f.err = f.w.Write(append(head, data...))
	}
	if f.err == nil {
		f.err = f.flush()
	}
}

type frameWriter struct {
	f    *frames
	kind byte
}

func (w frameWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), frameMax)
		w.f.send(w.kind, rest[:n])
		rest = rest[n:]
	}
	return len(p), w.f.err
}

// ErrNoServer says that nobody serves the store: the command opens it itself.
var ErrNoServer = errors.New("no server has this store open")

// Forward has the server of a store run a command. ErrNoServer: there is none.
func Forward(ctx context.Context, spec string, req Request, out, errOut io.Writer) (code int, err error) {
	path, ok := socketPath(spec)
	if !ok {
		return 0, ErrNoServer
	}
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", path)
	if err != nil {
		return 0, ErrNoServer
	}
	body, err := json.Marshal(req)
	if err != nil {
		return 0, errors.Join(err, conn.Close())
	}
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}
	defer tr.CloseIdleConnections()
	hr, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://warble/run", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	resp, err := tr.RoundTrip(hr)
	if err != nil {
		return 0, fmt.Errorf("the running server did not take the command: %w", err)
	}
	defer resp.Body.Close()
	return readFrames(resp.Body, out, errOut)
}

func readFrames(r io.Reader, out, errOut io.Writer) (int, error) {
	var head [5]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return 0, fmt.Errorf("the server went away before the command ended: %w", err)
		}
		n := binary.BigEndian.Uint32(head[1:])
		if n > frameMax {
			return 0, errors.New("the server's answer cannot be read")
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(r, data); err != nil {
			return 0, fmt.Errorf("the server went away before the command ended: %w", err)
		}
		switch head[0] {
		case frameExit:
			return int(data[0]), nil
		case frameErr:
			if _, err := errOut.Write(data); err != nil {
				return 0, err
			}
		default:
			if _, err := out.Write(data); err != nil {
				return 0, err
			}
		}
	}
}
