//go:build linux

package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// digest is what one end has sent or received of a body.
type digest struct {
	Bytes int64  `json:"bytes"`
	Sum   string `json:"sum"`   // SHA-256, in hex
	Whole bool   `json:"whole"` // to its end
}

// origin is a server that keeps a digest of each large body that it sends or receives:
//
//	GET  /stream/NAME?bytes=N  answers N bytes of a [pattern]
//	POST /stream/NAME          reads the body, and answers its SHA-256 in hex
//	GET  /digest/NAME          answers the digest of either
//	POST /                     as /stream, and keeps nothing
//	GET  /                     answers small JSON
//
// It speaks HTTP/1.1, and HTTP/2 in cleartext to who begins with it.
type origin struct {
	mu      sync.Mutex
	digests map[string]digest
}

// origin starts an [origin] in its own process.
func (b *bench) origin(name string) (*server, error) { return b.self(name, "-origin") }

// serveOrigin is the process of [bench.origin].
func serveOrigin(addr string) error {
	s := http.Server{Addr: addr, Handler: newOrigin(), Protocols: new(http.Protocols)}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	return s.ListenAndServe()
}

func newOrigin() http.Handler {
	o := &origin{digests: make(map[string]digest)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stream/{name}", o.send)
	mux.HandleFunc("POST /stream/{name}", o.receive)
	mux.HandleFunc("GET /digest/{name}", o.tell)
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) { answerSum(w, r.Body) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, smallJSON) })
	return mux
}

func (o *origin) send(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.ParseInt(r.URL.Query().Get("bytes"), 10, 64)
	if err != nil || size < 0 {
		http.Error(w, "bytes is not a size", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	o.keep(r, copyDigest(w, newPattern(size)))
}

func (o *origin) receive(w http.ResponseWriter, r *http.Request) {
	o.keep(r, answerSum(w, r.Body))
}

// answerSum answers the digest's sum of body, which only a body that came to its end has.
func answerSum(w http.ResponseWriter, body io.Reader) digest {
	d := copyDigest(io.Discard, body)
	if d.Whole {
		io.WriteString(w, d.Sum)
	}
	return d
}

func (o *origin) keep(r *http.Request, d digest) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.digests[r.PathValue("name")] = d
}

func (o *origin) tell(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	d, ok := o.digests[r.PathValue("name")]
	o.mu.Unlock()
	if !ok {
		http.Error(w, "nothing was streamed under this name, or it has not ended", http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(d)
}

// digestOf asks an origin what it has sent or received under name, and waits for the end of it.
func (b *bench) digestOf(s *server, name string) (digest, error) {
	const limit = 5 * time.Second
	for began := time.Now(); ; {
		d, err := s.digest(name)
		if err == nil || time.Since(began) > limit {
			return d, err
		}
		if err := b.pause(20 * time.Millisecond); err != nil {
			return d, err
		}
	}
}

func (s *server) digest(name string) (digest, error) {
	var d digest
	answer, err := http.Get("http://" + s.addr + "/digest/" + name)
	if err != nil {
		return d, fmt.Errorf("asking %s for a digest: %w", s.name, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return d, fmt.Errorf("asking %s for a digest: %s", s.name, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(&d); err != nil {
		return d, fmt.Errorf("asking %s for a digest: %w", s.name, err)
	}
	return d, nil
}

// copyDigest copies from r to w until either ends, and says what went by.
func copyDigest(w io.Writer, r io.Reader) digest {
	h := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(h, w), struct{ io.Reader }{r}, make([]byte, 256<<10))
	return digest{n, sum256(h), err == nil}
}

func sum256(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// pattern is a body of which no piece of 64 KiB is like another one, so that a digest notices what
// is lost, doubled or in another's place.
type pattern struct {
	block [64 << 10]byte // begins with its number
	at    int            // what was read of it
	left  int64
}

func newPattern(size int64) *pattern {
	p := &pattern{left: size}
	rand.NewChaCha8([32]byte{}).Read(p.block[:])
	binary.BigEndian.PutUint64(p.block[:], 0)
	return p
}

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(int64(len(b)), p.left)], p.block[p.at:])
	p.left -= int64(n)
	if p.at += n; p.at == len(p.block) {
		p.at = 0
		binary.BigEndian.PutUint64(p.block[:], binary.BigEndian.Uint64(p.block[:])+1)
	}
	return n, nil
}
